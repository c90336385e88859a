"""The control database: what was taken in, from where, in which batch. SQLite, or PostgreSQL."""

from ashiato.ledger import (
    access_tables,
    alert_tables,
    cursor_tables,
    detection_tables,
    job_tables,
    source_tables,
)
from ashiato.ledger.database import Ledger

__all__ = [
    "Ledger",
    "access_tables",
    "alert_tables",
    "cursor_tables",
    "detection_tables",
    "job_tables",
    "source_tables",
]
