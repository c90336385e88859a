"""Tables of the control database. A change here comes with a migration in `migrations/versions`."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData()

#: SQLite gives row ids to INTEGER PRIMARY KEY only.
Id = BigInteger().with_variant(Integer, "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """A time with its zone: written as UTC whatever its zone was, read as UTC from a database that keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return _in_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return _in_utc(value)


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Time = UtcTime()

#: Every delivered object that was looked at. `log` is the table that most of its records went to, or
#: `digest`; `file_name` the last part of `name`, by which digests find it. `state`: taken, skipped, quarantined, failed (to be retried),
#: or pending while its group is being committed; `outcome` is the state it will have then. `done` names the
#: tables that an interrupted group had already committed for it.
objects = Table(
    "objects",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", String(200), nullable=False),
    Column("name", Text, nullable=False),
    Column("file_name", String(1024), nullable=False),
    Column("log", String(40)),
    Column("etag", String(200), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary(32)),
    Column("delivered_at", Time),
    Column("taken_at", Time),
    Column("state", String(20), nullable=False),
    Column("reason", Text),
    Column("records", BigInteger, nullable=False, default=0),
    Column("account", String(20)),
    Column("region", String(40)),
    Column("newest_record", Time),
    Column("group_id", String(40)),
    Column("outcome", String(20)),
    Column("done", Text),
    Index("objects_by_group", "group_id"),
    Index("objects_by_name", "source", "name", "etag", unique=True),
    Index("objects_by_file_name", "file_name"),
    Index("objects_by_sha256", "sha256"),
    Index("objects_by_state", "state"),
    Index("objects_by_delivery", "delivered_at"),
)

#: A batch is one commit to one table; the batches of a group hold the records of the same objects.
#: `state`: writing, committed. `stamp`: `ingested_at` of its rows; `files`: its data files as written (JSON, paths
#: within the home's lake); `evaluated_at`: when rules had been evaluated over it, null while they have not.
batches = Table(
    "batches",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", String(40), nullable=False, unique=True),
    Column("group_id", String(40), nullable=False),
    Column("table_name", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("rows", BigInteger, nullable=False, default=0),
    Column("duplicates", BigInteger, nullable=False, default=0),
    Column("variants", BigInteger, nullable=False, default=0),
    Column("snapshot_id", BigInteger),
    Column("days", Text, nullable=False, default="[]"),
    Column("created_at", Time, nullable=False),
    Column("committed_at", Time),
    Column("stamp", Time),
    Column("files", Text),
    Column("evaluated_at", Time),
    Index("batches_by_state", "state"),
    Index("batches_by_evaluation", "evaluated_at"),
)

#: Hours that digests vouch for, and the files that they name.
digests = Table(
    "digests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account", String(20), nullable=False),
    Column("region", String(40), nullable=False),
    Column("start", Time, nullable=False),
    Column("end", Time, nullable=False),
    Column("bucket", String(255), nullable=False),
    Column("key", Text, nullable=False),
    Column("object", Text, nullable=False),
    Index("digests_by_key", "bucket", "key", unique=True),
    Index("digests_by_hour", "account", "region", "end"),
)

digest_files = Table(
    "digest_files",
    metadata,
    Column("digest", Id, ForeignKey("digests.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("bucket", String(255), nullable=False),
    Column("file_name", String(1024), nullable=False),
    Column("sha256", String(64), nullable=False),
    Index("digest_files_by_file_name", "file_name"),
)

#: Events that an addendum corrects (UPDATED_DATA): the default views show the correction only.
corrections = Table(
    "corrections",
    metadata,
    Column("original", String(100), primary_key=True),
    Column("correction", String(100), primary_key=True),
)

#: Where the listing of a prefix stands, and what listing cost.
listings = Table(
    "listings",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("prefix", String(1100), primary_key=True),
    Column("state", Text, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("count", BigInteger, nullable=False, default=0),
)

#: Days of a table whose footprints are to be built again.
dirty_days = Table(
    "dirty_days",
    metadata,
    Column("table_name", String(40), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("settled_at", Time),
    Column("dirty", Integer, nullable=False, default=1),
)

#: The one home that this database belongs to; its folder has the same in the file `id`.
homes = Table("homes", metadata, Column("id", String(40), primary_key=True))
