"""Backup of a home while it is written, and restoring it to any path.

A backup is one moment of the home: the ledger is copied first, then the newest snapshot of each table that
holds no batch the copy does not know. What is in neither (batches that came after) is simply not yet taken
in, so that collecting after a restore goes on exactly once. The key table is left out: the lake rebuilds it.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

import ashiato
from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.formats.tables import TABLES
from ashiato.lake.backup_store import BackupFile, Store, open_store
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.home import Home
from ashiato.lake.leases import Lease
from ashiato.ledger import Ledger
from ashiato.ledger import tables as t

FORMAT = 1

#: (what, files done, files in all)
Progress = Callable[[str, int, int], None]


@dataclass
class BackupReport:
    """What a backup holds, and how much of it was copied this time."""

    target: str
    created_at: str
    files: int = 0
    bytes: int = 0
    copied_files: int = 0
    copied_bytes: int = 0
    rows: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class _Unconfirmed:
    """A batch that is in the lake while the ledger's copy has it as being written.

    `properties` stood in its snapshot's summary, by which reconciling will find it; `files` may have gone
    into others by compaction.
    """

    properties: dict[str, str]
    files: list[str]


@dataclass(frozen=True)
class _Cut:
    """One table at the backup's moment; `unconfirmed`: batches of which the ledger's copy is unsure."""

    table: Table
    snapshot_id: int | None
    files: list[DataFile]
    unconfirmed: list[_Unconfirmed]


def backup(home: Home, target: Path, *, link: bool = False, progress: Progress | None = None) -> BackupReport:
    """Write a consistent copy of `home` to a folder, or to one file where `target` ends in `.tar`.

    A folder that holds an earlier backup of this home is brought up to date: only new files are copied, and
    until the last step it stays the backup it was. `link` makes hard links instead of copies where the
    target is on the same file system (it then guards against mistakes, not against the disk). Any process
    may write meanwhile. Raises WrongUse for a target that is something else, AshiatoError where it cannot be
    written.
    """
    if home.ledger.engine.dialect.name != "sqlite":
        raise AshiatoError(
            "the control database is not in the home",
            remedy="Back up PostgreSQL with pg_dump at a moment when nothing is taken in, and the folder with it.",
        )
    target = target.expanduser().absolute()
    if target == home.folder or home.folder in target.parents:
        raise WrongUse(
            "the backup would lie in the home itself", where=str(target), remedy="Name another place."
        )
    store = open_store(target, home.folder, link=link)
    try:
        with store:
            return _backup(home, store, target, progress or (lambda *_: None))
    except (OSError, sqlite3.Error) as error:
        raise AshiatoError(
            f"the backup could not be written: {error}",
            where=str(target),
            remedy="Free disk space there or name another place; what was backed up before is as it was.",
        ) from error


def _backup(home: Home, store: Store, target: Path, progress: Progress) -> BackupReport:
    moment = now()
    # What changes under its name gets a folder of its own each time, so that an earlier backup in the same
    # place stays whole until this one is.
    state = f"state-{moment:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    lease = Lease.take(home.folder / "readers", "backup")
    scratch = store.scratch / f".{uuid.uuid4().hex}.db"
    try:
        # Acknowledged bytes leave the spool only when they are in the ledger: spool first, ledger after it.
        spooled = list(_add_folder(store, home.folder, "spool", state))
        _copy_database(home.folder / "ledger.db", scratch)
        cuts = _cut(home, scratch)
        lease.name({name: cut.snapshot_id for name, cut in cuts.items()})
        files = [*spooled, store.add(scratch, f"{state}/ledger.db")]
        files.extend(_add_folder(store, home.folder, "archive"))
        wanted = [(name, f) for name, cut in cuts.items() for f in cut.files]
        for done, (_, data_file) in enumerate(wanted):
            files.append(
                store.add(
                    home.folder / _relative(home, data_file.file_path), _relative(home, data_file.file_path)
                )
            )
            progress("data files", done + 1, len(wanted))
    finally:
        lease.release()
        scratch.unlink(missing_ok=True)
    document = {
        "format": FORMAT,
        "ashiato": ashiato.__version__,
        "created_at": moment.isoformat(),
        "home": str(home.folder),
        "state": state,
        "tables": {name: _described(home, cut) for name, cut in cuts.items()},
        "files": [vars(f) for f in files],
    }
    store.finish(json.dumps(document, indent=1).encode(), {f.path for f in files})
    rows = {name: sum(f.record_count for f in cut.files) for name, cut in cuts.items()}
    return BackupReport(
        str(target), moment.isoformat(), len(files), sum(f.size for f in files), store.copied_files,
        store.copied_bytes, rows,
    )  # fmt: skip


def _copy_database(source: Path, target: Path) -> None:
    """SQLite's online backup in one step: one moment of the database, whoever writes."""
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)
        # One file: no -wal that could be forgotten.
        writing.execute("PRAGMA journal_mode=DELETE")


