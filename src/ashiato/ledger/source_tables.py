"""Tables of the control database that watching needs: how each source fares, the process that watches, lags."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table, Text

from ashiato.ledger.tables import Time, metadata

#: One row for each road of a watched source (a bucket with a queue has two). `type`: the kind of road;
#: `origins`: what objects of it are called in `objects.source`, a JSON list; `counts`: JSON.
watched_sources = Table(
    "watched_sources",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("type", String(40), primary_key=True),
    Column("origins", Text, nullable=False, default="[]"),
    Column("since", Time),
    Column("last_poll", Time),
    Column("last_arrival", Time),
    Column("error", Text),
    Column("error_since", Time),
    Column("retry_at", Time),
    Column("backlog", BigInteger),
    Column("forecast", Text),
    Column("counts", Text, nullable=False, default="{}"),
    Column("updated_at", Time, nullable=False),
)

#: The process that watches, or did: one row. `running`: 0 after an orderly end; a process that was killed
#: leaves 1 and an old `updated_at`.
watch_process = Table(
    "watch_process",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("running", Integer, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("host", String(255), nullable=False),
    Column("since", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("last_commit", Time),
    Column("commit_error", Text),
    Column("commit_error_since", Time),
    Column("waiting_objects", BigInteger, nullable=False, default=0),
    Column("waiting_bytes", BigInteger, nullable=False, default=0),
    Column("oldest_waiting", Time),
    Column("heartbeat_mailed_at", Time),
)

#: Lags by day of arrival (UTC): `stage` is evaluated or alerted (delivered and taken are in the lake's rows),
#: `buckets` JSON, bucket number → count (see `intake/lags.py`). Account and region are "" where unknown.
arrival_lags = Table(
    "arrival_lags",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("log", String(40), primary_key=True),
    Column("account", String(20), primary_key=True),
    Column("region", String(40), primary_key=True),
    Column("stage", String(20), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("longest", Float, nullable=False),
    Column("buckets", Text, nullable=False),
)
