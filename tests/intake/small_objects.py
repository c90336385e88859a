"""A folder of tiny objects in AWS's formats, with second copies; what is in it is known exactly."""

from __future__ import annotations

import gzip
import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("us-east-1", "ap-northeast-1", "eu-west-1")


@dataclass
class SmallObjects:
    """What was written: distinct event ids, flow records, items, records offered by table."""

    folder: Path
    events: set[str] = field(default_factory=set)
    flows: int = 0
    items: int = 0
    offered_events: int = 0
    offered_flows: int = 0
    objects: int = 0


def event(rng: random.Random, account: str, region: str, time: datetime) -> dict[str, object]:
    """One management event with an id of its own."""
    name = rng.choice(["DescribeInstances", "GetObject", "AssumeRole", "PutBucketPolicy"])
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": f"arn:aws:iam::{account}:user/u{rng.randrange(5)}",
            "accountId": account,
            "accessKeyId": f"AKIAEXAMPLE{rng.randrange(5)}",
            "userName": f"u{rng.randrange(5)}",
        },
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": f"192.0.2.{rng.randrange(256)}",
        "userAgent": "aws-cli/2.0",
        "requestParameters": {"instanceId": f"i-{rng.randrange(16**8):017x}"},
        "responseElements": None,
        "requestID": str(uuid.UUID(int=rng.getrandbits(128))),
        "eventID": str(uuid.UUID(int=rng.getrandbits(128))),
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }


def write_small_objects(
    folder: Path, *, objects: int, events_each: int = 8, days: int = 3, seed: int = 1
) -> SmallObjects:
    """`objects` CloudTrail files, a third of the records delivered twice, with flow and Config files between."""
    rng = random.Random(seed)
    made = SmallObjects(folder)
    first = datetime(2026, 10, 1, tzinfo=UTC)
    earlier: list[dict[str, object]] = []
    for number in range(objects):
        account, region = rng.choice(ACCOUNTS), rng.choice(REGIONS)
        time = first + timedelta(seconds=rng.randrange(days * 86400))
        records = []
        for _ in range(events_each):
            if earlier and rng.random() < 1 / 3:
                records.append(rng.choice(earlier))
            else:
                new = event(rng, account, region, time + timedelta(seconds=rng.randrange(300)))
                records.append(new)
                earlier.append(new)
                made.events.add(str(new["eventID"]))
        made.offered_events += len(records)
        path = (
            folder
            / f"AWSLogs/{account}/CloudTrail/{region}/{time:%Y/%m/%d}"
            / f"{account}_CloudTrail_{region}_{time:%Y%m%dT%H%M}Z_{number:016d}.json.gz"
        )
        _write(path, json.dumps({"Records": records}, separators=(",", ":")).encode())
        made.objects += 1
        if number % 10 == 0:
            _flow_file(made, rng, account, region, time, number)
        if number % 25 == 0:
            _config_file(made, rng, account, region, time, number)
    return made


def _flow_file(
    made: SmallObjects, rng: random.Random, account: str, region: str, time: datetime, number: int
) -> None:
    start = int(time.timestamp())
    lines = [
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
    ]
    lines += [
        f"2 {account} eni-0{rng.randrange(16**8):08x} 10.0.0.{i} 192.0.2.{i} {1024 + i} 443 6 10"
        f" {rng.randrange(10**6)} {start + i} {start + i + 60} ACCEPT OK"
        for i in range(12)
    ]
    content = ("\n".join(lines) + "\n").encode()
    base = made.folder / f"AWSLogs/{account}/vpcflowlogs/{region}/{time:%Y/%m/%d}"
    stem = f"{account}_vpcflowlogs_{region}_fl-0123456789abcdef0_{time:%Y%m%dT%H%M}Z_{number:08x}"
    # Every other file is delivered twice, under another name.
    copies = 1 + number % 20 // 10
    for copy in range(copies):
        _write(base / f"{stem}{copy}.log.gz", content)
        made.objects += 1
    made.flows += 12
    made.offered_flows += 12 * copies


def _config_file(
    made: SmallObjects, rng: random.Random, account: str, region: str, time: datetime, number: int
) -> None:
    items = [
        {
            "configurationItemVersion": "1.3",
            "configurationItemCaptureTime": time.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "configurationStateId": int(time.timestamp() * 1000) + i,
            "awsAccountId": account,
            "configurationItemStatus": "OK",
            "resourceType": "AWS::EC2::SecurityGroup",
            "resourceId": f"sg-{number:08x}{i}",
            "ARN": f"arn:aws:ec2:{region}:{account}:security-group/sg-{number:08x}{i}",
            "awsRegion": region,
            "tags": {},
            "relationships": [],
            "configuration": {"groupId": f"sg-{number:08x}{i}"},
            "supplementaryConfiguration": {},
        }
        for i in range(3)
    ]
    path = made.folder / (
        f"AWSLogs/{account}/Config/{region}/{time.year}/{time.month}/{time.day}/ConfigHistory/"
        f"{account}_Config_{region}_ConfigHistory_AWS::EC2::SecurityGroup_{time:%Y%m%dT%H%M%SZ}_{number}.json.gz"
    )
    _write(path, json.dumps({"fileVersion": "1.0", "configurationItems": items}).encode())
    made.objects += 1
    made.items += 3


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, 1, mtime=0))
