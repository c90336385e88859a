"""Queues as sources, against moto's SQS, S3 and SNS over HTTP: nothing is deleted before its commit, nothing stays."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from ashiato.core.errors import WrongUse
from ashiato.core.settings import WatchedSource
from ashiato.sources.live_queue import LiveQueue
from formats.test_notifications import CHANGE, EVENT, created, event, s3_record, sns
from sources.live_sink import MemorySink, Wire, running, until
from sources.served import Bucket, Fault, Proxy

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "eventbridge"
QUICK: dict[str, Any] = {"wait": 1, "retry": 0.0, "linger": 2.0}


class Queue:
    """A queue of moto's."""

    def __init__(self, endpoint: str) -> None:
        self.client = boto3.client("sqs", endpoint_url=endpoint, region_name="us-east-1")
        self.url = self.client.create_queue(QueueName=f"q-{uuid.uuid4().hex[:12]}")["QueueUrl"]
        self.arn = self._attributes()["QueueArn"]

    def _attributes(self) -> dict[str, str]:
        said = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        return dict(said["Attributes"])

    def send(self, *bodies: object) -> None:
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.client.send_message(QueueUrl=self.url, MessageBody=text)

    def counts(self) -> tuple[int, int]:
        """Messages that anybody could receive now, and those that somebody has."""
        said = self._attributes()
        return int(said["ApproximateNumberOfMessages"]), int(said["ApproximateNumberOfMessagesNotVisible"])


@pytest.fixture
def queue(moto_port: int) -> Queue:
    return Queue(f"http://127.0.0.1:{moto_port}")


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    made = MemorySink()
    yield made
    made.close()


def of_bucket(bucket: Bucket, queue: Queue, *, url: str | None = None, **more: Any) -> LiveQueue:
    timing = {name: more.pop(name) for name in [*QUICK, "visibility"] if name in more}
    source = WatchedSource(
        name="trail",
        type="s3",
        bucket=bucket.name,
        queue=url or queue.url,
        endpoint_url=bucket.endpoint,
        **more,
    )
    return LiveQueue.from_settings(source, **(QUICK | timing))


def of_records(queue: Queue, *, url: str | None = None, **more: Any) -> LiveQueue:
    timing = {name: more.pop(name) for name in [*QUICK, "visibility"] if name in more}
    source = WatchedSource(name="events", type="sqs", queue=url or queue.url, **more)
    return LiveQueue.from_settings(source, **(QUICK | timing))


def listed(bucket: Bucket, prefix: str = "") -> set[Any]:
    """What listing calls the objects, times apart."""
    return {(r.source, r.name, r.etag, r.size) for r in bucket.source(prefix).objects()}


def offered(sink: MemorySink) -> set[Any]:
    return {(a.ref.source, a.ref.name, a.ref.etag, a.ref.size) for a in sink.arrivals}


def record_of(bucket: Bucket, key: str) -> dict[str, Any]:
    """S3's record of an object that is there."""
    from urllib.parse import quote_plus

    client = boto3.client("s3", endpoint_url=bucket.endpoint, region_name="us-east-1")
    head = client.head_object(Bucket=bucket.name, Key=key)
    record = s3_record(quote_plus(key, safe="/"), size=head["ContentLength"], eTag=head["ETag"].strip('"'))
    record["s3"]["bucket"]["name"] = bucket.name
    return record


def test_motos_own_notifications_bring_the_object_that_listing_would(
    bucket: Bucket, queue: Queue, sink: MemorySink
) -> None:
    client = boto3.client("s3", endpoint_url=bucket.endpoint, region_name="us-east-1")
    client.put_bucket_notification_configuration(
        Bucket=bucket.name,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    keys = [
        "AWSLogs/111122223333/Config/us-east-1/2026/1/5/ConfigHistory/a_AWS::EC2::Instance_1.json.gz",
        "b c+d.gz",
    ]
    for key in keys:
        client.put_object(Bucket=bucket.name, Key=key, Body=key.encode())
    live = of_bucket(bucket, queue)
    with running(live, sink):
        until(lambda: queue.counts() == (0, 0))
    assert offered(sink) == listed(bucket)
    assert sorted(content for _, content, _ in sink.contents) == sorted(key.encode() for key in keys)
    assert sink.quarantined == []  # S3's test event came first, and is none
    assert live.state.error is None
    assert live.state.last_arrival is not None


def test_by_sns_by_raw_delivery_and_by_eventbridge(
    bucket: Bucket, queue: Queue, sink: MemorySink, moto_port: int
) -> None:
    names = ["wrapped.gz", "raw.gz", "event::bridge.gz", "trail-1.gz", "trail-2.gz", "config.gz"]
    bucket.put(names)
    endpoint = f"http://127.0.0.1:{moto_port}"
    topics = boto3.client("sns", endpoint_url=endpoint, region_name="us-east-1")
    for raw, key in (("false", "wrapped.gz"), ("true", "raw.gz")):
        topic = topics.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
        topics.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": raw}
        )
        topics.publish(TopicArn=topic, Message=json.dumps({"Records": [record_of(bucket, key)]}))
    bridged = created("event::bridge.gz")
    held = record_of(bucket, "event::bridge.gz")["s3"]["object"]
    bridged["detail"]["bucket"]["name"] = bucket.name
    bridged["detail"]["object"] |= {"size": held["size"], "etag": held["eTag"]}
    queue.send(bridged)
    queue.send(sns({"s3Bucket": bucket.name, "s3ObjectKey": ["trail-1.gz", "trail-2.gz"]}))
    done = {
        "messageType": "ConfigurationHistoryDeliveryCompleted",
        "s3Bucket": bucket.name,
        "s3ObjectKey": "config.gz",
    }
    queue.send(sns(done), "CloudTrail validation message.", sns("CloudTrail validation message."))
    with running(of_bucket(bucket, queue), sink):
        until(lambda: queue.counts() == (0, 0))
    assert offered(sink) == listed(bucket)
    assert sink.quarantined == []


