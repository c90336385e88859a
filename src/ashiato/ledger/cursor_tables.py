"""The table of the control database in which live sources remember how far they got."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from ashiato.ledger.tables import Time, metadata

#: `state` is JSON that only the source understands (see `sources/cursors.py`).
source_cursors = Table(
    "source_cursors",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("state", Text, nullable=False),
    Column("changed_at", Time, nullable=False),
)
