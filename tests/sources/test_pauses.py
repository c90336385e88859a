"""Pauses grow, and what failed comes again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ashiato.sources.live import SourceState
from ashiato.sources.objects import ObjectRef
from ashiato.sources.pauses import Again, pause_after
from ashiato.sources.trouble import Trouble


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 10, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def ref(name: str, etag: str = "1", day: int = 1) -> ObjectRef:
    return ObjectRef("s", name, etag, 1, datetime(2026, 10, day, tzinfo=UTC))


@given(st.integers(1, 10_000))
def test_pauses_double_up_to_the_longest(failures: int) -> None:
    pause = pause_after(failures, first=timedelta(seconds=1), longest=timedelta(seconds=60))
    whole = min(2 ** min(failures - 1, 30), 60)
    assert 0.75 * whole <= pause <= whole


def test_an_error_is_kept_with_its_beginning_until_it_is_over() -> None:
    clock = Clock()
    state = SourceState("a", "s3")
    trouble = Trouble(state, clock=clock)
    first = clock.now
    trouble.failed("no network")
    clock.now += timedelta(seconds=30)
    trouble.failed("no network still")
    assert (state.error, state.error_since) == ("no network still", first)
    assert state.retry_at is not None
    assert state.retry_at > clock.now
    trouble.well()
    assert (state.error, state.error_since, state.retry_at) == (None, None, None)
    assert state.counts == {"errors": 2}
    trouble.failed("slow down", counted="throttled")
    assert state.counts == {"errors": 3, "throttled": 1}, "what metrics show counts every failure"


def test_what_failed_comes_again_later_and_later_newest_first() -> None:
    clock = Clock()
    again = Again(clock, [ref("old", day=1), ref("new", day=2)])
    assert [r.name for r in again.due()] == ["new", "old"]
    again.done(ref("new"))
    again.failed(ref("old"))
    assert again.due() == []
    assert again.resting(ref("old"))
    assert not again.resting(ref("old", etag="2")), "another version is another object"
    clock.now += timedelta(minutes=1)
    assert [r.name for r in again.due()] == ["old"]
    again.failed(ref("old"))
    clock.now += timedelta(minutes=1)
    assert again.due() == []
    clock.now += timedelta(hours=6)
    assert len(again.due()) == 1
