"""Reads of the lake for this package: our own SQL over planned files, parameters bound, memory limited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
from pyiceberg.expressions import BooleanExpression

from ashiato.lake.plans import PinnedLake
from ashiato.lake.scan import relation

_CONFIG: dict[str, Any] = {"threads": 2, "memory_limit": "768MB"}


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB in process, in UTC; it spills nothing and reads only the files that a plan names."""
    with duckdb.connect(config=_CONFIG) as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


def planned(lake: PinnedLake, table: str, row_filter: BooleanExpression) -> str | None:
    """SQL that reads the files which may hold matching rows; None where there is no such file."""
    plan = lake.plan(table, row_filter)
    return relation(plan.files, plan.iceberg_schema) if plan.files else None


def rows(
    opened: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The answer as one dictionary a row."""
    found: list[dict[str, Any]] = opened.sql(sql, params=dict(parameters or {})).to_arrow_table().to_pylist()
    return found