def test_a_message_of_an_object_already_taken_is_harmless(
    bucket: Bucket, queue: Queue, sink: MemorySink
) -> None:
    bucket.put(["a.gz", "b.gz"])
    at = {r.name.rpartition("/")[2]: r for r in bucket.source().objects()}
    ref = at["a.gz"]
    live = of_bucket(bucket, queue)
    record = record_of(bucket, "a.gz")
    # The ledger knows by source, name and ETag.
    sink.known = lambda refs: {
        r for r in refs if (r.source, r.name, r.etag) == (ref.source, ref.name, ref.etag)
    }  # type: ignore[method-assign]
    queue.send({"Records": [record]}, {"Records": [record, record_of(bucket, "b.gz")]})
    with running(live, sink):
        until(lambda: queue.counts() == (0, 0))
    assert [a.ref.name for a in sink.arrivals] == [f"s3://{bucket.name}/b.gz"]


def test_nothing_is_deleted_before_the_commit_and_a_stop_gives_it_back(
    bucket: Bucket, queue: Queue, sink: MemorySink
) -> None:
    bucket.put(["a.gz", "b.gz"])
    queue.send({"Records": [record_of(bucket, "a.gz"), record_of(bucket, "b.gz")]})
    sink.committing.clear()
    with running(of_bucket(bucket, queue, linger=0.1), sink):
        until(lambda: len(sink.arrivals) == 2)
        assert queue.counts() == (0, 1)
    assert queue.counts() == (1, 0)
    sink.committing.set()
    until(lambda: len(sink.outcomes) == 2)
    with running(of_bucket(bucket, queue), sink):
        until(lambda: queue.counts() == (0, 0))


def test_a_message_waits_for_the_last_of_its_objects(bucket: Bucket, queue: Queue, sink: MemorySink) -> None:
    bucket.put(["a.gz"])
    gone = record_of(bucket, "a.gz")
    gone["s3"]["object"] |= {"key": "gone.gz"}
    queue.send({"Records": [record_of(bucket, "a.gz"), gone]})
    with running(of_bucket(bucket, queue, most_tries=3), sink):
        until(lambda: sink.quarantined)
        until(lambda: queue.counts() == (0, 0))
    [(ref, body, reason)] = sink.quarantined
    assert b"gone.gz" in body
    assert "not there" in reason
    assert "3 times" in reason
    assert ref.source == "trail"
    assert len([a for a in sink.arrivals if a.ref.name.endswith("/gone.gz")]) == 3


def test_the_same_object_announced_twice_is_offered_once(
    bucket: Bucket, queue: Queue, sink: MemorySink
) -> None:
    bucket.put(["a.gz"])
    body = {"Records": [record_of(bucket, "a.gz")]}
    queue.send(body, sns(body), body)
    sink.committing.clear()
    with running(of_bucket(bucket, queue), sink):
        until(lambda: queue.counts() == (0, 3))
        until(lambda: sink.arrivals)
        sink.committing.set()
        until(lambda: queue.counts() == (0, 0))
    assert len({a.ref for a in sink.arrivals}) == len(sink.arrivals) == 1


def test_visibility_is_extended_while_a_commit_takes_long(
    bucket: Bucket, queue: Queue, sink: MemorySink
) -> None:
    bucket.put(["a.gz"])
    queue.send({"Records": [record_of(bucket, "a.gz")]})
    sink.committing.clear()
    import time

    with running(of_bucket(bucket, queue, visibility=2), sink):
        until(lambda: sink.arrivals)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            assert queue.counts() == (0, 1), "it became visible to others"
            time.sleep(0.1)
        sink.committing.set()
        until(lambda: queue.counts() == (0, 0))
    assert len(sink.arrivals) == 1


