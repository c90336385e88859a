"""A configuration item and the roads that it may come by, for the tests of its reader."""

from __future__ import annotations

import copy
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import Raw

from ashiato.formats.config_items import read_document
from ashiato.formats.reading import ObjectOrigin, Part, Rows

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


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
