"""The child's part of compaction: read files, sort, write files of a bounded size."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.schema import Schema

from ashiato.formats.columns import TableDescription
from ashiato.formats.tables import TABLES
from ashiato.lake.catalog import with_field_ids
from ashiato.lake.compaction import SORTED
from ashiato.lake.compaction_child import MEMORY_LIMIT
from ashiato.lake.files import ROW_GROUP, encodings
from ashiato.lake.scan import relation

#: Columns that a value is looked for in without knowing the time: a bloom filter a row group.
BLOOM_COLUMNS = {"cloudtrail": "eventID", "footprints": "entity"}


class SortedFiles:
    """Parquet files of about `target_bytes`, filled in order; row groups of ROW_GROUP rows."""

    def __init__(
        self, folder: Path, description: TableDescription, schema: Schema, target_bytes: int
    ) -> None:
        self.folder = folder
        self.schema = with_field_ids(description.schema, schema)
        self.target_bytes = target_bytes
        self.paths: list[Path] = []
        self.rows = 0
        self._writer: pq.ParquetWriter | None = None
        self._file: Any = None
        self._more: dict[str, Any] = {}
        bloom = BLOOM_COLUMNS.get(description.name)
        if bloom is not None and _has_blooms():
            self._more["bloom_filter_options"] = {bloom: {"ndv": ROW_GROUP, "fpp": 0.01}}

    def write(self, rows: pa.Table) -> None:
        """Rows in the table's columns, sorted after all that was written before."""
        if not rows.num_rows:
            return
        if self._writer is None:
            self._open()
        assert self._writer is not None
        self._writer.write_table(rows.cast(self.schema), row_group_size=ROW_GROUP)
        self.rows += rows.num_rows
        if self._file.tell() >= self.target_bytes:
            self._close()

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.paths.append(self.folder / f"{SORTED}{uuid.uuid4().hex}.parquet")
        self._file = self.paths[-1].open("wb")
        self._writer = pq.ParquetWriter(
            self._file,
            self.schema,
            compression="zstd",
            compression_level=3,
            store_schema=False,
            **encodings(self.schema),
            **self._more,
        )

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            # What it replaces will be removed some day: it must have reached the disk by then.
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._writer = None

    def close(self) -> list[str]:
        """Paths of the finished files."""
        self._close()
        return [str(p) for p in self.paths]

    def abandon(self) -> None:
        """Remove what was written."""
        if self._file is not None:
            self._file.close()
        for path in self.paths:
            path.unlink(missing_ok=True)


def _has_blooms() -> bool:
    import inspect

    return "bloom_filter_options" in inspect.signature(pq.ParquetWriter.__init__).parameters


