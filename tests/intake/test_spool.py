"""Bytes that cannot be read twice are kept before anything is made of them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ashiato.intake.collect import Collector
from ashiato.intake.spool import Spool
from ashiato.lake.home import Home
from ashiato.lake.writer import LakeWriter
from ashiato.sources.objects import ObjectRef
from intake.lake_counts import count
from intake.small_objects import event


def _records(number: int) -> bytes:
    rng = random.Random(3)
    time = datetime(2026, 10, 1, tzinfo=UTC)
    records = [event(rng, "111122223333", "us-east-1", time) for _ in range(number)]
    return json.dumps({"Records": records}).encode()


def test_what_was_piped_in_survives_a_failure_before_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**os.environ, "ASHIATO_HOME": str(tmp_path / "home")}
    killer = (
        "import os, signal\n"
        "from ashiato.lake.writer import LakeWriter\n"
        "LakeWriter.commit = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "import sys; sys.argv = ['ashiato', 'collect', '-']\n"
        "from ashiato.cli import main; main()\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", killer], input=_records(20), env=environment, check=False, capture_output=True
    )
    assert killed.returncode == -9, killed.stderr
    home = tmp_path / "home"
    assert count(home, "cloudtrail") == 0
    with Home.open_for_writing(home, "test") as opened:
        report = Collector(opened, processes=1).run([])
    assert (report.taken, report.records["cloudtrail"]) == (1, 20)
    assert list((home / "spool").iterdir()) == []
    assert count(home, "cloudtrail") == 20


def test_a_half_written_entry_is_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    content = _records(1)
    ref = ObjectRef("stdin", "stdin:x", "x", len(content), datetime.now(UTC))
    spool.put(ref, content)
    (tmp_path / ".half").write_bytes(content[:10])
    (tmp_path / "0123.json").write_text('{"source":')
    found = list(spool.waiting())
    assert [r for r, _ in found] == [ref]
    assert found[0][1].name == hashlib.sha256(content).hexdigest()


def test_the_spool_is_emptied_only_after_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = _records(5)
    with Home.open_for_writing(tmp_path, "test") as opened:
        spool = Spool(tmp_path / "spool")
        spool.put(ObjectRef("stdin", "stdin:x", "x", len(content), datetime.now(UTC)), content)
        kept: list[int] = []
        commit = LakeWriter.commit

        def spy(self: LakeWriter, objects: list[object], files: list[object]) -> object:
            kept.append(len(list(spool.waiting())))
            return commit(self, objects, files)  # type: ignore[arg-type]

        monkeypatch.setattr(LakeWriter, "commit", spy)
        Collector(opened, processes=1).run([])
    assert kept == [1]
    assert list(spool.waiting()) == []
