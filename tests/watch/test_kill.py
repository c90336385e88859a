"""Killed at any moment, a loop that is started again ends with exact counts."""

from __future__ import annotations

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
from intake.test_kill import _kill_at
from watch.watching import content, events

DRIVER = Path(__file__).with_name("kill_driver.py")
STEPS = ("read", "begin", "keys", "files", "snapshot", "confirm", "idle")


def start(home: Path, folder: Path, queue: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(DRIVER), str(home), str(folder), str(queue)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """A folder, a queue whose messages go when they are done, and pushes that go when they are kept."""
    rng = random.Random(int(os.environ.get("ASHIATO_TEST_SEED", "11")))
    made = write_small_objects(tmp_path / "bucket", objects=900, seed=5)
    expected = set(made.events)
    queue = tmp_path / "queue"
    for number in range(700):
        records = events(3, 10_000 + number)
        # Every fifth message is delivered twice under another name, as queues do.
        for copy in range(2 if number % 5 == 0 else 1):
            path = queue / ("pushed" if number % 2 else "polled") / f"{number:04d}-{copy}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content(records))
        expected |= {str(r["eventID"]) for r in records}
    home = tmp_path / "home"
    hit: Counter[str] = Counter()
    ended = False
    while not ended and min(hit[s] for s in STEPS) < 2:
        wanted = min(STEPS, key=lambda s: (hit[s], rng.random()))
        process = start(home, made.folder, queue)
        if rng.random() < 0.2:
            # Not at a step of the writer: while something is offered, fetched or spooled.
            time.sleep(1.0 + rng.random() * 0.7)
            process.send_signal(signal.SIGKILL)
            process.wait()
            hit["anywhere"] += 1
            continue
        step = _kill_at(process, home, wanted, rng)
        ended = step is None
        if step is not None:
            hit[step] += 1
    print(f"kills: {dict(hit)}")
    assert sum(hit.values()) >= 10, f"all was taken too soon: {dict(hit)}"
    last = start(home, made.folder, queue)
    output = last.communicate(timeout=300)[0].decode()
    assert last.returncode == 0, output
    assert "all taken" in output

    assert {r[0] for r in ask(home, "cloudtrail", "SELECT DISTINCT eventID FROM {}")} == expected
    assert count(home, "cloudtrail") == len(expected)
    assert count(home, "vpc_flow_logs") == made.flows
    assert count(home, "config_items") == made.items
    assert count(home, "quarantine") == 0
    assert list((home / "spool").iterdir()) == []
    assert not any(queue.rglob("*.json"))
