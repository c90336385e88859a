"""Following an API by time: whatever the order of events, of failures and of kills, every one comes, and no position
runs ahead of what is committed."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ashiato.core.errors import SourceUnavailable
from ashiato.sources.cursors import MemoryCursors, Steps
from ashiato.sources.live import Arrival, SourceState
from ashiato.sources.objects import ObjectRef
from ashiato.sources.time_api import Habits, Happened, KnownIds, span
from ashiato.sources.trouble import Trouble
from ashiato.sources.windows import Follower

START = datetime(2026, 1, 5, tzinfo=UTC)


class World:
    """An API, its events, time, a pipeline and a lake, all driven by one random generator."""

    most_back: timedelta | None = None
    where = "world"

    def __init__(self, seed: int, *, says_when: bool) -> None:
        self.random = random.Random(seed)
        self.now = START
        self.says_when = says_when
        self.events: dict[str, tuple[datetime, datetime]] = {}
        self.lake: set[str] = set()
        self.waiting: list[tuple[Arrival, list[str]]] = []
        self.batches: dict[str, list[str]] = {}
        self.cursors = MemoryCursors()

    def happen(self) -> None:
        """Some events, each visible between at once and as late as sweeps are promised to find."""
        for _ in range(self.random.randrange(6)):
            at = self.now - timedelta(seconds=self.random.randrange(1, 60))
            late = timedelta(minutes=self.random.choice([0, 0, 1, 3, 30, 58]))
            self.events[f"e{len(self.events)}"] = (at, self.now + late)

    def pages(self, start: datetime, end: datetime, stop: threading.Event) -> Iterator[list[Happened]]:
        del stop
        found = [
            Happened(id_, at, had if self.says_when else None, id_.encode())
            for id_, (at, had) in self.events.items()
            if start <= at <= end and had <= self.now
        ]
        self.random.shuffle(found)
        while found:
            if self.random.random() < 0.02:
                raise SourceUnavailable("the network is away")
            size = self.random.randrange(0, 5)
            page, found = found[:size], found[size:]
            yield page
        yield []

    def content(self, events: list[Happened]) -> bytes:
        return b",".join(event.raw for event in events)

    def offer(self, arrival: Arrival) -> bool:
        assert arrival.content is not None
        self.waiting.append((arrival, arrival.content.decode().split(",")))
        return True

    def known(self, refs: list[ObjectRef]) -> set[ObjectRef]:
        del refs
        return set()

    def quarantine(self, ref: ObjectRef, content: bytes, reason: str) -> None:
        raise AssertionError

    def commit(self) -> None:
        """Some of what waits, in any order; sometimes one fails."""
        self.random.shuffle(self.waiting)
        for _ in range(self.random.randrange(len(self.waiting) + 1)):
            arrival, ids = self.waiting.pop()
            failed = self.random.random() < 0.03
            if not failed:
                self.lake.update(ids)
            assert arrival.done is not None
            arrival.done("failed" if failed else "committed")

    def follower(self, back: timedelta) -> Follower:
        state = SourceState("s", "t")
        minute = timedelta(minutes=1)
        return Follower(
            "s", self, self.cursors, state=state, trouble=Trouble(state), clock=lambda: self.now, back_to=START - back,
            habits=Habits(every=0.0, least=minute, most=5 * minute, jump=10 * minute, window=5 * minute,
                          sweeps=((10 * minute, 60 * minute),), rereads=1e9),
        )  # fmt: skip


# A jump while an earlier look was not committed, then a kill.
@example(3827100, True)
@given(st.integers(0, 10**9), st.booleans())
@settings(max_examples=60)
def test_every_event_comes_through_failures_kills_and_lateness(seed: int, says_when: bool) -> None:
    world = World(seed, says_when=says_when)
    for n in range(40):
        at = START - timedelta(minutes=world.random.randrange(1, 300))
        world.events[f"old{n}"] = (at, at)
    stop = threading.Event()
    follower = world.follower(timedelta(hours=6))

    def turn() -> None:
        """One turn of `Follower.run`, without its waits."""
        try:
            if follower._positions.front is None:
                follower._begin()
            follower._look(world, stop)
            for _ in range(world.random.randrange(6)):
                follower._step_behind(world, stop)
            follower._keep()
        except SourceUnavailable:
            follower._drop_reading()

    for _ in range(60):
        world.happen()
        turn()
        world.commit()
        world.now += timedelta(seconds=world.random.choice([5, 20, 60, 60, 1200]))
        if world.random.random() < 0.05:
            # kill -9: what was not committed is gone.
            world.waiting.clear()
            follower = world.follower(timedelta(hours=6))
    # Quiet: nothing new; what is late comes, and what lies behind is read.
    for n in range(3_000):
        turn()
        world.commit()
        world.now += timedelta(seconds=30)
        if n > 200 and world.lake == set(world.events):
            break
    assert world.lake == set(world.events)


def test_positions_come_in_order_and_only_when_all_before_is_committed() -> None:
    steps = Steps()
    first, second, third = steps.begin(), steps.begin(), steps.begin()
    for step, position in ((first, 1), (second, None), (third, 3)):
        step.begun()
        step.close(position)
    assert steps.settled() == ([], False)
    third.done("committed")
    assert steps.settled() == ([], False)
    first.done("quarantined")
    assert steps.settled() == ([1], False)
    second.done("committed")
    assert steps.settled() == ([3], False)
    assert steps.waiting() == 0


def test_after_a_failure_nothing_behind_it_counts() -> None:
    steps = Steps()
    first, second = steps.begin(), steps.begin()
    first.begun()
    first.close(1)
    second.close(2)
    first.done("failed")
    assert steps.settled() == ([], True)
    assert steps.settled() == ([], False)
    assert steps.waiting() == 0


def test_ids_are_known_as_long_as_promised_and_memory_stays_bounded() -> None:
    known = KnownIds(100)
    for n in range(1_000):
        known.add(f"id-{n}")
        assert all(f"id-{m}" in known for m in range(max(0, n - 49), n + 1))
    assert sum(f"id-{n}" in known for n in range(1_000)) <= 102


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 min"), (600, "10 min"), (7200, "2 h"), (259_200, "3 days"), (7_776_000, "90 days")],
)
def test_lengths_of_time_for_people(seconds: float, text: str) -> None:
    assert span(seconds) == text
