"""How many alerts stand, by level: what the first page says first."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.ids import alert_id, incident_id
from ashiato.alerts.reading import within
from ashiato.core.scope import AccountScope
from ashiato.ledger.alert_tables import alerts
from ashiato.ledger.findings import LEVELS


def counts_by_level(connection: Connection, scope: AccountScope, states: Collection[str]) -> dict[str, int]:
    """Level → alerts in one of these states that the scope shows, the gravest first; every level is there."""
    c = alerts.c
    asked = sa.select(c.level, sa.func.count()).where(_shown(scope, states)).group_by(c.level)
    found = {int(level): int(count) for level, count in connection.execute(asked)}
    return {name: found.get(i, 0) for i, name in reversed(list(enumerate(LEVELS)))}


def newest_alert(
    connection: Connection, scope: AccountScope, states: Collection[str]
) -> dict[str, Any] | None:
    """The alert that was raised last: id, level, title in both languages, account."""
    c = alerts.c
    asked = sa.select(c.id, c.level, c.title, c.title_ja, c.account).where(_shown(scope, states))
    row = connection.execute(asked.order_by(c.raised_at.desc(), c.id.desc()).limit(1)).first()
    if row is None:
        return None
    return {
        "id": alert_id(row.id),
        "level": LEVELS[row.level],
        "title": row.title[:300],
        "title_ja": None if row.title_ja is None else row.title_ja[:300],
        "account": row.account,
    }


def most_urgent(
    connection: Connection, scope: AccountScope, states: Collection[str], limit: int
) -> list[dict[str, Any]]:
    """The gravest alerts in these states, of one level the newest hit first: id, level, state, title in both languages,
    account, principal, values of the group, first, last, hits, assignee, incident."""
    c = alerts.c
    asked = sa.select(alerts).where(_shown(scope, states))
    asked = asked.order_by(c.level.desc(), c.last.desc(), c.id.desc()).limit(limit)
    return [
        {
            "id": alert_id(row.id),
            "level": LEVELS[row.level],
            "state": row.state,
            "title": row.title,
            "title_ja": row.title_ja,
            "account": row.account,
            "principal": row.principal,
            "group": [str(v) for v in json.loads(row.group_json).values() if v not in (None, row.account)][
                :4
            ],
            "first": row.first,
            "last": row.last,
            "hits": row.hits,
            "assignee": row.assignee,
            "incident": incident_id(row.incident),
        }
        for row in connection.execute(asked)
    ]


def _shown(scope: AccountScope, states: Collection[str]) -> sa.ColumnElement[bool]:
    return sa.and_(alerts.c.state.in_(list(states)), within(alerts.c.account, scope))
