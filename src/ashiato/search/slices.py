"""Files of a table in the order of their time, in portions: what is searched first is what is newest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile, ManifestContent, ManifestFile
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform
from pyiceberg.types import TimestamptzType

from ashiato.formats.tables import TABLES
from ashiato.lake.plans import PinnedLake
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
    found = [s for s in _files(lake, table, span) if s.first < span.end and s.last >= span.start]
    found.sort(key=lambda s: s.last, reverse=True)
    apart: list[Slice] = []
    for one in found:
        if apart and one.last >= apart[-1].first:
            apart[-1] = _joined(apart[-1], one)
        else:
            apart.append(one)
    return apart


#: Files by manifest: one is never changed, and most stay from snapshot to snapshot. The last used are kept.
_known: OrderedDict[str, tuple[Slice, ...]] = OrderedDict()
_lock = Lock()
MOST_KNOWN = 300_000


def _files(lake: PinnedLake, table: str, span: Span) -> Iterator[Slice]:
    """The files of the manifests that may hold records of a span."""
    iceberg = lake.table(table)
    snapshot_id = lake.snapshot_id(table)
    snapshot = None if snapshot_id is None else iceberg.snapshot_by_id(snapshot_id)
    if snapshot is None:
        return
    field = iceberg.schema().find_field(TABLES[table].time_column).field_id
    days = (span.start.date() - _EPOCH.date()).days, (span.end.date() - _EPOCH.date()).days
    for manifest in snapshot.manifests(iceberg.io):
        if manifest.content != ManifestContent.DATA or not _may_hold(iceberg, manifest, field, days):
            continue
        with _lock:
            files = _known.get(manifest.manifest_path)
            if files is not None:
                _known.move_to_end(manifest.manifest_path)
        if files is None:
            files = tuple(_slice(e.data_file, field) for e in manifest.fetch_manifest_entry(iceberg.io))
            with _lock:
                _known[manifest.manifest_path] = files
                while len(_known) > 1 and sum(map(len, _known.values())) > MOST_KNOWN:
                    _known.popitem(last=False)
        yield from files


def _may_hold(iceberg: Table, manifest: ManifestFile, field: int, days: tuple[int, int]) -> bool:
    """Whether the days of a manifest's files, where it tells them, touch these days."""
    spec = iceberg.specs()[manifest.partition_spec_id]
    for part, summary in zip(spec.fields, manifest.partitions or (), strict=False):
        by_day = part.source_id == field and isinstance(part.transform, DayTransform)
        if by_day and not summary.contains_null and summary.lower_bound and summary.upper_bound:
            low, high = (
                int.from_bytes(b, "little", signed=True) for b in (summary.lower_bound, summary.upper_bound)
            )
            if high < days[0] or low > days[1]:
                return False
    return True


def _slice(file: DataFile, field: int) -> Slice:
    low, high = file.lower_bounds.get(field), file.upper_bounds.get(field)
    first = BEGIN if low is None else _moment(low)
    last = END if high is None else _moment(high)
    return Slice((file.file_path.removeprefix("file://"),), first, last, file.record_count)


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
