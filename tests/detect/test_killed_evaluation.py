"""Killed at any moment, evaluation that is started again skips and repeats nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from ashiato.detect.history import LakeHistory
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from detect.streaming import backtested, standing
from detect.test_streaming_lake import few_records, made_rules
from intake.taking_in import write_events

DRIVER = Path(__file__).with_name("kill_driver.py")
KILLS = 15


def start(home: Path, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(DRIVER), str(home), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def killed_at(process: subprocess.Popen[str], rng: random.Random) -> str | None:
    """Kill it a random moment after one of its next steps; the step it was at, None where it ended before."""
    assert process.stdout is not None
    left = rng.randrange(1, 16)
    moment = rng.choice([0.0, 0.002, 0.01, 0.03, 0.08])
    step = None
    for line in process.stdout:
        step = line.strip()
        assert step in {"collect", "settle", "pending", "reconcile", "end"}, step + process.stdout.read()
        left -= 1
        if left == 0:
            killing = threading.Timer(moment * rng.random(), process.send_signal, [signal.SIGKILL])
            killing.start()
            for later in process.stdout:
                step = later.strip()
            killing.join()
            break
    process.wait()
    return step if process.returncode == -signal.SIGKILL else None


@pytest.mark.slow
def test_kill_9_between_and_within_transactions(tmp_path: Path) -> None:
    rng = random.Random(int(os.environ.get("ASHIATO_TEST_SEED", "11")))
    records = few_records()
    rng.shuffle(records)
    folder, home = tmp_path / "files", tmp_path / "home"
    for number in range(24):
        # Some come twice.
        write_events(folder / f"{number:03d}.json.gz", records[number * 10 : number * 10 + 12])
    hit: Counter[str] = Counter()
    for _ in range(KILLS):
        step = killed_at(start(home, folder), rng)
        if step is not None:
            hit[step] += 1
    print(f"killed at: {dict(hit)}")
    assert sum(hit.values()) >= KILLS * 2 // 3
    last = start(home, folder)
    output = last.communicate(timeout=300)[0]
    assert last.returncode == 0, output

    rules = made_rules()
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        history = LakeHistory(lake)
        found, expected = standing(opened.ledger), backtested(rules, history)
        assert sum(p.num_rows for p in history.pieces("cloudtrail")) == len(records)
    assert found == expected
    assert len(found) > 50
