"""How many alerts stand, by level: what the first page says first."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.core.scope import AccountScope
from ashiato.ledger.alert_tables import alerts
from ashiato.ledger.findings import LEVELS


def counts_by_level(connection: Connection, scope: AccountScope, states: Collection[str]) -> dict[str, int]:
    """Level → alerts in one of these states that the scope shows, the gravest first; every level is there."""
    c = alerts.c
    asked = sa.select(c.level, sa.func.count()).where(c.state.in_(list(states))).group_by(c.level)
    if scope.accounts is not None:
        asked = asked.where(c.account.in_(sorted(scope.accounts)))
    found = {int(level): int(count) for level, count in connection.execute(asked)}
    return {name: found.get(i, 0) for i, name in reversed(list(enumerate(LEVELS)))}
