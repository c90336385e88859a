"""Alerts as they stand in the control database, for messages, lists and pages."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.evidence import account_in
from ashiato.alerts.ids import alert_id, incident_id
from ashiato.alerts.messages import Told
from ashiato.alerts.placing import sliced
from ashiato.core.errors import WrongUse
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.formats.tables import ACCOUNT_REGION
from ashiato.ledger.alert_tables import alert_findings, alert_history, alerts, incidents, outbox
from ashiato.ledger.detection_tables import findings
from ashiato.ledger.finding_rows import from_row
from ashiato.ledger.findings import LEVELS, MOST_EVENT_IDS, Finding


class NoSuch(WrongUse):
    """There is no such alert or incident, or none that the scope shows."""


#: What needs somebody.
NEEDING = ("open", "acknowledged")


def within(column: sa.ColumnElement[Any], scope: AccountScope) -> sa.ColumnElement[bool]:
    """The condition that a column of accounts is within a scope."""
    return sa.true() if scope.accounts is None else column.in_(sorted(scope.accounts))


def read_alert(connection: Connection, number: int, scope: AccountScope = EVERY_ACCOUNT) -> Any:
    """The row of an alert. Raises WrongUse where there is none, or none within the scope."""
    row = connection.execute(sa.select(alerts).where(alerts.c.id == number)).first()
    if row is None or not scope.allows(row.account):
        raise NoSuch(f"there is no alert {alert_id(number)}", remedy="`ashiato alerts list --all` lists all.")
    return row


def surviving(connection: Connection, number: int, scope: AccountScope = EVERY_ACCOUNT) -> Any:
    """The alert, or the one that it was merged into."""
    row = read_alert(connection, number, scope)
    return row if row.merged_into is None else read_alert(connection, row.merged_into, scope)


def members_of(
    connection: Connection, number: int, scope: AccountScope = EVERY_ACCOUNT
) -> tuple[Any, Sequence[Any]]:
    """An incident (the one that it was merged into) and its alerts within the scope, by time. Raises WrongUse where
    there is none, or where a limited scope has none of its alerts."""
    row = connection.execute(sa.select(incidents).where(incidents.c.id == number)).first()
    if row is not None and row.merged_into is not None:
        row = connection.execute(sa.select(incidents).where(incidents.c.id == row.merged_into)).one()
    members: Sequence[Any] = ()
    if row is not None:
        asked = sa.select(alerts).where(alerts.c.incident == row.id, within(alerts.c.account, scope))
        members = connection.execute(asked.order_by(alerts.c.first, alerts.c.id)).all()
    if row is None or (scope.limited and not members):
        raise NoSuch(
            f"there is no incident {incident_id(number)}",
            remedy="`ashiato alerts list` shows which there are.",
        )
    return row, members


def related_rows(connection: Connection, row: Any, scope: AccountScope, limit: int) -> Sequence[Any]:
    """Other alerts of an alert's incident within the scope, the gravest first."""
    c = alerts.c
    asked = sa.select(alerts).where(
        c.incident == row.incident, c.id != row.id, within(c.account, scope), c.incident.is_not(None)
    )
    return connection.execute(asked.order_by(c.level.desc(), c.first, c.id).limit(limit)).all()


def told(connection: Connection, row: Any, scope: AccountScope = EVERY_ACCOUNT) -> Told:
    """An alert with the findings that stand, earliest first."""
    count = 0
    if row.incident is not None:
        c = alerts.c
        asked = sa.select(sa.func.count()).where(c.incident == row.incident, within(c.account, scope))
        count = connection.scalar(asked) or 0
    return Told(row, findings_of(connection, row.id, scope=scope), count)


def findings_of(
    connection: Connection, number: int, *, standing: bool = True, scope: AccountScope = EVERY_ACCOUNT
) -> list[Finding]:
    """The findings of an alert, earliest first; without `standing` the withdrawn ones too. Of a finding over several
    accounts, only the records within the scope."""
    f = alert_findings.c
    asked = (
        sa.select(findings)
        .join_from(alert_findings, findings, findings.c.uid == f.uid)
        .where(f.alert == number)
        .order_by(findings.c.first, findings.c.uid)
    )
    if standing:
        asked = asked.where(f.standing == 1)
    found = [from_row(row) for row in connection.execute(asked)]
    return [within_scope(finding, scope) for finding in found]


def within_scope(finding: Finding, scope: AccountScope) -> Finding:
    """The finding without the records of accounts outside. What names things without saying whose they are goes as
    well where there are, or may be, such records: a finding holds only the first of its records."""
    if not scope.limited:
        return finding
    shown = tuple(e for e in finding.examples if scope.allows(account_in(e) or finding.account))
    if len(shown) == len(finding.examples) and _of_one_account(finding):
        return finding
    return replace(
        finding, examples=shown, event_ids=(), event_times=(), addresses=(), access_keys=(), resources=()
    )


