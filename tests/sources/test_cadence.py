"""Nothing that comes late is lost, whenever it comes, and the requests stay within what is documented."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.sources.cadence import Coverage, allowance, due, flat_due, wait_after
from ashiato.sources.listings import Listings, MemoryListings
from ashiato.sources.options import SourceOptions
from ashiato.sources.s3 import S3Source
from sources.served import config, flow, trail

START = datetime(2026, 1, 20, 0, 7, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
LAYOUTS: list[Callable[[date, int], str]] = [
    trail,
    config,
    lambda day, number: flow(day, number, hive=True, hour=number % 24),
    lambda day, number: f"firehose/{day:%Y/%m/%d}/{number % 24:02}/stream-{number:06}",
]


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Store:
    """ListObjectsV2 over a list of keys, without a network: thousands of polls in seconds."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self._count: Callable[[], None] = lambda: None
        self.meta = SimpleNamespace(events=SimpleNamespace(register=self._register))

    def _register(self, _: str, count: Callable[[], None]) -> None:
        self._count = count

    def put(self, key: str) -> None:
        self.keys.insert(bisect_left(self.keys, key), key)

    def list_objects_v2(
        self, *, Bucket: str, Prefix: str, MaxKeys: int, StartAfter: str = "", Delimiter: str = "",  # noqa: N803
        ContinuationToken: str = "",  # noqa: N803
    ) -> dict[str, Any]:  # fmt: skip
        self._count()
        at = max(
            bisect_left(self.keys, Prefix), bisect_right(self.keys, max(StartAfter, ContinuationToken or ""))
        )
        contents: list[dict[str, Any]] = []
        folders: list[str] = []
        last = ""
        while at < len(self.keys) and self.keys[at].startswith(Prefix):
            key = self.keys[at]
            if len(contents) + len(folders) == MaxKeys:
                answer = {"Contents": contents, "IsTruncated": True, "NextContinuationToken": last}
                return answer | {"CommonPrefixes": [{"Prefix": folder} for folder in folders]}
            if Delimiter and Delimiter in key[len(Prefix) :]:
                folder = Prefix + key[len(Prefix) :].partition(Delimiter)[0] + Delimiter
                folders.append(folder)
                last = folder[:-1] + chr(ord(Delimiter) + 1)
                at = bisect_left(self.keys, last)
                continue
            last = key
            contents.append({"Key": key, "Size": 1, "ETag": '"e"', "LastModified": START})
            at += 1
        return {
            "Contents": contents, "IsTruncated": False,
            "CommonPrefixes": [{"Prefix": folder} for folder in folders],
        }  # fmt: skip


def watcher(store: Store, clock: Clock, listings: Listings | None = None, **options: Any) -> S3Source:
    return S3Source(
        "logs",
        "",
        name="logs",
        options=SourceOptions(full=False, workers=2, **options),
        listings=listings or MemoryListings(),
        clock=clock,
        client=store,  # type: ignore[arg-type]
    )


def poll(source: S3Source) -> set[str]:
    found = [ref.name.removeprefix("s3://logs/") for ref in source.objects()]
    source.confirm()
    return set(found)


arrivals = st.lists(
    st.tuples(
        st.integers(0, len(LAYOUTS) - 1),
        st.integers(0, 50 * 24 * 60),  # minutes after the start
        st.one_of(st.integers(0, 3), st.integers(0, 30)),  # days late
    ),
    max_size=60,
)
# Minutes between polls: some at once, and at least one long pause, or fifty days would take too many.
pauses = st.tuples(
    st.lists(st.one_of(st.integers(1, 10), st.integers(1, 26 * 60)), max_size=10),
    st.integers(10 * 60, 26 * 60),
).map(lambda drawn: [*drawn[0], drawn[1]])


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(arrivals, pauses, st.sampled_from([2, 5, 1_000]))
def test_what_comes_up_to_30_days_late_is_found_in_time(
    late: list[tuple[int, int, int]], minutes: list[int], page_size: int
) -> None:
    """Today's at the next poll, yesterday's within an hour, a week's in a day, 30 days' in a week."""
    store, clock = Store(), Clock()
    for layout in LAYOUTS:
        store.put(layout(START.date() - 40 * DAY, 0))
    source = watcher(store, clock, page_size=page_size)
    poll(source)
    coming = sorted(
        (
            START + MINUTE * after,
            LAYOUTS[which]((START + MINUTE * after).date() - DAY * days, 1 + number),
            days,
        )
        for number, (which, after, days) in enumerate(late)
    )
    missing: dict[str, datetime] = {}
    at = 0
    while at < len(coming) or missing:
        clock.now += MINUTE * minutes[at % len(minutes)] if at < len(coming) else HOUR * 5
        minutes = minutes[1:] + minutes[:1]
        while at < len(coming) and coming[at][0] <= clock.now:
            when, key, days = coming[at]
            store.put(key)
            missing[key] = when + wait_after(days)
            at += 1
        for key in poll(source):
            missing.pop(key, None)
        overdue = [key for key, latest in missing.items() if latest <= clock.now]
        assert not overdue, f"at {clock.now}: {overdue}"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60 * 24 * 60)), min_size=1, max_size=12))
