"""One writer at a time, in whichever process, where what is written follows from what was read."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def lock(connection: Connection, number: int) -> None:
    """Keep other writers of the same number out until the transaction ends.

    `number`: any that nothing else in this database uses for an advisory lock of PostgreSQL. SQLite begins a
    transaction at the first write; what was read before would be of another moment.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
    elif not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql("BEGIN IMMEDIATE")
