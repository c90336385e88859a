"""A record is the same record, with the same key, by whatever road it comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.cloudtrail_samples import (
    AGGREGATED,
    CONTROL,
    EVERY,
    INSIGHT,
    NETWORK,
    ROADS,
    Record,
    eventbridge,
    file_of,
    plain,
    read,
    said,
    skipped,
    sns,
    tight,
    unreadable,
)

MIXED = [plain(1), EVERY, INSIGHT, NETWORK, AGGREGATED, plain(2, eventName="DeleteUser")]


@pytest.mark.parametrize("road", ROADS)
def test_every_road_gives_the_same_rows_and_keys(road: str) -> None:
    assert said(ROADS[road](MIXED)) == said(file_of(MIXED))


@pytest.mark.parametrize("road", ROADS)
def test_one_record_by_every_road(road: str) -> None:
    assert said(ROADS[road]([plain(7)])) == said(file_of([plain(7)]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(range(6)), st.lists(st.integers(1, 5), max_size=4), st.sampled_from(sorted(ROADS)))
def test_any_split_into_objects_gives_the_same_rows(order: Sequence[int], cuts: list[int], road: str) -> None:
    records = [MIXED[i] for i in order]
    whole = said(file_of(records))
    parts: list[Record] = []
    edges = [0, *sorted(set(cuts)), len(records)]
    for start, end in pairwise(edges):
        if end > start:
            parts += said(ROADS[road](records[start:end]))
    assert parts == whole


@settings(max_examples=40, deadline=None)
@given(
    st.integers(300, 5000),
    st.sampled_from(
        [
            "file",
            "JSON Lines",
            "without delimiter",
            "subscription by Firehose",
            "EventBridge",
            "bare array with white space",
            "filter-log-events",
            "export to S3",
            "LookupEvents of the CLI",
        ]
    ),
)
def test_a_document_larger_than_the_window_gives_the_same_rows(window: int, road: str) -> None:
    from ashiato.formats import inflate, reader

    before = reader.WINDOW, reader.HEAD, inflate.CHUNK
    reader.WINDOW, reader.HEAD, inflate.CHUNK = max(window, 2800), 100, 700
    try:
        content = ROADS[road](MIXED * 3)
        assert said(content) == said_whole(content, before)
    finally:
        reader.WINDOW, reader.HEAD, inflate.CHUNK = before


def said_whole(content: bytes, sizes: tuple[int, int, int]) -> list[Record]:
    from ashiato.formats import inflate, reader

    now = reader.WINDOW, reader.HEAD, inflate.CHUNK
    reader.WINDOW, reader.HEAD, inflate.CHUNK = sizes
    try:
        return said(content)
    finally:
        reader.WINDOW, reader.HEAD, inflate.CHUNK = now


@pytest.mark.parametrize(
    "detail_type",
    [
        "AWS API Call via CloudTrail",
        "AWS Console Signin via CloudTrail",
        "AWS Console Sign In via CloudTrail",
        "AWS Console Action via CloudTrail",
        "AWS Service Event via CloudTrail",
        "AWS Insight via CloudTrail",
        "AWS Network Activity Event via CloudTrail",
    ],
)
def test_eventbridge_of_any_detail_type(detail_type: str) -> None:
    assert said(tight(eventbridge(plain(3), detail_type)).encode()) == said(file_of([plain(3)]))


def test_eventbridges_time_stands_in() -> None:
    record = plain(3)
    envelope = eventbridge(record)
    del envelope["detail"]["eventTime"]
    assert said(tight(envelope).encode()) == said(file_of([plain(3)]))


def test_an_aggregated_event_happened_when_its_window_began() -> None:
    (row,) = said(tight([AGGREGATED]).encode())
    assert row["eventID"] == AGGREGATED["eventId"]
    assert row["recipientAccountId"] == "111111111111"
    assert row["eventTime"].isoformat() == "2025-11-12T00:05:00+00:00"
    assert json.loads(row["summary"]) == AGGREGATED["summary"]
    assert json.loads(row["timeWindow"]) == AGGREGATED["timeWindow"]
    assert row["extra"] is None


def test_insights_by_lookup_events_as_the_guide_prints_them() -> None:
    assert said(tight({"Events": [INSIGHT]}).encode()) == said(file_of([INSIGHT]))


NO_LOGS: dict[str, Callable[[], bytes]] = {
    "a control message": lambda: tight(CONTROL).encode(),
    "an S3 notification": lambda: tight(
        {
            "Records": [
                {
                    "eventVersion": "2.1",
                    "eventSource": "aws:s3",
                    "eventName": "ObjectCreated:Put",
                    "eventTime": "2024-01-01T00:00:00.000Z",
                    "s3": {"object": {"key": "k"}},
                }
            ]
        }
    ).encode(),
    "S3's test event": lambda: b'{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}',
    "CloudTrail's notification": lambda: tight(sns('{"s3Bucket":"b","s3ObjectKey":["k"]}')).encode(),
    "CloudTrail's validation message": lambda: tight(sns("CloudTrail validation message.")).encode(),
    "a subscription's confirmation": lambda: tight(
        {"Type": "SubscriptionConfirmation", "TopicArn": "t", "Message": "You have chosen to subscribe"}
    ).encode(),
    "no messages": lambda: b'{"Messages":[]}',
    "other JSON": lambda: b'{"hello":"world"}',
    "an application's log": lambda: tight(
        {
            "logEvents": [{"id": "1", "timestamp": 1, "message": "START RequestId: x"}],
            "messageType": "DATA_MESSAGE",
        }
    ).encode(),
}


@pytest.mark.parametrize("what", NO_LOGS)
def test_what_is_no_log_is_skipped(what: str) -> None:
    rows, others = read(NO_LOGS[what]())
    assert rows is None
    assert not unreadable(others)
    if what != "no messages":
        assert len(skipped(others)) == 1


def test_an_empty_file_of_records_is_a_file() -> None:
    assert read(b'{"Records":[]}') == (None, [])
    assert read(b'{"Records": []}\n') == (None, [])


def test_two_arrays_of_records_in_one_document_are_both_read() -> None:
    first, second = tight([plain(1)]), tight([plain(2)])
    content = f'{{"Records":{first},"x":1,"Records":{second}}}'.encode()
    assert said(content) == said(file_of([plain(1), plain(2)]))


def test_a_full_table_comes_out_before_the_object_ends() -> None:
    records = [plain(i) for i in range(50)]
    for road in ("JSON Lines with white space", "subscription by Firehose", "LookupEvents of the CLI"):
        assert said(ROADS[road](records), max_events=7) == said(file_of(records))
