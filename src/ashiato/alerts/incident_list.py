"""Incidents as a list: of those alerts that a scope shows, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.reading import NEEDING, within
from ashiato.core.scope import AccountScope
from ashiato.ledger.alert_tables import alerts
from ashiato.ledger.findings import LEVELS


@dataclass(frozen=True)
class ListedIncident:
    """An incident, of its alerts within the scope: `level` the highest, `needing` those that need somebody; `members`:
    rows of its gravest alerts, the gravest first."""

    id: int
    level: str
    first: datetime
    last: datetime
    alerts: int
    needing: int
    accounts: Sequence[str]
    members: Sequence[Any]


def list_incidents(
    connection: Connection,
    scope: AccountScope,
    *,
    needing: bool = True,
    limit: int = 50,
    before: tuple[datetime, int] | None = None,
    members: int = 5,
) -> list[ListedIncident]:
    """Incidents of which the scope shows something, the last hit first. `needing`: only those with an alert that needs
    somebody; `before`: only those after this last hit and id in the list."""
    c = alerts.c
    last, count = sa.func.max(c.last), sa.func.count()
    open_ = sa.func.sum(sa.case((c.state.in_(NEEDING), 1), else_=0))
    asked = (
        sa.select(
            c.incident,
            last.label("last"),
            sa.func.min(c.first).label("first"),
            sa.func.max(c.level).label("level"),
            count.label("alerts"),
            open_.label("needing"),
        )
        .where(c.incident.is_not(None), within(c.account, scope))
        .group_by(c.incident)
        .order_by(last.desc(), c.incident.desc())
    )
    if needing:
        asked = asked.having(open_ > 0)
    if before is not None:
        moment, number = before
        asked = asked.having(sa.or_(last < moment, sa.and_(last == moment, c.incident < number)))
    rows = connection.execute(asked.limit(limit)).all()
    found = []
    for row in rows:
        of = sa.select(alerts).where(c.incident == row.incident, within(c.account, scope))
        shown = connection.execute(of.order_by(c.level.desc(), c.first, c.id).limit(members)).all()
        accounts = connection.scalars(
            sa.select(c.account)
            .where(c.incident == row.incident, within(c.account, scope), c.account.is_not(None))
            .distinct()
            .order_by(c.account)
            .limit(50)
        )
        found.append(
            ListedIncident(
                row.incident,
                LEVELS[row.level],
                row.first,
                row.last,
                int(row.alerts),
                int(row.needing),
                list(accounts),
                shown,
            )
        )
    return found
