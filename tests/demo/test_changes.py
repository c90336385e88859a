"""Configuration items agree with CloudTrail, and `truth.json` knows what caused each of them."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

from .conftest import Delivered
from .test_story import second

Key = tuple[str, str, str, str]


def key(item: dict[str, Any]) -> Key:
    return (item["awsAccountId"], item["awsRegion"], item["resourceType"], item["resourceId"])


def histories(delivered: Delivered) -> dict[Key, list[dict[str, Any]]]:
    """Distinct items of each resource by capture time."""
    found: dict[Key, dict[str, dict[str, Any]]] = defaultdict(dict)
    for item in delivered.items:
        known = found[key(item)].setdefault(item["configurationItemCaptureTime"], item)
        assert known == item, "two copies of an item differ"
    return {k: [v[t] for t in sorted(v)] for k, v in found.items()}


def test_every_change_in_the_window_is_in_truth_once(delivered: Delivered) -> None:
    start = delivered.truth["window"]["start"]
    recorded = sorted(
        (*k, i["configurationItemCaptureTime"])
        for k, items in histories(delivered).items()
        for i in items
        if i["configurationItemCaptureTime"] >= start
    )
    told = sorted(
        (c["account"], c["region"], c["resourceType"], c["resourceId"], c["captureTime"])
        for c in delivered.truth["changes"]
    )
    assert recorded == told


def test_an_item_differs_from_the_one_before_it(delivered: Delivered) -> None:
    parts = (
        "configuration",
        "supplementaryConfiguration",
        "relationships",
        "tags",
        "configurationItemStatus",
    )
    for k, items in histories(delivered).items():
        for before, after in pairwise(items):
            assert [before[p] for p in parts] != [after[p] for p in parts], (
                k,
                after["configurationItemCaptureTime"],
            )


def test_statuses_follow_a_life(delivered: Delivered) -> None:
    seen = set()
    archived = {i["resourceId"] for i in delivered.truth["archive"]["items"]}
    for k, items in histories(delivered).items():
        statuses = [i["configurationItemStatus"] for i in items]
        seen |= set(statuses)
        if k[3] in archived:
            continue
        assert statuses[0] == "ResourceDiscovered", k
        assert "ResourceDeleted" not in statuses[:-1]
        assert "ResourceDiscovered" not in statuses[1:]
    assert seen == {"OK", "ResourceDiscovered", "ResourceDeleted"}
    assert len({k[2] for k in histories(delivered)}) >= 22


def test_causes_come_between_the_items_succeeded_and_name_the_resource(delivered: Delivered) -> None:
    by_id = delivered.by_id()
    items = {(*key(i), i["configurationItemCaptureTime"]): i for i in delivered.items}
    for change in delivered.truth["changes"]:
        if change["cause"] is None:
            continue
        event = by_id[change["cause"]]
        assert "errorCode" not in event
        assert event["readOnly"] is False
        assert event["recipientAccountId"] == change["account"]
        at = event["eventTime"]
        assert at <= change["captureTime"], change
        assert second(change["captureTime"]) - second(at) < 300
        if change["previousCaptureTime"]:
            assert at >= change["previousCaptureTime"][:19], change
        item = items[
            change["account"],
            change["region"],
            change["resourceType"],
            change["resourceId"],
            change["captureTime"],
        ]
        names = {
            item["resourceId"],
            item["resourceName"],
            item["ARN"],
            *(r["resourceId"] for r in item["relationships"]),
        }
        text = json.dumps([event["requestParameters"], event["responseElements"]])
        if item["configurationItemStatus"] != "ResourceDeleted":
            assert any(n and n in text for n in names), change


def test_share_of_crowded_and_of_causeless_changes(delivered: Delivered) -> None:
    """Counts the writes that name the resource between two items, from the delivered files alone."""
    writes: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for event in delivered.by_id().values():
        if event.get("readOnly") is False:
            text = json.dumps([event.get("requestParameters"), event.get("resources")])
            writes[event["recipientAccountId"]].append((event["eventTime"], text))
    for found in writes.values():
        found.sort()
    names = {(*key(i),): (i["resourceId"], i["resourceName"], i["ARN"]) for i in delivered.items}
    crowded = 0
    changes = delivered.truth["changes"]
    for change in changes:
        labels = [
            n
            for n in names[change["account"], change["region"], change["resourceType"], change["resourceId"]]
            if n
        ]
        first = (change["previousCaptureTime"] or delivered.truth["window"]["start"])[:19]
        count = sum(
            1
            for at, text in writes[change["account"]]
            if first <= at <= change["captureTime"] and any(f'"{n}"' in text for n in labels)
        )
        crowded += count >= 3
    assert crowded / len(changes) >= 0.30
    without = sum(c["cause"] is None for c in changes) / len(changes)
    assert 0.04 <= without <= 0.075


def test_the_opened_group_before_and_after(delivered: Delivered) -> None:
    attack = delivered.truth["attack"]
    items = histories(delivered)[
        "111122223333", "us-east-1", "AWS::EC2::SecurityGroup", attack["securityGroup"]
    ]
    open_to_all = [
        any(
            p.get("fromPort") == 22 and "0.0.0.0/0" in p["ipRanges"]
            for p in i["configuration"]["ipPermissions"]
        )
        for i in items
    ]
    assert open_to_all == [False, True, False]
    assert items[1]["configurationItemCaptureTime"] > attack["times"]["portOpened"]
    assert items[2]["configurationItemCaptureTime"] > attack["times"]["portClosed"]


def test_the_unencrypted_volume_lived_and_died(delivered: Delivered) -> None:
    volume = delivered.truth["attack"]["unencryptedVolume"]
    items = histories(delivered)["111122223333", "us-east-1", "AWS::EC2::Volume", volume]
    assert [i["configurationItemStatus"] for i in items] == [
        "ResourceDiscovered",
        "OK",
        "OK",
        "ResourceDeleted",
    ]
    assert items[0]["configuration"]["encrypted"] is False


def test_archive_holds_what_published_queries_name(delivered: Delivered) -> None:
    by_id = delivered.by_id()
    records = delivered.truth["archive"]["events"]
    assert len(records) > 100
    for r in records:
        assert by_id[r["eventID"]]["eventTime"] == r["eventTime"]
    text = json.dumps([by_id[r["eventID"]] for r in records])
    for name in (
        "192.0.2.76",
        "AKIAIOSFODNN7EXAMPLE",
        "arn:aws:iam::555555555555:role/alice",
        "example/datafile.txt",
        "i-b188560f",
        "demo-20230707",
        "alice@example.com",
        "aurora-mysql",
        "VpceAccessDenied",
    ):
        assert name in text
    july = [r for r in records if r["eventTime"].startswith("2021-07") and r["account"] == "111122223333"]
    assert {r["region"] for r in july} == {"us-east-1", "us-east-2", "us-west-2"}
