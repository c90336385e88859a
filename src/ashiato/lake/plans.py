"""A reader of the lake that stays at one snapshot per table, and keeps its files from being removed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Self

import sqlalchemy as sa
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError
from ashiato.formats.tables import TABLES
from ashiato.lake.catalog import current_tables
from ashiato.lake.day_states import LogDay, standing_days
from ashiato.lake.home import Home
from ashiato.lake.inventory import matching, newest_time
from ashiato.lake.leases import Lease
from ashiato.lake.table_plan import TablePlan
from ashiato.ledger import tables as t

_MOST_PLANS = 64


class PinnedLake:
    """Plans at the snapshots that were current when it was opened.

    A lease in `readers/` names them; maintenance removes no file of a leased snapshot while the
    reader's process lives.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self._lease: Lease | None = None
        self._tables: dict[str, Table] = {}
        self._snapshots: dict[str, int | None] = {}
        #: Plans made: at a pinned snapshot the same filter always has the same files.
        self._plans: dict[tuple[str, str], TablePlan] = {}
        #: Before any table was looked at: what happened later is not in the snapshots for sure.
        self.pinned_at = now()
        self._pin()

    def _pin(self) -> None:
        """Take the lease first and read the snapshots after it, so that none slips between."""
        # A home on a read-only file system has no writer that could remove files.
        with suppress(OSError):
            self._lease = Lease.take(self.home.folder / "readers")
        try:
            for name, table in current_tables(self.home.folder).items():
                current = table.current_snapshot()
                self._tables[name] = table
                self._snapshots[name] = None if current is None else current.snapshot_id
            if self._lease is not None:
                self._lease.name(self._snapshots)
        except BaseException:
            self.close()
            raise

    def table(self, name: str) -> Table:
        """The table as it was when pinned."""
        return self._tables[name]

    def snapshot_id(self, name: str) -> int | None:
        """The pinned snapshot of a table; None where nothing was written yet."""
        return self._snapshots[name]

    @cached_property
    def days(self) -> tuple[set[LogDay], set[LogDay]]:
        """Days whose footprints stand at these snapshots, and those to count. What changes after it was asked first
        is not in the snapshots."""
        return standing_days(self.home.ledger, self.pinned_at)

    @cached_property
    def superseded(self) -> Sequence[str]:
        """Ids of events that a later addendum corrects. What is corrected after it was asked first is not in the
        snapshots."""
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
        key = table, repr(row_filter)
        if key not in self._plans:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.pop(next(iter(self._plans)))
            self._plans[key] = self._planned(table, row_filter)
        return self._plans[key]

    def newest(self, table: str) -> datetime | None:
        """The newest time of a record, as the files of a log tell it."""
        snapshot = self._snapshots[table]
        iceberg = self._tables[table]
        return newest_time(iceberg, None if snapshot is None else iceberg.snapshot_by_id(snapshot))

    def _planned(self, table: str, row_filter: BooleanExpression) -> TablePlan:
        iceberg = self._tables[table]
        snapshot = self._snapshots[table]
        files = matching(iceberg, None if snapshot is None else iceberg.snapshot_by_id(snapshot), row_filter)
        return TablePlan(
            TABLES[table],
            iceberg.schema(),
            tuple(file.path for file in files),
            sum(file.bytes for file in files),
            sum(file.rows for file in files),
            snapshot,
            tuple(files),
        )

    def close(self) -> None:
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
