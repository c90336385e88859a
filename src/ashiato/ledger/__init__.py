"""The control database: what was taken in, from where, in which batch. SQLite, or PostgreSQL."""

from ashiato.ledger import cursor_tables, detection_tables
from ashiato.ledger.database import Ledger

__all__ = ["Ledger", "cursor_tables", "detection_tables"]
