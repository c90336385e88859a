"""All roads of AWS's services through the real pipeline: everything arrives once, also by a second process."""

# ruff: noqa: F811
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ashiato.core.settings import WatchedSource
from ashiato.watch.loop import Watch
from formats.test_notifications import CHANGE, EVENT, event, sns
from sources.aws_json import AwsJson, History, LogEvents
from sources.conftest import bucket, moto_port, no_aws  # noqa: F401 - fixtures
from sources.firehose_client import Firehose, subscription, succeeded
from sources.served import Bucket
from sources.test_firehose_proxy import free_port
from sources.test_live_firehose import line, trail
from sources.test_live_log_group import ms
from sources.test_live_lookup import ago, happen
from sources.test_live_queue import Queue, record_of
from watch.watching import running, settings, until

pytestmark = pytest.mark.slow

KEY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/05/x.json.gz"


def counted(watch: Watch, table: str) -> Callable[[], int]:
    return lambda: watch.pipeline.state.records.get(table, 0)


def test_every_road_brings_each_record_once_and_a_second_process_adds_nothing(
    tmp_path: Path,
    moto_port: int,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASHIATO_TEST_KEY", "k")
    endpoint = f"http://127.0.0.1:{moto_port}"
    hints, records = Queue(endpoint), Queue(endpoint)
    history, logs = History(), LogEvents()
    service = AwsJson(LookupEvents=history.lookup, FilterLogEvents=logs.filter)
    port = free_port()

    def numbered(n: int) -> dict[str, object]:
        return EVENT | {"eventID": f"id-{n}"}

    bucket.put({KEY: json.dumps({"Records": [numbered(1), numbered(2)]}).encode()})
    hints.send({"Records": [record_of(bucket, KEY)]})
    from_bridge = event("AWS API Call via CloudTrail", "aws.iam", numbered(3))
    records.send(from_bridge, sns(CHANGE), "poison")
    happen(history, ago(minutes=1), 100)
    logs.add(ms(minutes=2), trail(200))
    logs.add(ms(minutes=2), line(1))
    given = settings(
        tmp_path / "home",
        WatchedSource(name="trail", type="s3", bucket=bucket.name, queue=hints.url, endpoint_url=endpoint),
        WatchedSource(name="events", type="sqs", queue=records.url, most_tries=1),
        WatchedSource(name="push", type="firehose", listen=f"127.0.0.1:{port}", access_key="${ASHIATO_TEST_KEY}"),
        WatchedSource(
            name="logs", type="cloudwatch_logs", log_group="g", region="us-east-1", endpoint_url=service.url
        ),
        WatchedSource(name="history", type="lookup_events", regions=["us-east-1"], endpoint_url=service.url),
    )  # fmt: skip
    with running(tmp_path / "home", given) as (watch, _):
        events, flows = counted(watch, "cloudtrail"), counted(watch, "vpc_flow_logs")
        until(lambda: events() == 5, "bucket, queue, log group and history")
        sender = Firehose(port, key="k")
        for _ in range(2):
            answer = sender.send(subscription(trail(300), line(2)), line(3).encode(), request_id="r-1")
            assert succeeded(answer, "r-1")
        until(lambda: events() == 6 and flows() == 3, "Firehose")
        until(lambda: counted(watch, "config_items")() == 1, "Config's notification")
        until(lambda: counted(watch, "quarantine")() == 1, "poison")
        until(lambda: hints.counts() == records.counts() == (0, 0), "messages deleted")
    records.send(from_bridge)
    hints.send({"Records": [record_of(bucket, KEY)]})
    happen(history, ago(seconds=1), 101)
    with running(tmp_path / "home", given) as (watch, _):
        until(lambda: hints.counts() == records.counts() == (0, 0), "messages deleted")
        until(lambda: counted(watch, "cloudtrail")() == 1, "the one new event")
        assert counted(watch, "vpc_flow_logs")() == 0
        assert counted(watch, "config_items")() == 0
    service.stop()
