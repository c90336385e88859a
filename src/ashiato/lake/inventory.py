"""Which data files of a table may hold matching rows, by manifests that are read once and kept.

A manifest never changes; PyIceberg reads it again for every plan, and asks every file whether its partition and its
bounds match, which costs more than most questions themselves. Here the bounds of the time column, by which nearly
everything is asked, are numbers at hand; PyIceberg's own evaluator judges what is left by the rest of a filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from cachetools import LRUCache, cached
from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
    LiteralPredicate,
    Or,
)
from pyiceberg.expressions.visitors import (
    _InclusiveMetricsEvaluator,
    inclusive_projection,
    manifest_evaluator,
)
from pyiceberg.manifest import DataFile, ManifestContent, ManifestFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.types import IcebergType

from ashiato.formats.tables import TABLES

#: Files whose entries are kept in a process; the manifests longest unused go first. An entry takes some 4 KB.
_MOST_FILES: Final = 10_000
#: A table with no more files has all its manifests read: to judge a summary takes milliseconds, for every plan.
_FEW_FILES: Final = 1_000
_MIN: Final = -(1 << 63)
_MAX: Final = (1 << 63) - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: Spans of the time column, both ends included, in its own unit (microseconds, or days).
Spans = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A data file. `first`, `last`: bounds of its time column; those of a file that says none hold everything."""

    path: str
    bytes: int
    rows: int
    first: int
    last: int
    entry: DataFile


_files: LRUCache[tuple[str, int], list[LiveFile]] = LRUCache(_MOST_FILES, getsizeof=len)
_manifests: LRUCache[str, list[ManifestFile]] = LRUCache(64)
_files_lock, _manifests_lock = Lock(), Lock()


def matching(table: Table, snapshot: Snapshot | None, row_filter: BooleanExpression) -> list[LiveFile]:
    """The live files of a snapshot of one of our tables that may hold rows matching the filter, in the order of its
    manifests."""
    if snapshot is None:
        return []
    time = table.schema().find_field(TABLES[table.name()[-1]].time_column)
    spans, whole = _spans(row_filter, time.name, time.field_type)
    found = [
        file
        for files in _live(table, snapshot, row_filter, time.field_id)
        for file in files
        if any(file.first <= last and file.last >= first for first, last in spans)
    ]
    if whole:
        return found
    may_hold = _InclusiveMetricsEvaluator(table.schema(), row_filter, True, False).eval
    return [file for file in found if may_hold(file.entry)]


def newest_time(table: Table, snapshot: Snapshot | None) -> datetime | None:
    """The newest time in a snapshot of one of our logs; None where it holds nothing."""
    times = [file.last for file in matching(table, snapshot, AlwaysTrue()) if file.last < _MAX]
    return _EPOCH + timedelta(microseconds=max(times)) if times else None


def _live(
    table: Table, snapshot: Snapshot, row_filter: BooleanExpression, time_id: int
) -> Iterator[list[LiveFile]]:
    """The files of each manifest; of those that are not at hand only where its summary matches, if there are many."""
    summaries: dict[int, Callable[[ManifestFile], bool]] = {}
    listed = _listed(snapshot.manifest_list, snapshot, table)
    count = sum((m.added_files_count or 0) + (m.existing_files_count or 0) for m in listed)
    for manifest in listed:
        with _files_lock:
            files = _files.get((manifest.manifest_path, time_id))
        if files is None and count > _FEW_FILES:
            spec = manifest.partition_spec_id
            if spec not in summaries:
                summaries[spec] = _summary(table, spec, row_filter)
            if not summaries[spec](manifest):
                continue
        if files is None:
            files = _read(manifest, time_id, table)
        yield files


@cached(_manifests, key=lambda place, *_: place, lock=_manifests_lock)
def _listed(place: str, snapshot: Snapshot, table: Table) -> list[ManifestFile]:
    """The manifests of data that are listed at a place."""
    del place
    return [m for m in snapshot.manifests(table.io) if m.content == ManifestContent.DATA]


def _summary(table: Table, spec_id: int, row_filter: BooleanExpression) -> Callable[[ManifestFile], bool]:
    spec = table.specs()[spec_id]
    projected = inclusive_projection(table.schema(), spec, True)(row_filter)
    return manifest_evaluator(spec, table.schema(), projected, True)


@cached(_files, key=lambda manifest, time_id, _: (manifest.manifest_path, time_id), lock=_files_lock)
def _read(manifest: ManifestFile, time_id: int, table: Table) -> list[LiveFile]:
    files = []
    for each in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
        entry = each.data_file
        if entry.record_count:
            files.append(
                LiveFile(
                    entry.file_path.removeprefix("file://"),
                    entry.file_size_in_bytes,
                    entry.record_count,
                    _bound(entry.lower_bounds, time_id, _MIN),
                    _bound(entry.upper_bounds, time_id, _MAX),
                    entry,
                )
            )
    return files


def _bound(bounds: dict[int, bytes] | None, field_id: int, otherwise: int) -> int:
    """https://iceberg.apache.org/spec/#binary-single-value-serialization: times and dates are little-endian integers."""
    value = (bounds or {}).get(field_id)
    return otherwise if value is None else int.from_bytes(value, "little", signed=True)


def _spans(row_filter: BooleanExpression, column: str, type_: IcebergType) -> tuple[Spans, bool]:
    """Spans of the time column outside of which nothing matches; and whether they say all that the filter says."""
    if isinstance(row_filter, And):
        (a, whole_a), (b, whole_b) = (
            _spans(part, column, type_) for part in (row_filter.left, row_filter.right)
        )
        both = [(max(f, g), min(t, u)) for f, t in a for g, u in b if max(f, g) <= min(t, u)]
        return both, whole_a and whole_b
    if isinstance(row_filter, Or):
        (a, whole_a), (b, whole_b) = (
            _spans(part, column, type_) for part in (row_filter.left, row_filter.right)
        )
        return a + b, whole_a and whole_b
    if isinstance(row_filter, LiteralPredicate) and getattr(row_filter.term, "name", None) == column:
        value = int(row_filter.literal.to(type_).value)
        for kind, span in (
            (GreaterThanOrEqual, (value, _MAX)),
            (GreaterThan, (value + 1, _MAX)),
            (LessThanOrEqual, (_MIN, value)),
            (LessThan, (_MIN, value - 1)),
            (EqualTo, (value, value)),
        ):
            if isinstance(row_filter, kind):
                return [span], True
    return [(_MIN, _MAX)], isinstance(row_filter, AlwaysTrue)
