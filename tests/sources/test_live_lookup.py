"""CloudTrail's event history: new first, history behind with a forecast, within two requests a second."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from ashiato.core.errors import WrongUse
from ashiato.core.settings import WatchedSource
from ashiato.sources.cursors import Cursors, MemoryCursors
from ashiato.sources.live_lookup import HABITS, LiveLookup
from ashiato.sources.time_api import Habits
from formats.test_notifications import EVENT
from sources.aws_json import AwsJson, History, Refused
from sources.live_sink import MemorySink, Wire, running, until

QUICK = replace(HABITS, every=0.05, sweeps=(), rereads=1e9)


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    made = MemorySink()
    yield made
    made.close()


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def service(history: History) -> Iterator[AwsJson]:
    made = AwsJson(LookupEvents=history.lookup)
    yield made
    made.stop()


def ago(**length: float) -> int:
    return int(time.time() - timedelta(**length).total_seconds())


def happen(history: History, at: int, n: int) -> None:
    when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    history.add(at, EVENT | {"eventID": f"event-{n}", "eventTime": when})


def lookup(
    url: str, cursors: Cursors | None = None, *, habits: Habits = QUICK, rate: float = 1_000.0, **more: Any
) -> LiveLookup:
    more = {"regions": ["us-east-1"]} | more
    source = WatchedSource(name="events", type="lookup_events", endpoint_url=url, **more)
    return LiveLookup.from_settings(source, cursors or MemoryCursors(), habits=habits, rate=rate)


def ids(sink: MemorySink) -> list[str]:
    return [e["EventId"] for a in list(sink.arrivals) for e in json.loads(a.content or b"{}")["Events"]]


def days_ago(days: int) -> Any:
    return (datetime.now(UTC) - timedelta(days=days)).date()


def test_new_first_then_all_of_the_history_each_event_once(
    service: AwsJson, history: History, sink: MemorySink
) -> None:
    for n in range(700):
        happen(history, ago(days=4) + n * 400, n)
    happen(history, ago(seconds=30), 1000)
    live = lookup(service.url, from_=days_ago(5))
    told: set[str] = set()
    with running(live, sink):
        until(lambda: told.add(live.state.forecast or "") or len(ids(sink)) >= 701)
        until(lambda: live.state.forecast is None)
        happen(history, ago(seconds=0), 1001)
        until(lambda: "event-1001" in ids(sink))
    assert ids(sink)[0] == "event-1000"
    assert len(ids(sink)) == len(set(ids(sink))) == 702
    assert sink.rows() == {"cloudtrail": 702}
    assert any("pages a day of history" in text and "us-east-1" in text for text in told)
    # The newer end of the history first.
    numbers = [int(id_.rpartition("-")[2]) for id_ in ids(sink)[1:701]]
    assert numbers[0] > 600
    assert numbers[-1] < 100


def test_a_page_is_asked_for_with_the_same_parameters_as_the_first(
    service: AwsJson, history: History, sink: MemorySink
) -> None:
    for n in range(220):
        happen(history, ago(minutes=5), n)
    with running(lookup(service.url), sink):
        until(lambda: len(ids(sink)) == 220)
    assert all(asked["MaxResults"] == 50 for _, asked, _ in service.asked)
    assert len(set(ids(sink))) == 220


def test_ninety_days_and_no_further(service: AwsJson, sink: MemorySink) -> None:
    live = lookup(service.url, from_=days_ago(400))
    with running(live, sink):
        until(lambda: live.state.last_poll and live.state.forecast is None)
    oldest = min(asked["StartTime"] for _, asked, _ in service.asked)
    assert ago(days=90) - 5 <= oldest <= ago(days=89)


def test_a_forecast_is_honest_before_anything_is_measured() -> None:
    live = lookup("http://127.0.0.1:1")
    [follower] = live._followers
    follower._begin()
    assert "90 days of history" in str(follower.forecast())
    assert "not known yet" in str(follower.forecast())


def test_throttling_waits_longer_each_time_and_goes_on(
    service: AwsJson, history: History, sink: MemorySink
) -> None:
    happen(history, ago(seconds=30), 1)
    times: list[float] = []

    def failing(n: int) -> Refused | None:
        times.append(time.monotonic())
        return Refused("ThrottlingException", "Rate exceeded") if n <= 3 else None

    history.failing = failing
    live = lookup(service.url)
    with running(live, sink):
        until(lambda: "slow down" in str(live.state.error))
        until(lambda: ids(sink) == ["event-1"])
        until(lambda: live.state.error is None)
    assert live.state.counts["throttled"] == 3
    pauses = [b - a for a, b in pairwise(times[:4])]
    # Twice as long each time, less a quarter by chance.
    assert pauses[0] >= 0.75
    assert pauses[1] >= 1.5
    assert pauses[2] >= 3.0


def test_throttling_amid_the_history_doubles_and_loses_nothing(
    service: AwsJson, history: History, sink: MemorySink
) -> None:
    for n in range(400):
        happen(history, ago(days=2) + n, n)
    history.failing = lambda n: Refused("ThrottlingException") if n in (9, 14) else None
    with running(lookup(service.url, from_=days_ago(3)), sink):
        until(lambda: len(set(ids(sink))) == 400)
    assert len(ids(sink)) == 400


def test_a_restart_resumes_the_history_where_it_was_committed(
    service: AwsJson, history: History, sink: MemorySink
) -> None:
    for n in range(1000):
        happen(history, ago(days=20) + n * 1_700, n)
    cursors = MemoryCursors()
    # Slow enough that the first process does not come to the end.
    live = lookup(service.url, cursors, rate=30.0, from_=days_ago(30))
    with running(live, sink):
        until(lambda: len(ids(sink)) > 300)
    done = len(ids(sink))
    assert done < 1000
    service.asked.clear()
    again = MemorySink()
    with running(lookup(service.url, cursors, from_=days_ago(30)), again):
        until(lambda: len(set(ids(sink)) | set(ids(again))) == 1000)
    assert len(ids(again)) < 1000 - done + 400
    again.close()


def test_an_outage_is_told_and_overcome(service: AwsJson, history: History, sink: MemorySink) -> None:
    wire = Wire(service.port)
    happen(history, ago(seconds=5), 1)
    live = lookup(wire.url)
    with running(live, sink):
        until(lambda: ids(sink) == ["event-1"])
        wire.cut()
        until(lambda: live.state.error)
        happen(history, ago(seconds=0), 2)
        wire.mend()
        until(lambda: ids(sink) == ["event-1", "event-2"])
        until(lambda: live.state.error is None)
    wire.cut()


def test_the_service_stopped_and_started_on_the_same_port(
    service: AwsJson, history: History, sink: MemorySink
) -> None:
    live = lookup(service.url)
    with running(live, sink):
        until(lambda: live.state.last_poll)
        service.stop()
        until(lambda: live.state.error)
        service.start()
        happen(history, ago(seconds=0), 1)
        until(lambda: ids(sink) == ["event-1"])


def test_each_region_is_asked_and_a_failing_one_does_not_hold_up_the_other(
    service: AwsJson, history: History, sink: MemorySink
) -> None:
    happen(history, ago(seconds=5), 1)
    live = lookup(service.url, regions=["us-east-1", "eu-west-1", "us-east-1"])

    answer = history.lookup

    def by_region(asked: dict[str, Any]) -> dict[str, Any]:
        headers = service.asked[-1][2]
        if "/eu-west-1/cloudtrail/" in headers["Authorization"]:
            raise Refused("AccessDeniedException", "not authorized to perform: cloudtrail:LookupEvents")
        return answer(asked)

    service.operations["LookupEvents"] = by_region
    with running(live, sink):
        until(lambda: ids(sink))
        until(lambda: "cloudtrail:LookupEvents is denied" in str(live.state.error))
        happen(history, ago(seconds=0), 2)
        until(lambda: "event-2" in ids(sink))


def test_two_requests_a_second_and_no_more(service: AwsJson, history: History, sink: MemorySink) -> None:
    for n in range(300):
        happen(history, ago(minutes=5), n)
    began = time.monotonic()
    with running(lookup(service.url, rate=2.0, region="xx-test-1", regions=["xx-test-1"]), sink):
        until(lambda: len(ids(sink)) == 300)
        requests, took = len(service.asked), time.monotonic() - began
    assert requests <= 2 * took + 2


def test_regions_are_needed() -> None:
    with pytest.raises(WrongUse, match="needs regions"):
        LiveLookup.from_settings(WatchedSource(name="events", type="lookup_events"), MemoryCursors())
