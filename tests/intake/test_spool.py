"""Bytes that cannot be read twice are kept before anything is made of them."""

from __future__ import annotations

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
from ashiato.intake.units import ReadingNote
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


def _ref(name: str) -> ObjectRef:
    return ObjectRef("queue", name, "1", 1, datetime(2026, 10, 1, tzinfo=UTC))


def test_what_is_kept_is_found_again_with_its_bytes_and_what_is_known_of_it(tmp_path: Path) -> None:
    content = _records(1)
    note = ReadingNote(flow_format="${srcaddr}", quarantine=None)
    names = ("q:1", "a name that is no text: \udcff", "")
    kept = Spool(tmp_path).put_many(
        [(_ref(name), content + name.encode(errors="replace"), note) for name in names]
    )
    again = Spool(tmp_path)
    assert again.entries() == kept
    assert [e.ref.name for e in kept] == list(names)
    assert {e.note for e in kept} == {note}
    assert [again.content(e)[len(content) :] for e in kept] == [n.encode(errors="replace") for n in names]
    assert [e.ref.size for e in again.entries()] == [len(again.content(e)) for e in kept]


def test_a_file_goes_with_the_last_of_its_entries(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    kept = spool.put_many([(_ref(f"q:{n}"), b"%d" % n, None) for n in range(3)])
    other = Spool(tmp_path)
    other.forget(kept[1])
    assert [e.ref.name for e in other.entries()] == ["q:0", "q:2"]
    assert [e.ref.name for e in Spool(tmp_path).entries()] == ["q:0", "q:1", "q:2"], (
        "known again after a kill"
    )
    other.forget(kept[0])
    other.forget(kept[2])
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_half_written_is_removed_and_nothing_else(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    entry = spool.put(_ref("q:1"), _records(1))
    (tmp_path / ".half.arrow").write_bytes(entry.file.read_bytes()[:100])
    assert spool.entries() == [entry]
    spool.tidy()
    assert list(tmp_path.iterdir()) == [entry.file]


def test_a_damaged_file_is_named_and_stays_and_the_others_are_taken_in(tmp_path: Path) -> None:
    with Home.open_for_writing(tmp_path, "test") as opened:
        folder = tmp_path / "spool"
        Spool(folder).put(_ref("q:1"), _records(5))
        cut = Spool(folder).put(_ref("q:2"), _records(5)).file
        cut.write_bytes(cut.read_bytes()[:-200])
        report = Collector(opened, processes=1).run([])
    assert (report.taken, [str(cut) in p for p in report.problems]) == (1, [True])
    assert list(folder.iterdir()) == [cut]


def test_what_cannot_be_read_stays_though_all_that_came_with_it_is_taken_in(tmp_path: Path) -> None:
    with Home.open_for_writing(tmp_path, "test") as opened:
        folder = tmp_path / "spool"
        good, bad = _records(5), b'{"Records": []}' + b" " * 100
        file = Spool(folder).put_many([(_ref("q:1"), good, None), (_ref("q:2"), bad, None)])[0].file
        file.write_bytes(file.read_bytes().replace(bad, bad[:-1] + b"x"))
        reports = [Collector(opened, processes=1).run([]) for _ in range(2)]
    assert [(r.taken, [f.ref.name for f in r.failures]) for r in reports] == [(1, ["q:2"]), (0, ["q:2"])]
    assert list(folder.iterdir()) == [file]
    assert count(tmp_path, "cloudtrail") == 5


def test_what_another_version_left_is_named_and_stays(tmp_path: Path) -> None:
    with Home.open_for_writing(tmp_path, "test") as opened:
        other = tmp_path / "spool" / "0123.json"
        other.write_text('{"source": "queue"}')
        report = Collector(opened, processes=1).run([])
    assert [str(other) in p for p in report.problems] == [True]
    assert other.exists()


def test_an_entry_whose_bytes_changed_is_not_taken_for_what_was_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    entry = spool.put(_ref("q:1"), b"0123456789" * 100)
    entry.file.write_bytes(entry.file.read_bytes().replace(b"0123456789", b"0123456780", 1))
    with pytest.raises(OSError, match="damaged"):
        spool.content(entry)


def test_a_full_disk_leaves_nothing_half_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    spool = Spool(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            spool.put(_ref("q:1"), b"x")
    assert (list(tmp_path.iterdir()), spool.entries()) == ([], [])


def test_the_spool_is_emptied_only_after_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = _records(5)
    with Home.open_for_writing(tmp_path, "test") as opened:
        spool = Spool(tmp_path / "spool")
        spool.put(ObjectRef("stdin", "stdin:x", "x", len(content), datetime.now(UTC)), content)
        kept: list[int] = []
        commit = LakeWriter.commit

        def spy(self: LakeWriter, objects: list[object], files: list[object]) -> object:
            kept.append(len(spool.entries()))
            return commit(self, objects, files)  # type: ignore[arg-type]

        monkeypatch.setattr(LakeWriter, "commit", spy)
        Collector(opened, processes=1).run([])
    assert kept == [1]
    assert spool.entries() == []
