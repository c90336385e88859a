"""Compaction: many small files of a partition become one sorted file, in a child process.

Today's files are merged when there are more than OPEN_FILES of them; a partition (day or month) that is
over becomes one sorted file, or several of about TARGET_BYTES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from ashiato.formats.columns import TableDescription
from ashiato.formats.tables import TABLES
from ashiato.lake.child import MaintenanceChild
from ashiato.lake.replacing import check_rows, live_files, local_path, remove_unused, replace_files
from ashiato.lake.spans import day_at

#: A partition that still grows is merged when it has more files than this.
OPEN_FILES = 64
#: A finished file is not much larger than this; files at half of it are left alone while a day grows.
TARGET_BYTES = 256 << 20
#: Names of files that are sorted begin so: a lone file of a closed day without it is still to be sorted.
SORTED = "sorted-"
#: So many partitions at most are committed in one snapshot.
COMMIT_PARTITIONS = 16


@dataclass(frozen=True)
class Merge:
    """Files of one partition that become one. `partition` is a name like 2026-10-01 or 2026-10."""

    table: str
    partition: str
    files: tuple[DataFile, ...]
    closed: bool

    @property
    def bytes(self) -> int:
        return sum(f.file_size_in_bytes for f in self.files)

    @property
    def rows(self) -> int:
        return sum(f.record_count for f in self.files)


def partition_of(data_file: DataFile) -> int:
    """Days or months since 1970-01; -1 for rows without a time."""
    value = data_file.partition[0]
    return -1 if value is None else int(value)


def partition_name(value: int, description: TableDescription) -> str:
    """The name of a partition as its folder has it."""
    if description.partition == "month":
        return f"{1970 + value // 12:04d}-{value % 12 + 1:02d}"
    return day_at(value).isoformat()


def partition_at(moment: datetime, description: TableDescription) -> int:
    """The partition that a moment falls in."""
    if description.partition == "month":
        return (moment.year - 1970) * 12 + moment.month - 1
    return int(moment.timestamp() // 86400)


def plan_merges(
    table: Table,
    description: TableDescription,
    moment: datetime,
    *,
    ripe: Callable[[int], bool] | None = None,
) -> list[Merge]:
    """What is due at `moment`, newest partitions first.

    `ripe` tells whether a partition that is over may be finished; default: yes.
    """
    groups: dict[tuple[int, object], list[DataFile]] = {}
    by_content = description.name == "footprints"
    for data_file in live_files(table):
        content = _log_of(table, data_file) if by_content else None
        groups.setdefault((partition_of(data_file), content), []).append(data_file)
    current = partition_at(moment, description)
    merges = []
    for (partition, _), files in sorted(groups.items(), key=lambda item: -item[0][0]):
        closed = partition < current and (ripe is None or ripe(partition))
        due = _closed_due(files) if closed else _open_due(files)
        if due:
            name = partition_name(partition, description)
            merges.append(Merge(description.name, name, tuple(due), closed))
    return merges


def _closed_due(files: Sequence[DataFile]) -> Sequence[DataFile]:
    fewest = max(1, -(-sum(f.file_size_in_bytes for f in files) // TARGET_BYTES))
    unsorted = any(not Path(f.file_path).name.startswith(SORTED) for f in files)
    return files if unsorted or len(files) > fewest else ()


def _open_due(files: Sequence[DataFile]) -> Sequence[DataFile]:
    small = [f for f in files if f.file_size_in_bytes < TARGET_BYTES // 2]
    return small if len(small) > OPEN_FILES else ()


def _log_of(table: Table, data_file: DataFile) -> object:
    """Footprints: the log that a file is about; each file is about one, so that one is rebuilt alone."""
    return data_file.lower_bounds.get(table.schema().find_field("table").field_id)


def groups_to_commit(merges: Iterable[Merge]) -> Iterator[list[Merge]]:
    """Merges that are committed together: a commit costs as much for one small partition as for ten."""
    group: list[Merge] = []
    for merge in merges:
        if group and (
            len(group) == COMMIT_PARTITIONS or sum(m.bytes for m in group) + merge.bytes > TARGET_BYTES
        ):
            yield group
            group = []
        group.append(merge)
    if group:
        yield group


@dataclass
class Compacted:
    """What compaction did: partitions, files and bytes before and after, rows (the same before and after)."""

    partitions: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    rows: int = 0
    given_up: int = 0


def compact(
    table: Table,
    merges: Sequence[Merge],
    child: MaintenanceChild,
    *,
    progress: Callable[[int], None] | None = None,
) -> Compacted:
    """Carry out `merges`. One whose files were replaced meanwhile is given up: the next run plans it anew.

    Raises AshiatoError (disk full …); what was committed before stays, the rest of the lake is as it was.
    """
    done = Compacted()
    for group in groups_to_commit(merges):
        outputs = [_merge(table, merge, child) for merge in group]
        paths = [path for output in outputs for path in output]
        files = [f for merge in group for f in merge.files]
        if replace_files(table, files, paths, {"ashiato.op": "compact"}):
            done.partitions += len(group)
            done.files_before += len(files)
            done.files_after += len(paths)
            done.bytes_before += sum(m.bytes for m in group)
            done.bytes_after += sum(Path(p).stat().st_size for p in paths)
            done.rows += sum(m.rows for m in group)
        else:
            done.given_up += len(group)
            remove_unused(paths)
        if progress is not None:
            progress(len(group))
    return done


def _merge(table: Table, merge: Merge, child: MaintenanceChild) -> list[str]:
    answer = child.run(
        "merge",
        table=merge.table,
        schema=table.schema().model_dump_json(),
        files=[local_path(f) for f in merge.files],
        folder=str(folder_of(table, merge.partition)),
        target_bytes=TARGET_BYTES,
    )
    paths: list[str] = answer["files"]
    try:
        check_rows(merge.rows, int(answer["rows"]), f"compaction of {merge.table} {merge.partition}")
    except BaseException:
        remove_unused(paths)
        raise
    return paths


def folder_of(table: Table, partition: str) -> Path:
    """The folder of a partition's data files."""
    description = TABLES[table.name()[-1]]
    base = Path(table.location().removeprefix("file://"))
    return base / "data" / f"{description.partition}={partition}"
