"""Snapshots expire and unnamed files go, but never too early."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from random import Random

import sqlalchemy as sa

from ashiato.core.clock import now
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.home import Home
from ashiato.lake.writer import LakeWriter
from ashiato.ledger import tables as t
from lake.homes import content, events, files_on_disk, mend, take_in, write_events


def _filled(tmp_path: Path) -> Path:
    home, logs = tmp_path / "home", tmp_path / "logs"
    for seed in range(3):
        write_events(logs, events(Random(seed), 30))
        take_in(home, logs)
    return home


def _snapshots(home: Path) -> int:
    return len(open_table(open_catalog(home / "lake"), "cloudtrail").snapshots())


def _metadata_files(home: Path) -> int:
    return len(list((home / "lake/warehouse/ashiato/cloudtrail/metadata").iterdir()))


def test_snapshots_of_the_last_hour_stay_whatever_is_asked(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    mend(home, moment=now(), keep_snapshots=timedelta(0), grace=0)
    assert _snapshots(home) >= 3


def test_old_snapshots_and_their_files_go_and_the_rows_stay(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    before, files = content(home, "cloudtrail"), files_on_disk(home, "cloudtrail")
    metadata = _metadata_files(home)
    later = now() + timedelta(hours=2)
    mend(home, moment=later)
    # The grace period of a day keeps them on disk.
    assert _snapshots(home) == 1
    assert files <= files_on_disk(home, "cloudtrail")
    report = mend(home, moment=later + timedelta(days=1))
    assert len(files_on_disk(home, "cloudtrail")) == 1
    assert _metadata_files(home) < metadata
    assert content(home, "cloudtrail") == before
    swept = report.step("sweep")
    assert swept is not None
    assert swept.counts["bytes"] > 0


def test_a_dry_run_says_what_would_go_and_leaves_it(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    files, snapshots = files_on_disk(home, "cloudtrail"), _snapshots(home)
    orphan = home / "lake/warehouse/ashiato/cloudtrail/data/day=2026-09-14/left.parquet"
    orphan.write_bytes(b"x" * 10)
    report = mend(home, moment=now() + timedelta(days=3), dry_run=True)
    assert report.step("sweep").counts["files"] >= 1  # type: ignore[union-attr]
    assert report.step("expire").counts["snapshots"] == snapshots - 1  # type: ignore[union-attr]
    assert report.step("compact").counts["partitions"] == 1  # type: ignore[union-attr]
    assert files_on_disk(home, "cloudtrail") == files | {str(orphan)}
    assert _snapshots(home) == snapshots


def test_young_orphans_stay_for_a_commit_under_way_may_need_them(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    folder = home / "lake/warehouse/ashiato/cloudtrail/data/day=2026-09-14"
    young, old = folder / "young.parquet", folder / "old.parquet"
    for path in (young, old):
        path.write_bytes(b"x")
    two_days_ago = now().timestamp() - 2 * 86_400
    os.utime(old, (two_days_ago, two_days_ago))
    mend(home, moment=now(), only={"sweep"})
    assert young.exists()
    assert not old.exists()


def test_the_snapshot_of_an_unconfirmed_batch_never_expires(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    with Home.open_for_writing(home, "test") as opened, opened.ledger.begin() as connection:
        # As a writer killed between commit and confirmation leaves it.
        first = connection.scalar(sa.select(sa.func.min(t.batches.c.id)))
        connection.execute(sa.update(t.batches).where(t.batches.c.id == first).values(state="writing"))
        uid = connection.scalar(sa.select(t.batches.c.uid).where(t.batches.c.id == first))
    mend(home, moment=now() + timedelta(days=9), grace=0)
    table = open_table(open_catalog(home / "lake"), "cloudtrail")
    assert uid in {s.summary.get("ashiato.batch") for s in table.snapshots() if s.summary}
    with Home.open_for_writing(home, "test") as opened:
        LakeWriter(opened).close()
        assert opened.ledger.scalar(sa.select(t.batches.c.state).where(t.batches.c.uid == uid)) == "committed"


def test_old_temporary_files_go(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    folder = home / "tmp" / "query-1"
    folder.mkdir()
    (folder / "spill").write_bytes(b"x")
    mend(home, moment=now(), only={"sweep"}, grace=0)
    assert folder.exists()
    mend(home, moment=now() + timedelta(hours=2), only={"sweep"}, grace=0)
    assert not folder.exists()
