"""Configuration items: every road gives the same row and key, and one bad item costs one item."""

from __future__ import annotations

import copy
import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from ashiato.formats.config_items import MAX_BYTES, MAX_ROWS, entities_of, read_document, read_items
from ashiato.formats.reading import ObjectOrigin, Part, Rows, Skipped, Unreadable
from ashiato.formats.tables.config_items import CONFIG_ITEMS

CORPORA = Path(os.environ.get("ASHIATO_CORPORA", Path(__file__).parents[2].parent / "shared" / "corpora"))
ORIGIN = ObjectOrigin("test", "s3://b/k", datetime(2024, 1, 2, tzinfo=UTC))
OBJECT = msgspec.json.Decoder(dict[str, Raw])

ITEM: dict[str, Any] = {
    "configurationItemVersion": "1.3",
    "configurationItemCaptureTime": "2024-05-06T07:08:09.123Z",
    "configurationStateId": 1714979289123,
    "awsAccountId": "012345678901",
    "configurationItemStatus": "OK",
    "resourceType": "AWS::EC2::Instance",
    "resourceId": "i-0123456789abcdef0",
    "resourceName": None,
    "ARN": "arn:aws:ec2:us-east-1:012345678901:instance/i-0123456789abcdef0",
    "awsRegion": "us-east-1",
    "availabilityZone": "us-east-1a",
    "resourceCreationTime": "2024-05-06T07:00:00.000Z",
    "tags": {"Name": "web", "name": "足跡"},
    "relatedEvents": [],
    "relationships": [
        {
            "resourceType": "AWS::EC2::NetworkInterface",
            "resourceId": "eni-0a",
            "name": "Contains NetworkInterface",
        }
    ],
    "configuration": {"imageId": "ami-1", "ImageId": 1.50, "policy": '{"a": "b"}', "list": [{"k": None}]},
    "supplementaryConfiguration": {"AccessControlList": '{"grantSet":null}', "Requester": False, "Tags": []},
    "configurationStateMd5Hash": "",
}


def api_form(item: dict[str, Any]) -> dict[str, Any]:
    """The item as GetResourceConfigHistory answers it."""
    out = dict(item)
    names = {"configurationItemVersion": "version", "awsAccountId": "accountId", "ARN": "arn"}
    for name, other in {**names, "configurationStateMd5Hash": "configurationItemMD5Hash"}.items():
        if name in out:
            out[other] = out.pop(name)
    if out.get("configuration") is not None:
        out["configuration"] = json.dumps(out["configuration"], ensure_ascii=False, separators=(",", ":"))
    if out.get("supplementaryConfiguration") is not None:
        out["supplementaryConfiguration"] = {
            k: json.dumps(v, ensure_ascii=False, separators=(",", ":"))
            for k, v in out["supplementaryConfiguration"].items()
        }
    if out.get("configurationStateId") is not None:
        out["configurationStateId"] = str(out["configurationStateId"])
    for name in ("configurationItemCaptureTime", "resourceCreationTime"):
        if isinstance(out.get(name), str):
            out[name] = datetime.fromisoformat(out[name]).timestamp()
    if out.get("relationships") is not None:
        out["relationships"] = [
            {("relationshipName" if k == "name" else k): v for k, v in r.items()}
            for r in out["relationships"]
        ]
    if out.get("resourceName", 0) is None:
        del out["resourceName"]
    return out


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def read(document: Any) -> list[Part] | None:
    raw = document if isinstance(document, bytes) else dump(document)
    parts = read_document(OBJECT.decode(raw), raw, 0, ORIGIN)
    return None if parts is None else list(parts)


def rows(parts: list[Part] | None) -> tuple[list[dict[str, Any]], list[bytes]]:
    assert parts is not None
    found: list[dict[str, Any]] = []
    keys: list[bytes] = []
    for part in parts:
        assert isinstance(part, Rows), part
        part.rows.validate(full=True)
        found += part.rows.to_pylist()
        assert part.keys is not None
        keys += part.keys.to_pylist()
    return found, keys


def one(document: Any) -> dict[str, Any]:
    ((row,), _) = rows(read(document))
    return row


def changed(**fields: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ITEM), **fields}


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


