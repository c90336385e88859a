"""One writer of alerts at a time, in whichever process: raising, acting and relating read before they write."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

#: Any number that nothing else in this database uses for an advisory lock.
_POSTGRES_LOCK = 0x41534849


def lock_alerts(connection: Connection) -> None:
    """Keep other writers of alerts out until the transaction ends.

    SQLite begins a transaction at the first write; what was read before would be of another moment.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_POSTGRES_LOCK)))
    elif not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql("BEGIN IMMEDIATE")
