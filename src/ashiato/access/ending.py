"""Ending sessions; the rows stay, for they say from where a user is known to come."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.ledger.access_tables import sessions


def end_sessions(connection: Connection, now: datetime, *, user: int, keep: int | None = None) -> int:
    """End those of a user that go on, but for the one numbered `keep`; how many."""
    ended = sa.update(sessions).where(
        sessions.c.user == user, sessions.c.ended_at.is_(None), sessions.c.expires_at > now
    )
    if keep is not None:
        ended = ended.where(sessions.c.id != keep)
    return connection.execute(ended.values(ended_at=now)).rowcount
