"""What a message through a queue or topic announces or holds, by every road that AWS has."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.formats.notifications import MAX_ENVELOPES, NamedObject, Notification, read_notification
from ashiato.formats.reader import LogReader
from ashiato.formats.reading import ObjectOrigin, Rows

KEY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/05/111122223333_CloudTrail_us-east-1_x.json.gz"
CONFIG_KEY = "AWSLogs/111122223333/Config/us-east-2/2026/1/5/ConfigHistory/x_AWS::EC2::Instance_1.json.gz"
EVENT = {
    "eventVersion": "1.08", "userIdentity": {"type": "Root"}, "eventTime": "2026-01-05T01:02:03Z",
    "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "awsRegion": "us-east-1",
    "eventID": "0ebbaee4-6e67-431d-8225-ba0d81df5972", "recipientAccountId": "111122223333",
}  # fmt: skip
ITEM = {
    "configurationItemVersion": "1.3", "configurationItemCaptureTime": "2026-01-05T01:10:50.837Z",
    "configurationStateId": 1647393050837, "awsAccountId": "111122223333", "configurationItemStatus": "OK",
    "resourceType": "AWS::EFS::FileSystem", "resourceId": "fs-01f0d526165b57f95", "awsRegion": "us-east-1",
    "configuration": {"FileSystemId": "fs-01f0d526165b57f95"}, "relationships": [], "tags": {},
}  # fmt: skip
CHANGE = {
    "messageType": "ConfigurationItemChangeNotification",
    "configurationItem": ITEM,
    "recordVersion": "1.3",
}


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()


def s3_record(key: str, *, name: str = "ObjectCreated:Put", **of_object: object) -> dict[str, Any]:
    held = {
        "key": key,
        "size": 1024,
        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
        "sequencer": "0055",
    } | of_object
    return {
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-west-2",
        "eventTime": "2026-01-05T01:02:03.004Z", "eventName": name,
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "corp-logs"}, "object": held},
    }  # fmt: skip


def sns(message: object, **more: object) -> dict[str, Any]:
    text = message if isinstance(message, str) else json.dumps(message)
    return {
        "Type": "Notification", "MessageId": "22b80b92", "TopicArn": "arn:aws:sns:us-east-1:111122223333:t",
        "Subject": "Amazon S3 Notification", "Message": text, "Timestamp": "2026-01-05T01:02:03.004Z",
    } | more  # fmt: skip


def event(kind: str, source: str, detail: object) -> dict[str, Any]:
    return {
        "version": "0", "id": "17793124", "detail-type": kind, "source": source, "account": "111122223333",
        "time": "2026-01-05T01:02:03Z", "region": "us-east-1", "resources": [], "detail": detail,
    }  # fmt: skip


def created(key: str) -> dict[str, Any]:
    held = {
        "key": key,
        "size": 5,
        "etag": "b1946ac92492d2347c6235b4d2611184",
        "version-id": "v",
        "sequencer": "6",
    }
    return event("Object Created", "aws.s3", {"bucket": {"name": "corp-logs"}, "object": held})


def keys(found: Notification) -> list[str]:
    return [named.key for named in found.objects]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("red+flower.json.gz", "red flower.json.gz"),
        ("AWS%3A%3AEC2%3A%3AInstance_1", "AWS::EC2::Instance_1"),
        ("aws-account-id%3D111122223333/x", "aws-account-id=111122223333/x"),
        ("AWSLogs%2F1%2Fx", "AWSLogs/1/x"),
        ("AWSLogs/1/x", "AWSLogs/1/x"),
        ("%E8%B6%B3%E8%B7%A1.gz", "足跡.gz"),
    ],
)
def test_keys_of_s3_are_form_encoded(written: str, key: str) -> None:
    assert keys(read_notification(dumped({"Records": [s3_record(written)]}))) == [key]


def test_what_s3_says_of_an_object() -> None:
    [named] = read_notification(dumped({"Records": [s3_record(KEY, versionId="096f")]})).objects
    at = datetime(2026, 1, 5, 1, 2, 3, 4000, UTC)
    assert named == NamedObject("corp-logs", KEY, 1024, "d41d8cd98f00b204e9800998ecf8427e", at)


def test_every_wrapping_of_an_s3_record_says_the_same() -> None:
    direct = {"Records": [s3_record(KEY)]}
    said = read_notification(dumped(direct))
    assert keys(said) == [KEY]
    assert read_notification(dumped(sns(direct))) == said
    assert read_notification(dumped(sns(sns(direct)))) == said
    assert read_notification(b"\xef\xbb\xbf" + dumped(direct)) == said


@given(st.lists(st.text("abc/+ %=:_.足", min_size=1, max_size=40), max_size=20))
def test_none_one_and_many_records(names: list[str]) -> None:
    from urllib.parse import quote_plus

    body = {"Records": [s3_record(quote_plus(name)) for name in names]}
    found = read_notification(dumped(body))
    assert keys(found) == names
    assert (found.dropped is None) == bool(names)
    assert found.unknown is None


def test_what_creates_nothing_is_dropped_and_does_not_hide_what_does() -> None:
    removed = s3_record(KEY, name="ObjectRemoved:Delete")
    assert "ObjectRemoved:Delete" in str(read_notification(dumped({"Records": [removed]})).dropped)
    both = read_notification(dumped({"Records": [removed, s3_record(KEY)]}))
    assert keys(both) == [KEY]
    deleted = created(KEY) | {"detail-type": "Object Deleted"}
    assert read_notification(dumped(deleted)).dropped


@pytest.mark.parametrize(
    "message",
    [
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": "2026-01-05T01:02:03Z",
            "Bucket": "corp-logs",
        },
        "CloudTrail validation message.",
        {"messageType": "ConfigurationSnapshotDeliveryStarted", "configSnapshotId": "1"},
        {"messageType": "ConfigRulesEvaluationStarted", "configRuleNames": ["a"]},
        {"messageType": "CONTROL_MESSAGE", "logEvents": []},
    ],
)
def test_messages_that_say_nothing_are_dropped_bare_and_wrapped(message: object) -> None:
    bare = message.encode() if isinstance(message, str) else dumped(message)
    for body in (bare, dumped(sns(message))):
        found = read_notification(body)
        assert found.dropped
        assert (found.objects, found.records, found.unknown) == ((), (), None)


def test_a_subscription_to_be_confirmed_is_dropped() -> None:
    assert read_notification(dumped(sns("You have chosen…", Type="SubscriptionConfirmation"))).dropped


def test_eventbridge_keys_are_taken_as_they_stand_with_the_other_reading_beside() -> None:
    [named] = read_notification(dumped(created(CONFIG_KEY))).objects
    assert (named.key, named.decoded, named.size) == (CONFIG_KEY, None, 5)
    assert named.etag == "b1946ac92492d2347c6235b4d2611184"
    [odd] = read_notification(dumped(created("a+b%3Ac"))).objects
    assert (odd.key, odd.decoded) == ("a+b%3Ac", "a b:c")
    assert keys(read_notification(dumped(sns(created(KEY))))) == [KEY]


def test_cloudtrail_names_several_files_and_config_one() -> None:
    trail = {"s3Bucket": "corp-logs", "s3ObjectKey": [KEY, KEY + "2"]}
    assert keys(read_notification(dumped(sns(trail)))) == [KEY, KEY + "2"]
    assert read_notification(dumped(trail)).objects[0].etag is None
    for kind in ("ConfigurationHistoryDeliveryCompleted", "ConfigurationSnapshotDeliveryCompleted"):
        done = {
            "messageType": kind, "s3Bucket": "corp-logs", "s3ObjectKey": CONFIG_KEY, "recordVersion": "1.1",
            "notificationCreationTime": "2026-01-05T01:02:03.004Z",
        }  # fmt: skip
        wrapped = event("Config Configuration History Delivery Status", "aws.config", done)
        for body in (done, sns(done), wrapped):
            [named] = read_notification(dumped(body)).objects
            assert (named.key, named.only_here) == (CONFIG_KEY, False)
            assert named.at == datetime(2026, 1, 5, 1, 2, 3, 4000, UTC)


def test_an_oversized_item_is_an_object_that_comes_by_no_other_road() -> None:
    over = {
        "messageType": "OversizedConfigurationItemChangeNotification", "configurationItemSummary": {},
        "s3DeliverySummary": {"s3BucketLocation": f"corp-logs/{CONFIG_KEY}", "errorCode": None},
    }  # fmt: skip
    for body in (over, sns(over), event("Config Configuration Item Change", "aws.config", over)):
        [named] = read_notification(dumped(body)).objects
        assert (named.bucket, named.key, named.only_here) == ("corp-logs", CONFIG_KEY, True)
    over["s3DeliverySummary"] = {"s3BucketLocation": None, "errorCode": "NoSuchBucket"}
    assert read_notification(dumped(over)).records


def test_configs_message_behind_the_prose_of_a_mail() -> None:
    text = "View the Timeline for this Resource in the Console:\n\nNew State:\n----\n" + json.dumps(CHANGE)
    assert read_notification(dumped(sns(text))).records == (json.dumps(CHANGE).encode(),)


@pytest.mark.parametrize(
    "kind",
    [
        "AWS API Call via CloudTrail", "AWS Console Signin via CloudTrail", "AWS Console Sign In via CloudTrail",
        "aws console signin VIA CloudTrail", "AWS Service Event via CloudTrail", "AWS Insight via CloudTrail",
    ],
)  # fmt: skip
def test_cloudtrails_events_by_any_spelling_are_read_by_the_reader(kind: str) -> None:
    body = dumped(event(kind, "aws.s3", EVENT))
    assert read_notification(body).records == (body,)
    assert rows(body) == {"cloudtrail": 1}


def rows(content: bytes) -> dict[str, int]:
    reader = LogReader()
    origin = ObjectOrigin("s", "n")
    found = [part for part in reader.read(content, origin) if isinstance(part, Rows)]
    found += [g.part for g in reader.settle() if isinstance(g.part, Rows)]
    flushed = reader.flush()
    counts: dict[str, int] = {}
    for part in [*found, *([flushed] if flushed else [])]:
        counts[part.table] = counts.get(part.table, 0) + part.rows.num_rows
    return counts


@pytest.mark.parametrize(
    ("body", "table"),
    [
        (sns(CHANGE), "config_items"),
        (event("Config Configuration Item Change", "aws.config", CHANGE), "config_items"),
        (CHANGE, "config_items"),
        (sns(event("AWS API Call via CloudTrail", "aws.iam", EVENT)), "cloudtrail"),
        (EVENT, "cloudtrail"),
        ({"Records": [EVENT]}, "cloudtrail"),
        ({"configRuleName": "r", "invokingEvent": json.dumps(CHANGE)}, "config_items"),
    ],
)
def test_records_are_what_the_reader_reads(body: dict[str, Any], table: str) -> None:
    found = read_notification(dumped(body))
    assert found.unknown is None
    assert rows(b"\n".join(found.records)) == {table: 1}


def test_a_compliance_change_is_a_record() -> None:
    body = {"messageType": "ComplianceChangeNotification", "configRuleName": "r", "newEvaluationResult": {}}
    assert read_notification(dumped(sns(body))).records


@pytest.mark.parametrize(
    "body",
    [
        b"", b"hello", b"[]", b"1", b"null", b'"x"', b"{}", b'{"Records":1}', b'{"Records":[{"a":1}]}',
        b'{"s3Bucket":1,"s3ObjectKey":"k"}', b'{"s3Bucket":"b","s3ObjectKey":[1]}', b"\xff\xfe", b"{" * 100_000,
        dumped(event("EC2 Instance State-change Notification", "aws.ec2", {"state": "pending"})),
        dumped(event("AWS API Call via CloudTrail", "aws.ec2", {"state": "pending"})),
        dumped(event("Object Created", "aws.s3", {"bucket": {}})),
        dumped({"Records": [s3_record("%00")]}),
        dumped(sns("hello")),
    ],
)  # fmt: skip
def test_anything_else_is_unknown_and_says_why(body: bytes) -> None:
    found = read_notification(body)
    assert found.unknown
    assert (found.objects, found.records, found.dropped) == ((), (), None)


def test_envelopes_are_opened_to_a_bounded_depth() -> None:
    body: dict[str, Any] = {"Records": [s3_record(KEY)]}
    for _ in range(MAX_ENVELOPES - 1):
        body = sns(body)
    assert keys(read_notification(dumped(body))) == [KEY]
    for _ in range(4):
        body = sns(body)
    assert "envelopes" in str(read_notification(dumped(body)).unknown)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["Records", "s3", "bucket", "name", "object", "key", "Message", "Type", "detail", "detail-type",
             "source", "messageType", "s3Bucket", "s3ObjectKey", "eventName", "Event", "s3DeliverySummary",
             "s3BucketLocation", "eventVersion", "eventID", "eventSource"]
        ) | st.text(max_size=5), inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


@given(JSON)
def test_it_never_raises_for_json(value: object) -> None:
    check(read_notification(dumped(value)))
    check(read_notification(dumped(sns(value))))


@given(st.binary(max_size=300))
def test_it_never_raises_for_bytes(body: bytes) -> None:
    check(read_notification(body))


@given(st.integers(0, 2000))
def test_it_never_raises_for_a_message_that_is_cut(at: int) -> None:
    check(read_notification(dumped(sns({"Records": [s3_record(KEY)]}))[:at]))


def check(found: Notification) -> None:
    """It is exactly one of four."""
    assert sum((bool(found.objects), bool(found.records), bool(found.dropped), bool(found.unknown))) == 1
    for named in found.objects:
        assert named.bucket
        assert named.key
        assert "\0" not in named.key
