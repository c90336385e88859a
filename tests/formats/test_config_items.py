"""Configuration items: every road gives the same row and key."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.formats.config_items import MAX_BYTES, MAX_ROWS, read_items
from ashiato.formats.reading import Rows, Skipped
from ashiato.formats.tables.config_items import CONFIG_ITEMS
from formats.config_samples import (
    ITEM,
    OF_THE_ROAD,
    ORIGIN,
    ROADS,
    anything,
    api_form,
    changed,
    dump,
    one,
    read,
    rows,
    text,
)


def test_the_columns_are_the_tables_in_order_but_ingested_at() -> None:
    parts = read(ITEM)
    assert parts is not None
    (part,) = parts
    assert isinstance(part, Rows)
    assert part.table == "config_items"
    assert part.rows.schema == pa.schema([f for f in CONFIG_ITEMS.schema if f.name != "ingested_at"])
    row = part.rows.to_pylist()[0]
    assert row["configurationItemCaptureTime"] == datetime(2024, 5, 6, 7, 8, 9, 123000, UTC)
    assert row["configurationStateId"] == "1714979289123"
    assert row["configuration"] == (
        '{"imageId":"ami-1","ImageId":1.5,"policy":"{\\"a\\": \\"b\\"}","list":[{"k":null}]}'
    )
    assert row["tags"] == '{"Name":"web","name":"足跡"}'
    assert row["supplementaryConfiguration"] == (
        '{"AccessControlList":"{\\"grantSet\\":null}","Requester":false,"Tags":[]}'
    )
    assert row["relationships"][0]["name"] == "Contains NetworkInterface"
    assert row["extra"] is None
    assert (row["delivered_at"], row["source"], row["object"]) == (ORIGIN.delivered_at, "test", "s3://b/k")
    assert row["variant"] == 0


@pytest.mark.parametrize("road", ROADS)
def test_every_road_gives_the_same_row_and_key(road: str) -> None:
    (expected,), expected_key = rows(read(ITEM))
    (row,), key = rows(read(ROADS[road](ITEM)))
    assert key == expected_key
    assert {k: v for k, v in row.items() if k not in OF_THE_ROAD} == {
        k: v for k, v in expected.items() if k not in OF_THE_ROAD
    }


def test_what_the_road_knows_is_kept() -> None:
    assert one(ROADS["snapshot"](ITEM))["configSnapshotId"] == "s"
    assert one(ROADS["history file"](ITEM))["fileVersion"] == "1.0"
    assert (
        one(ROADS["notification"](ITEM))["configurationItemDiff"]
        == '{"changedProperties":{},"changeType":"CREATE"}'
    )


@given(
    st.dictionaries(text, anything, max_size=4),
    st.dictionaries(text, anything, max_size=3),
    st.integers(0, 4_000_000_000_000),
    st.sampled_from(["OK", "ResourceDeleted", "ResourceNotRecorded"]),
)
def test_any_item_is_the_same_by_s3_and_by_the_api(
    configuration: dict[str, Any], supplementary: dict[str, Any], millis: int, status: str
) -> None:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=millis)
    item = changed(
        configuration=configuration if status == "OK" else None,
        supplementaryConfiguration=supplementary,
        configurationItemCaptureTime=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        configurationItemStatus=status,
    )
    assert rows(read(item)) == rows(read(api_form(item)))


CAPTURED = datetime(2024, 5, 6, 7, 8, 9, 123000, UTC)


@pytest.mark.parametrize(
    "time",
    [
        "2024-05-06T07:08:09.123Z",
        "2024-05-06T07:08:09.123000+00:00",
        "2024-05-06T16:08:09.123+09:00",
        "2024-05-06T16:08:09.123+0900",
        "2024-05-06 07:08:09.123",
        1714979289.123,
        1714979289123,
        1714979289123000,
        "1714979289.123",
        {
            "__class__": "datetime",
            "year": 2024,
            "month": 5,
            "day": 6,
            "hour": 7,
            "minute": 8,
            "second": 9,
            "microsecond": 123000,
        },
    ],
    ids=str,
)
def test_one_time_in_every_spelling(time: Any) -> None:
    row, key = rows(read(changed(configurationItemCaptureTime=time)))
    assert row[0]["configurationItemCaptureTime"] == CAPTURED
    assert key == rows(read(ITEM))[1]


def test_a_time_of_day_in_another_zone_is_utc() -> None:
    local = datetime(2017, 6, 14, 1, 39, 7, 454000, timezone(timedelta(hours=-4)))
    assert one(changed(resourceCreationTime=local.isoformat()))["resourceCreationTime"] == local


def test_times_as_python_shows_them() -> None:
    shown = "datetime.datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=tzlocal())"
    assert one(changed(configurationItemCaptureTime=shown))["configurationItemCaptureTime"] == CAPTURED


@pytest.mark.parametrize("time", ["soon", int("9" * 400), True, []])
def test_a_creation_time_that_cannot_be_read_does_not_cost_the_item(time: Any) -> None:
    row = one(changed(resourceCreationTime=time))
    assert row["resourceCreationTime"] is None
    assert row["configuration"] == one(ITEM)["configuration"]
    assert json.loads(row["extra"])["resourceCreationTime"] == time


@pytest.mark.parametrize("state", [1714979289123, "1714979289123", 1714979289123.0])
def test_the_state_id_is_one_whether_number_or_text(state: Any) -> None:
    assert rows(read(changed(configurationStateId=state)))[1] == rows(read(ITEM))[1]


@pytest.mark.parametrize(
    "field",
    [
        "awsAccountId",
        "awsRegion",
        "resourceType",
        "resourceId",
        "configurationItemCaptureTime",
        "configurationStateId",
    ],
)
def test_items_that_differ_in_what_they_are_known_by_have_different_keys(field: str) -> None:
    other = changed(**{field: 1700000000000 if "State" in field or "Time" in field else "000000000000"})
    assert rows(read(other))[1] != rows(read(ITEM))[1]


def test_without_its_identity_an_item_is_known_by_all_it_says() -> None:
    item = changed(resourceId=None)
    shuffled = dict(reversed(list(item.items())))
    assert rows(read(item))[1] == rows(read(shuffled))[1]
    assert rows(read(item))[1] != rows(read({**item, "awsRegion": "eu-west-1"}))[1]
    # The state alone does not make another item of one that has its identity.
    assert rows(read(changed(configuration={"a": 1})))[1] == rows(read(ITEM))[1]


def test_spellings_of_the_guide_are_understood() -> None:
    item = changed(availibilityZone="us-east-1b", configurationStateID=7, arn="arn:x", accountId="1" * 12)
    for name in ("availabilityZone", "configurationStateId", "ARN", "awsAccountId"):
        del item[name]
    row = one(item)
    assert (row["availabilityZone"], row["configurationStateId"], row["ARN"]) == ("us-east-1b", "7", "arn:x")
    assert row["awsAccountId"] == "1" * 12


def test_nothing_an_item_says_is_dropped() -> None:
    row = one(changed(newField={"a": [1, 2]}, NewField="b", arn="arn:other"))
    assert json.loads(row["extra"]) == {"newField": {"a": [1, 2]}, "NewField": "b", "arn": "arn:other"}
    related = [{"resourceType": "T", "resourceId": "r", "weight": 3}]
    row = one(changed(relationships=related))
    assert json.loads(row["extra"]) == {"relationships": related}
    raw = dump(ITEM).replace(b'"imageId": "ami-1"', b'"a":1,"a":2,"A":' + b"9" * 400)
    assert one(raw)["configuration"].startswith('{"a":1,"a":2,"A":' + "9" * 400 + ",")


def test_relationships_that_stand_in_related_events_are_read_as_such() -> None:
    item = changed(
        relatedEvents=[{"resourceType": "AWS::EC2::VPC", "resourceId": "vpc-1", "relationshipName": "Is in"}]
    )
    del item["relationships"]
    assert one(item)["relationships"] == [
        {"resourceType": "AWS::EC2::VPC", "resourceId": "vpc-1", "resourceName": None, "name": "Is in"}
    ]


def test_tags_given_as_a_list_become_an_object() -> None:
    assert (
        one(changed(tags=[{"key": "a", "value": "1"}, {"Key": "b", "Value": None}]))["tags"]
        == '{"a":"1","b":null}'
    )


def test_configuration_encoded_twice_is_the_object() -> None:
    item = api_form(ITEM)
    item["configuration"] = json.dumps(item["configuration"])
    assert one(item)["configuration"] == one(ITEM)["configuration"]


@pytest.mark.parametrize("status", ["ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded"])
def test_a_deleted_resource_has_an_item_without_configuration(status: str) -> None:
    item = changed(configurationItemStatus=status, configuration=None)
    del item["supplementaryConfiguration"]
    row = one(item)
    assert (row["configurationItemStatus"], row["configuration"]) == (status, None)
    assert one({**item, "configuration": "null"}) == row


def test_batches_stay_small() -> None:
    raw = dump(ITEM)
    sizes = [
        p.rows.num_rows
        for p in read_items([(0, raw, None)] * (2 * MAX_ROWS + 1), ORIGIN)
        if isinstance(p, Rows)
    ]
    assert sizes == [MAX_ROWS, MAX_ROWS, 1]
    big = dump(changed(configuration={"a": "x" * (MAX_BYTES // 2)}))
    sizes = [p.rows.num_rows for p in read_items([(0, big, None)] * 3, ORIGIN) if isinstance(p, Rows)]
    assert sizes == [1, 1, 1]


OVERSIZED = {
    "configurationItemSummary": {**ITEM, "changeType": "UPDATE"},
    "s3DeliverySummary": {"s3BucketLocation": "bucket/AWSLogs/1/x_0.json.gz", "errorCode": None},
    "messageType": "OversizedConfigurationItemChangeNotification",
}


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (OVERSIZED, "the item is in s3://bucket/AWSLogs/1/x_0.json.gz"),
        (
            {**OVERSIZED, "s3DeliverySummary": {"s3BucketLocation": None, "errorCode": "NoSuchBucket"}},
            "NoSuchBucket",
        ),
        (
            {"messageType": "ComplianceChangeNotification", "resourceType": "AWS::S3::Bucket"},
            "ComplianceChange",
        ),
        (
            {"messageType": "ConfigurationHistoryDeliveryCompleted", "s3Bucket": "b", "s3ObjectKey": "k"},
            "History",
        ),
        (
            {"invokingEvent": '{"messageType":"ScheduledNotification"}', "version": "1.0"},
            "ScheduledNotification",
        ),
        ({"resourceIdentifiers": []}, "discovered"),
        ({"Results": ['{"resourceId":"a"}'], "QueryInfo": {}}, "1 results of an advanced query"),
    ],
)
def test_what_is_config_but_no_item_is_skipped_by_name(document: dict[str, Any], what: str) -> None:
    parts = read(document)
    assert parts is not None
    (part,) = parts
    assert isinstance(part, Skipped)
    assert what in part.what


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"Records": []},
        {"messageType": "DATA_MESSAGE"},
        {"eventVersion": "1.08", "eventName": "PutConfigRule", "resources": []},
        {"version": "2.0", "accountId": "1", "type": "x"},
        {"data": {"a": 1}, "status_code": 200},
    ],
)
def test_what_is_not_config_is_left_to_others(document: dict[str, Any]) -> None:
    assert read(document) is None


@pytest.mark.parametrize(
    "value", ["text", "5", "null", "{}", "[]", "[5]", '["x"]', '{"configurationItems":7}', '""']
)
@pytest.mark.parametrize(
    "key",
    [
        "configurationItems",
        "configurationItem",
        "configurationItemSummary",
        "invokingEvent",
        "Results",
        "messageType",
    ],
)
def test_documents_of_a_wrong_shape_never_raise(key: str, value: str) -> None:
    raw = f'{{"{key}":{value if value != "text" else json.dumps(value)},"messageType":"x"}}'.encode()
    read(raw)


def test_keys_never_change() -> None:
    # They are kept in lakes: another key for the same item would take every item in again.
    assert rows(read(ITEM))[1][0].hex() == "22e3aef97fede44c693504829465f88b"