def test_due_is_the_oldest_day_whose_rest_is_over(listings: list[tuple[int, int]]) -> None:
    """Against the rule written down day by day."""
    coverage = Coverage().with_listing(None, START)
    history: list[tuple[date | None, datetime]] = [(None, START)]
    now = START
    for back, after in sorted(listings, key=lambda pair: pair[1]):
        now = START + MINUTE * after
        first = now.date() - DAY * back
        coverage = coverage.with_listing(first, now)
        history.append((first, now))
    now += MINUTE * listings[0][1]
    expected = now.date()
    for back in range(200):
        day = now.date() - DAY * back
        last = max(at for first, at in history if first is None or first <= day)
        assert coverage.listed(day) == last
        wait = wait_after((last.date() - day).days)
        if wait != timedelta.max and last + wait <= now:
            expected = day
    assert due(coverage, now) == expected
    assert Coverage.parse(coverage.text()) == coverage


def test_the_documented_number_of_requests() -> None:
    """A poll takes one request a prefix; Config's day folders take a few more (docs/sources.md)."""
    for layout, most in ((trail, 0), (config, 24 + 8 + 6)):
        store, clock = Store(), Clock()
        for back in range(60):
            store.put(layout(START.date() - DAY * back, back))
        listings = MemoryListings()
        source = watcher(store, clock, listings)
        poll(source)
        days, polls_a_day = 21, 96
        for _ in range(days * polls_a_day):
            clock.now += DAY / polls_a_day
            poll(source)
        sent = sum(listings.requests("logs", START.date() + DAY * n).get("again", 0) for n in range(days + 2))
        assert sent <= days * (polls_a_day + most)


def test_the_budget_holds_and_every_prefix_has_its_turn() -> None:
    store, clock = Store(), Clock()
    accounts = [f"{n:012}" for n in range(1, 41)]
    for account in accounts:
        store.put(trail(START.date(), 0, account=account))
    listings = MemoryListings()
    budget = 2_400
    source = watcher(store, clock, listings, requests_a_day=budget)
    assert len(poll(source)) == 40
    assert listings.requests("logs", START.date())["first"] == 40
    deferred = 0
    for _ in range(3 * 288):
        clock.now += 5 * MINUTE
        poll(source)
        deferred += source.progress.deferred
    assert deferred > 0
    for n in range(4):
        spent = listings.requests("logs", START.date() + DAY * n)
        assert spent.get("again", 0) + spent.get("discovery", 0) <= budget + 2 * 43  # a discovery in flight
    newest = [
        max(at for _, at in Coverage.parse(text).entries) for text in listings.states("logs", "").values()
    ]
    assert len(newest) == 40
    assert max(newest) - min(newest) < 2 * HOUR


def test_a_restart_goes_on_where_it_stopped_and_a_long_stop_is_caught_up() -> None:
    store, clock, listings = Store(), Clock(), MemoryListings()
    store.put(trail(START.date() - 40 * DAY, 0))
    poll(watcher(store, clock, listings))
    settled = trail(START.date() - 35 * DAY, 1)
    store.put(settled)
    fresh = [trail(START.date() + DAY * n, n) for n in range(-30, 100)]
    for key in fresh:
        store.put(key)
    clock.now += 100 * DAY
    found = poll(watcher(store, clock, listings))
    assert set(fresh) <= found
    assert settled not in found
    assert settled in poll(watcher(store, clock, listings)) | {
        ref.name.removeprefix("s3://logs/")
        for ref in S3Source(
            "logs", "", name="logs", options=SourceOptions(full=True), listings=listings, clock=clock,
            client=store,  # type: ignore[arg-type]
        ).objects()
    }  # fmt: skip


def test_a_clock_that_goes_back_lists_everything_again() -> None:
    coverage = Coverage().with_listing(None, START)
    assert due(coverage, START - HOUR) is None
    assert flat_due(coverage, START - HOUR)


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"listed":[["x","y"]]}', '{"listed":3}', '{"listed":[1]}']
)
def test_a_state_that_cannot_be_read_counts_as_never_listed(text: str | None) -> None:
    assert Coverage.parse(text).whole() is None


def test_an_undated_prefix_costs_a_request_a_minute_on_average() -> None:
    small = Coverage().with_listing(None, START, requests=1)
    assert flat_due(small, START + timedelta(seconds=1))
    large = Coverage().with_listing(None, START, requests=31)
    assert not flat_due(large, START + 29 * MINUTE)
    assert flat_due(large, START + 30 * MINUTE)
    huge = Coverage().with_listing(None, START, requests=100_000)
    assert flat_due(huge, START + DAY)


def test_the_allowance_grows_over_the_day_to_the_budget() -> None:
    midnight = datetime(2026, 1, 20, tzinfo=UTC)
    assert allowance(2_400, midnight) == 100
    assert allowance(2_400, midnight + 12 * HOUR) == 1_300
    assert allowance(2_400, midnight + 24 * HOUR - MINUTE) == 2_400


def test_new_accounts_are_discovered_within_an_hour() -> None:
    store, clock = Store(), Clock()
    store.put(trail(START.date(), 0))
    source = watcher(store, clock)
    poll(source)
    new = trail(START.date(), 1, account="222233334444")
    store.put(new)
    clock.now += 30 * MINUTE
    assert new not in poll(source)
    clock.now += 31 * MINUTE
    assert new in poll(source)


def test_a_floor_holds_in_every_poll() -> None:
    store, clock = Store(), Clock()
    for back in range(40):
        store.put(trail(START.date() - DAY * back, back))
    source = watcher(store, clock, from_=START.date() - 5 * DAY)
    assert len(poll(source)) == 6
    clock.now += 25 * HOUR
    assert len(poll(source)) == 6
    clock.now += MINUTE
    assert len(poll(source)) == 0
