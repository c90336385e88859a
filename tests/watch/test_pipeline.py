"""The pipeline keeps, commits once, tells, and holds back: what a live source may rely on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.core.errors import AshiatoError, SourceUnavailable
from ashiato.core.settings import Watching
from ashiato.intake.spool import Spool
from ashiato.intake.units import ReadingNote
from ashiato.lake.home import Home
from ashiato.sources.live import Arrival
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Progress
from ashiato.watch.pipeline import Pipeline
from ashiato.watch.waiting import OBJECT_BYTES, Item, Waiting
from intake.lake_counts import ask, count
from intake.taking_in import states
from watch.watching import content, events, until


class Shelf:
    """A reader whose objects lie in memory; `down` makes it fail, `gate` makes it slow."""

    name = "shelf"
    at_once = 4

    def __init__(self) -> None:
        self.progress = Progress()
        self.held: dict[str, bytes] = {}
        self.down: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def objects(self) -> Iterator[ObjectRef]:
        return iter(())

    def fetch(self, ref: ObjectRef) -> bytes:
        self.gate.wait(30)
        if self.down is not None:
            raise self.down
        return self.held[ref.name]

    def confirm(self) -> None: ...

    def ref(self, name: str, body: bytes, etag: str = "1") -> ObjectRef:
        self.held[name] = body
        return ObjectRef("shelf", name, etag, len(body), datetime.now(UTC))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home.open_for_writing(tmp_path / "home", "test") as opened:
        yield opened


@pytest.fixture
def pipeline(home: Home) -> Iterator[Pipeline]:
    made = Pipeline(home, Watching(commit_seconds=0.2))
    made.start()
    yield made
    made.stop()


def pushed(name: str, body: bytes, told: list[str], etag: str = "1") -> Arrival:
    ref = ObjectRef("queue", name, etag, len(body), datetime.now(UTC))
    return Arrival(
        ref, content=body, kept=lambda: told.append(f"kept {name}"), done=lambda o: told.append(f"{o} {name}")
    )


def test_bytes_are_kept_before_anybody_is_told_and_forgotten_after_the_commit(
    home: Home, pipeline: Pipeline
) -> None:
    spool = home.folder / "spool"
    kept: list[int] = []
    outcomes: list[str] = []
    body = content(events(8, 1))
    ref = ObjectRef("queue", "q:1", "1", len(body), datetime.now(UTC))
    arrival = Arrival(
        ref, content=body, kept=lambda: kept.append(len(Spool(spool).entries())), done=outcomes.append
    )
    assert pipeline.sink("q").offer(arrival)
    until(lambda: outcomes, "told")
    assert (kept, outcomes) == ([1], ["committed"])
    assert count(home.folder, "cloudtrail") == 8
    assert list(spool.iterdir()) == []


def test_the_same_object_offered_many_times_is_taken_once_and_each_offer_is_told(
    home: Home, pipeline: Pipeline
) -> None:
    told: list[str] = []
    sink = pipeline.sink("q")
    body = content(events(8, 1))
    for _ in range(5):
        sink.offer(pushed("q:1", body, told))
    until(lambda: told.count("committed q:1") == 5, "told five times")
    sink.offer(pushed("q:1", body, told))
    until(lambda: told.count("committed q:1") == 6, "an object that is in the lake is harmless")
    assert count(home.folder, "cloudtrail") == 8
    assert list((home.folder / "spool").iterdir()) == []


def test_a_flow_file_offered_again_after_its_commit_is_not_doubled(home: Home, pipeline: Pipeline) -> None:
    """Flow records have no ids of their own: the object must be recognised."""
    head = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
    body = (
        head + "2 111122223333 eni-1 10.0.0.1 10.0.0.2 1 443 6 10 100 1790000000 1790000060 ACCEPT OK\n"
    ).encode()
    shelf = Shelf()
    told: list[str] = []
    for name in ("flow.log", "flow.log", "copy.log"):
        pipeline.sink("s").offer(Arrival(shelf.ref(name, body), reader=shelf, done=told.append))
        until(pipeline.idle, "committed")
    assert told == ["committed"] * 3
    assert count(home.folder, "vpc_flow_logs") == 1


def test_two_versions_of_one_object_are_taken_one_after_the_other(home: Home, pipeline: Pipeline) -> None:
    told: list[str] = []
    first, second = events(4, 1), events(4, 2)
    sink = pipeline.sink("q")
    sink.offer(pushed("q:1", content(first), told, "1"))
    sink.offer(pushed("q:1", content(first + second), told, "2"))
    until(lambda: told.count("committed q:1") == 2, "both are told")
    assert count(home.folder, "cloudtrail") == 8
    assert states(home.folder) == {"taken": 2}


def test_one_object_that_cannot_be_fetched_is_noted_and_the_others_are_taken(
    home: Home, pipeline: Pipeline
) -> None:
    shelf, broken = Shelf(), Shelf()
    broken.down = ObjectUnavailable("b", "denied", "Reading is denied", "Allow it.")
    gone = Shelf()
    gone.down = SourceUnavailable("The endpoint cannot be reached")
    defect = Shelf()
    defect.down = RuntimeError("unexpected")
    told: list[str] = []
    for name, reader in (("a", shelf), ("b", broken), ("c", gone), ("d", defect)):
        ref = reader.ref(name, content(events(2, ord(name))))
        arrival = Arrival(ref, reader=reader, done=lambda o, name=name: told.append(f"{name} {o}"))  # type: ignore[misc]
        assert pipeline.sink("s").offer(arrival)
    until(lambda: len(told) == 4, "all are told")
    assert sorted(told) == ["a committed", "b failed", "c failed", "d failed"]
    assert states(home.folder) == {"taken": 1, "failed": 3}
    # It comes again when it can be read, and then counts as taken.
    broken.down = None
    pipeline.sink("s").offer(Arrival(broken.ref("b", broken.held["b"]), reader=broken))
    until(pipeline.idle, "committed")
    assert states(home.folder) == {"taken": 2, "failed": 2}


def test_what_nobody_can_read_goes_to_quarantine_with_its_reason(home: Home, pipeline: Pipeline) -> None:
    ref = ObjectRef("queue", "q:poison", "1", 9, datetime.now(UTC))
    pipeline.sink("q").quarantine(ref, b"not a log", "received six times and never readable")
    until(pipeline.idle, "committed")
    rows = ask(home.folder, "quarantine", "SELECT object, reason, content FROM {}")
    assert rows == [("q:poison", "received six times and never readable", b"not a log")]
    assert pipeline.sink("q").known([ref]) == {ref}


def test_an_arrival_after_a_quiet_time_is_committed_at_once_and_a_stream_in_steps(home: Home) -> None:
    pipeline = Pipeline(home, Watching(commit_seconds=3.0))
    pipeline.start()
    commits: list[float] = []
    pipeline.after_commit.append(lambda _: commits.append(time.monotonic()))
    told: list[str] = []
    began = time.monotonic()
    pipeline.sink("q").offer(pushed("q:0", content(events(1, 0)), told))
    until(lambda: commits, "the first commit")
    assert commits[0] - began < 1.5
    for number in range(1, 10):
        pipeline.sink("q").offer(pushed(f"q:{number}", content(events(1, number)), told))
    until(lambda: len(commits) == 2, "the second commit")
    assert 2.5 < commits[1] - commits[0] < 4.5
    pipeline.stop()
    assert told.count("committed q:9") == 1


def test_sources_are_held_back_by_bytes_and_one_that_hangs_holds_up_nobody(home: Home) -> None:
    pipeline = Pipeline(home, Watching(waiting_mb=8, commit_seconds=0.1))
    slow = Shelf()
    slow.gate.clear()
    quick_sink, slow_sink = pipeline.sink("quick"), pipeline.sink("slow")
    pipeline.start()
    offered: list[int] = []

    def flood() -> None:
        for number in range(40):
            ref = ObjectRef("shelf", f"slow-{number}", "1", 512 << 10, datetime.now(UTC))
            slow.held[ref.name] = content(events(1, number))
            if not slow_sink.offer(Arrival(ref, reader=slow)):
                return
            offered.append(number)

    thread = threading.Thread(target=flood)
    thread.start()
    until(lambda: len(offered) >= 7, "the share fills")
    told: list[str] = []
    for number in range(20):
        assert quick_sink.offer(pushed(f"q:{number}", content(events(1, 1000 + number)), told))
    until(lambda: sum(t.startswith("committed") for t in told) == 20, "the other source goes on")
    # Half of 8 MiB in objects of 512 KiB and a little.
    assert len(offered) == 7
    assert pipeline.waiting.held()["slow"][1] <= 4 << 20
    slow.gate.set()
    thread.join(60)
    until(pipeline.idle, "all is committed")
    pipeline.stop()
    assert len(offered) == 40
    assert count(home.folder, "cloudtrail") == 60


def test_offers_end_when_the_pipeline_stops(home: Home) -> None:
    pipeline = Pipeline(home, Watching(waiting_mb=8))
    slow = Shelf()
    slow.gate.clear()
    pipeline.start()
    sink = pipeline.sink("slow")
    big = ObjectRef("shelf", "big", "1", 8 << 20, datetime.now(UTC))
    assert sink.offer(Arrival(big, reader=slow))
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(sink.offer(pushed("q", b"x", []))))
    thread.start()
    time.sleep(0.1)
    assert not answers
    slow.gate.set()
    slow.held["big"] = content(events(1, 1))
    pipeline.stop()
    thread.join(10)
    assert answers in ([False], [True])
    assert not sink.offer(pushed("q2", b"x", []))
    with pytest.raises(AshiatoError, match="stopping"):
        sink.quarantine(ObjectRef("q", "q3", "1", 1, datetime.now(UTC)), b"x", "poison")


def test_what_an_earlier_process_kept_is_taken_in_first_with_what_was_known_of_it(home: Home) -> None:
    spool = Spool(home.folder / "spool")
    moment = datetime.now(UTC)
    spool.put(ObjectRef("queue", "q:1", "1", 1, moment), content(events(3, 1)))
    line = b"10.0.0.1 10.0.0.2 1790000000 1790000060\n"
    note = ReadingNote(flow_format="${srcaddr} ${dstaddr} ${start} ${end}")
    spool.put(ObjectRef("logs", "g:1", "1", len(line), moment), line, note)
    spool.put(ObjectRef("queue", "q:2", "1", 1, moment), b"poison", ReadingNote(quarantine="bad"))
    pipeline = Pipeline(home, Watching())
    pipeline.start()
    until(lambda: pipeline.state.commits and pipeline.idle(), "committed")
    pipeline.stop()
    found = [count(home.folder, table) for table in ("cloudtrail", "vpc_flow_logs", "quarantine")]
    assert found == [3, 1, 1]
    assert list((home.folder / "spool").iterdir()) == []


def test_a_commit_that_fails_is_tried_again_and_one_object_cannot_hold_up_the_others(
    home: Home, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pipeline.writer.commit
    full = threading.Event()
    full.set()

    def commit(objects: Any, files: Any) -> Any:
        if full.is_set():
            raise AshiatoError("the batch could not be written: No space left on device")
        if any(o.name == "q:3" and o.outcome != "quarantined" for o in objects):
            raise RuntimeError("a row that no table takes")
        return real(objects, files)

    monkeypatch.setattr(pipeline.writer, "commit", commit)
    told: list[str] = []
    for number in range(6):
        pipeline.sink("q").offer(pushed(f"q:{number}", content(events(2, number)), told))
    until(lambda: "No space left" in (pipeline.state.error or ""), "the error is shown")
    assert len(Spool(home.folder / "spool").entries()) == 6
    full.clear()
    until(lambda: len(told) == 12, "all are told", 60)
    assert sorted(t for t in told if not t.startswith("kept")) == [
        *(f"committed q:{n}" for n in (0, 1, 2, 4, 5)), "quarantined q:3",
    ]  # fmt: skip
    assert count(home.folder, "cloudtrail") == 10
    [(reason,)] = ask(home.folder, "quarantine", "SELECT reason FROM {}")
    assert "a row that no table takes" in reason
    assert pipeline.state.error is None


def test_hooks_run_after_each_commit_and_what_they_raise_goes_no_further(home: Home) -> None:
    said: list[str] = []
    pipeline = Pipeline(home, Watching(commit_seconds=0.1), say=said.append)
    seen: list[tuple[int, str]] = []

    def broken(_: object) -> None:
        raise ValueError("rules do not load")

    pipeline.after_commit += [
        broken,
        lambda c: seen.append((len(c.objects), threading.current_thread().name)),
    ]
    pipeline.start()
    pipeline.sink("q").offer(pushed("q:1", content(events(4, 1)), []))
    until(lambda: seen, "the second hook")
    assert seen == [(1, "ashiato-commit")]
    assert any("rules do not load" in line for line in said)
    pipeline.stop()


def test_lags_are_measured_by_account_region(home: Home, pipeline: Pipeline) -> None:
    lags: list[tuple[str, str, str, int, float]] = []
    pipeline.after_commit.append(
        lambda c: lags.extend(
            (x.place.source, x.place.account, x.place.region, x.records, float(x.delivered.max()))
            for x in c.lags
        )
    )
    moment = datetime.now(UTC).replace(microsecond=0)
    body = content(events(5, 1, moment))
    ref = ObjectRef("s3://logs", "s3://logs/a", "1", len(body), moment.replace(microsecond=500_000))
    shelf = Shelf()
    shelf.held[ref.name] = body
    pipeline.sink("trail").offer(Arrival(ref, reader=shelf))
    until(lambda: lags, "lags")
    assert lags == [("s3://logs", "111122223333", "us-east-1", 5, 0.5)]
    text = pipeline.metrics.text().decode()
    assert 'ashiato_lag_seconds_bucket{le="0.5",source="s3://logs",stage="delivered"} 5.0' in text
    assert 'ashiato_lag_seconds_bucket{le="0.25",source="s3://logs",stage="delivered"} 0.0' in text


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3000)), max_size=60), st.integers(1, 20))
def test_groups_take_of_each_source_in_turn_and_every_item_once(
    sizes: list[tuple[str, int]], most: int
) -> None:
    waiting = Waiting(1 << 30)
    items = []
    for number, (source, size) in enumerate(sizes):
        ref = ObjectRef(source, f"{source}-{number}", "1", size, datetime.now(UTC))
        item = Item(source, ref, [], size + OBJECT_BYTES, datetime.now(UTC), 0.0, content=b"x" * size)
        assert waiting.admit(item)
        assert waiting.enter(item)
        waiting.put(item)
        items.append(item)
    taken: list[Item] = []
    while group := waiting.take(most, 5000):
        assert len(group) <= most
        assert len(group) == 1 or sum(len(i.content or b"") for i in group) <= 5000
        taken += group
        for item in group:
            waiting.finish(item)
    assert {id(i) for i in taken} == {id(i) for i in items}
    assert len(taken) == len(items)
    for source in "abc":
        assert [i for i in taken if i.source == source] == [i for i in items if i.source == source]
    assert all(held == (0, 0) for held in waiting.held().values())
