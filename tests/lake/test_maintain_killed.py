"""Maintenance killed at any moment, parent or child, leaves the lake as it was; the next run goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from ashiato.core.clock import now
from lake.homes import (
    content,
    data_files,
    events,
    files_on_disk,
    flow_lines,
    mend,
    take_in,
    write_events,
    write_flows,
)  # fmt: skip

DRIVER = Path(__file__).with_name("maintain_driver.py")
TABLES = ("cloudtrail", "vpc_flow_logs")


def _filled(tmp_path: Path, batches: int = 3) -> Path:
    home, logs = tmp_path / "home", tmp_path / "logs"
    rng = random.Random(1)
    for _ in range(batches):
        write_events(logs, events(rng, 1_500, days=20))
        write_flows(logs, flow_lines(rng, 400, days=20))
        take_in(home, logs)
    return home


def _start(home: Path, limit: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(DRIVER), str(home), str(limit)], stdout=subprocess.PIPE)


def _step(home: Path) -> str:
    try:
        return str(json.loads((home / "lock").read_text()).get("step", ""))
    except (OSError, ValueError):
        return ""


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


def _wait(until: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if until():
            return True
        time.sleep(0.005)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["parent", "child"])
def test_killed_at_random_moments(tmp_path: Path, victim: str) -> None:
    home = _filled(tmp_path)
    before = {t: content(home, t) for t in TABLES}
    rng = random.Random(victim)
    hit: set[str] = set()
    for kill in range(8):
        process = _start(home)
        wanted = ("maintain: compact", "maintain: footprints")[kill % 2]
        assert _wait(lambda: _step(home) == wanted or process.poll() is not None)  # noqa: B023
        if victim == "child":
            assert _wait(lambda: bool(_children(process.pid)) or process.poll() is not None)  # noqa: B023
        time.sleep(rng.random() * 1.5)
        children = _children(process.pid)
        pid = process.pid if victim == "parent" else (children or [0])[0]
        if pid and process.poll() is None:
            hit.add(_step(home))
            os.kill(pid, signal.SIGKILL)
        said = process.communicate()[0].decode()
        if victim == "child" and pid:
            assert process.returncode in (0, 3)
            assert process.returncode == 0 or "ended with status -9" in said
        # Without its parent, the child ends by itself.
        assert all(_wait(lambda c=c: _gone(c)) for c in children)  # type: ignore[misc]
        assert {t: content(home, t) for t in TABLES} == before
    assert hit
    process = _start(home)
    assert process.communicate()[0] == b""
    assert process.returncode == 0
    assert {t: content(home, t) for t in TABLES} == before
    assert all(len(data_files(home, t)) == 20 for t in TABLES)
    mend(home, moment=now() + timedelta(days=20), grace=0)
    for table in (*TABLES, "footprints"):
        assert files_on_disk(home, table) == set(data_files(home, table))


@pytest.mark.slow
@pytest.mark.parametrize("limit", [2_000, 34_000, 60_000, 100_000])
def test_a_full_disk_ends_maintenance_with_a_clear_error(tmp_path: Path, limit: int) -> None:
    """Files cannot grow beyond a size, as if the disk were full."""
    home = _filled(tmp_path, 2)
    before = {t: content(home, t) for t in TABLES}
    process = _start(home, limit)
    said = process.communicate()[0].decode()
    assert process.returncode == 3, said
    assert "disk space" in said
    assert str(home) in said
    assert {t: content(home, t) for t in TABLES} == before
    assert _start(home).wait() == 0
    assert {t: content(home, t) for t in TABLES} == before
    assert all(len(data_files(home, t)) == 20 for t in TABLES)
