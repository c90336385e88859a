"""Suppressions and planned work as people make them; open alerts that they expect are taken in at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.access import audit
from ashiato.alerts.acts import Desk
from ashiato.alerts.history import History
from ashiato.alerts.holds import Holds, work_of_settings
from ashiato.alerts.ids import alert_id
from ashiato.alerts.locking import lock_alerts
from ashiato.alerts.outbox import revive
from ashiato.alerts.placing import Places, sliced
from ashiato.alerts.raising import finish
from ashiato.alerts.reading import within
from ashiato.core.errors import WrongUse
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.core.settings import Settings
from ashiato.core.text import printable
from ashiato.ledger.alert_tables import alert_findings, alerts, planned_work, suppressions
from ashiato.ledger.detection_tables import findings
from ashiato.ledger.finding_rows import from_row

#: A suppression ends by itself; who wants it for longer looks at it again.
LONGEST_SUPPRESSION = timedelta(days=366)


def suppress(
    desk: Desk,
    *,
    rules: Sequence[str],
    until: datetime,
    reason: str,
    principals: Sequence[str] = (),
    accounts: Sequence[str] = (),
    addresses: Sequence[str] = (),
    resources: Sequence[str] = (),
) -> tuple[int, int]:
    """Suppress what matches until then: its number, and how many open alerts it took in. Raises WrongUse.

    Somebody of a limited scope suppresses in the accounts of that scope only.
    """
    accounts = own_accounts(desk.scope, accounts)
    if not (rules or principals or accounts or addresses or resources):
        raise WrongUse("a suppression must name something", remedy="Name a rule, or --principal, --account …")
    if not reason.strip():
        raise WrongUse(
            "a suppression needs a reason", remedy='Write --reason "why nobody needs to hear of it".'
        )
    if not desk.now < until <= desk.now + LONGEST_SUPPRESSION:
        raise WrongUse(
            f"a suppression ends in the future and within a year, not at {until:%Y-%m-%d %H:%M}",
            remedy="Write --until with a later day; it can be made again when it ends.",
        )
    lock_alerts(desk.connection)
    lists = {
        "rules": rules,
        "principals": principals,
        "accounts": accounts,
        "addresses": addresses,
        "resources": resources,
    }
    made = desk.connection.execute(
        sa.insert(suppressions).values(
            **{name: json.dumps(list(values)) for name, values in lists.items()},
            reason=printable(reason, 2000),
            until=until,
            created_at=desk.now,
            created_by=printable(desk.who, 200),
        )
    ).inserted_primary_key
    assert made is not None
    number = int(made[0])
    detail = {"until": until, "reason": reason, **{k: list(v) for k, v in lists.items() if v}}
    audit.record(desk.connection, desk.who, "suppressed", f"S-{number}", detail, desk.now)
    return number, _expect_again(desk, f"S-{number}")


def plan(
    desk: Desk,
    ticket: str,
    *,
    start: datetime,
    end: datetime,
    who: Sequence[str] = (),
    accounts: Sequence[str] = (),
    operations: Sequence[str] = (),
) -> tuple[int, int]:
    """Announce work: its number, and how many open alerts turned out to belong to it. Raises WrongUse.

    Somebody of a limited scope announces work in the accounts of that scope only.
    """
    accounts = own_accounts(desk.scope, accounts)
    if start >= end:
        raise WrongUse(
            "planned work must end after it begins", remedy="Check --from and --to, and their zone."
        )
    lock_alerts(desk.connection)
    made = desk.connection.execute(
        sa.insert(planned_work).values(
            ticket=printable(ticket, 200),
            start=start,
            end=end,
            who=json.dumps(list(who)),
            accounts=json.dumps(list(accounts)),
            operations=json.dumps(list(operations)),
            created_at=desk.now,
            created_by=printable(desk.who, 200),
        )
    ).inserted_primary_key
    assert made is not None
    number = int(made[0])
    detail = {
        "ticket": ticket,
        "start": start,
        "end": end,
        "by": list(who),
        "accounts": list(accounts),
        "operations": list(operations),
    }
    audit.record(desk.connection, desk.who, "planned", f"P-{number}", detail, desk.now)
    return number, _expect_again(desk, f"P-{number}")


def end_suppression(desk: Desk, number: int) -> None:
    """End a suppression now; what it took in stays where it is. Raises WrongUse where there is none."""
    _end(desk, suppressions, number, f"S-{number}", "suppression")


def end_plan(desk: Desk, number: int) -> None:
    """Call planned work off; what was attached to it stays attached. Raises WrongUse where there is none."""
    _end(desk, planned_work, number, f"P-{number}", "planned work")


def own_accounts(scope: AccountScope, accounts: Sequence[str]) -> Sequence[str]:
    """The accounts that somebody means who names these: without any, all that they may see. Raises WrongUse for one
    outside."""
    for account in accounts:
        if not scope.allows(account):
            raise WrongUse(f"there is no account {account}", remedy="Name one that you may see.")
    return accounts or sorted(scope.accounts or ())


def _shown(scope: AccountScope, accounts: Sequence[str]) -> bool:
    """Whether something that is about these accounts (none: all) bears on the scope at all."""
    return not scope.limited or not accounts or any(scope.allows(a) for a in accounts)


def _own(scope: AccountScope, accounts: Sequence[str]) -> bool:
    """Whether something that is about these accounts (none: all) is wholly within the scope."""
    return not scope.limited or (bool(accounts) and all(scope.allows(a) for a in accounts))


def _end(desk: Desk, table: sa.Table, number: int, ref: str, kind: str) -> None:
    row = desk.connection.execute(sa.select(table.c.accounts).where(table.c.id == number)).first()
    if row is not None and not _own(desk.scope, json.loads(row.accounts)):
        number = -1
    done = desk.connection.execute(
        sa.update(table).where(table.c.id == number, table.c.ended_at.is_(None)).values(ended_at=desk.now)
    )
    if not done.rowcount:
        raise WrongUse(
            f"there is no {kind} {ref} that has not ended",
            remedy="`ashiato alerts suppressions` and `plans` list them.",
        )
    audit.record(desk.connection, desk.who, "ended", ref, {}, desk.now)


def retry(desk: Desk, messages: Sequence[int] | None) -> int:
    """Let messages that were given up be tried again, all of them without `messages`; how many."""
    count = revive(desk.connection, messages, desk.settings, desk.now)
    detail = {"messages": messages, "count": count}
    audit.record(desk.connection, desk.who, "retried", "outbox", detail, desk.now)
    return count


def _expect_again(desk: Desk, ref: str) -> int:
    """Look at the findings of open alerts again, and take in those that are expected now; how many alerts."""
    c, f = alerts.c, alert_findings.c
    holds = Holds.load(desk.connection, desk.settings, desk.now)
    asked = (
        sa.select(findings, f.alert)
        .join_from(alert_findings, findings, findings.c.uid == f.uid)
        .join(alerts, c.id == f.alert)
        .where(c.state == "open", f.standing == 1, f.held_as.is_(None))
    )
    touched: set[int] = set()
    for row in desk.connection.execute(asked).all():
        held = holds.of(from_row(row))
        if held is not None:
            touched.add(row.alert)
            desk.connection.execute(
                sa.update(alert_findings)
                .where(f.uid == row.uid)
                .values(held_as=held.held_as, held_by=held.ref)
            )
    history = History(desk.connection, desk.now)
    finish(desk.connection, Places(touched=touched), set(), desk.settings, history, desk.now)
    taken = 0
    for part in sliced(touched):
        of = sa.select(sa.func.count()).where(c.id.in_(part), c.held_by == ref)
        taken += desk.connection.scalar(of) or 0
    return taken


def suppression_documents(
    connection: Connection, now: datetime, *, ended: bool = False, scope: AccountScope = EVERY_ACCOUNT
) -> list[dict[str, Any]]:
    """Suppressions that bear on the scope as JSON, newest first; `ended`: those too that are over. `findings`: how
    many each holds back there; of its accounts, those within the scope."""
    s = suppressions.c
    asked = sa.select(suppressions).order_by(s.id.desc())
    if not ended:
        asked = asked.where(s.ended_at.is_(None), s.until > now)
    counts = _held_counts(connection, scope)
    rows = [r for r in connection.execute(asked) if _shown(scope, json.loads(r.accounts))]
    return [
        {
            "id": f"S-{row.id}",
            "in_force": row.ended_at is None and row.until > now,
            **{
                name: [v for v in json.loads(getattr(row, name)) if name != "accounts" or scope.allows(v)]
                for name in ("rules", "principals", "accounts", "addresses", "resources")
            },
            "reason": row.reason,
            "until": row.until,
            "by": row.created_by,
            "created": row.created_at,
            "ended": row.ended_at,
            "findings": counts.get(f"S-{row.id}", 0),
        }
        for row in rows
    ]


def plan_documents(
    connection: Connection, settings: Settings, now: datetime, scope: AccountScope = EVERY_ACCOUNT
) -> list[dict[str, Any]]:
    """Planned work that bears on the scope as JSON, latest begin first; the settings' too. `alerts`: those within the
    scope that are attached to it."""
    rows = connection.execute(sa.select(planned_work)).all()
    listed = [
        {
            "id": f"P-{row.id}",
            "ticket": row.ticket,
            "from": row.start,
            "to": row.end,
            "who": json.loads(row.who),
            "accounts": json.loads(row.accounts),
            "operations": json.loads(row.operations),
            "by": row.created_by,
            "ended": row.ended_at,
            "ref": f"P-{row.id}",
        }
        for row in rows
    ] + [
        {
            "id": None,
            "ticket": work.ticket,
            "from": work.start,
            "to": work.end,
            "who": list(work.who),
            "accounts": list(work.accounts),
            "operations": list(work.operations),
            "by": "settings",
            "ended": None,
            "ref": work.ref,
        }
        for work in work_of_settings(settings)
    ]
    listed = [d for d in listed if _shown(scope, d["accounts"])]
    f = alert_findings.c
    for document in listed:
        document["accounts"] = [a for a in document["accounts"] if scope.allows(a)]
        ref = document.pop("ref")
        asked = (
            sa.select(f.alert)
            .join(alerts, alerts.c.id == f.alert)
            .where(f.held_by == ref, f.standing == 1, within(alerts.c.account, scope))
            .distinct()
            .order_by(f.alert)
        )
        document["alerts"] = [alert_id(row.alert) for row in connection.execute(asked)]
        document["in_force"] = document["ended"] is None and document["to"] >= now
    return sorted(listed, key=lambda d: (d["from"], str(d["id"])), reverse=True)


def _held_counts(connection: Connection, scope: AccountScope) -> dict[str, int]:
    f = alert_findings.c
    asked = (
        sa.select(f.held_by, sa.func.count().label("n"))
        .join(alerts, alerts.c.id == f.alert)
        .where(f.held_by.is_not(None), f.standing == 1, within(alerts.c.account, scope))
    )
    return {row.held_by: row.n for row in connection.execute(asked.group_by(f.held_by))}
