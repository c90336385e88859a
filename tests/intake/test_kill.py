"""Killed at any moment, a collection that is started again ends with exact counts."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from intake.lake_counts import ask, count
from intake.small_objects import write_small_objects

STEPS = ("read", "begin", "keys", "files", "snapshot", "confirm")
DRIVER = Path(__file__).with_name("kill_driver.py")


def _start(home: Path, folder: Path, processes: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(DRIVER), str(home), str(folder), str(processes)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _step(home: Path) -> str:
    try:
        return str(json.loads((home / "lock").read_text()).get("step", ""))
    except (OSError, ValueError):
        return ""


def _kill_at(process: subprocess.Popen[bytes], home: Path, wanted: str, rng: random.Random) -> str | None:
    """Kill when the writer says `wanted`, a random moment later; the step it was at, None if it ended before."""
    passes = rng.randrange(2)
    last = ""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        step = _step(home)
        if step == wanted and step != last:
            if passes == 0:
                until = time.monotonic() + rng.random() * 0.01
                while time.monotonic() < until:
                    pass
                process.send_signal(signal.SIGKILL)
                process.wait()
                return _step(home)
            passes -= 1
        last = step
    return None


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_kill_9_at_any_moment_loses_and_doubles_nothing(tmp_path: Path, processes: int) -> None:
    rng = random.Random(int(os.environ.get("ASHIATO_TEST_SEED", "7")) + processes)
    made = write_small_objects(tmp_path / "bucket", objects=1500, seed=processes)
    home = tmp_path / "home"
    hit: Counter[str] = Counter()
    kills = 0
    finished = False
    while not finished and min(hit[s] for s in STEPS) < 3:
        wanted = min(STEPS, key=lambda s: (hit[s], rng.random()))
        step = _kill_at(_start(home, made.folder, processes), home, wanted, rng)
        finished = step is None
        if step is not None:
            kills += 1
            hit[step] += 1
    print(f"{kills} kills with {processes} reading processes hit: {dict(hit)}")
    assert not finished, f"the collection ended before each step was hit three times: {dict(hit)}"
    last = _start(home, made.folder, processes)
    output = last.communicate(timeout=300)[0].decode()
    assert last.returncode == 0, output

    assert count(home, "cloudtrail") == len(made.events)
    assert {r[0] for r in ask(home, "cloudtrail", "SELECT DISTINCT eventID FROM {}")} == made.events
    assert count(home, "vpc_flow_logs") == made.flows
    assert count(home, "config_items") == made.items
    assert count(home, "quarantine") == 0
    again = _start(home, made.folder, processes)
    output = again.communicate(timeout=300)[0].decode()
    assert output.startswith("0 {'cloudtrail': 0, 'config_items': 0, 'vpc_flow_logs': 0} 0"), output
