"""Killed between any two steps from raising to sending: everything arrives, with the same key, raised once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.kill_driver import COUNT, STEPS
from alerts.samples import a_ledger
from alerts.services import webhook
from ashiato.ledger.alert_tables import alerts, outbox

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DRIVER = Path(__file__).with_name("kill_driver.py")


def run(folder: Path, url: str, step: str, passes: int) -> int:
    path = f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(folder), url, step, str(passes)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode


@pytest.mark.parametrize("step", STEPS[:-1])
def test_killed_at_each_step(tmp_path: Path, step: str) -> None:
    with webhook() as hook:
        assert run(tmp_path, hook.url, step, 0) == -signal.SIGKILL
        assert run(tmp_path, hook.url, step, 2) == -signal.SIGKILL
        assert run(tmp_path, hook.url, "never", 0) == 0
        arrived = Counter(hook.keys)
    with a_ledger(tmp_path) as ledger:
        assert ledger.scalar(sa.select(sa.func.count()).select_from(alerts)) == COUNT
        assert {row.state for row in ledger.rows(sa.select(outbox))} == {"sent"}
    assert set(arrived) == {f"alert.{number}.1.hook" for number in range(1, COUNT + 1)}
    # Twice only what was taken by the channel and not yet noted.
    most = 2 if step in ("took", "marking", "marked") else 0
    assert sum(arrived.values()) - COUNT <= most
