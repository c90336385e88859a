"""How `ashiato watch` and its sources fare, as it writes to the ledger and other processes read."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ashiato.core.text import printable
from ashiato.ledger import Ledger
from ashiato.ledger.source_tables import watch_process, watched_sources
from ashiato.sources.live import SourceState

#: A process that watches writes so often; one that has not for STALE was killed, or hangs.
WRITE_SECONDS = 5.0
STALE = timedelta(seconds=60)


@dataclass(frozen=True)
class ProcessState:
    """The process that watches. Times in UTC; `oldest_waiting`: when the oldest arrival that waits came."""

    running: bool
    since: datetime
    last_commit: datetime | None = None
    commit_error: str | None = None
    commit_error_since: datetime | None = None
    waiting_objects: int = 0
    waiting_bytes: int = 0
    oldest_waiting: datetime | None = None


def write_watched(
    ledger: Ledger,
    now: datetime,
    process: ProcessState,
    sources: Iterable[tuple[SourceState, Sequence[str]]],
) -> None:
    """Write how all fare now; sources that are not among `sources` any more are forgotten. The second of each
    pair: what the source's objects are called in the ledger."""
    values = {
        "running": int(process.running), "pid": os.getpid(), "host": socket.gethostname()[:255],
        "since": process.since, "updated_at": now, "last_commit": process.last_commit,
        "commit_error": process.commit_error and printable(process.commit_error, 2000),
        "commit_error_since": process.commit_error_since,
        "waiting_objects": process.waiting_objects, "waiting_bytes": process.waiting_bytes,
        "oldest_waiting": process.oldest_waiting,
    }  # fmt: skip
    rows = {(s.name, s.type): _row(s, origins, now) for s, origins in sources}
    w = watched_sources.c
    with ledger.begin() as connection:
        if not connection.execute(sa.update(watch_process).values(values)).rowcount:
            connection.execute(sa.insert(watch_process).values(id=1, **values))
        before = {(n, t): o for n, t, o in connection.execute(sa.select(w.name, w.type, w.origins))}
        for key, row in rows.items():
            # Until its first arrival a process does not know what an earlier one learnt.
            row["origins"] = json.dumps(sorted({*json.loads(before.get(key, "[]")), *row["origins"]}))
        connection.execute(sa.delete(watched_sources))
        if rows:
            connection.execute(sa.insert(watched_sources), list(rows.values()))


def _row(state: SourceState, origins: Sequence[str], now: datetime) -> dict[str, Any]:
    return {
        "name": state.name,
        "type": state.type,
        "origins": origins,
        "since": state.since,
        "last_poll": state.last_poll,
        "last_arrival": state.last_arrival,
        "error": state.error and printable(state.error, 2000),
        "error_since": state.error_since,
        "retry_at": state.retry_at,
        "backlog": state.backlog,
        "forecast": state.forecast and printable(state.forecast, 500),
        "counts": json.dumps(dict(state.counts)),
        "updated_at": now,
    }


def read_process(ledger: Ledger, now: datetime) -> dict[str, Any] | None:
    """The process that watches or watched last; None where none ever did. `running` only while it is alive."""
    row = next(iter(ledger.rows(sa.select(watch_process))), None)
    if row is None:
        return None
    return {
        "running": bool(row.running) and now - row.updated_at < STALE,
        "since": row.since,
        "updated_at": row.updated_at,
        "last_commit": row.last_commit,
        "commit_error": row.commit_error,
        "commit_error_since": row.commit_error_since,
        "waiting_objects": int(row.waiting_objects),
        "waiting_bytes": int(row.waiting_bytes),
        "oldest_waiting": row.oldest_waiting,
    }


def read_watched(ledger: Ledger) -> list[dict[str, Any]]:
    """Each watched source as it wrote last, a row a road."""
    rows = ledger.rows(sa.select(watched_sources).order_by(watched_sources.c.name, watched_sources.c.type))
    return [
        {
            "name": r.name,
            "type": r.type,
            "origins": json.loads(r.origins),
            "since": r.since,
            "last_poll": r.last_poll,
            "last_arrival": r.last_arrival,
            "error": r.error,
            "error_since": r.error_since,
            "retry_at": r.retry_at,
            "backlog": r.backlog,
            "forecast": r.forecast,
            "counts": json.loads(r.counts),
            "updated_at": r.updated_at,
        }
        for r in rows
    ]


def mailed_at(ledger: Ledger) -> datetime | None:
    """When a heartbeat was last mailed."""
    value: datetime | None = ledger.scalar(sa.select(watch_process.c.heartbeat_mailed_at))
    return value


def note_mailed(ledger: Ledger, at: datetime) -> None:
    with ledger.begin() as connection:
        connection.execute(sa.update(watch_process).values(heartbeat_mailed_at=at))
