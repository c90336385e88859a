"""The audit log: who did what, when. Rows are added in the transaction that does it, never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.access.identity import Identity
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.core.text import printable
from ashiato.ledger.alert_tables import audit_log

#: Characters of one text, and of one entry's detail.
LONGEST_TEXT = 2000
LONGEST_DETAIL = 10_000
#: Members of a list or mapping in a detail.
MOST_MEMBERS = 200


@dataclass(frozen=True)
class Entry:
    """One row of the log. `detail`: a mapping, JSON's types only; `account`: the AWS account that it was about."""

    number: int
    at: datetime
    who: str
    what: str
    target: str
    detail: dict[str, Any]
    account: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at,
            "who": self.who,
            "what": self.what,
            "target": self.target,
            "account": self.account,
            "detail": self.detail,
        }


def record(
    connection: Connection,
    who: str | Identity,
    what: str,
    target: str,
    detail: Mapping[str, Any],
    now: datetime,
    *,
    account: str | None = None,
) -> None:
    """Note what somebody did. `what`: a few words of ours, at most 40 characters; `target`: what it was done to.

    Texts and details are bounded, whatever they hold; members of `detail` that are None are left out. An identity
    adds how (`via`) and from where (`address`) it acted.
    """
    noted = {k: v for k, v in detail.items() if v is not None}
    if isinstance(who, Identity):
        noted |= {k: v for k, v in (("via", who.via), ("address", who.address)) if v is not None}
        who = who.name
    connection.execute(
        sa.insert(audit_log).values(
            at=now,
            who=printable(who, 200),
            what=what[:40],
            target=printable(target, 200),
            detail=_detail(noted),
            account=None if account is None else printable(account, 20),
        )
    )


def entries(
    connection: Connection,
    *,
    who: str | None = None,
    what: str | None = None,
    target: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 100,
    scope: AccountScope = EVERY_ACCOUNT,
) -> list[Entry]:
    """Entries, newest first. `since` ≤ time < `until`; `before`: only numbers below, for the next page.

    A limited scope sees only what was about its accounts.
    """
    c = audit_log.c
    asked = sa.select(audit_log).order_by(c.id.desc()).limit(max(1, min(limit, 10_000)))
    for column, wanted in ((c.who, who), (c.what, what), (c.target, target)):
        if wanted is not None:
            asked = asked.where(column == printable(wanted, 200))
    if since is not None:
        asked = asked.where(c.at >= since)
    if until is not None:
        asked = asked.where(c.at < until)
    if before is not None:
        asked = asked.where(c.id < before)
    if scope.accounts is not None:
        asked = asked.where(c.account.in_(sorted(scope.accounts)))
    return [
        Entry(row.id, row.at, row.who, row.what, row.target, _read(row.detail), row.account)
        for row in connection.execute(asked)
    ]


def acts(connection: Connection) -> list[str]:
    """Every `what` that the log holds, in order: for a filter to choose from."""
    return list(connection.scalars(sa.select(audit_log.c.what).distinct().order_by(audit_log.c.what)))


def _detail(detail: Mapping[str, Any]) -> str:
    text = json.dumps(_bounded(detail, 4), default=lambda v: printable(str(v), LONGEST_TEXT))
    if len(text) <= LONGEST_DETAIL:
        return text
    kept: dict[str, Any] = {"shortened": True}
    for name, value in detail.items():
        more = {**kept, printable(str(name), 100): _bounded(value, 4)}
        if len(json.dumps(more, default=str)) > LONGEST_DETAIL:
            break
        kept = more
    return json.dumps(kept, default=lambda v: printable(str(v), LONGEST_TEXT))


def _bounded(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return printable(value, LONGEST_TEXT)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if depth and isinstance(value, Mapping):
        members = list(value.items())[:MOST_MEMBERS]
        return {printable(str(k), 100): _bounded(v, depth - 1) for k, v in members}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_bounded(v, depth - 1) for v in list(value)[:MOST_MEMBERS]]
    return value if isinstance(value, bool | int | float | None) else printable(str(value), LONGEST_TEXT)


def _read(text: str) -> dict[str, Any]:
    value = json.loads(text)
    return value if isinstance(value, dict) else {"detail": value}
