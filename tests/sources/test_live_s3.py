"""A bucket that is listed again and again: late keys, today beside a long first pass, a network that fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from ashiato.core.settings import WatchedSource
from ashiato.sources.listings import MemoryListings
from ashiato.sources.live_kinds import LiveContext
from ashiato.sources.live_s3 import ListedBucket
from ashiato.sources.objects import ObjectRef
from sources.served import Bucket, Fault, Proxy, trail
from sources.test_live_files import Taker

TODAY = datetime.now(UTC).date()


class Running:
    def __init__(
        self, bucket: Bucket, sink: Any = None, *, earlier: list[ObjectRef] | None = None, **options: Any
    ) -> None:
        self.sink = sink or Taker()
        self.stop = threading.Event()
        self.listings = MemoryListings()
        settings = WatchedSource(
            name="trail",
            type="s3",
            bucket=bucket.name,
            endpoint_url=bucket.endpoint,
            region="us-east-1",
            **options,
        )
        context = LiveContext(self.listings, poll_seconds=0.4, failed=lambda *_: earlier or [])
        self.live = ListedBucket(settings, context)
        self.thread = threading.Thread(target=self.live.run, args=(self.sink, self.stop))
        self.thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()

    def until(self, true: Callable[[], object], seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, self.live.state
            time.sleep(0.02)

    @property
    def names(self) -> list[str]:
        """What was taken, each once: a pass and the look beside it may both offer what was just delivered."""
        return list(dict.fromkeys(name for name, _ in self.sink.offered))


def name_of(key: str) -> str:
    return key.rpartition("/")[2]


def test_a_key_that_is_delivered_later_and_sorts_before_the_others_is_found(bucket: Bucket) -> None:
    bucket.put([trail(TODAY, 5, minute="0905"), trail(TODAY, 9, minute="0915")])
    with Running(bucket) as running:
        running.until(lambda: len(running.names) == 2 and running.live.state.last_poll)
        late = trail(TODAY, 1, minute="0100")
        bucket.put([late])
        running.until(lambda: name_of(late) in running.names)
        assert len(running.names) == 3
        assert running.live.state.error is None


def test_a_late_key_in_yesterdays_folder_is_found_by_the_cadence(bucket: Bucket) -> None:
    yesterday = TODAY - timedelta(days=1)
    bucket.put([trail(yesterday, 5), trail(TODAY, 5)])
    shift = {"by": timedelta(0)}
    with Running(bucket) as running:
        running.until(lambda: running.live.state.last_poll)
        # An hour later yesterday is listed again; the source's clock is what counts.
        source: Any = running.live.source
        source._clock = lambda: datetime.now(UTC) + shift["by"]
        late = trail(yesterday, 1, minute="0001")
        bucket.put([late])
        shift["by"] = timedelta(minutes=61)
        running.until(lambda: name_of(late) in running.names)


def test_today_is_taken_while_the_first_pass_over_history_goes_on(bucket: Bucket) -> None:
    """The sink is slow: history alone would take minutes."""
    days = [TODAY - timedelta(days=back) for back in range(1, 8)]
    bucket.put([trail(day, n, minute="0905") for day in days for n in range(60)])

    class Slow(Taker):
        def offer(self, arrival: Any) -> bool:
            time.sleep(0.03)
            return super().offer(arrival)

    with Running(bucket, Slow()) as running:
        running.until(lambda: len(running.names) > 5)
        fresh = trail(TODAY, 1)
        bucket.put([fresh])
        running.until(lambda: name_of(fresh) in running.names, 8)
        assert len(running.names) < 400
        assert running.live.state.last_poll is None


def test_a_network_that_fails_is_said_and_what_came_meanwhile_is_taken_when_it_is_back(
    bucket: Bucket, proxy: Proxy
) -> None:
    bucket.put([trail(TODAY, 1)])
    with Running(bucket) as running:
        running.until(lambda: running.live.state.last_poll)
        proxy.rule = lambda asked: Fault(503, "SlowDown", "down")
        bucket.put([trail(TODAY, 2)])
        running.until(lambda: running.live.state.error)
        assert "slow down" in str(running.live.state.error)
        proxy.rule = lambda asked: None
        running.until(lambda: len(running.names) == 2 and running.live.state.error is None)


def test_missing_permission_names_the_grant_and_the_source_goes_on_trying(
    bucket: Bucket, proxy: Proxy
) -> None:
    bucket.put([trail(TODAY, 1)])
    proxy.rule = lambda asked: Fault(403, "AccessDenied", "no") if asked.listing else None
    with Running(bucket) as running:
        running.until(lambda: running.live.state.error)
        assert "s3:ListBucket" in str(running.live.state.error)
        proxy.rule = lambda asked: None
        running.until(lambda: running.names)


def test_what_failed_in_an_earlier_process_comes_again(bucket: Bucket) -> None:
    old = date(2025, 1, 1)
    key = trail(old, 1)
    bucket.put([key, trail(TODAY, 1)])
    with Running(bucket) as first:
        first.until(lambda: first.live.state.last_poll)
        [ref] = [r for r in first.sink.taken if r.name.endswith(name_of(key))]
    sink = Taker()
    with Running(bucket, sink, earlier=[ref], **{"from": TODAY}) as second:
        second.until(lambda: second.live.state.last_poll)
        assert name_of(key) in second.names


def test_list_requests_are_counted_and_kept_within_the_budget(bucket: Bucket, proxy: Proxy) -> None:
    bucket.put([trail(TODAY, 1, region=f"eu-west-{n}") for n in range(1, 6)])
    with Running(bucket, requests_a_day=100) as running:
        running.until(lambda: running.live.state.last_poll)
        # 100 a day accrue with the day; the pass after the first is soon out of it.
        running.until(lambda: "request budget" in (running.live.state.forecast or ""), 60)
        spent = running.listings.requests(f"s3://{bucket.name}", TODAY)
        # Early in the day the budget may be spent before anything is listed again.
        assert spent.get("again", 0) + spent.get("discovery", 0) <= 100 + 5
        assert running.live.state.counts["list_requests_today"] > 0
