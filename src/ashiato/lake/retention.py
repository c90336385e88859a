"""Retention: partitions whose records are all older than a table's limit are dropped, with their keys and
footprints. By the records' own time, in whole days or months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pyiceberg.manifest import DataFile

from ashiato.core.settings import Retention
from ashiato.formats.columns import TableDescription
from ashiato.formats.tables import LOG_TABLES, TABLES
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.child import MaintenanceChild
from ashiato.lake.compaction import partition_at, partition_name, partition_of
from ashiato.lake.day_states import begin_dropping, finish_dropping
from ashiato.lake.footprints import replace_days
from ashiato.lake.home import Home
from ashiato.lake.keys import KEYED, KeyTable
from ashiato.lake.replacing import live_files, replace_files
from ashiato.lake.spans import day_at, day_number


@dataclass(frozen=True)
class Drop:
    """What a table's limit removes: everything before the day `before` (the first day that stays)."""

    table: str
    before: date
    limit: timedelta
    files: tuple[DataFile, ...]

    @property
    def partitions(self) -> list[str]:
        """Names of the days or months that go, oldest first."""
        description = TABLES[self.table]
        return [partition_name(p, description) for p in sorted({partition_of(f) for f in self.files})]

    def as_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "before": self.before.isoformat(),
            "limit_days": self.limit.days,
            "partitions": self.partitions,
            "files": len(self.files),
            "rows": sum(f.record_count for f in self.files),
            "bytes": sum(f.file_size_in_bytes for f in self.files),
        }


def plan_retention(home: Home, limits: Retention, moment: datetime) -> list[Drop]:
    """What would go at `moment`, one entry a table that has a limit."""
    catalog = open_catalog(home.lake)
    drops = []
    for name in (*LOG_TABLES, "quarantine"):
        limit: timedelta | None = getattr(limits, name)
        if limit is None:
            continue
        description = TABLES[name]
        first_kept = partition_at(moment - limit, description)
        files = tuple(f for f in live_files(open_table(catalog, name)) if 0 <= partition_of(f) < first_kept)
        drops.append(Drop(name, _first_day(first_kept, description), limit, files))
    return drops


def _first_day(partition: int, description: TableDescription) -> date:
    if description.partition == "month":
        return date(1970 + partition // 12, partition % 12 + 1, 1)
    return day_at(partition)


def apply_retention(home: Home, drops: Sequence[Drop], child: MaintenanceChild) -> int:
    """Drop what was planned; the number of partitions. Needs the home's writer lock.

    A partition goes in one snapshot with all others of its table; keys go after it, so that a kill between
    the two leaves keys without records (which the next run removes), never records without keys.
    """
    count = 0
    catalog = open_catalog(home.lake)
    for drop in drops:
        table = open_table(catalog, drop.table)
        # From here on these days are counted from their rows, until nothing speaks of them any more.
        days = begin_dropping(home.ledger, drop.table, drop.before)
        if drop.files:
            properties = {"ashiato.op": "retention", "ashiato.before": drop.before.isoformat()}
            if not replace_files(table, drop.files, (), properties):
                continue
            count += len(drop.partitions)
        if drop.table in KEYED:
            keys = KeyTable(home.folder / "keys.db")
            try:
                keys.drop_days(drop.table, day_number(drop.before))
            finally:
                keys.close()
        if days and replace_days(open_table(catalog, "footprints"), days, (), child):
            finish_dropping(home.ledger, drop.table, drop.before)
    return count
