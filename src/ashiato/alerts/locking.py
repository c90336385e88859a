"""One writer of alerts at a time, in whichever process: raising, acting and relating read before they write."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from ashiato.ledger.locking import lock

_NUMBER = 0x41534849


def lock_alerts(connection: Connection) -> None:
    """Keep other writers of alerts out until the transaction ends."""
    lock(connection, _NUMBER)