def _cut(home: Home, ledger_copy: Path) -> dict[str, _Cut]:
    """Each table at its newest snapshot that holds no batch which the copied ledger does not know."""
    ledger = Ledger(f"sqlite:///{ledger_copy}", migrate=False)
    try:
        states = {row.uid: row.state for row in ledger.rows(sa.select(t.batches.c.uid, t.batches.c.state))}
    finally:
        ledger.close()
    catalog = open_catalog(home.lake)
    cuts = {}
    for name in TABLES:
        table = open_table(catalog, name)
        lineage = list(_lineage(table))
        unknown = [i for i, s in enumerate(lineage) if (uid := _batch(s)) is not None and uid not in states]
        kept = lineage[unknown[-1] + 1 :] if unknown else lineage
        at = kept[0].snapshot_id if kept else None
        files = [] if at is None else [task.file for task in table.scan(snapshot_id=at).plan_files()]
        paths = {f.file_path for f in files}
        unconfirmed = []
        for snapshot in kept:
            uid = _batch(snapshot)
            if uid is not None and states[uid] == "writing":
                unconfirmed.append(
                    _Unconfirmed(_properties(snapshot), sorted(_added_by(table, snapshot) & paths))
                )
        cuts[name] = _Cut(table, at, files, unconfirmed)
    return cuts


def _lineage(table: Table) -> Iterator[Snapshot]:
    """Snapshots from the current one back, as far as they are kept."""
    snapshot = table.current_snapshot()
    while snapshot is not None:
        yield snapshot
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else table.snapshot_by_id(parent)


def _batch(snapshot: Snapshot) -> str | None:
    return snapshot.summary.get("ashiato.batch") if snapshot.summary else None


def _properties(snapshot: Snapshot) -> dict[str, str]:
    summary = snapshot.summary.additional_properties if snapshot.summary else {}
    return {k: v for k, v in summary.items() if k.startswith("ashiato.") or k == "added-records"}


def _added_by(table: Table, snapshot: Snapshot) -> set[str]:
    return {
        entry.data_file.file_path
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        if entry.snapshot_id == snapshot.snapshot_id
    }


def _relative(home: Home, path: str) -> str:
    return str(Path(path.removeprefix("file://")).relative_to(home.folder))


def _described(home: Home, cut: _Cut) -> dict[str, Any]:
    """What restoring needs to make the table anew: its metadata without history, and its files."""
    bare = cut.table.metadata.model_copy(
        update={
            "snapshots": [], "current_snapshot_id": None, "refs": {}, "snapshot_log": [], "metadata_log": [],
            "statistics": [], "partition_statistics": [],
        }
    )  # fmt: skip
    return {
        "location": _relative(home, cut.table.location()),
        "metadata": json.loads(bare.model_dump_json()),
        "rows": sum(f.record_count for f in cut.files),
        "files": [_relative(home, f.file_path) for f in cut.files],
        "unconfirmed": [
            {"properties": u.properties, "files": [_relative(home, p) for p in u.files]}
            for u in cut.unconfirmed
        ],
    }


def _add_folder(store: Store, home: Path, name: str, under: str = "") -> Iterator[BackupFile]:
    """Files of a folder of the home; some may go meanwhile, unfinished ones begin with a dot."""
    for path in sorted((home / name).rglob("*")):
        if path.name.startswith(".") or not path.is_file():
            continue
        try:
            yield store.add(path, str(PurePosixPath(under, path.relative_to(home))))
        except FileNotFoundError:
            continue
