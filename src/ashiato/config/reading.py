"""Reads of the lake for this package: our own SQL over planned files, parameters bound, memory limited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import duckdb
from pyiceberg.expressions import BooleanExpression

from ashiato.lake.plans import PinnedLake
from ashiato.lake.scan import relation

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_THREADS: Final = 2


def planned(lake: PinnedLake, table: str, row_filter: BooleanExpression) -> str | None:
    """SQL that reads the files which may hold matching rows; None where there is no such file."""
    plan = lake.plan(table, row_filter)
    return relation(plan.files, plan.iceberg_schema) if plan.files else None


def rows(
    opened: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The answer as one dictionary a row."""
    return as_rows(opened.sql(sql, params=dict(parameters or {})).to_arrow_table())


def as_rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table; times as aware datetimes, made of their numbers: Arrow takes ten times as long for each."""
    import pyarrow as pa

    columns: list[list[Any]] = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            numbers = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
            columns.append([None if n is None else _EPOCH + timedelta(microseconds=n) for n in numbers])
        else:
            columns.append(column.to_pylist())
    names = table.column_names
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


@dataclass(frozen=True)
class _Group:
    """Rows wanted of one row group: their places in it, and in the answer."""

    file: str
    metadata: pq.FileMetaData
    group: int
    rows: Sequence[int]
    places: Sequence[int]

    def read(self, columns: Sequence[str]) -> pa.Table:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.file, metadata=self.metadata) as opened:
            known = set(opened.schema_arrow.names)
            whole = opened.read_row_group(self.group, columns=[c for c in columns if c in known])
        return whole.take(self.rows)


def picked(
    files: Sequence[str], places: Sequence[tuple[int, int]], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """Single rows by (place in `files`, place in that file), in the order asked. Row groups without any of them are
    not read; a column that a file was written without is left out."""
    found: list[dict[str, Any]] = [{}] * len(places)
    groups = list(_groups(files, places))
    # The next row groups are read while rows are made of this one; what waits is only what was asked for.
    with ThreadPoolExecutor(_THREADS) as readers:
        for group, taken in zip(groups, readers.map(lambda g: g.read(columns), groups), strict=True):
            for place, values in zip(group.places, as_rows(taken), strict=True):
                found[place] = values
    return found


def _groups(files: Sequence[str], places: Sequence[tuple[int, int]]) -> Iterator[_Group]:
    import pyarrow.parquet as pq

    wanted: dict[int, list[tuple[int, int]]] = {}
    for place, (file, row) in enumerate(places):
        wanted.setdefault(file, []).append((row, place))
    for file, of_file in sorted(wanted.items()):
        of_file.sort()
        metadata = pq.read_metadata(files[file])
        start = at = 0
        for group in range(metadata.num_row_groups):
            end, until = start + metadata.row_group(group).num_rows, at
            while until < len(of_file) and of_file[until][0] < end:
                until += 1
            if until > at:
                part = of_file[at:until]
                yield _Group(
                    files[file], metadata, group, [row - start for row, _ in part], [p for _, p in part]
                )
            start, at = end, until
