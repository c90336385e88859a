"""A small lake for the engine's tests: PyIceberg tables on local disk, and a planner over them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from ashiato.engine import TablePlan
from ashiato.formats.tables import TABLES

Record = dict[str, Any]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAIN = "111122223333"


class Home:
    """Tables written once; `planner()` gives a reader as the lake does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalog = SqlCatalog(
            "test",
            uri=f"sqlite:///{folder}/catalog.db",
            warehouse=f"file://{folder}/lake",
            init_catalog_tables="true",
        )
        self.catalog.create_namespace("ashiato")
        self.tables: dict[str, Table] = {
            name: self.catalog.create_table(f"ashiato.{name}", schema=d.schema) for name, d in TABLES.items()
        }

    def append(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows as one data file; columns that a row lacks are null."""
        schema = TABLES[table].schema
        full = [{name: row.get(name) for name in schema.names} for row in rows]
        self.tables[table].append(pa.Table.from_pylist(full, schema=schema))

    def planner(self, superseded: Sequence[str] = ()) -> TestPlanner:
        return TestPlanner(self, superseded)


class TestPlanner:
    """Plans by PyIceberg's own scan; remembers the filters it was given."""

    __test__ = False

    def __init__(self, home: Home, superseded: Sequence[str] = ()) -> None:
        self.home = home
        self.superseded = superseded
        self.filters: dict[str, BooleanExpression] = {}

    def plan(
        self, table: str, row_filter: BooleanExpression, columns: Sequence[str] | None = None
    ) -> TablePlan:
        self.filters[table] = row_filter
        lake_table = self.home.tables[table]
        files = [t.file for t in lake_table.scan(row_filter=row_filter).plan_files()]
        snapshot = lake_table.current_snapshot()
        return TablePlan(
            TABLES[table],
            lake_table.schema(),
            tuple(f.file_path.removeprefix("file://") for f in files),
            sum(f.file_size_in_bytes for f in files),
            sum(f.record_count for f in files),
            snapshot.snapshot_id if snapshot else None,
        )


def moment(text: str) -> datetime:
    """An ISO time in UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
