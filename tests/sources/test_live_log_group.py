"""A log group followed by FilterLogEvents: every event once, whatever the pages, the lateness, the outages."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from ashiato.core.errors import WrongUse
from ashiato.core.settings import WatchedSource
from ashiato.sources.cursors import Cursors, MemoryCursors
from ashiato.sources.live_log_group import HABITS, LiveLogGroup
from ashiato.sources.rates import TokenBucket
from ashiato.sources.time_api import Habits
from sources.aws_json import AwsJson, LogEvents, Refused
from sources.live_sink import MemorySink, Wire, running, until
from sources.test_live_firehose import line, trail

QUICK = replace(HABITS, every=0.05, sweeps=(), rereads=1e9)


def ms(**ago: float) -> int:
    return int((time.time() - timedelta(**ago).total_seconds()) * 1000)


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    made = MemorySink()
    yield made
    made.close()


@pytest.fixture
def logs() -> LogEvents:
    return LogEvents()


@pytest.fixture
def service(logs: LogEvents) -> Iterator[AwsJson]:
    made = AwsJson(FilterLogEvents=logs.filter)
    yield made
    made.stop()


def follower(
    url: str,
    cursors: Cursors | None = None,
    *,
    habits: Habits = QUICK,
    group: str = "CloudTrail/logs",
    **more: Any,
) -> LiveLogGroup:
    source = WatchedSource(
        name="group", type="cloudwatch_logs", log_group=group, region="us-east-1", endpoint_url=url, **more
    )
    rate = TokenBucket(1_000.0)
    return LiveLogGroup.from_settings(source, cursors or MemoryCursors(), habits=habits, rate=rate)


def messages(sink: MemorySink) -> list[str]:
    """Messages in the order they were offered, as often as they were."""
    return [
        event["message"]
        for arrival in list(sink.arrivals)
        for event in json.loads(arrival.content or b"{}")["events"]
    ]


def test_motos_log_group_cloudtrail_and_flow_records(moto_port: int, sink: MemorySink) -> None:
    url = f"http://127.0.0.1:{moto_port}"
    client = boto3.client("logs", endpoint_url=url, region_name="us-east-1")
    group = f"g-{uuid.uuid4().hex[:12]}"
    client.create_log_group(logGroupName=group)
    for stream, held in (("111122223333_CloudTrail_us-east-1", trail), ("eni-1235b8ca123456789-all", line)):
        client.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [{"timestamp": ms(minutes=50 - n), "message": held(n)} for n in range(40)]
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    live = follower(url, group=group)
    with running(live, sink):
        until(lambda: len(messages(sink)) == 80)
        until(lambda: sink.rows() == {"cloudtrail": 40, "vpc_flow_logs": 40})
        stamp = int(time.time() * 1000)
        client.put_log_events(
            logGroupName=group, logStreamName="eni-1235b8ca123456789-all",
            logEvents=[{"timestamp": stamp, "message": line(99)}],
        )  # fmt: skip
        until(lambda: sink.rows() == {"cloudtrail": 40, "vpc_flow_logs": 41})
    assert len(messages(sink)) == 81
    assert live.state.error is None


def test_flow_records_keep_the_ids_of_their_log_events(
    service: AwsJson, logs: LogEvents, sink: MemorySink
) -> None:
    # The same record twice in the group is two records; the same event read twice is one.
    for _ in range(3):
        logs.add(ms(minutes=5), line())
    cursors = MemoryCursors()
    for _ in range(2):
        with running(follower(service.url, cursors), sink):
            until(lambda: len(messages(sink)) >= 3)
        cursors = MemoryCursors()
    assert sink.rows() == {"vpc_flow_logs": 3}


def test_empty_pages_with_a_token_are_not_the_end(
    service: AwsJson, logs: LogEvents, sink: MemorySink
) -> None:
    logs.page, logs.empty_every = 7, 2
    for n in range(100):
        logs.add(ms(minutes=30) + n, trail(n))
    live = follower(service.url)
    with running(live, sink):
        until(lambda: len(messages(sink)) == 100)
    assert live.state.counts["empty pages"] > 5
    assert len(set(messages(sink))) == 100


def test_what_is_new_comes_before_what_lies_behind(
    service: AwsJson, logs: LogEvents, sink: MemorySink
) -> None:
    for n in range(200):
        logs.add(ms(days=3) + n, trail(n))
    logs.add(ms(seconds=20), trail(1000))
    live = follower(service.url, from_=(datetime.now(UTC) - timedelta(days=5)).date())
    with running(live, sink):
        until(lambda: len(messages(sink)) == 201)
        until(lambda: live.state.forecast is None)
    assert messages(sink)[0] == trail(1000)


def test_events_that_come_late_are_found_and_come_once(
    service: AwsJson, logs: LogEvents, sink: MemorySink
) -> None:
    habits = replace(QUICK, sweeps=((timedelta(seconds=0.3), timedelta(hours=2)),))
    live = follower(service.url, habits=habits)
    with running(live, sink):
        until(lambda: live.state.counts.get("sweeps", 0) >= 1)
        logs.add(ms(minutes=40), trail(1), had=ms())
        logs.add(ms(seconds=30), trail(2), had=ms())
        until(lambda: len(messages(sink)) == 2)
        swept = live.state.counts["sweeps"]
        until(lambda: live.state.counts["sweeps"] >= swept + 3)
    assert sorted(messages(sink)) == sorted([trail(1), trail(2)])


def test_the_overlap_grows_to_how_late_events_are(
    service: AwsJson, logs: LogEvents, sink: MemorySink
) -> None:
    live = follower(service.url)
    with running(live, sink):
        until(lambda: live.state.last_poll)
        for n in range(3):
            # Ten minutes late, as flow records are: within what the follower is ready for at first by a sweep only.
            logs.add(ms(seconds=50), line(n), had=ms(seconds=50) + 600_000)
            until(lambda n=n: len(messages(sink)) == n + 1)
        until(lambda: live._follower.overlap >= timedelta(minutes=10))


def test_a_restart_goes_on_where_all_was_committed(
    service: AwsJson, logs: LogEvents, sink: MemorySink
) -> None:
    cursors = MemoryCursors()
    for n in range(50):
        logs.add(ms(hours=20) + n, trail(n))
    logs.add(ms(seconds=1), trail(50))
    with running(follower(service.url, cursors), sink) as _:
        until(lambda: len(messages(sink)) == 51)
        until(lambda: cursors.get("group", "logs:CloudTrail/logs")["ranges"] == {})
    logs.add(ms(), trail(51))
    service.asked.clear()
    again = MemorySink()
    with running(follower(service.url, cursors), again):
        until(lambda: trail(51) in messages(again))
    first = min(asked["startTime"] for _, asked, _ in service.asked)
    assert first > ms(minutes=10), "history was asked for again"
    assert set(messages(again)) <= {trail(50), trail(51)}
    again.close()


def test_a_kill_before_the_commit_loses_nothing(service: AwsJson, logs: LogEvents) -> None:
    cursors = MemoryCursors()
    for n in range(50):
        logs.add(ms(hours=20) + n, trail(n))
    logs.add(ms(seconds=1), trail(50))
    lost = MemorySink()
    lost.committing.clear()
    with running(follower(service.url, cursors), lost):
        until(lambda: len(messages(lost)) == 51)
    # Nothing of it was committed: the process is gone with it.
    kept = MemorySink()
    with running(follower(service.url, cursors), kept):
        until(lambda: sorted(messages(kept)) == sorted(messages(lost)))
    for made in (lost, kept):
        made.close()


def test_a_long_stop_is_read_behind_what_is_new(service: AwsJson, logs: LogEvents, sink: MemorySink) -> None:
    cursors = MemoryCursors()
    with running(follower(service.url, cursors), sink):
        until(lambda: cursors.get("group", "logs:CloudTrail/logs")["ranges"] == {})
    kept = cursors.get("group", "logs:CloudTrail/logs")
    away = datetime.now(UTC) - timedelta(hours=30)
    cursors.put("group", "logs:CloudTrail/logs", kept | {"front": away.isoformat()})
    for hours in range(1, 30):
        logs.add(ms(hours=hours), trail(hours))
    logs.add(ms(seconds=1), trail(0))
    with running(follower(service.url, cursors), sink):
        until(lambda: len(messages(sink)) == 30)
    assert messages(sink)[0] == trail(0)


def test_what_the_pipeline_could_not_take_comes_again(
    service: AwsJson, logs: LogEvents, sink: MemorySink
) -> None:
    logs.add(ms(seconds=1), trail(1))
    failures = iter(["failed", "failed"])
    offer = sink.offer

    def failing(arrival: Any) -> bool:
        outcome = next(failures, None)
        if outcome is None:
            return offer(arrival)
        arrival.done(outcome)
        return True

    sink.offer = failing  # type: ignore[method-assign]
    with running(follower(service.url), sink):
        until(lambda: sink.rows() == {"cloudtrail": 1})


def test_throttling_is_told_and_pauses_grow(service: AwsJson, logs: LogEvents, sink: MemorySink) -> None:
    throttled = Refused("ThrottlingException", "Rate exceeded")
    # botocore itself tries each request twice.
    logs.failing = lambda n: throttled if n <= 6 else None
    logs.add(ms(seconds=1), trail(1))
    live = follower(service.url)
    with running(live, sink):
        until(lambda: live.state.error)
        assert "slow down" in str(live.state.error)
        until(lambda: len(messages(sink)) == 1, 60)
        until(lambda: live.state.error is None)
    assert live.state.counts["throttled"] == 3


def test_an_outage_is_told_and_overcome(service: AwsJson, logs: LogEvents, sink: MemorySink) -> None:
    wire = Wire(service.port)
    logs.add(ms(seconds=1), trail(1))
    live = follower(wire.url)
    with running(live, sink):
        until(lambda: len(messages(sink)) == 1)
        wire.cut()
        until(lambda: live.state.error)
        logs.add(ms(), trail(2))
        wire.mend()
        until(lambda: len(messages(sink)) == 2)
        until(lambda: live.state.error is None)
    assert messages(sink) == [trail(1), trail(2)]
    wire.cut()


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (Refused("AccessDeniedException", "User: arn is not authorized to perform: logs:FilterLogEvents"),
         "logs:FilterLogEvents is denied"),
        (Refused("ResourceNotFoundException", "The specified log group does not exist."), "no such log group"),
        (Refused("ExpiredTokenException", "expired"), "credentials have expired"),
        (Refused("ServiceUnavailableException", "", 503), "does not answer"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_by_name(
    service: AwsJson, logs: LogEvents, sink: MemorySink, refused: Refused, said: str
) -> None:
    logs.failing = lambda _n: refused
    live = follower(service.url)
    with running(live, sink):
        until(lambda: live.state.error)
    assert said in str(live.state.error)


def test_a_group_of_a_linked_account_is_asked_for_by_its_arn(
    service: AwsJson, logs: LogEvents, sink: MemorySink
) -> None:
    arn = "arn:aws:logs:eu-west-1:111122223333:log-group:CloudTrail/logs"
    live = follower(service.url, group=arn + ":*")
    with running(live, sink):
        until(lambda: live.state.last_poll)
    _, asked, headers = service.asked[0]
    assert asked["logGroupIdentifier"] == arn
    assert "/eu-west-1/logs/" in headers["Authorization"]


def test_back_pressure_holds_reading_back(service: AwsJson, logs: LogEvents) -> None:
    logs.page = 10
    for n in range(200):
        logs.add(ms(seconds=30) + n, trail(n))
    sink = MemorySink(most=10_000)
    sink.committing.clear()
    with running(follower(service.url), sink):
        until(lambda: len(sink.arrivals) >= 2)
        time.sleep(0.3)
        asked = len(service.asked)
        time.sleep(0.3)
        assert len(service.asked) == asked
        sink.committing.set()
        until(lambda: len(messages(sink)) == 200)
    sink.close()


def test_requests_keep_to_the_rate() -> None:
    now = [0.0]
    bucket = TokenBucket(4.0, monotonic=lambda: now[0])
    waits = [bucket.reserve() for _ in range(9)]
    assert waits == [n / 4 for n in range(9)]
    now[0] = 100.0
    assert [bucket.reserve() for _ in range(3)] == [0.0, 0.25, 0.5]
    assert not bucket.wait(_set())


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_the_group_is_needed() -> None:
    with pytest.raises(WrongUse, match="log_group"):
        LiveLogGroup.from_settings(WatchedSource(name="g", type="cloudwatch_logs"), MemoryCursors())