ROADS: dict[str, Any] = {
    "history file": lambda item: {"fileVersion": "1.0", "requestId": "r", "configurationItems": [item]},
    "snapshot": lambda item: {"fileVersion": "1.0", "configSnapshotId": "s", "configurationItems": [item]},
    "notification": lambda item: {
        "configurationItemDiff": {"changedProperties": {}, "changeType": "CREATE"},
        "configurationItem": item,
        "messageType": "ConfigurationItemChangeNotification",
        "notificationCreationTime": "2024-05-06T07:08:10Z",
        "recordVersion": "1.3",
    },
    "notification of 2014": lambda item: {"configurationItem": [item], "NotificationCreateTime": "x"},
    "rule": lambda item: {
        "invokingEvent": dump({"configurationItemDiff": None, "configurationItem": item}).decode()
    },
    "bare": lambda item: item,
    "api": lambda item: {"configurationItems": [api_form(item)], "nextToken": "t"},
    "api, recorded": lambda item: {"status_code": 200, "data": {"configurationItems": [api_form(item)]}},
    "api, base items": lambda item: {
        "baseConfigurationItems": [api_form(item)],
        "unprocessedResourceKeys": [],
    },
    "api, query": lambda item: {"Results": [dump(item).decode()], "QueryInfo": {"SelectFields": []}},
}
OF_THE_ROAD = ("configurationItemDiff", "configSnapshotId", "fileVersion")


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


text = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
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


