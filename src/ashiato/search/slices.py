"""Files of a table in the order of their time, in portions: what is searched first is what is newest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyiceberg.conversions import from_bytes
from pyiceberg.types import TimestamptzType

from ashiato.formats.tables import TABLES
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import within
from ashiato.search.query import BEGIN, END, Span

#: Rows of the first portion; each next one is twice as large, up to MOST_ROWS.
FIRST_ROWS = 150_000
MOST_ROWS = 1_500_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Slice:
    """Files whose records lie from `first` to `last` (both included), where no other slice's do."""

    files: tuple[str, ...]
    first: datetime
    last: datetime
    rows: int


def slices(lake: PinnedLake, table: str, span: Span) -> list[Slice]:
    """The files with records of a span, newest first, merged where their times overlap."""
    snapshot = lake.snapshot_id(table)
    if snapshot is None:
        return []
    iceberg = lake.table(table)
    time = iceberg.schema().find_field(TABLES[table].time_column)
    row_filter = within(time.name, span.start.isoformat(), span.end.isoformat())
    found: list[Slice] = []
    for task in iceberg.scan(row_filter=row_filter, snapshot_id=snapshot).plan_files():
        file = task.file
        low, high = file.lower_bounds.get(time.field_id), file.upper_bounds.get(time.field_id)
        first = BEGIN if low is None else _moment(low)
        last = END if high is None else _moment(high)
        found.append(Slice((file.file_path.removeprefix("file://"),), first, last, file.record_count))
    found.sort(key=lambda s: s.last, reverse=True)
    apart: list[Slice] = []
    for one in found:
        if apart and one.last >= apart[-1].first:
            apart[-1] = _joined(apart[-1], one)
        else:
            apart.append(one)
    return apart


def portions(apart: list[Slice], first_rows: int = FIRST_ROWS, most: int = MOST_ROWS) -> Iterator[Slice]:
    """Neighbours put together: small portions first, so that the first answer is quick; then of `most` rows."""
    wanted = min(first_rows, most)
    held: Slice | None = None
    for one in apart:
        held = one if held is None else _joined(held, one)
        if held.rows >= wanted:
            yield held
            held = None
            wanted = min(wanted * 2, most)
    if held is not None:
        yield held


def _moment(bound: bytes) -> datetime:
    microseconds: int = from_bytes(TimestamptzType(), bound)  # type: ignore[assignment]
    return _EPOCH + timedelta(microseconds=microseconds)


def _joined(one: Slice, other: Slice) -> Slice:
    return Slice(
        one.files + other.files, min(one.first, other.first), max(one.last, other.last), one.rows + other.rows
    )
