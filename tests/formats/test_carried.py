"""Records inside JSON that AWS did not wrap: what shippers, search engines and people made of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ashiato.formats.carried import begins_json
from formats.cloudtrail_samples import (
    EVERY,
    Record,
    file_of,
    plain,
    read,
    said,
    skipped,
    sns,
    tight,
    unreadable,
)

RECORDS = [plain(1), EVERY, plain(2, eventName="DeleteUser")]
FLOW = "2 111122223333 eni-0123456789abcdef0 192.0.2.7 198.51.100.9 40000 443 6 3 180 1704110400 1704110460 ACCEPT OK"
ITEM = {
    "configurationItemCaptureTime": "2024-01-01T12:00:00Z", "resourceType": "AWS::S3::Bucket", "resourceId": "b",
    "awsAccountId": "111122223333", "awsRegion": "us-east-1", "configurationItemStatus": "OK", "configuration": {"name": "b"},
}  # fmt: skip


def beat(record: Any) -> Record:
    return {
        "@timestamp": "2024-01-01T12:05:00Z", "message": record, "event": {"original": record, "dataset": "aws"},
        "agent": {"type": "filebeat"}, "log": {"offset": 1}, "tags": ["forwarded"],
    }  # fmt: skip


def lines(values: Sequence[Any]) -> bytes:
    return "\n".join(map(tight, values)).encode()


WRAPPED: dict[str, Callable[[Sequence[Record]], bytes]] = {
    "Beats": lambda records: lines([beat(tight(r)) for r in records]),
    "Splunk's export": lambda records: lines(
        [{"preview": False, "offset": i, "result": {"_raw": tight(r), "host": "h"}} for i, r in enumerate(records)]
    ),
    "Elasticsearch's answer": lambda records: tight(
        {"took": 1, "hits": {"total": 3, "hits": [{"_id": str(i), "_source": r} for i, r in enumerate(records)]}}
    ).encode(),
    "a collection of tests": lambda records: tight(
        {"test_events": [{"name": f"n{i}", "event": r} for i, r in enumerate(records)]}
    ).encode(),
    "answers of Logs Insights": lambda records: tight(
        {"results": [[{"field": "@timestamp", "value": "2024-01-01"}, {"field": "@message", "value": tight(r)}] for r in records]}
    ).encode(),
    "a member named events": lambda records: tight({"account": "111122223333", "events": list(records)}).encode(),
    "Kinesis get-records": lambda records: tight(
        {"Records": [
            {"SequenceNumber": str(i), "PartitionKey": "p", "Data": base64.b64encode(tight(r).encode()).decode()}
            for i, r in enumerate(records)
        ]}
    ).encode(),
    "Firehose's call of a function": lambda records: tight(
        {"invocationId": "i", "deliveryStreamArn": "a", "records": [
            {"recordId": str(i), "data": base64.b64encode(tight(r).encode()).decode()} for i, r in enumerate(records)
        ]}
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("way", WRAPPED)
def test_wrapped_records_are_the_same_records(way: str) -> None:
    content = WRAPPED[way](RECORDS)
    # Beats holds each record twice; it comes out once.
    assert said(content) == said(file_of(RECORDS))
    assert not unreadable(read(content)[1])


def test_flow_records_and_config_items_are_found_too() -> None:
    flows = [p for p in read(lines([beat(FLOW), beat(FLOW.replace("443", "22"))]))[1] if hasattr(p, "rows")]
    assert [port for part in flows for port in part.rows["dstport"].to_pylist()] == [443, 22]
    (items,) = [p for p in read(lines([{"hits": [{"_source": ITEM}]}]))[1] if hasattr(p, "rows")]
    assert items.table == "config_items"
    assert items.rows["resourceId"].to_pylist() == ["b"]


def test_a_wrapped_record_that_is_cut_goes_to_quarantine() -> None:
    cut = tight(plain(1))[:-40]
    (lost,) = unreadable(read(tight(beat(cut)).encode())[1])
    assert lost.content == cut.encode()


FOREIGN = {
    "an event pattern": {"source": ["aws.s3"], "detail": {"eventSource": ["s3.amazonaws.com"], "eventName": ["PutObject"]}},
    "a schema": {"shapes": {"Record": {"members": {"eventID": {"shape": "String"}, "eventName": {"shape": "String"}, "eventVersion": {"shape": "String"}}}}},
    "a list of actions": {"events": ["CreateArchive", "CancelReplay"]},
    "events without messages": {"events": [{"id": 1}, {"id": 2}]},
    "a stream of DynamoDB": {"Records": [{"eventID": "1", "eventVersion": "1.1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": {}}]},
    "a mail": {"Records": [{"eventVersion": "1.0", "eventSource": "aws:ses", "ses": {}}]},
    "a function's log": {"messageType": "DATA_MESSAGE", "logEvents": [
        {"id": "1", "timestamp": 1, "message": "[ERROR] First test message"}, {"id": "2", "timestamp": 2, "message": "{{x}}"},
    ]},
    "a function's log of broken JSON": {"messageType": "DATA_MESSAGE", "logEvents": [
        {"id": "1", "timestamp": 1, "message": '{{"Source": "queue"}, "text": "' + "x" * 300 + '"}'},
    ]},
    "a notification in brackets": sns("[FIRING:1] disk full"),
}  # fmt: skip


@pytest.mark.parametrize("what", FOREIGN)
def test_json_of_another_kind_is_skipped_and_not_quarantined(what: str) -> None:
    rows, others = read(json.dumps(FOREIGN[what], indent=2).encode())
    assert rows is None
    assert not unreadable(others)
    assert skipped(others)


@pytest.mark.parametrize(
    "text", [b"[2024-01-01 12:00:00] INFO started\n" * 3, b"{\n  inputs = {\n    x = 1;\n  };\n}\n"]
)
def test_text_that_begins_with_a_bracket_is_not_json_for_that(text: bytes) -> None:
    assert not begins_json(text)
    rows, others = read(text)
    assert (rows, unreadable(others)) == (None, [])


def test_json_that_is_damaged_at_its_first_byte_is_still_read_as_json() -> None:
    content = b'{\xff"Records":[' + tight(plain(1)).encode() + b"," + tight(plain(2)).encode() + b"]}"
    _, others = read(content)
    assert unreadable(others)


def test_a_record_without_eventtime_takes_the_time_that_logstash_moved() -> None:
    moved = plain(1)
    time = moved.pop("eventTime")
    (row,) = said(tight(moved | {"@timestamp": time, "@version": "1"}).encode())
    assert row["eventTime"].isoformat() == time.replace("Z", "+00:00")
    assert json.loads(row["extra"]) == {"@timestamp": time, "@version": "1"}


def test_notes_that_speak_of_events_are_no_records() -> None:
    """The sample incident's truth.json lies beside its logs: it names events, and is none."""
    told = {
        "eventID": "c88cf839-f24d-48bf-a3d8-147a59c6f7b4",
        "eventName": "GetObject",
        "eventTime": "2024-01-01T12:00:00Z",
    }
    for note in ({"steps": [told]}, {"changes": [{"cause": told, "eventSource": "s3.amazonaws.com"}]}):
        rows, others = read(tight(note).encode())
        assert rows is None
        assert skipped(others)
        assert not unreadable(others)
