"""A quick hash of what a record says, to tell an exact second copy from one that says more."""

from __future__ import annotations

import threading

import duckdb
import pyarrow as pa

from ashiato.formats.columns import PROVENANCE, TableDescription

_local = threading.local()
_LEFT_OUT = {c.name for c in PROVENANCE if c.name != "extra"} | {
    "variant", "record_hash", "configSnapshotId", "fileVersion",
}  # fmt: skip


def content_hashes(rows: pa.Table, description: TableDescription) -> pa.Array:
    """int64 a row over all that AWS wrote. Equal text gives equal hashes; the reverse is checked before
    anything is dropped as a variant, so that a new DuckDB with another hash costs time, not records."""
    connection = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = duckdb.connect(config={"threads": 1})
    names = ", ".join(f'"{c.name}"' for c in description.columns if c.name not in _LEFT_OUT)
    # The upper 63 bits: SQLite keeps signed integers.
    result = connection.sql(f"SELECT (hash({names}) >> 1)::BIGINT AS h FROM rows").to_arrow_table()
    return result["h"].combine_chunks()