@pytest.mark.parametrize(
    "body", ["hello", json.dumps(event("EC2 Instance State-change Notification", "aws.ec2", {}))]
)
def test_a_poison_message_goes_to_quarantine_after_its_tries(
    queue: Queue, sink: MemorySink, body: str
) -> None:
    queue.send(body, event("AWS API Call via CloudTrail", "aws.iam", EVENT))
    live = of_records(queue, most_tries=3)
    with running(live, sink):
        until(lambda: queue.counts() == (0, 0))
    [(ref, kept, reason)] = sink.quarantined
    assert kept.decode() == body
    assert "3 times" in reason
    assert live.state.counts["came back"] == 2
    assert ref.name.startswith("sqs:q-")
    assert sink.rows() == {"cloudtrail": 1}


def test_what_is_outside_the_prefix_or_of_other_services_is_left_out(
    bucket: Bucket, queue: Queue, sink: MemorySink
) -> None:
    inside = "corp/AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/05/x.json.gz"
    others = [
        "other/AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/05/x.json.gz",
        "corp/AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/01/05/x.log.gz",
        "corp/AWSLogs/111122223333/Config/ConfigWritabilityCheckFile",
    ]
    bucket.put([inside, *others])
    queue.send(*({"Records": [record_of(bucket, key)]} for key in (*others, inside)))
    live = of_bucket(bucket, queue, prefix="corp/")
    with running(live, sink):
        until(lambda: queue.counts() == (0, 0))
    assert offered(sink) == listed(bucket, "corp/")
    assert live.state.counts["left out: outside the prefix"] == 1


def test_another_bucket_on_the_same_queue_is_taken_where_it_may_be_read(
    bucket: Bucket, queue: Queue, sink: MemorySink
) -> None:
    client = boto3.client("s3", endpoint_url=bucket.endpoint, region_name="us-east-1")
    other = Bucket(f"other-{uuid.uuid4().hex[:12]}", bucket.endpoint)
    client.create_bucket(Bucket=other.name)
    other.put(["x.gz"])
    missing = record_of(other, "x.gz")
    missing["s3"]["bucket"]["name"] = f"missing-{uuid.uuid4().hex[:12]}"
    queue.send({"Records": [record_of(other, "x.gz")]}, {"Records": [missing]})
    with running(of_bucket(bucket, queue, most_tries=2), sink):
        until(lambda: queue.counts() == (0, 0))
    assert listed(other) <= offered(sink)
    [(_, _, reason)] = sink.quarantined
    assert "no such bucket" in reason


@pytest.fixture
def wire(moto_port: int) -> Iterator[Wire]:
    made = Wire(moto_port)
    yield made
    made.cut()


def through(queue: Queue, wire: Wire) -> str:
    return wire.url + "/" + queue.url.split("/", 3)[3]


def test_an_outage_of_the_queue_is_told_and_overcome(queue: Queue, sink: MemorySink, wire: Wire) -> None:
    queue.send(event("AWS API Call via CloudTrail", "aws.iam", EVENT))
    # An answer that the outage swallowed leaves its message invisible for that long.
    live = of_records(queue, url=through(queue, wire), visibility=3)
    with running(live, sink):
        until(lambda: queue.counts() == (0, 0))
        wire.cut()
        until(lambda: live.state.error is not None)
        assert live.state.retry_at is not None
        queue.send(event("AWS API Call via CloudTrail", "aws.iam", EVENT | {"eventID": "2"}))
        wire.mend()
        until(lambda: queue.counts() == (0, 0))
        until(lambda: live.state.error is None)
    assert sink.rows() == {"cloudtrail": 2}


@pytest.mark.slow
def test_an_outage_of_s3_is_no_fault_of_the_messages(
    bucket: Bucket, queue: Queue, sink: MemorySink, wire: Wire
) -> None:
    bucket.put(["a.gz"])
    record = record_of(bucket, "a.gz")
    bucket.endpoint = wire.url
    live = of_bucket(bucket, queue, most_tries=2)
    wire.cut()
    queue.send({"Records": [record]})
    with running(live, sink):
        until(lambda: live.state.counts.get("came back", 0) >= 3, 60)
        assert live.state.error is not None
        assert sink.quarantined == []
        wire.mend()
        until(lambda: queue.counts() == (0, 0), 60)
        until(lambda: live.state.error is None)
    assert sink.quarantined == []
    assert [content for _, content, _ in sink.contents] == [b"x"]


