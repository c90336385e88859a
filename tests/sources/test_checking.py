"""`ashiato sources check`: every missing grant by its name, the newest object, and nothing taken."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from ashiato.core.settings import WatchedSource
from ashiato.sources.checking import Report, check
from sources.aws_json import AwsJson, History, LogEvents, Refused
from sources.served import ACCOUNT, Asked, Bucket, Fault, Proxy, trail
from sources.test_live_lookup import ago, happen
from sources.test_live_queue import Queue

TODAY = datetime.now(UTC).date()
QUEUE_ACTIONS = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
]


def bucket_source(bucket: Bucket, **more: Any) -> WatchedSource:
    return WatchedSource(name="trail", type="s3", bucket=bucket.name, endpoint_url=bucket.endpoint, **more)


def granted(report: Report) -> dict[str, bool | None]:
    return {grant.action: grant.granted for grant in report.grants}


@pytest.fixture
def endpoint(moto_port: int) -> str:
    return f"http://127.0.0.1:{moto_port}"


@pytest.fixture
def queue(endpoint: str) -> Queue:
    return Queue(endpoint)


@pytest.fixture
def as_user(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], None]]:
    """Go on as a user with this policy, which moto enforces until the test ends."""

    def enforce(after: bytes) -> None:
        asked = urllib.request.Request(
            f"{endpoint}/moto-api/reset-auth", after, {"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(asked).close()

    def become(statements: list[dict[str, Any]]) -> None:
        iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1")
        user = f"u-{uuid.uuid4().hex[:12]}"
        iam.create_user(UserName=user)
        held = [{"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}, *statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": held})
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document)
        made = iam.create_access_key(UserName=user)["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", made["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made["SecretAccessKey"])
        enforce(b"0")

    yield become
    enforce(b"inf")


def allow(resource: str, *actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def test_a_bucket_that_can_be_read_shows_its_newest_object(bucket: Bucket) -> None:
    days = [TODAY, TODAY - timedelta(days=1), TODAY - timedelta(days=300)]
    bucket.put([trail(day, n) for day in days for n in range(3)])
    report = check(bucket_source(bucket))
    assert report.ok
    assert granted(report) == {"s3:ListBucket": True, "s3:GetObject": True}
    assert report.newest is not None
    assert report.newest["name"].startswith(f"s3://{bucket.name}/AWSLogs/{ACCOUNT}/CloudTrail/")
    assert report.newest["size"] == 1
    assert report.identity is not None
    assert ":assumed-role/" in report.identity or ":user/" in report.identity


def test_the_newest_object_of_a_bucket_that_has_long_been_still(bucket: Bucket) -> None:
    bucket.put([trail(TODAY - timedelta(days=400))])
    assert check(bucket_source(bucket)).newest is not None


def test_the_policy_printed_is_enough_and_without_any_part_of_it_the_check_names_that_part(
    bucket: Bucket, queue: Queue, as_user: Callable[[Any], None]
) -> None:
    bucket.put([trail(TODAY)])
    source = bucket_source(bucket, queue=queue.url)
    report = check(source)
    assert report.policy is not None
    statements = report.policy["Statement"]
    assert report.queue_arn == queue.arn
    as_user(statements)
    whole = check(source)
    assert whole.ok, whole.as_json()
    assert whole.missing == []


@pytest.mark.parametrize("left_out", ["s3:ListBucket", "s3:GetObject"])
def test_a_grant_of_s3_that_is_missing_is_named(
    bucket: Bucket, as_user: Callable[[Any], None], left_out: str
) -> None:
    bucket.put([trail(TODAY)])
    actions = [a for a in ("s3:ListBucket", "s3:GetObject") if a != left_out]
    as_user([allow("*", *actions)])
    report = check(bucket_source(bucket))
    assert report.missing == [left_out]
    assert not report.ok
    assert granted(report)[left_out] is False


@pytest.mark.parametrize("left_out", QUEUE_ACTIONS)
def test_a_grant_of_sqs_that_is_missing_is_named(
    queue: Queue, as_user: Callable[[Any], None], left_out: str
) -> None:
    queue.send("x")
    as_user([allow("*", *(a for a in QUEUE_ACTIONS if a != left_out))])
    report = check(WatchedSource(name="events", type="sqs", queue=queue.url))
    # The count of waiting messages is a convenience.
    assert report.missing == ([] if left_out == "sqs:GetQueueAttributes" else [left_out])
    assert granted(report)[left_out] is False
    assert report.ok == (left_out == "sqs:GetQueueAttributes")


def test_a_queue_is_looked_into_and_nothing_is_taken(queue: Queue) -> None:
    record = {"s3Bucket": "corp-logs", "s3ObjectKey": ["AWSLogs/x"]}
    queue.send(record)
    report = check(WatchedSource(name="events", type="sqs", queue=queue.url))
    assert report.ok, report.as_json()
    assert any("s3://corp-logs/AWSLogs/x" in note for note in report.notes)
    assert any("1 messages wait" in note for note in report.notes)
    assert report.newest is not None
    assert queue.counts() == (1, 0)


def test_a_queue_that_gives_up_soon_is_not_looked_into(endpoint: str, queue: Queue) -> None:
    dead = Queue(endpoint)
    redrive = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1})
    queue.client.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": redrive})
    queue.send("x")
    report = check(WatchedSource(name="events", type="sqs", queue=queue.url))
    assert granted(report)["sqs:ReceiveMessage"] is None
    said = queue.client.receive_message(QueueUrl=queue.url, AttributeNames=["ApproximateReceiveCount"])
    assert said["Messages"][0]["Attributes"]["ApproximateReceiveCount"] == "1"


KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SSE = {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": KEY,
       "ETag": '"x"', "Last-Modified": "Mon, 05 Jan 2026 00:00:00 GMT", "Content-Length": "1"}  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        ("AccessDenied", "Access Denied"),
        ("AccessDenied", f"User: x is not authorized to perform: kms:Decrypt on resource: {KEY} because …"),
    ],
)
def test_a_key_that_does_not_decrypt_is_named_even_by_the_short_message(
    bucket: Bucket, proxy: Proxy, said: tuple[str, str]
) -> None:
    bucket.put([trail(TODAY)])

    def rule(asked: Asked) -> Fault | None:
        if asked.method == "HEAD":
            return Fault(200, headers=SSE, body="x")
        return Fault(403, *said) if asked.method == "GET" and not asked.listing else None

    proxy.rule = rule
    report = check(bucket_source(bucket))
    assert report.missing == ["kms:Decrypt"]
    assert [grant.resource for grant in report.grants if grant.action == "kms:Decrypt"] == [KEY]
    assert report.policy is not None
    assert report.policy["Statement"][-1] == {
        "Sid": "Decrypt", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": [KEY],
    }  # fmt: skip


ROLE = "arn:aws:iam::111122223333:role/ashiato-read"


def test_a_role_that_may_not_be_assumed_is_named_with_the_external_id(bucket: Bucket, proxy: Proxy) -> None:
    denied = Fault(403, "AccessDenied", "not authorized to perform: sts:AssumeRole")
    proxy.rule = lambda asked: denied if asked.method == "POST" else None
    report = check(bucket_source(bucket, role_arn=ROLE, external_id="shop-42"))
    assert report.missing == ["sts:AssumeRole"]
    assert "'shop-42'" in str(report.grants[0].said)
    assert report.caller_policy is not None
    assert report.caller_policy["Statement"][0]["Resource"] == ROLE
    without = check(bucket_source(bucket, role_arn=ROLE))
    assert "give external_id" in str(without.grants[0].said)


def test_a_role_that_is_assumed(bucket: Bucket) -> None:
    bucket.put([trail(TODAY)])
    report = check(bucket_source(bucket, role_arn=ROLE, external_id="shop-42"))
    assert report.ok
    assert granted(report)["sts:AssumeRole"] is True
    assert "ashiato-read" in str(report.identity)


def test_what_is_misconfigured_is_told_with_its_correction(endpoint: str, bucket: Bucket) -> None:
    missing = check(WatchedSource(name="a", type="s3"))
    assert "needs bucket" in str(missing.problems[0]["what"])
    nowhere = check(WatchedSource(name="a", type="s3", bucket="no-such-bucket-here", endpoint_url=endpoint))
    assert "no such bucket" in str(nowhere.problems[0]["what"])
    assert nowhere.missing == []
    empty = check(bucket_source(bucket))
    assert any("no object" in note for note in empty.notes)
    profile = check(bucket_source(bucket, profile="nobody"))
    assert "nobody" in str(profile.problems[0]["what"])
    gone = check(WatchedSource(name="q", type="sqs", queue=f"{endpoint}/123456789012/nope"))
    assert any("no such queue" in str(p["what"]) for p in gone.problems)
    off = check(bucket_source(bucket, enabled=False))
    assert any("switched off" in note for note in off.notes)


def test_a_log_group(endpoint: str) -> None:
    logs = boto3.client("logs", endpoint_url=endpoint, region_name="us-east-1")
    group = f"g-{uuid.uuid4().hex[:12]}"
    source = WatchedSource(
        name="g", type="cloudwatch_logs", log_group=group, endpoint_url=endpoint, region="us-east-1"
    )
    assert any("no such log group" in str(p["what"]) for p in check(source).problems)
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    assert any("No event of the last 14 days" in note for note in check(source).notes)
    at = int((datetime.now(UTC) - timedelta(hours=20)).timestamp() * 1000)
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[{"timestamp": at, "message": "x"}])
    report = check(source)
    assert report.ok
    assert report.newest is not None
    assert report.newest["at"].timestamp() * 1000 == at
    assert report.policy is not None
    assert report.policy["Statement"][0]["Resource"] == [
        f"arn:aws:logs:us-east-1:123456789012:log-group:{group}",
        f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*",
    ]


def test_a_log_group_that_is_denied() -> None:
    events = LogEvents(failing=lambda _n: Refused("AccessDeniedException", "not authorized"))
    service = AwsJson(FilterLogEvents=events.filter)
    source = WatchedSource(
        name="g", type="cloudwatch_logs", log_group="x", endpoint_url=service.url, region="us-east-1"
    )
    assert check(source).missing == ["logs:FilterLogEvents"]
    service.stop()


def test_the_event_history_of_each_region() -> None:
    history = History()
    happen(history, ago(minutes=5), 1)
    service = AwsJson(LookupEvents=lambda asked: history.lookup({"StartTime": 0, "EndTime": 1 << 40} | asked))
    source = WatchedSource(
        name="h", type="lookup_events", regions=["us-east-1", "eu-west-1"], endpoint_url=service.url
    )
    report = check(source)
    assert report.ok, report.as_json()
    assert report.identity == "arn:aws:iam::111122223333:user/reader"
    assert report.newest is not None
    assert report.newest["name"] == "CreateUser event-1"
    assert [grant.resource for grant in report.grants] == ["* (us-east-1)", "* (eu-west-1)"]
    history.failing = lambda _n: Refused("AccessDeniedException", "not authorized")
    assert check(source).missing == ["cloudtrail:LookupEvents"]
    service.stop()


def test_a_folder_and_an_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text("{}")
    report = check(WatchedSource(name="f", type="files", path=tmp_path))
    assert report.ok
    assert report.newest is not None
    assert report.newest["name"].endswith("/a.json")
    assert report.policy is None
    assert not check(WatchedSource(name="f", type="files", path=tmp_path / "nope")).ok
    monkeypatch.setenv("ASHIATO_TEST_KEY", "k")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        source = WatchedSource(name="p", type="firehose", access_key="${ASHIATO_TEST_KEY}", listen=listen)
        busy = check(source)
    assert busy.ok
    assert any("Something listens" in note for note in busy.notes)
    assert any("is free" in note for note in check(source).notes)
    wrong = check(
        WatchedSource(name="p", type="firehose", access_key="${ASHIATO_TEST_NOT}", listen="0.0.0.0:0")
    )
    assert "ASHIATO_TEST_NOT" in str(wrong.problems[0]["what"])
    assert any("not loopback" in note for note in wrong.notes)


def test_every_action_named_exists_and_the_document_is_stable(bucket: Bucket, queue: Queue) -> None:
    import botocore.session

    operation = {"s3:ListBucket": "ListObjectsV2"}
    session = botocore.session.get_session()
    bucket.put([trail(TODAY)])
    document = check(bucket_source(bucket, queue=queue.url, prefix="AWSLogs/")).as_json()
    assert list(document) == [
        "name", "type", "enabled", "ok", "reads", "identity", "grants", "missing", "newest", "problems", "notes",
        "policy", "caller_policy",
    ]  # fmt: skip
    for statement in document["policy"]["Statement"]:
        named = statement["Action"]
        for action in [named] if isinstance(named, str) else named:
            service, name = action.split(":")
            assert operation.get(action, name) in session.get_service_model(service).operation_names
        assert not re.search(r"Put|Create|Update|Send", json.dumps(statement["Action"]))
    assert document["policy"]["Statement"][0]["Condition"] == {"StringLike": {"s3:prefix": ["AWSLogs/*"]}}
