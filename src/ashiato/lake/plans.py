"""A reader of the lake that stays at one snapshot per table, and keeps its files from being removed."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from pyiceberg.expressions import BooleanExpression
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError
from ashiato.formats.columns import TableDescription
from ashiato.formats.tables import TABLES
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.home import Home
from ashiato.ledger import tables as t


@dataclass(frozen=True)
class TablePlan:
    """The files of one table that may hold matching rows: local paths, their bytes and rows.

    `snapshot_id` is None for a table that nothing was written to yet.
    """

    description: TableDescription
    iceberg_schema: Schema
    files: tuple[str, ...]
    bytes: int
    rows: int
    snapshot_id: int | None


class PinnedLake:
    """Plans at the snapshots that were current when it was opened.

    A lease in `readers/` names them; maintenance removes no file of a leased snapshot while the
    reader's process lives.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        catalog = open_catalog(home.lake)
        self._lease: Path | None = None
        self._catalog = catalog
        self._tables: dict[str, Table] = {}
        self._snapshots: dict[str, int | None] = {}
        self._take_lease()

    def _take_lease(self) -> None:
        """Write the lease first and read the snapshots again after it, so that none slips between."""
        lease = self.home.folder / "readers" / f"{os.getpid()}-{uuid.uuid4().hex}"
        try:
            lease.write_text(json.dumps({"pid": os.getpid(), "since": now().isoformat(), "snapshots": None}))
            self._lease = lease
        except OSError:
            # A home on a read-only file system has no writer that could remove files.
            self._lease = None
        for name in TABLES:
            table = open_table(self._catalog, name)
            current = table.current_snapshot()
            self._tables[name] = table
            self._snapshots[name] = None if current is None else current.snapshot_id
        if self._lease is not None:
            about = {"pid": os.getpid(), "since": now().isoformat(), "snapshots": self._snapshots}
            self._lease.write_text(json.dumps(about))

    @property
    def superseded(self) -> Sequence[str]:
        """Ids of events that a later addendum corrects."""
        rows = self.home.ledger.rows(sa.select(t.corrections.c.original).distinct())
        return [original for (original,) in rows]

    def plan(
        self,
        table: str,
        row_filter: BooleanExpression,
        columns: Sequence[str] | None = None,
    ) -> TablePlan:
        """Files that may hold rows matching `row_filter`."""
        del columns
        if table not in self._tables:
            raise AshiatoError(f"there is no table {table}")
        iceberg = self._tables[table]
        snapshot = self._snapshots[table]
        tasks = [] if snapshot is None else list(
            iceberg.scan(row_filter=row_filter, snapshot_id=snapshot).plan_files()
        )
        return TablePlan(
            TABLES[table],
            iceberg.schema(),
            tuple(task.file.file_path.removeprefix("file://") for task in tasks),
            sum(task.file.file_size_in_bytes for task in tasks),
            sum(task.file.record_count for task in tasks),
            snapshot,
        )

    def close(self) -> None:
        if self._lease is not None:
            self._lease.unlink(missing_ok=True)
            self._lease = None

    def __enter__(self) -> PinnedLake:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