def _of_one_account(finding: Finding) -> bool:
    """Whether its records are surely of the accounts that its examples name."""
    grouped = any(finding.group.get(column) for column, _ in ACCOUNT_REGION.values())
    return grouped or (finding.kind in ("match", "first_seen") and finding.hits <= len(finding.examples))


def select_alerts(
    *,
    scope: AccountScope,
    states: Collection[str] | None = None,
    level: str | None = None,
    account: str | None = None,
    rule: str | None = None,
    since: datetime | None = None,
    incident: int | None = None,
    held_by: str | None = None,
) -> sa.Select[Any]:
    """The statement of a list, newest last hit first. `level`: this one and above; `rule`: a pattern with *."""
    c = alerts.c
    asked = sa.select(alerts).order_by(c.last.desc(), c.id.desc())
    if scope.limited:
        asked = asked.where(within(c.account, scope))
    if states is not None:
        asked = asked.where(c.state.in_(list(states)))
    if level is not None:
        asked = asked.where(c.level >= LEVELS.index(level))
    if account is not None:
        asked = asked.where(c.account == account)
    if rule is not None:
        like = rule.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_").replace("*", "%")
        asked = asked.where(c.rule.like(like, escape="\\"))
    if since is not None:
        asked = asked.where(c.last >= since)
    if incident is not None:
        asked = asked.where(c.incident == incident)
    if held_by is not None:
        asked = asked.where(c.held_by == held_by)
    return asked


def event_ids(connection: Connection, numbers: Sequence[int]) -> dict[int, list[str]]:
    """By alert, the ids of the events of its findings that stand, earliest findings first, 1,000 at most."""
    f = alert_findings.c
    found: dict[int, list[str]] = {}
    for part in sliced(numbers):
        asked = (
            sa.select(f.alert, findings.c.event_ids)
            .join_from(alert_findings, findings, findings.c.uid == f.uid)
            .where(f.alert.in_(part), f.standing == 1)
            .order_by(findings.c.first, findings.c.uid)
        )
        for row in connection.execute(asked):
            found.setdefault(row.alert, []).extend(json.loads(row.event_ids))
    return {n: list(dict.fromkeys(ids))[:MOST_EVENT_IDS] for n, ids in found.items()}


def alert_document(row: Any, names: dict[str, str], ids: Sequence[str]) -> dict[str, Any]:
    """The JSON of an alert in a list. Keys are added, never renamed or removed."""
    return {
        "id": alert_id(row.id),
        "state": row.state,
        "closed_as": row.closed_as,
        "level": LEVELS[row.level],
        "rule": row.rule,
        "title": row.title,
        "kind": row.kind,
        "account": row.account,
        "account_name": names.get(row.account or ""),
        "region": row.region,
        "principal": row.principal,
        "group": json.loads(row.group_json),
        "actor": row.actor,
        "tags": json.loads(row.tags),
        "rarity": row.rarity,
        "first": row.first,
        "last": row.last,
        "hits": row.hits,
        "findings": row.findings,
        "event_ids": list(ids),
        "incident": incident_id(row.incident),
        "held_by": row.held_by,
        "assignee": row.assignee,
        "told": row.told_at,
        "amended": row.amended_at is not None,
        "merged_into": None if row.merged_into is None else alert_id(row.merged_into),
        "follows": None if row.follows is None else alert_id(row.follows),
        "raised": row.raised_at,
        "changed": row.changed_at,
    }


def history_of(connection: Connection, number: int) -> list[dict[str, Any]]:
    """What happened to an alert, in time order; `who` is null for what nobody did."""
    h = alert_history.c
    asked = sa.select(alert_history).where(h.alert == number).order_by(h.at, h.id)
    return [
        {"at": row.at, "who": row.who, "what": row.what, "detail": json.loads(row.detail)}
        for row in connection.execute(asked)
    ]


def deliveries_of(connection: Connection, number: int) -> list[dict[str, Any]]:
    """Messages of an alert, in the order in which they were put into the outbox."""
    asked = sa.select(outbox).where(outbox.c.alert == number).order_by(outbox.c.id)
    return [delivery_document(row) for row in connection.execute(asked)]


def delivery_document(row: Any) -> dict[str, Any]:
    """The JSON of a message in the outbox."""
    return {
        "message": row.id,
        "key": row.key,
        "kind": row.kind,
        "alert": None if row.alert is None else alert_id(row.alert),
        "channel": row.channel,
        "state": row.state,
        "level": LEVELS[row.level],
        "attempts": row.attempts,
        "created": row.created_at,
        "due": row.due_at if row.state == "pending" else None,
        "sent": row.sent_at,
        "error": row.error,
    }
