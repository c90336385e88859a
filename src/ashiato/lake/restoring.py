"""Restoring a backup to an empty folder: the same path as before, or any other."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadataUtil

from ashiato.core.errors import AshiatoError, HomeNewer, WrongUse
from ashiato.lake.backup import FORMAT
from ashiato.lake.backup_store import BackupFile, BackupReader, read_backup
from ashiato.lake.catalog import NAMESPACE, open_catalog, open_table
from ashiato.lake.files import data_file_maker
from ashiato.lake.home import Home
from ashiato.lake.writer import LakeWriter

#: Lies in a folder that is being restored: if it still does, restoring may begin anew there.
MARK = ".restoring"

#: (what, files done, files in all)
Progress = Callable[[str, int, int], None]


@dataclass
class RestoreReport:
    """What was restored, and when its backup was made."""

    home: str
    created_at: str
    files: int
    bytes: int
    rows: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def restore(place: Path, folder: Path, *, progress: Progress | None = None) -> RestoreReport:
    """Make a home in `folder` from the backup at `place`; every file is compared with its checksum.

    The tables get their files under fresh metadata, because Iceberg's holds absolute paths; ids of columns
    stay. Collecting goes on where the backup left off, exactly once. Raises WrongUse where `folder` is not
    empty or `place` no backup, HomeNewer for one of a newer Ashiato, AshiatoError for a damaged one; the
    folder is no home then.
    """
    folder = folder.expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise WrongUse("the target is a file", where=str(folder), remedy="Name a new or empty folder.")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise WrongUse(
                "the folder is not empty", where=str(folder), remedy="Restore to a new or empty folder."
            )
        shutil.rmtree(folder)
    with read_backup(place) as found:
        if found.document["format"] > FORMAT:
            raise HomeNewer(
                f"the backup was made by a newer Ashiato ({found.document['ashiato']})",
                where=str(place),
                remedy="Install that version or a newer one.",
            )
        try:
            return _restore(found, folder, progress or (lambda *_: None))
        except OSError as error:
            raise AshiatoError(
                f"the backup could not be restored: {error}",
                where=str(folder),
                remedy="Free disk space or repair the folder's permissions and run again.",
            ) from error


def _restore(found: BackupReader, folder: Path, progress: Progress) -> RestoreReport:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    ledger = folder / "ledger.restoring"
    state = f"{found.document['state']}/"
    for done, file in enumerate(found.files):
        place = file.path.removeprefix(state)
        target = ledger if place == "ledger.db" else folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        found.copy(file, target)
        progress("files", done + 1, len(found.files))
    catalog = open_catalog(folder / "lake")
    catalog.create_namespace_if_not_exists(NAMESPACE)
    for name, described in found.document["tables"].items():
        _make_table(catalog, folder, name, described)
    # With its ledger the folder is a home.
    ledger.rename(folder / "ledger.db")
    with Home.open_for_writing(folder, "ashiato restore") as home:
        # Settles batches that were being written at the backup's moment, and makes the key table.
        LakeWriter(home).close()
        rows = {name: _rows(open_table(catalog, name)) for name in found.document["tables"]}
    for name, described in found.document["tables"].items():
        if rows[name] != described["rows"]:
            raise AshiatoError(
                f"{name} has {rows[name]} rows where the backup has {described['rows']}",
                where=str(folder),
                remedy="This is a defect of Ashiato, please report it.",
            )
    (folder / MARK).unlink()
    return RestoreReport(
        str(folder), found.document["created_at"], len(found.files), sum(f.size for f in found.files), rows
    )


def _make_table(catalog: SqlCatalog, folder: Path, name: str, described: dict[str, Any]) -> None:
    location = f"file://{folder / described['location']}"
    metadata = TableMetadataUtil.parse_obj(described["metadata"]).model_copy(update={"location": location})
    path = f"{location}/metadata/00000-{uuid.uuid4()}.metadata.json"
    io = catalog._load_file_io(location=path)
    Path(path.removeprefix("file://")).parent.mkdir(parents=True, exist_ok=True)
    ToOutputFile.table_metadata(metadata, io.new_output(path))
    table = catalog.register_table(f"{NAMESPACE}.{name}", path)
    unconfirmed: list[dict[str, Any]] = described["unconfirmed"]
    apart = {path for batch in unconfirmed for path in batch["files"]}
    _append(table, folder, [p for p in described["files"] if p not in apart], {"ashiato.op": "restore"})
    for batch in unconfirmed:
        # By this the ledger will find that the batch is in the lake.
        _append(table, folder, batch["files"], batch["properties"])


def _append(table: Table, folder: Path, paths: list[str], properties: dict[str, str]) -> None:
    if not paths and "ashiato.batch" not in properties:
        return
    if paths:
        # PyIceberg counts them itself.
        properties = {k: v for k, v in properties.items() if k != "added-records"}
    entry = data_file_maker(table)
    with table.transaction() as transaction:
        update = transaction.update_snapshot(snapshot_properties=properties)
        with update.fast_append() as append:
            for path in paths:
                append.append_data_file(entry(folder / path))


def _rows(table: Table) -> int:
    return sum(task.file.record_count for task in table.scan().plan_files())


__all__ = ["BackupFile", "RestoreReport", "restore"]
