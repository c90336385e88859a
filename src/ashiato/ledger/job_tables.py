"""Tables of the control database that long jobs need: what was asked for, how far it is, and what came of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text

from ashiato.ledger.tables import Id, Time, metadata

#: One row a job. `parameters`: JSON, as its kind checked them. `scope`: JSON list of account ids, null for every
#: account. `state`: queued, running, done, failed, cancelled, interrupted. `step`: a word of the job's kind for
#: what it does now, `fraction` from 0 to 1 (null while nobody knows), `counted` so many of `unit`. `beat_at`: the
#: last sign of life of `owner`, the process that runs it. `result` and `error`: JSON. `again_of`: the job that it
#: repeats.
jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("scope", Text),
    Column("by", String(200), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("started_at", Time),
    Column("ended_at", Time),
    Column("step", String(40)),
    Column("fraction", Float),
    Column("counted", BigInteger),
    Column("unit", String(20)),
    Column("owner", String(200)),
    Column("beat_at", Time),
    Column("cancelled_by", String(200)),
    Column("result", Text),
    Column("error", Text),
    Column("again_of", Id),
    Index("jobs_by_state", "state", "created_at"),
    Index("jobs_by_time", "created_at"),
)

#: Entries of the quarantine that were tried again. `outcome`: taken (its records are in the lake now), unreadable.
#: The entry itself stays: it is evidence.
quarantine_tries = Table(
    "quarantine_tries",
    metadata,
    Column("entry", String(100), primary_key=True),
    Column("at", Time, nullable=False),
    Column("by", String(200), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", Text),
    Column("tries", Integer, nullable=False),
)
