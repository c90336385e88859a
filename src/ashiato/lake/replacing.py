"""Putting data files in the place of others in one snapshot: compaction, footprints and retention use it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pyiceberg.exceptions import ValidationException
from pyiceberg.expressions.visitors import manifest_evaluator
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import Table

from ashiato.core.errors import AshiatoError
from ashiato.lake.files import data_file_maker


def local_path(data_file: DataFile) -> str:
    """Where a data file lies on this machine."""
    return data_file.file_path.removeprefix("file://")


def live_files(table: Table) -> list[DataFile]:
    """Every data file of the current snapshot."""
    return [] if table.current_snapshot() is None else [task.file for task in table.scan().plan_files()]


def replace_files(
    table: Table, removed: Sequence[DataFile], added: Iterable[str], properties: Mapping[str, str]
) -> bool:
    """Commit `added` (local paths) in the place of `removed` in one snapshot; the table is refreshed.

    False where one of `removed` is gone by now: nothing was committed, and the caller plans again.
    Concurrent appends are kept: PyIceberg takes them in by trying again.
    """
    entry = data_file_maker(table)
    new = [entry(Path(path)) for path in added]
    if not removed and not new:
        return True
    try:
        with table.transaction() as transaction:
            snapshot = transaction.update_snapshot(snapshot_properties=dict(properties)).overwrite()

            # PyIceberg 0.12 shares one stateful evaluator among its threads and then skips manifests
            # that do hold a file to delete; one evaluator a manifest has nothing to share.
            def evaluator(spec_id: int) -> Callable[[ManifestFile], bool]:
                return lambda manifest: manifest_evaluator(
                    snapshot.spec(spec_id), snapshot.schema(), snapshot.partition_filters[spec_id], True
                )(manifest)

            snapshot._build_manifest_evaluator = evaluator  # type: ignore[method-assign]
            for data_file in removed:
                snapshot.delete_data_file(data_file)
            for data_file in new:
                snapshot.append_data_file(data_file)
            snapshot.commit()
    except ValidationException:
        table.refresh()
        return False
    return True


def check_rows(expected: int, found: int, what: str) -> None:
    """Refuse to commit files that hold more or fewer rows than those they replace."""
    if expected != found:
        raise AshiatoError(
            f"{what}: {found} rows were written where {expected} were read; nothing was changed",
            remedy="This is a defect of Ashiato, please report it.",
        )


def remove_unused(paths: Iterable[str]) -> None:
    """Remove files that were written for a commit that will not come."""
    for path in paths:
        Path(path).unlink(missing_ok=True)