def connect(workspace: str, memory: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """DuckDB with bounded memory that spills to the workspace."""
    connection = duckdb.connect(
        config={"threads": 2, "memory_limit": memory, "temp_directory": f"{workspace}/spill"}
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    return connection


#: Sorted at once: so many bytes of Parquet pages, which are a fifth to a tenth of the rows in memory.
SORT_BYTES = 48 << 20
#: Written at once: so many rows at most, fewer where rows are long.
_BATCH_BYTES = 16 << 20
_SAMPLE = 20_000


def merge_files(
    *,
    workspace: str,
    table: str,
    schema: str,
    files: Sequence[str],
    folder: str,
    target_bytes: int,
    leave_out: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Sort the rows of `files` into files in `folder`: {"files": paths, "rows": n}.

    Memory is bounded whatever the partition holds: a partition is sorted range by range of its first sort
    column. `leave_out` (footprints): rows of these (table, day) are dropped.
    """
    description = TABLES[table]
    iceberg = Schema.model_validate_json(schema)
    footers = [pq.read_metadata(f) for f in files]
    size = sum(f.row_group(i).total_byte_size for f in footers for i in range(f.num_row_groups))
    rows = max(1, sum(f.num_rows for f in footers))
    batch_rows = max(64, min(ROW_GROUP, int(_BATCH_BYTES * rows / max(size, 1))))
    ranges = max(1, -(-size // SORT_BYTES))
    while True:
        output = SortedFiles(Path(folder), description, iceberg, target_bytes)
        try:
            if table == "quarantine":
                _copy(files, output)
            else:
                with connect(workspace) as connection:
                    source = f"{relation(files, iceberg)} WHERE {_kept(leave_out)}"
                    _sort(connection, source, description, output, ranges, batch_rows)
            return {"files": output.close(), "rows": output.rows}
        except duckdb.OutOfMemoryException:
            output.abandon()
            if ranges >= rows:
                raise
            # Rows of very different length: the estimate was too low.
            ranges = min(rows, ranges * 4)
        except BaseException:
            output.abandon()
            raise


def _kept(leave_out: Sequence[tuple[str, str]]) -> str:
    if not leave_out:
        return "true"
    gone = ", ".join(f"('{log}', DATE '{day}')" for log, day in leave_out)
    return f'("table", "day") NOT IN ({gone})'


def _sort(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    description: TableDescription,
    output: SortedFiles,
    ranges: int,
    batch_rows: int,
) -> None:
    columns = ", ".join(f'"{c.name}"' for c in description.columns)
    order = ", ".join(f'"{name}"' for name in description.sort)
    first = _first_key(description)
    for low, high in _ranges(connection, source, first, ranges):
        within = ["true"]
        values: dict[str, Any] = {}
        if low is not None:
            within.append(f"{first} >= $low")
            values["low"] = low
        if high is not None:
            within.append(f"{first} < $high")
            values["high"] = high
        condition = " AND ".join(within)
        if high is None:
            # Whatever has no key sorts last.
            condition = f"({condition} OR {first} IS NULL)"
        sql = f"SELECT {columns} FROM {source} AND {condition} ORDER BY {order}"
        for batch in connection.sql(sql, params=values).to_arrow_reader(batch_rows):
            output.write(pa.Table.from_batches([batch]))


def _first_key(description: TableDescription) -> str:
    """What a partition is divided by: a resource's items stay together, being many of one type."""
    if description.name == "config_items":
        return '("resourceType" || chr(1) || "resourceId")'
    return f'"{description.sort[0]}"'


def _ranges(
    connection: duckdb.DuckDBPyConnection, source: str, key: str, count: int
) -> list[tuple[Any, Any]]:
    """Bounds of about `count` ranges of equal size, from a sample; None at both ends."""
    if count <= 1:
        return [(None, None)]
    sample = connection.execute(
        f"SELECT key FROM (SELECT {key} AS key FROM {source}) WHERE key IS NOT NULL"
        f" USING SAMPLE reservoir({_SAMPLE} ROWS) REPEATABLE (1)"
    ).fetchall()
    keys = sorted(key for (key,) in sample)
    bounds = sorted({keys[len(keys) * i // count] for i in range(1, count)}) if keys else []
    return list(zip([None, *bounds], [*bounds, None], strict=True))


def _copy(files: Sequence[str], output: SortedFiles) -> None:
    """One file after the other: rows of the quarantine hold up to a megabyte and come in order of time."""
    for path in files:
        waiting: list[pa.RecordBatch] = []
        for batch in pq.ParquetFile(path).iter_batches(batch_size=64):
            waiting.append(batch)
            if sum(b.nbytes for b in waiting) >= _BATCH_BYTES:
                output.write(_in_columns(waiting, output.schema))
                waiting = []
        if waiting:
            output.write(_in_columns(waiting, output.schema))


def _in_columns(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """A table in the columns of `schema`; one that an older file lacks is null."""
    rows = pa.Table.from_batches(batches)
    columns = [
        rows[f.name] if f.name in rows.column_names else pa.nulls(rows.num_rows, f.type) for f in schema
    ]
    return pa.table(dict(zip(schema.names, columns, strict=True)))
