"""Counting a lake from outside: every row that a reader would see, and every file on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
from pyiceberg.expressions import AlwaysTrue

from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.scan import relation


def ask(home: Path, table: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of `sql`, in which `{}` stands for the table."""
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        plan = lake.plan(table, AlwaysTrue())
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql.format(relation(plan.files, plan.iceberg_schema))).fetchall()


def count(home: Path, table: str) -> int:
    """Rows of a table."""
    return int(ask(home, table, "SELECT count(*) FROM {}")[0][0])
