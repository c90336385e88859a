"""A query pins its snapshot: maintenance never pulls files from under a reader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from random import Random

import duckdb
from pyiceberg.expressions import AlwaysTrue

from ashiato.core.clock import now
from ashiato.lake.home import Home
from ashiato.lake.leases import Lease, leased
from ashiato.lake.plans import PinnedLake
from ashiato.lake.scan import relation
from lake.homes import events, files_on_disk, mend, take_in, write_events

READER = """
import sys, time
from pathlib import Path
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
with Home.open_for_reading(Path(sys.argv[1])) as home, PinnedLake(home):
    print("reading", flush=True)
    sys.stdin.read()
"""


def _filled(tmp_path: Path, batches: int = 3) -> Path:
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(1)
    for _ in range(batches):
        write_events(logs, events(random, 40, days=2))
        take_in(home, logs)
    return home


def _days_later() -> dict[str, object]:
    """Maintenance as it would be days from now, without any grace."""
    return {"moment": now() + timedelta(days=3), "grace": 0}


def _count(lake: PinnedLake) -> int:
    plan = lake.plan("cloudtrail", AlwaysTrue())
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT count(*), count(DISTINCT eventID) FROM {relation(plan.files, plan.iceberg_schema)}"
        ).fetchone()
    assert found is not None
    assert found[0] == found[1]
    return int(found[0])


def test_a_query_works_on_while_everything_is_maintained(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        pinned = set(lake.plan("cloudtrail", AlwaysTrue()).files)
        mend(home, **_days_later())
        mend(home, **_days_later())
        assert pinned <= files_on_disk(home, "cloudtrail")
        assert _count(lake) == 120
        # Planning reads the old snapshot's manifests, too.
        assert set(lake.plan("cloudtrail", AlwaysTrue()).files) == pinned
    mend(home, **_days_later())
    assert not pinned & files_on_disk(home, "cloudtrail")
    assert len(files_on_disk(home, "cloudtrail")) == 2
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        assert _count(lake) == 120


def test_a_reader_in_another_process_is_heeded_until_it_dies(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    before = files_on_disk(home, "cloudtrail")
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == b"reading\n"
    mend(home, **_days_later())
    assert before <= files_on_disk(home, "cloudtrail")

    os.kill(reader.pid, signal.SIGKILL)
    reader.communicate()

    report = mend(home, **_days_later())
    assert not before & files_on_disk(home, "cloudtrail")
    assert not list((home / "readers").iterdir())
    assert report.step("sweep").counts["files"] > 0  # type: ignore[union-attr]


def test_nothing_expires_while_a_reader_is_opening(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    mend(home, only={"compact"})
    lease = Lease.take(home / "readers")
    try:
        began = time.monotonic()
        report = mend(home, only={"expire"}, **_days_later())
        assert report.step("expire").counts["snapshots"] == 0  # type: ignore[union-attr]
        assert time.monotonic() - began < 30
        lease.name({"cloudtrail": None})
        report = mend(home, only={"expire"}, **_days_later())
        assert report.step("expire").counts["snapshots"] > 0  # type: ignore[union-attr]
    finally:
        lease.release()


def test_leases_name_their_snapshots_and_end_with_their_reader(tmp_path: Path) -> None:
    home = _filled(tmp_path, 1)
    with Home.open_for_reading(home) as opened:
        with PinnedLake(opened) as first, PinnedLake(opened):
            held = leased(home / "readers")
            assert held.readers == 2
            assert first.snapshot_id("cloudtrail") in held.snapshots
            assert not held.opening
        assert leased(home / "readers").readers == 0
    (home / "readers" / "999999-left-behind").write_text('{"pid": 999999, "snapshots": {"cloudtrail": 1}}')
    assert leased(home / "readers").dead == 1
    assert not list((home / "readers").iterdir())
