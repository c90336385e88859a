"""What changed among alerts, for pages that follow without being loaded again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.ids import alert_id
from ashiato.alerts.reading import within
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.ledger.alert_tables import alerts
from ashiato.ledger.findings import LEVELS

#: A change carries the time at which its transaction began; it may become visible this much later.
OVERLAP = timedelta(seconds=15)
MOST = 500


@dataclass(frozen=True)
class AlertChange:
    """An alert as it stands after a change. `new`: it was raised after the cursor."""

    id: str
    state: str
    level: str
    account: str | None
    title: str
    title_ja: str | None
    changed: datetime
    new: bool

    def as_json(self) -> dict[str, Any]:
        return {**vars(self)}


def changes_since(
    connection: Connection, since: datetime, scope: AccountScope, limit: int = MOST
) -> list[AlertChange]:
    """Alerts within the scope that changed after `since`, the oldest change first."""
    c = alerts.c
    asked = (
        sa.select(c.id, c.state, c.level, c.account, c.title, c.title_ja, c.changed_at, c.raised_at)
        .where(c.changed_at > since, within(c.account, scope))
        .order_by(c.changed_at, c.id)
        .limit(limit)
    )
    return [
        AlertChange(
            alert_id(row.id),
            row.state,
            LEVELS[row.level],
            row.account,
            row.title,
            row.title_ja,
            row.changed_at,
            row.raised_at > since,
        )
        for row in connection.execute(asked)
    ]


class ChangeFeed:
    """Follows changes for a process that tells many: each change once, of every account; who may see which is for the
    teller, by `account`. Not thread-safe."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self._begun = since
        self._told: dict[tuple[str, datetime], None] = {}

    def next(self, connection: Connection) -> Sequence[AlertChange]:
        """What changed since the last call."""
        found = changes_since(connection, max(self.since - OVERLAP, self._begun), EVERY_ACCOUNT)
        new = [change for change in found if (change.id, change.changed) not in self._told]
        self._told |= {(change.id, change.changed): None for change in new}
        if found:
            self.since = max(self.since, found[-1].changed)
        self._told = {key: None for key in self._told if key[1] > self.since - OVERLAP}
        return new
