"""Old snapshots expire; files that no kept snapshot names are removed after a grace period.

Neither ever takes a file from under a reader (see leases.py), nor the snapshot of a batch that the ledger
has not confirmed: reconciling finds such a batch by its snapshot.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from pyiceberg.table import Table

from ashiato.formats.tables import TABLES
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.home import Home
from ashiato.lake.leases import Leased, leased
from ashiato.ledger import tables as t

#: Batches are looked up in the summaries of kept snapshots: no younger snapshot expires.
KEEP_SNAPSHOTS = timedelta(hours=1)
#: No file younger than this is removed; it exceeds the longest commit and the longest unleased read.
GRACE = timedelta(hours=24)
#: Temporary files of living readers have no lease; they get at least this long.
TMP_GRACE = timedelta(hours=1)


def settled_leases(home: Home, *, wait_seconds: float = 5.0) -> Leased:
    """The leases, once every reader that is just opening has named its snapshots (or the time is up)."""
    deadline = time.monotonic() + wait_seconds
    while True:
        found = leased(home.folder / "readers")
        if not found.opening or time.monotonic() >= deadline:
            return found
        time.sleep(0.05)


def expirable(home: Home, table: Table, moment: datetime, keep: timedelta, held: Leased) -> list[int]:
    """Ids of the snapshots of `table` that may go. `held` must have been read after the table was loaded."""
    if held.opening:
        return []
    unconfirmed = {
        uid for (uid,) in home.ledger.rows(sa.select(t.batches.c.uid).where(t.batches.c.state == "writing"))
    }
    current = table.metadata.current_snapshot_id
    cutoff = int((moment - keep).timestamp() * 1000)
    return [
        s.snapshot_id
        for s in table.snapshots()
        if s.timestamp_ms < cutoff
        and s.snapshot_id != current
        and s.snapshot_id not in held.snapshots
        and (s.summary is None or s.summary.get("ashiato.batch") not in unconfirmed)
    ]


def expire(home: Home, moment: datetime, keep: timedelta = KEEP_SNAPSHOTS, *, dry_run: bool = False) -> int:
    """Expire old snapshots of every table; how many."""
    catalog = open_catalog(home.lake)
    loaded = [open_table(catalog, name) for name in TABLES]
    # A reader that comes after this look finds the current snapshots, which stay.
    held = settled_leases(home)
    count = 0
    for table in loaded:
        old = expirable(home, table, moment, max(keep, KEEP_SNAPSHOTS), held)
        count += len(old)
        if old and not dry_run:
            table.maintenance.expire_snapshots().by_ids(old).commit()
    return count


@dataclass
class Swept:
    """Files removed (or that would be) and their bytes; leases of dead readers."""

    files: int = 0
    bytes: int = 0
    temporary: int = 0
    leases: int = 0


def named_files(table: Table) -> Iterator[str]:
    """Every file that the table's metadata needs: metadata, manifest lists, manifests, data files."""
    metadata = table.metadata
    yield table.metadata_location
    yield from (earlier.metadata_file for earlier in metadata.metadata_log)
    manifests = {}
    for snapshot in metadata.snapshots:
        yield snapshot.manifest_list
        for manifest in snapshot.manifests(table.io):
            manifests[manifest.manifest_path] = manifest
    for path, manifest in manifests.items():
        yield path
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            yield entry.data_file.file_path


def sweep(home: Home, moment: datetime, grace: timedelta = GRACE, *, dry_run: bool = False) -> Swept:
    """Remove files that no kept snapshot names and that are older than `grace`, old temporary files, and
    leases of dead readers.

    A file that a commit under way has written is young; so `grace` must exceed the longest commit. Zero is
    for when nothing else of this process writes.
    """
    swept = Swept()
    held = leased(home.folder / "readers", remove_dead=not dry_run)
    swept.leases = held.dead
    cutoff = moment.timestamp() - grace.total_seconds()
    catalog = open_catalog(home.lake)
    for name in TABLES:
        table = open_table(catalog, name)
        needed = {path.removeprefix("file://") for path in named_files(table)}
        for path in sorted(Path(table.location().removeprefix("file://")).rglob("*")):
            if str(path) in needed or not path.is_file():
                continue
            size = _old_size(path, cutoff)
            if size is None:
                continue
            swept.files += 1
            swept.bytes += size
            if not dry_run:
                path.unlink(missing_ok=True)
    tmp_cutoff = moment.timestamp() - max(grace, TMP_GRACE).total_seconds()
    swept.temporary = _sweep_tmp(home.tmp, tmp_cutoff, dry_run=dry_run)
    return swept


def _old_size(path: Path, cutoff: float) -> int | None:
    """Size of a file last changed at or before `cutoff`; None for a younger one, or one that is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size if status.st_mtime <= cutoff else None


def _sweep_tmp(folder: Path, cutoff: float, *, dry_run: bool) -> int:
    count = 0
    for path in folder.iterdir():
        newest = max((p.stat().st_mtime for p in (path, *path.rglob("*")) if p.exists()), default=0.0)
        if newest > cutoff:
            continue
        count += 1
        if dry_run:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return count
