"""The key table made anew from the lake: it is a cache, and may be lost, broken or behind."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from pyiceberg.catalog.sql import SqlCatalog

from ashiato.formats.config_record import item_key
from ashiato.formats.event_keys import event_keys
from ashiato.formats.flow_messages import event_key as log_event_key
from ashiato.formats.tables import TABLES
from ashiato.lake.catalog import open_table
from ashiato.lake.contents import content_sql
from ashiato.lake.keys import KEYED, SETTLED, KeyTable, short_keys, variant_key
from ashiato.lake.scan import planned_files, relation
from ashiato.lake.spans import between, day_at, end_of
from ashiato.ledger import Ledger
from ashiato.ledger import tables as t

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: Keys that are made and taken at once.
_ROWS = 50_000

#: (table, days done, days to do)
Progress = Callable[[str, int, int], None]


def open_keys(path: Path) -> KeyTable:
    """The key table; a broken one gives way to an empty one, which `ensure_keys` then fills."""
    try:
        keys = KeyTable(path)
        keys.known_batches()
    except sqlite3.OperationalError:
        # Locked, read-only or full: not the file's fault.
        raise
    except sqlite3.DatabaseError:
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
        return KeyTable(path)
    return keys


def ensure_keys(
    keys: KeyTable, catalog: SqlCatalog, ledger: Ledger, *, progress: Progress | None = None
) -> int:
    """Read back from the lake the keys of committed batches that the key table lacks; how many days.

    To be called under the writer's lock, after reconciling. Costs one look-up where nothing is missing.
    """
    b = t.batches.c
    of_keyed = (b.state == "committed") & b.table_name.in_(KEYED)
    committed = {id_ for (id_,) in ledger.rows(sa.select(b.id).where(of_keyed))}
    known = keys.known_batches()
    if not known <= committed:
        # A ledger older than the keys: keys of batches that never came to be would swallow records.
        keys.clear()
        known = set()
    if committed <= known:
        return 0
    missing = [
        r for r in ledger.rows(sa.select(b.id, b.table_name, b.days).where(of_keyed)) if r.id not in known
    ]
    count = 0
    for table in KEYED:
        days = sorted({d for row in missing if row.table_name == table for d in json.loads(row.days)})
        for done, run in enumerate(_months(days)):
            _rebuild(keys, catalog, table, run)
            count += len(run)
            if progress is not None:
                progress(table, done + 1, len(days))
    keys.mark_known(row.id for row in missing)
    return count


def _months(days: Sequence[int]) -> Iterator[list[int]]:
    """Days that lie in one month: what is read at once. Items lie by month."""
    group: list[int] = []
    for day in days:
        if group and _month(day) != _month(group[-1]):
            yield group
            group = []
        group.append(day)
    if group:
        yield group


def _month(day: int) -> tuple[int, int]:
    at = day_at(day)
    return at.year, at.month


_COLUMNS = {
    "cloudtrail": ("eventID", "recipientAccountId", "record_hash", "variant"),
    "config_items": (
        "awsAccountId", "awsRegion", "resourceType", "resourceId", "configurationItemCaptureTime",
        "configurationStateId", "variant",
    ),
    "vpc_flow_logs": ("log_event_id",),
}  # fmt: skip


def _rebuild(keys: KeyTable, catalog: SqlCatalog, name: str, days: Sequence[int]) -> None:
    """Keys of some days of one month. What is there already stays: it knows its batch and content."""
    table = open_table(catalog, name)
    first, last = day_at(days[0]), day_at(days[-1])
    files = planned_files(table, between(name, first, last))
    if not files:
        return
    time = TABLES[name].time_column
    columns = ", ".join(f'"{c}"' for c in _COLUMNS[name])
    only = " AND log_event_id IS NOT NULL" if name == "vpc_flow_logs" else ""
    sql = (
        f"SELECT (\"{time}\"::TIMESTAMP::DATE - DATE '1970-01-01')::INTEGER AS day, {columns},"
        f" {content_sql(TABLES[name])} AS content"
        f" FROM {relation(files, table.schema())}"
        f' WHERE "{time}" >= $start::TIMESTAMPTZ AND "{time}" <= $end::TIMESTAMPTZ{only}'
        " AND day IN (SELECT unnest($days::INTEGER[]))"
    )
    with duckdb.connect(config={"threads": 1, "memory_limit": "256MB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        values = {"start": first.isoformat(), "end": end_of(last).isoformat(), "days": list(days)}
        for batch in connection.sql(sql, params=values).to_arrow_reader(_ROWS):
            found = _KEYS[name](batch)
            if "variant" in batch.schema.names:
                found = _of_variants(found, batch["variant"])
            keys.claim(name, SETTLED, batch["day"].cast(pa.int32()), found, batch["content"])


def _of_events(batch: pa.RecordBatch) -> pa.Array:
    """As formats/cloudtrail.py makes them."""
    keys = short_keys(event_keys(batch["eventID"].to_pylist(), batch["recipientAccountId"].to_pylist()))
    return _with(keys, batch["record_hash"], lambda _, text: _short(bytes.fromhex(text)))


def _of_items(batch: pa.RecordBatch) -> pa.Array:
    rows = batch.to_pylist()
    for row in rows:
        row["configurationItemCaptureTime"] = (row["configurationItemCaptureTime"] - _EPOCH) // _MICROSECOND
    return pa.array([_short(item_key(row, b"")) for row in rows], pa.int64())


def _of_records(batch: pa.RecordBatch) -> pa.Array:
    return pa.array([_short(log_event_key(id_)) for id_ in batch["log_event_id"].to_pylist()], pa.int64())


def _of_variants(keys: pa.Array, numbers: pa.Array) -> pa.Array:
    return _with(keys, pc.if_else(pc.greater(numbers, 0), numbers, None), variant_key)


def _with(keys: pa.Array, values: pa.Array, make: Callable[[int, Any], int]) -> pa.Array:
    """The keys, but made of key and value where there is a value."""
    at = pc.is_valid(values)
    pairs = zip(keys.filter(at).to_pylist(), values.filter(at).to_pylist(), strict=True)
    made = pa.array([make(key, value) for key, value in pairs], pa.int64())
    return pc.replace_with_mask(keys, at, made)


def _short(key: bytes) -> int:
    return int.from_bytes(key[:8], sys.byteorder, signed=True)


_KEYS: dict[str, Callable[[pa.RecordBatch], pa.Array]] = {
    "cloudtrail": _of_events,
    "config_items": _of_items,
    "vpc_flow_logs": _of_records,
}
