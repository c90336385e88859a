"""A quick hash of what a record says, to tell an exact second copy from one that says more."""

from __future__ import annotations

import threading

import duckdb
import pyarrow as pa

from ashiato.formats.columns import TableDescription
from ashiato.lake.contents import content_sql

_local = threading.local()


def content_hashes(rows: pa.Table, description: TableDescription) -> pa.Array:  # noqa: ARG001 (SQL names it)
    """int64 a row over all that AWS wrote. Equal text gives equal hashes; the reverse is checked before
    anything is dropped as a variant, so that a new DuckDB with another hash costs time, not records."""
    connection = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = duckdb.connect(config={"threads": 1})
    # DuckDB finds `rows` by its name here.
    result = connection.sql(f"SELECT {content_sql(description)} AS h FROM rows").to_arrow_table()
    return result["h"].combine_chunks()
