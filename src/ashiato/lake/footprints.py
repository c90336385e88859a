"""Building footprints for days that have settled. `presence.py` reads them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from ashiato.formats.tables import TABLES
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.child import MaintenanceChild
from ashiato.lake.compaction import TARGET_BYTES, folder_of, partition_of
from ashiato.lake.day_states import LogDay, begin_building, finish_building
from ashiato.lake.home import Home
from ashiato.lake.replacing import live_files, local_path, remove_unused, replace_files
from ashiato.lake.scan import planned_files
from ashiato.lake.spans import between, day_at, day_number
from ashiato.ledger import tables as t

#: Days of a month are built together while they have fewer rows than this.
BUILD_ROWS = 1_000_000


@dataclass
class Built:
    """What building did: days, rows of logs counted, footprints written; days given up until the next run."""

    days: int = 0
    rows: int = 0
    footprints: int = 0
    given_up: int = 0


def build(
    home: Home,
    days: Sequence[LogDay],
    child: MaintenanceChild,
    *,
    progress: Callable[[int], None] | None = None,
) -> Built:
    """Count `days` and put the result in the place of what stood for them; a group of days in one snapshot.

    Needs the home's writer lock. A row that comes meanwhile leaves its day to be built again. Raises
    AshiatoError where the child cannot write; days already built stay built.
    """
    done = Built()
    catalog = open_catalog(home.lake)
    footprints = open_table(catalog, "footprints")
    for group in _groups(catalog, days):
        begin_building(home.ledger, group)
        # After the mark: a row that is not in this snapshot will make the day dirty again.
        log = open_table(catalog, group[0].table)
        answer = child.run(
            "footprints",
            table=group[0].table,
            schema=log.schema().model_dump_json(),
            files=planned_files(log, between(group[0].table, group[0].day, group[-1].day)),
            days=[d.day.isoformat() for d in group],
            superseded=superseded(home),
            folder=str(folder_of(footprints, group[0].day.isoformat()[:7])),
            footprints_schema=footprints.schema().model_dump_json(),
            target_bytes=TARGET_BYTES,
        )
        if replace_days(footprints, group, answer["files"], child):
            finish_building(home.ledger, group)
            done.days += len(group)
            done.rows += int(answer["read"])
            done.footprints += int(answer["rows"])
        else:
            done.given_up += len(group)
        if progress is not None:
            progress(len(group))
    return done


def superseded(home: Home) -> list[str]:
    """Ids of events that a later addendum corrects: they do not count."""
    return [o for (o,) in home.ledger.rows(sa.select(t.corrections.c.original).distinct())]


def replace_days(
    footprints: Table, days: Collection[LogDay], added: Sequence[str], child: MaintenanceChild
) -> bool:
    """Commit `added` in the place of all footprints of `days` (of one log). False: plan again."""
    gone = {d.day for d in days}
    (log,) = {d.table for d in days}
    removed: list[DataFile] = []
    rewritten: list[DataFile] = []
    for data_file in live_files(footprints):
        name, first, last = content_of(footprints, data_file)
        if name == log:
            span = {first + timedelta(days=i) for i in range((last - first).days + 1)}
            if span <= gone:
                removed.append(data_file)
            elif span & gone:
                rewritten.append(data_file)
    kept: list[str] = []
    for data_file in rewritten:
        answer = child.run(
            "merge",
            table="footprints",
            schema=footprints.schema().model_dump_json(),
            files=[local_path(data_file)],
            folder=str(folder_of(footprints, _month(partition_of(data_file)))),
            target_bytes=TARGET_BYTES,
            leave_out=[(log, day.isoformat()) for day in sorted(gone)],
        )
        kept.extend(answer["files"])
    if replace_files(footprints, removed + rewritten, [*kept, *added], {"ashiato.op": "footprints"}):
        return True
    remove_unused([*kept, *added])
    return False


def content_of(footprints: Table, data_file: DataFile) -> tuple[str, date, date]:
    """The log that a file of footprints is about, its first and its last day, from its statistics."""
    schema = footprints.schema()
    log, day = schema.find_field("table"), schema.find_field("day")

    def bound(bounds: dict[int, bytes], field_id: int, type_: object) -> object:
        return from_bytes(type_, bounds[field_id])  # type: ignore[arg-type]

    name = bound(data_file.lower_bounds, log.field_id, log.field_type)
    first = bound(data_file.lower_bounds, day.field_id, day.field_type)
    last = bound(data_file.upper_bounds, day.field_id, day.field_type)
    return str(name), day_at(int(str(first))), day_at(int(str(last)))


def _month(partition: int) -> str:
    return f"{1970 + partition // 12:04d}-{partition % 12 + 1:02d}"


def _groups(catalog: SqlCatalog, days: Sequence[LogDay]) -> Iterator[list[LogDay]]:
    """Days of one log and month, oldest first in a group, of about BUILD_ROWS rows; newest months first."""
    months: dict[tuple[int, str], list[LogDay]] = {}
    for day in sorted(days):
        months.setdefault((-(day.day.year * 12 + day.day.month), day.table), []).append(day)
    counts = {name: _rows_by_partition(catalog, name) for name in {d.table for d in days}}
    for (_, table), of_month in sorted(months.items()):
        by_day = TABLES[table].partition == "day"
        group: list[LogDay] = []
        rows = 0
        for day in of_month:
            more = counts[table].get(day_number(day.day), 0) if by_day else 0
            if group and rows + more > BUILD_ROWS:
                yield group
                group, rows = [], 0
            group.append(day)
            rows += more
        yield group


def _rows_by_partition(catalog: SqlCatalog, name: str) -> dict[int, int]:
    counts: dict[int, int] = {}
    for data_file in live_files(open_table(catalog, name)):
        partition = partition_of(data_file)
        counts[partition] = counts.get(partition, 0) + data_file.record_count
    return counts