WRONG: dict[str, tuple[bytes, str]] = {
    "no capture time": (
        dump(changed(configurationItemCaptureTime=None)),
        "configurationItemCaptureTime is missing",
    ),
    "text as time": (
        dump(changed(configurationItemCaptureTime="soon")),
        "configurationItemCaptureTime is 'soon'",
    ),
    "no such day": (
        dump(changed(configurationItemCaptureTime="2024-02-30T00:00:00Z")),
        "CaptureTime is '2024-02-30",
    ),
    "huge time": (
        dump(changed()).replace(b'"2024-05-06T07:00:00.000Z"', b"9" * 400),
        "resourceCreationTime is the number 999",
    ),
    "object as text": (dump(changed(resourceId={"a": 1})), "resourceId is an object; expected text"),
    "number as list": (dump(changed(relationships=3)), "relationships is a number; expected a list"),
    "text in a list": (dump(changed(relationships=["a"])), "relationships holds text; expected objects"),
    "number as object": (dump(changed(configuration=3)), "configuration is a number; expected an object"),
    "text, not JSON": (dump(changed(configuration='{"a":')), "configuration is text that is not JSON"),
    "boolean as tags": (dump(changed(tags=True)), "tags is a boolean; expected an object"),
    "not UTF-8": (dump(changed()).replace(b"ami-1", b"\xff"), "configuration is not UTF-8"),
    "NUL": (dump(changed()).replace(b"ami-1", b"\0"), "JSON is malformed"),
    "not an object": (b"[1]", "Expected `object`"),
    "null": (b"null", "Expected `object`"),
    "not JSON": (b'{"resourceId":tru}', "JSON is malformed"),
    "too deep": (
        dump(changed()).replace(b'"ami-1"', b"[" * 100_000 + b"]" * 100_000),
        "nested too deep",
    ),
    "too deep in text": (
        dump(changed(configuration='{"a":' * 100_000 + "1" + "}" * 100_000)),
        "nested too deep",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_item_is_told_with_place_and_reason_and_the_others_are_kept(case: str) -> None:
    bad, reason = WRONG[case]
    good = dump(ITEM)
    parts = list(read_items([(5, good, None), (70, bad, None), (90, good, None)], ORIGIN))
    (fault,) = [p for p in parts if isinstance(p, Unreadable)]
    assert reason in fault.reason
    assert (fault.offset, fault.content) == (70, bad)
    (table,) = [p for p in parts if isinstance(p, Rows)]
    assert table.rows.num_rows == 2


def test_offsets_point_into_the_delivered_content() -> None:
    document = dump(
        {"fileVersion": "1.0", "configurationItems": [ITEM, changed(resourceId=5.5, tags=1), ITEM]}
    )
    parts = read(document)
    assert parts is not None
    (fault,) = [p for p in parts if isinstance(p, Unreadable)]
    assert document[fault.offset :].startswith(fault.content)


@given(st.data())
@settings(max_examples=150)
def test_a_field_of_any_type_never_raises(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from([ITEM, api_form(ITEM)]))
    field = data.draw(st.sampled_from([*item, "new"]))
    item = {**item, field: data.draw(anything)}
    road = ROADS[data.draw(st.sampled_from([road for road in ROADS if not road.startswith("api")]))]
    for part in read(road(item)) or []:
        assert isinstance(part, Rows | Unreadable | Skipped)
        if isinstance(part, Rows):
            part.rows.validate(full=True)


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


@pytest.mark.skipif(not (CORPORA / "config-items").is_dir(), reason="the corpora are not here")
def test_every_item_of_the_corpus_is_read() -> None:
    taken: dict[str, int] = {}
    skipped = []
    for path in sorted((CORPORA / "config-items").glob("*.json")):
        parts = read(path.read_bytes())
        if parts is None:
            assert path.name == "event-cloudsearch.json"
            continue
        assert not [p for p in parts if isinstance(p, Unreadable)]
        skipped += [path.name for p in parts if isinstance(p, Skipped)]
        taken[path.name] = sum(p.rows.num_rows for p in parts if isinstance(p, Rows))
    history = {name: n for name, n in taken.items() if "GetResourceConfigHistory" in name}
    assert sum(history.values()) == 14
    assert history["test_ecs_service_config--config.GetResourceConfigHistory_2.json"] == 0
    assert history["test_sg_config_diff--config.GetResourceConfigHistory_1.json"] == 2
    # Sixteen files of single items and rule events, of which one is the tick of a schedule.
    assert sum(n for name, n in taken.items() if "--config." not in name) == 15
    assert sum(taken.values()) == 29
    assert {name.split("--config.")[-1].split("_")[0] for name in skipped} == {
        "SelectResourceConfig",
        "ListDiscoveredResources",
        "poll-evaluation.json",
    }


@pytest.mark.skipif(not (CORPORA / "eventbridge").is_dir(), reason="the corpora are not here")
@pytest.mark.parametrize(
    "name", ["event-config-rule-instance", "event-config-rule-security-group", "sqs-discover"]
)
def test_real_items_are_the_same_by_every_road(name: str) -> None:
    event = json.loads((CORPORA / "eventbridge" / f"{name}.json").read_bytes())
    inner = event.get("detail") or json.loads(event["invokingEvent"])
    item = inner["configurationItem"]
    (expected,), key = rows(read(item))
    assert expected["awsAccountId"]
    for road in ROADS.values():
        (row,), again = rows(read(road(item)))
        assert again == key
        assert {k: v for k, v in row.items() if k not in OF_THE_ROAD} == {
            k: v for k, v in expected.items() if k not in OF_THE_ROAD
        }


def test_an_item_names_its_resource_its_relations_and_what_it_mentions() -> None:
    configuration = {
        "networkInterfaces": [{"networkInterfaceId": "eni-0123456789abcdef0", "ownerId": "222222222222"}],
        "privateIpAddress": "10.0.0.5",
        "publicIpAddress": "198.51.100.7",
        "ipv6": ["2001:DB8:0::1"],
        "cidr": ["203.0.113.9/32", "10.0.0.0/8", "0.0.0.0/0"],
        "iamInstanceProfile": {"arn": "arn:aws:iam::012345678901:instance-profile/web"},
        "securityGroups": [{"groupId": "sg-0123456789abcdef0"}],
        "key": "AKIAIOSFODNN7EXAMPLE",
        "engineVersion": "not-an-id",
        "text": 'forged "arn:aws:iam::999999999999:user/x" in text',
        "self": "i-0123456789abcdef0",
    }
    found = entities_of(one(changed(configuration=configuration, resourceName="web-1")))
    assert found == [
        ("account", "012345678901", "target"),
        ("instance", "i-0123456789abcdef0", "target"),
        ("resource", "web-1", "target"),
        ("arn", ITEM["ARN"], "target"),
        ("resource", "eni-0a", "peer"),
        ("interface", "eni-0123456789abcdef0", "peer"),
        ("address", "10.0.0.5", "peer"),
        ("address", "198.51.100.7", "peer"),
        ("address", "2001:db8::1", "peer"),
        ("address", "203.0.113.9", "peer"),
        ("arn", "arn:aws:iam::012345678901:instance-profile/web", "peer"),
        ("resource", "sg-0123456789abcdef0", "peer"),
        ("access_key", "AKIAIOSFODNN7EXAMPLE", "peer"),
        ("account", "222222222222", "peer"),
    ]


def test_entities_are_bounded_and_tags_name_nothing() -> None:
    many = {"ids": [f"sg-{n:08x}" for n in range(1000)]}
    assert len(entities_of(one(changed(configuration=many)))) == 200
    assert not [e for e in entities_of(one(changed(tags={"a": "10.1.2.3"}))) if e[1] == "10.1.2.3"]


def test_a_hostile_configuration_costs_linear_time() -> None:
    for unit in (":", '"arn:', '"a:', "1.", '"10.0.0.', "\\"):
        text = (unit * 400_000)[:1_000_000]
        assert len(entities_of({"configuration": '{"a":' + text})) < 3
