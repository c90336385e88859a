"""What happened to alerts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.core.text import printable
from ashiato.ledger.alert_tables import alert_history


class History:
    """Entries gathered in one transaction and written at its end."""

    def __init__(self, connection: Connection, at: datetime) -> None:
        self._connection = connection
        self._at = at
        self._entries: list[dict[str, Any]] = []

    def add(self, alert: int, what: str, who: str | None = None, /, **detail: Any) -> None:
        """`what` happened to an alert; `who`: the person, or None where nobody did it."""
        self._entries.append(
            {
                "alert": alert,
                "at": self._at,
                "who": None if who is None else printable(who, 200),
                "what": what,
                "detail": _json(detail),
            }
        )

    def write(self) -> None:
        if self._entries:
            self._connection.execute(sa.insert(alert_history), self._entries)
        self._entries = []


def _json(detail: Mapping[str, Any]) -> str:
    return json.dumps({k: v for k, v in detail.items() if v is not None}, default=str)
