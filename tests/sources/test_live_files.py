"""A folder that is watched: files are taken when they are whole, soon, and none twice."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ashiato.core.settings import WatchedSource
from ashiato.sources.listings import MemoryListings
from ashiato.sources.live import Arrival
from ashiato.sources.live_files import WatchedFolder
from ashiato.sources.live_kinds import LiveContext
from ashiato.sources.objects import ObjectRef


class Taker:
    """A sink that takes everything at once."""

    def __init__(self) -> None:
        self.offered: list[tuple[str, bytes]] = []
        self.taken: set[ObjectRef] = set()
        self.fail = False

    def offer(self, arrival: Arrival) -> bool:
        assert arrival.reader is not None
        assert arrival.done is not None
        if self.fail:
            arrival.done("failed")
            return True
        self.offered.append((Path(arrival.ref.name).name, arrival.reader.fetch(arrival.ref)))
        self.taken.add(arrival.ref)
        arrival.done("committed")
        return True

    def known(self, refs: list[ObjectRef]) -> set[ObjectRef]:
        return self.taken & set(refs)

    def quarantine(self, ref: ObjectRef, content: bytes, reason: str) -> None:
        raise AssertionError


class Running:
    def __init__(self, folder: Path, poll_seconds: float) -> None:
        self.sink = Taker()
        self.stop = threading.Event()
        settings = WatchedSource(name="drop", type="files", path=folder)
        self.live = WatchedFolder(settings, LiveContext(MemoryListings(), poll_seconds=poll_seconds))
        self.thread = threading.Thread(target=self.live.run, args=(self.sink, self.stop))
        self.thread.start()

    def until(self, count: int, seconds: float = 15) -> list[tuple[str, bytes]]:
        deadline = time.monotonic() + seconds
        while len(self.sink.offered) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.sink.offered) >= count, self.live.state
        return self.sink.offered

    def end(self) -> None:
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


@pytest.fixture
def watched(folder: Path) -> Iterator[Running]:
    running = Running(folder, poll_seconds=600)
    deadline = time.monotonic() + 15
    while running.live.state.last_poll is None and time.monotonic() < deadline:
        time.sleep(0.02)
    # The system is told to watch a moment after.
    time.sleep(0.3)
    yield running
    running.end()


def test_a_file_is_taken_soon_after_it_is_whole_and_only_once(folder: Path, watched: Running) -> None:
    began = time.monotonic()
    (folder / "deep").mkdir()
    (folder / "deep" / "one.json").write_bytes(b"one")
    (folder / ".hidden.tmp").write_bytes(b"half")
    (folder / ".hidden.tmp").rename(folder / "two.json")
    assert sorted(watched.until(2)) == [("one.json", b"one"), ("two.json", b"half")]
    assert time.monotonic() - began < 5
    time.sleep(0.5)
    assert len(watched.sink.offered) == 2


def test_a_file_that_is_still_being_written_is_left_alone_until_it_rests(
    folder: Path, watched: Running
) -> None:
    with (folder / "slow.json").open("wb") as file:
        for number in range(12):
            file.write(b"%d," % number)
            file.flush()
            os.fsync(file.fileno())
            time.sleep(0.1)
            assert watched.sink.offered == []
    assert watched.until(1) == [("slow.json", b"0,1,2,3,4,5,6,7,8,9,10,11,")]


def test_hidden_files_and_folders_are_left_out(folder: Path, watched: Running) -> None:
    (folder / ".work").mkdir()
    (folder / ".work" / "a.json").write_bytes(b"a")
    (folder / ".b.json").write_bytes(b"b")
    (folder / "c.json").write_bytes(b"c")
    assert watched.until(1) == [("c.json", b"c")]
    time.sleep(0.7)
    assert len(watched.sink.offered) == 1


def test_a_walk_finds_what_nobody_told_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Network file systems tell of nothing."""
    monkeypatch.setattr(WatchedFolder, "_watch", lambda self, stop: stop.wait())
    (folder / "before.json").write_bytes(b"1")
    running = Running(folder, poll_seconds=0.3)
    try:
        running.until(1)
        (folder / "later.json").write_bytes(b"2")
        assert sorted(name for name, _ in running.until(2)) == ["before.json", "later.json"]
    finally:
        running.end()


def test_a_folder_that_is_not_there_is_an_error_of_the_source_until_it_comes(tmp_path: Path) -> None:
    running = Running(tmp_path / "later", poll_seconds=0.3)
    try:
        deadline = time.monotonic() + 10
        while running.live.state.error is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert "no file or folder" in str(running.live.state.error)
        assert running.live.state.retry_at is not None
        (tmp_path / "later").mkdir()
        (tmp_path / "later" / "a.json").write_bytes(b"a")
        assert running.until(1) == [("a.json", b"a")]
        deadline = time.monotonic() + 10
        while running.live.state.error is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert running.live.state.error is None
    finally:
        running.end()


def test_what_could_not_be_read_rests_and_is_counted(folder: Path, watched: Running) -> None:
    watched.sink.fail = True
    (folder / "denied.json").write_bytes(b"x")
    deadline = time.monotonic() + 10
    while not watched.live.state.counts.get("failed") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert watched.live.state.counts["failed"] == 1
    assert len(watched.live.again) == 1
