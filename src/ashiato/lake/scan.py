"""Planned reads of a table: PyIceberg says which files, DuckDB reads them by field id."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb
import pyarrow as pa
from pyiceberg.expressions import BooleanExpression
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import IcebergType, ListType, StructType

from ashiato.core.spans import shifted
from ashiato.formats.columns import TableDescription
from ashiato.lake.inventory import matching

_WORD: Final = re.compile(r"\w+")


def day_bounds(day: int) -> tuple[datetime, datetime]:
    """First moment of a day (counted from 1970-01-01, UTC) and of the next."""
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return start, shifted(start, timedelta(days=1))


def planned_files(table: Table, row_filter: BooleanExpression) -> list[str]:
    """Local paths of the data files that may hold matching rows now."""
    return [file.path for file in matching(table, table.current_snapshot(), row_filter)]


def duckdb_type(type_: IcebergType) -> str:
    """The DuckDB type of an Iceberg type, as SQL."""
    if isinstance(type_, StructType):
        inner = ", ".join(f'"{f.name}" {duckdb_type(f.field_type)}' for f in type_.fields)
        return f"STRUCT({inner})"
    if isinstance(type_, ListType):
        return f"{duckdb_type(type_.element_type)}[]"
    names = {
        "string": "VARCHAR", "int": "INTEGER", "long": "BIGINT", "boolean": "BOOLEAN",
        "timestamptz": "TIMESTAMPTZ", "date": "DATE", "binary": "BLOB",
    }  # fmt: skip
    return names[str(type_)]


def relation(files: Sequence[str], schema: Schema, sql: str | None = None) -> str:
    """SQL that reads these files by field id: an added column is null in older files.

    `sql`: the clauses that it is for. Only columns whose names stand in them are there then: DuckDB takes 2 to 3 ms
    over all of them, more than over most reads.
    """
    wanted = schema.fields
    if sql is not None:
        words = set(_WORD.findall(sql))
        wanted = tuple(f for f in wanted if f.name in words)
    if not files:
        columns = ", ".join(f'NULL::{duckdb_type(f.field_type)} AS "{f.name}"' for f in wanted)
        return f"(SELECT {columns} WHERE false)"
    listed = ", ".join("'" + f.replace("'", "''") + "'" for f in files)
    fields = ", ".join(
        f"{f.field_id}: {{name: '{f.name}', type: '{duckdb_type(f.field_type)}', default_value: NULL}}"
        for f in wanted
    )
    return f"read_parquet([{listed}], hive_partitioning=false, schema=MAP {{{fields}}})"


def read_columns(
    description: TableDescription,
    table: Table,
    row_filter: BooleanExpression,
    more_files: Sequence[str],
    between: tuple[datetime, datetime],
    wanted: Mapping[str, Sequence[str]],
) -> pa.Table:
    """Rows of the planned files and `more_files`, in a span of time, that have one of the wanted texts."""
    files = [*planned_files(table, row_filter), *more_files]
    time = description.time_column
    where = f'"{time}" >= $start AND "{time}" < $end'
    for name in wanted:
        where += f' AND "{name}"::VARCHAR IN (SELECT unnest($v_{name}))'
    values = {"start": between[0], "end": between[1], **{f"v_{k}": list(v) for k, v in wanted.items()}}
    with duckdb.connect(config={"threads": 1, "memory_limit": "512MB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        sql = f"SELECT * FROM {relation(files, table.schema())} WHERE {where}"
        return connection.sql(sql, params=values).to_arrow_table()
