"""Items and events that a test writes, as AWS delivers them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intake.taking_in import collect, write, write_events

ACCOUNT, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
GROUP, BUCKET, ROLE = "AWS::EC2::SecurityGroup", "AWS::S3::Bucket", "AWS::IAM::Role"


def item(time: str, type_: str, id_: str, configuration: Any, **more: Any) -> dict[str, Any]:
    """A configuration item of ACCOUNT in REGION. `time`: 2026-11-20T10:00:00.123Z."""
    account, region = more.get("awsAccountId", ACCOUNT), more.get("awsRegion", REGION)
    service, kind = type_.split("::")[1:]
    return {
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": time,
        "configurationStateId": int("".join(c for c in time if c.isdigit())[:17]),
        "awsAccountId": account,
        "awsRegion": region,
        "configurationItemStatus": "OK",
        "resourceType": type_,
        "resourceId": id_,
        "resourceName": id_,
        "ARN": f"arn:aws:{service.lower()}:{region}:{account}:{kind.lower()}/{id_}",
        "availabilityZone": "Not Applicable",
        "tags": {},
        "relationships": [],
        "relatedEvents": [],
        "configuration": configuration,
        "supplementaryConfiguration": {},
        **more,
    }


def call(time: str, source: str, name: str, request: Any, **more: Any) -> dict[str, Any]:
    """A management event that wrote. `time`: 2026-11-20T10:00:00Z."""
    account = more.get("recipientAccountId", ACCOUNT)
    event_id = str(
        uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([time, source, name, request, more], sort_keys=True))
    )
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": f"arn:aws:iam::{account}:user/alice",
            "accountId": account, "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "alice",
        },
        "eventTime": time,
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.27",
        "requestParameters": request,
        "responseElements": None,
        "eventID": event_id,
        "requestID": event_id,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        **more,
    }  # fmt: skip


def taken(folder: Path, items: Sequence[dict[str, Any]], events: Sequence[dict[str, Any]] = ()) -> Path:
    """A home that holds these."""
    files = folder / "files"
    document = {"fileVersion": "1.0", "configurationItems": list(items)}
    name = f"{ACCOUNT}_Config_{REGION}_ConfigHistory_x_20261120T000000Z_1.json.gz"
    write(files / "config" / name, json.dumps(document).encode())
    if events:
        write_events(files / "trail" / "events.json.gz", events)
    report = collect(folder / "home", files).as_json()
    assert report["records"]["config_items"] == len(items), report
    return folder / "home"


def rule(port: int, *ranges: str) -> dict[str, Any]:
    return {
        "ipProtocol": "tcp", "fromPort": port, "toPort": port, "userIdGroupPairs": [], "prefixListIds": [],
        "ipv4Ranges": [{"cidrIp": r} for r in ranges], "ipRanges": list(ranges), "ipv6Ranges": [],
    }  # fmt: skip


def group(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"groupName": "web", "ipPermissions": list(rules)}


def asked(id_: str, port: int, cidr: str) -> dict[str, Any]:
    """The request of AuthorizeSecurityGroupIngress and of RevokeSecurityGroupIngress."""
    ranges = {"items": [{"cidrIp": cidr}]}
    permission = {"ipProtocol": "tcp", "fromPort": port, "toPort": port, "ipRanges": ranges}
    return {"groupId": id_, "ipPermissions": {"items": [permission]}}