def test_deletions_that_fail_in_part_are_tried_again(queue: Queue, sink: MemorySink, moto_port: int) -> None:
    proxy = Proxy("127.0.0.1", moto_port)
    refused: list[bytes] = []

    def rule(asked: Any) -> Fault | None:
        if not asked.headers.get("X-Amz-Target", "").endswith(".DeleteMessageBatch") or len(refused) == 2:
            return None
        refused.append(asked.body)
        failed = [
            {"Id": entry["Id"], "Code": "InternalError", "Message": "later", "SenderFault": False}
            for entry in json.loads(asked.body)["Entries"]
        ]
        said = json.dumps({"Successful": [], "Failed": failed})
        return Fault(200, body=said, headers={"Content-Type": "application/x-amz-json-1.0"})

    proxy.rule = rule
    queue.send(event("AWS API Call via CloudTrail", "aws.iam", EVENT))
    live = of_records(queue, url=proxy.url + "/" + queue.url.split("/", 3)[3])
    with running(live, sink):
        until(lambda: queue.counts() == (0, 0))
    proxy.close()
    assert len(refused) == 2
    assert live.state.counts["deletions failed"] == 2
    assert len(sink.arrivals) == 1


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpora are not beside the project")
def test_real_envelopes_of_eventbridge_are_taken_and_the_foreign_ones_kept_aside(
    queue: Queue, sink: MemorySink
) -> None:
    bodies = [path.read_text() for path in sorted(CORPUS.glob("*.json"))]
    queue.send(*bodies, sns(CHANGE))
    with running(of_records(queue, most_tries=1), sink):
        until(lambda: queue.counts() == (0, 0))
    documents = [json.loads(body) for body in bodies]
    details = [document.get("detail", document) for document in documents]
    ids = {detail["eventID"] for detail in details if "eventVersion" in detail and "eventTime" in detail}
    assert sink.rows() == {"cloudtrail": len(ids), "config_items": 4}
    foreign = [d for d in details if not {"eventVersion", "configurationItem", "invokingEvent"} & d.keys()]
    assert len(sink.quarantined) == len(foreign)


def test_a_busy_queue_is_read_by_many_and_handed_over_in_few(queue: Queue, sink: MemorySink) -> None:
    events = [
        event("AWS API Call via CloudTrail", "aws.iam", EVENT | {"eventID": str(n)}) for n in range(300)
    ]
    for start in range(0, 300, 10):
        entries = [
            {"Id": str(n), "MessageBody": json.dumps(e)} for n, e in enumerate(events[start : start + 10])
        ]
        queue.client.send_message_batch(QueueUrl=queue.url, Entries=entries)
    with running(of_records(queue), sink):
        until(lambda: queue.counts() == (0, 0))
    assert sink.rows() == {"cloudtrail": 300}
    assert len(sink.arrivals) <= 10


def test_bytes_that_wait_hold_the_source_back(queue: Queue) -> None:
    sink = MemorySink(most=2_000)
    sink.committing.clear()
    queue.send(
        *(event("AWS API Call via CloudTrail", "aws.iam", EVENT | {"eventID": str(n)}) for n in range(5))
    )
    live = of_records(queue)
    with running(live, sink):
        until(lambda: sink.arrivals)
        queue.send(
            *(event("AWS API Call via CloudTrail", "aws.iam", EVENT | {"eventID": f"b{n}"}) for n in range(5))
        )
        until(lambda: live.state.counts["messages"] > 5)
        assert len(sink.arrivals) == 1
        sink.committing.set()
        until(lambda: queue.counts() == (0, 0))
    assert sink.rows() == {"cloudtrail": 10}
    sink.close()


def test_a_full_pipeline_that_stops_takes_nothing_over(queue: Queue) -> None:
    sink = MemorySink()
    sink.stopping.set()
    queue.send(event("AWS API Call via CloudTrail", "aws.iam", EVENT))
    with running(of_records(queue), sink):
        until(lambda: queue.counts() == (1, 0) and not sink.arrivals)
    assert queue.counts() == (1, 0)
    with contextlib.suppress(RuntimeError):
        sink.close()


def test_a_queue_that_is_not_there_says_so(queue: Queue, sink: MemorySink) -> None:
    live = of_records(queue, url=queue.url + "-not")
    with running(live, sink):
        until(lambda: live.state.error is not None)
    assert "no such queue" in str(live.state.error)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("queue", None, "needs queue"),
        ("queue", "my-queue", "no URL"),
        ("external_id", "x", "belongs to a role"),
    ],
)
def test_a_wrong_entry_is_told_with_its_correction(key: str, value: str | None, said: str) -> None:
    held = {"queue": "https://sqs.eu-west-1.amazonaws.com/111122223333/q", key: value}
    source = WatchedSource(name="events", type="sqs", **held)  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match=said):
        LiveQueue.from_settings(source)
