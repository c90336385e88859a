"""How often a rule was right, from what people closed its alerts as."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.reading import within
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.ledger.alert_tables import alerts

_STATES = ("open", "acknowledged", "closed", "planned", "suppressed", "withdrawn")


def precision(
    connection: Connection, scope: AccountScope = EVERY_ACCOUNT, *, rule: str | None = None
) -> list[dict[str, Any]]:
    """One entry a rule (or of this rule alone), of its alerts within the scope, worst first: alerts by state, closings,
    `precision` (true of all closed) and `noise` (false of all closed), null where nobody closed any."""
    c = alerts.c

    def counted(condition: Any) -> Any:
        return sa.func.sum(sa.case((condition, 1), else_=0))

    asked = (
        sa.select(
            c.rule,
            sa.func.max(c.title).label("title"),
            sa.func.count().label("alerts"),
            *(counted(c.state == state).label(state) for state in _STATES),
            *(
                counted(sa.and_(c.state == "closed", c.closed_as == as_)).label(f"as_{as_}")
                for as_ in ("true", "benign", "false")
            ),
        )
        .where(c.state != "merged", within(c.account, scope))
        .group_by(c.rule)
    )
    if rule is not None:
        asked = asked.where(c.rule == rule)
    found = []
    for row in connection.execute(asked):
        closed = int(row.closed)
        found.append(
            {
                "rule": row.rule,
                "title": row.title,
                "alerts": row.alerts,
                "open": int(row.open) + int(row.acknowledged),
                "planned": int(row.planned),
                "suppressed": int(row.suppressed),
                "withdrawn": int(row.withdrawn),
                "closed": closed,
                "true": int(row.as_true),
                "benign": int(row.as_benign),
                "false": int(row.as_false),
                "precision": round(int(row.as_true) / closed, 3) if closed else None,
                "noise": round(int(row.as_false) / closed, 3) if closed else None,
            }
        )
    return sorted(found, key=lambda r: (r["precision"] is None, r["precision"] or 0, -r["alerts"], r["rule"]))
