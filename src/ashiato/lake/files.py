"""Writing Parquet data files as Iceberg wants them: field ids, one partition a file."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table

from ashiato.formats.columns import TableDescription
from ashiato.formats.entities import every
from ashiato.lake.catalog import BOUNDED, with_field_ids

#: So many rows a row group: an index lookup then reads little around what it wants.
ROW_GROUP = 20_000
UNIQUE = frozenset({"eventID", "requestID", "log_event_id", "bytes", "packets"})
TIMES = frozenset({"eventTime", "start", "end", "start_time"})
#: The same of files that wait for compaction: a page of each column costs more than looking around.
APPENDED_ROW_GROUP = 50_000
#: Runs of a partition's rows in one table beyond which they are picked out one by one.
MOST_SLICES = 64
WRITING_THREADS = 2


def encodings(schema: pa.Schema) -> dict[str, Any]:
    """How the columns are encoded, as options of `pq.ParquetWriter`: by dictionary, but for ids and figures,
    of which each value comes once, and for times, which are near one another."""

    def leaves(path: str, type_: pa.DataType) -> Iterator[str]:
        if pa.types.is_struct(type_):
            for field in type_:
                yield from leaves(f"{path}.{field.name}", field.type)
        elif pa.types.is_list(type_):
            yield from leaves(f"{path}.list.element", type_.value_type)
        else:
            yield path

    coded = [path for f in schema if f.name not in UNIQUE | TIMES for path in leaves(f.name, f.type)]
    times = {f.name: "DELTA_BINARY_PACKED" for f in schema if f.name in TIMES}
    return {"use_dictionary": coded, "column_encoding": times or None}


def partitions(rows: pa.Table, description: TableDescription) -> Iterator[tuple[str, pa.Table]]:
    """Rows by the day or month of their time column; names like 2026-10-01 and 2026-10."""
    time = rows[description.time_column].combine_chunks()
    unit = description.partition
    floor = pc.floor_temporal(time, unit=unit)
    distinct = sorted(v for v in pc.unique(floor).to_pylist() if v is not None)
    runs = _runs(floor) if len(distinct) > 1 else {}
    for value in distinct:
        name = value.isoformat()[: 10 if unit == "day" else 7]
        if len(distinct) == 1:
            yield name, rows
        elif value in runs:
            yield name, pa.concat_tables([rows.slice(start, count) for start, count in runs[value]])
        else:
            yield name, rows.filter(pc.equal(floor, pa.scalar(value, floor.type)))


def _runs(values: pa.Array) -> dict[datetime, list[tuple[int, int]]]:
    """(start, length) of the runs of each value, where rows lie mostly together: a slice copies nothing."""
    encoded = pc.run_end_encode(values)
    if len(encoded.values) > MOST_SLICES:
        return {}
    runs: dict[datetime, list[tuple[int, int]]] = {}
    start = 0
    for end, value in zip(encoded.run_ends.to_pylist(), encoded.values.to_pylist(), strict=True):
        runs.setdefault(value, []).append((start, end - start))
        start = end
    return runs


def without(rows: pa.Table, places: pa.Array) -> pa.Table:
    """The rows but those at `places` (ascending). Second copies mostly come file by file: what is between
    them is sliced, not copied."""
    gone = [-1, *places.to_pylist(), rows.num_rows]
    between = [(a + 1, b - a - 1) for a, b in pairwise(gone) if b - a > 1]
    if len(between) <= MOST_SLICES:
        return pa.concat_tables([rows.slice(0, 0), *(rows.slice(start, count) for start, count in between)])
    return rows.filter(pc.invert(pc.is_in(every(rows.num_rows), places)))


def data_file_maker(table: Table) -> Callable[[Path], DataFile]:
    """A function from a written Parquet file to its entry in a manifest.

    PyIceberg's `parquet_file_to_data_file` compares schemas anew for each file, which takes longer than
    writing a small one; ours carry the table's own field ids.
    """
    metadata = table.metadata
    schema = metadata.schema()
    plan = compute_statistics_plan(schema, metadata.properties)
    columns = parquet_path_to_id_mapping(schema)

    def entry(path: Path) -> DataFile:
        statistics = data_file_statistics_from_parquet_metadata(
            parquet_metadata=pq.read_metadata(path), stats_columns=plan, parquet_column_mapping=columns
        )
        return DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=f"file://{path}",
            file_format=FileFormat.PARQUET,
            partition=statistics.partition(metadata.spec(), schema),
            file_size_in_bytes=path.stat().st_size,
            sort_order_id=None,
            spec_id=metadata.default_spec_id,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )

    return entry


class FileWriter:
    """Data files of one batch: at most one open file a partition; rows of a partition are appended."""

    def __init__(self, table: Table, description: TableDescription, *, level: int = 1) -> None:
        self.table = table
        self.description = description
        self.schema = with_field_ids(description.schema, table.schema())
        self.folder = Path(table.location().removeprefix("file://")) / "data"
        self.level = level
        self._encodings = encodings(self.schema)
        self.rows = 0
        self._open: dict[str, tuple[Path, pq.ParquetWriter]] = {}
        self._closed: list[Path] = []

    def write(self, rows: pa.Table) -> None:
        """`rows` in the table's columns and order."""
        self.rows += rows.num_rows
        parts = [(self._writer(name), part) for name, part in partitions(rows, self.description)]
        # Each partition is a file of its own, and encoding one lets other threads go on.
        with ThreadPoolExecutor(WRITING_THREADS) as pool:
            for _ in pool.map(self._append, parts):
                pass

    def _writer(self, partition: str) -> pq.ParquetWriter:
        if partition not in self._open:
            folder = self.folder / f"{self.description.partition}={partition}"
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{uuid.uuid4().hex}.parquet"
            writer = pq.ParquetWriter(
                path,
                self.schema,
                compression="zstd",
                compression_level=self.level,
                # What plans use; the rest comes with sorting, without which it says little.
                write_statistics=list(BOUNDED[self.description.name]),
                write_page_index=False,
                store_schema=False,
                **self._encodings,
            )
            self._open[partition] = (path, writer)
        return self._open[partition][1]

    def _append(self, part: tuple[pq.ParquetWriter, pa.Table]) -> None:
        writer, rows = part
        writer.write_table(rows.cast(self.schema), row_group_size=APPENDED_ROW_GROUP)

    def close(self) -> list[DataFile]:
        """Finish the files; their entries for the commit."""
        with ThreadPoolExecutor(WRITING_THREADS) as pool:
            for _ in pool.map(_finish, self._open.values()):
                pass
        entry = data_file_maker(self.table)
        data_files = [entry(path) for path, _ in self._open.values()]
        self._closed += [path for path, _ in self._open.values()]
        self._open = {}
        return data_files

    def abandon(self) -> None:
        """Remove what was written: the batch will not be committed."""
        for path, writer in self._open.values():
            # On a full disk closing fails too; the file goes all the same.
            with suppress(OSError, pa.ArrowException):
                writer.close()
            path.unlink(missing_ok=True)
        for path in self._closed:
            path.unlink(missing_ok=True)
        self._open, self._closed = {}, []


def _finish(file: tuple[Path, pq.ParquetWriter]) -> None:
    path, writer = file
    writer.close()
    # Parquet before the snapshot that names it: a power loss must not leave a name without bytes.
    with path.open("rb") as written:
        os.fsync(written.fileno())
