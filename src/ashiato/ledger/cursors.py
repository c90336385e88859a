"""How far live sources got, kept in the control database (see sources/cursors.py for the meaning)."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from ashiato.core.clock import now
from ashiato.ledger.cursor_tables import source_cursors
from ashiato.ledger.database import Ledger


class LedgerCursors:
    """JSON values by source and key. A source's writes come from one thread, so none overtakes another."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def get(self, source: str, key: str) -> Any:
        """The value kept, or None."""
        c = source_cursors.c
        text = self.ledger.scalar(sa.select(c.state).where(c.source == source, c.key == key))
        return None if text is None else json.loads(text)

    def put(self, source: str, key: str, value: Any) -> None:
        """Keep a value; committed when this returns."""
        c = source_cursors.c
        held = {"state": json.dumps(value), "changed_at": now()}
        with self.ledger.begin() as connection:
            changed = connection.execute(
                sa.update(source_cursors).where(c.source == source, c.key == key).values(**held)
            )
            if not changed.rowcount:
                connection.execute(sa.insert(source_cursors).values(source=source, key=key, **held))
