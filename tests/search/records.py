"""Records of the tests' lake: ordinary ones and ones whose every text is meant to break something. The tests' expected
answers are computed from these lists, never by SQL."""

from __future__ import annotations

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from intake.taking_in import write, write_events

Record = dict[str, Any]
ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGIONS = ("us-east-1", "ap-northeast-1")
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 4

NAMES = (
    "alice", "Alice", "bob", "O'Brien", "100%_sure", "back\\slash", 'say "hi"', "太郎", "=cmd|' /C calc'!A0", "-x",
    "<script>alert(1)</script>", "AND", "a,b", "(c)", "ÀÉÎ", "\u202egnp", "", "*", "a..b", "tab\there",
)  # fmt: skip
SERVICES = ("ec2.amazonaws.com", "s3.amazonaws.com", "iam.amazonaws.com", "signin.amazonaws.com")
EVENTS = (
    "RunInstances",
    "GetObject",
    "PutObject",
    "CreateUser",
    "ConsoleLogin",
    "DescribeInstances",
    "getObject",
)
ADDRESSES = (
    "198.51.100.7", "198.51.100.200", "203.0.113.9", "010.0.0.1", "::ffff:203.0.113.9", "2001:db8::1",
    "2001:DB8:0:0:0:0:0:1", "2001:db8:0:1::1", "cloudformation.amazonaws.com", "AWS Internal", "10.0.0.1",
    "1.2.3.4.5", "::", "fe80::1%eth0", None,
)  # fmt: skip
ERRORS = (None, None, None, "AccessDenied", "Client.UnauthorizedOperation", "NoSuchKey")
BUCKETS = ("logs", "Logs", "my bucket", "data-2026", 'q"uote', None, 17, True)


def events(count: int = 400, seed: int = 5) -> list[Record]:
    """CloudTrail records over DAYS days; some at one moment, so that pages part inside it."""
    rng = random.Random(seed)
    return [_event(rng) for _ in range(count)]


def _event(rng: random.Random) -> Record:
    account = rng.choice(ACCOUNTS)
    time = FIRST + timedelta(seconds=rng.choice((3600, 7200, rng.randrange(DAYS * 86400))))
    name = rng.choice(NAMES)
    parameters: Any = rng.choice(
        (
            None,
            {
                "bucketName": rng.choice(BUCKETS),
                "key": f"k{rng.randrange(9)}",
                "maxResults": rng.randrange(40),
            },
            {"instancesSet": {"items": [{"instanceId": f"i-{n:017x}"} for n in range(rng.randrange(4))]}},
            {"bucketName": ["logs", name], "empty": {}, "a.b": 1},
        )
    )
    made: Record = {
        "eventVersion": "1.11",
        "eventTime": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": rng.choice(SERVICES),
        "eventName": rng.choice(EVENTS),
        "awsRegion": rng.choice(REGIONS),
        "sourceIPAddress": rng.choice(ADDRESSES),
        "userAgent": rng.choice(("aws-cli/2.0", "Boto3/1.34 md/Botocore", name)),
        "requestParameters": parameters,
        "responseElements": None,
        "requestID": str(uuid.UUID(int=rng.getrandbits(128))),
        "eventID": str(uuid.UUID(int=rng.getrandbits(128))),
        "readOnly": rng.choice((True, False)),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        "userIdentity": rng.choice(
            (
                {
                    "type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": account, "userName": name,
                    "arn": f"arn:aws:iam::{account}:user/{name}", "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
                },
                {"type": "AWSService", "invokedBy": "config.amazonaws.com"},
                {"type": "Unknown", "principalId": f"AROA:{name}", "accountId": account},
            )
        ),
    }  # fmt: skip
    error = rng.choice(ERRORS)
    if error:
        made |= {"errorCode": error, "errorMessage": f"{name} may not; ünïcode"}
    if rng.random() < 0.3:
        made["resources"] = [
            {"ARN": f"arn:aws:s3:::{b}", "accountId": account, "type": "AWS::S3::Bucket"}
            for b in rng.sample(("logs", "data", name), 2)
        ]
    return made


def flows(count: int = 300, seed: int = 6) -> list[Record]:
    """Flow records as their columns."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        start = int(FIRST.timestamp()) + rng.randrange(DAYS * 86400)
        made.append(
            {
                "account-id": rng.choice(ACCOUNTS),
                "interface-id": f"eni-{rng.randrange(3):017x}",
                "srcaddr": rng.choice(("198.51.100.7", "10.0.1.5", "203.0.113.9", "2001:db8::1")),
                "dstaddr": rng.choice(("10.0.1.5", "10.0.1.6", "2001:db8::2")),
                "srcport": rng.choice((22, 443, 50000, 1024)),
                "dstport": rng.choice((22, 443, 3389, 1025)),
                "protocol": rng.choice((6, 17)),
                "packets": rng.randrange(1, 50),
                "bytes": rng.randrange(40, 5000),
                "start": start,
                "end": start + 60,
                "action": rng.choice(("ACCEPT", "REJECT")),
                "log-status": "OK",
            }
        )
    return made


def items(count: int = 60, seed: int = 7) -> list[Record]:
    """Configuration items."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        time = FIRST + timedelta(seconds=rng.randrange(DAYS * 86400))
        name = rng.choice(NAMES)
        made.append(
            {
                "configurationItemVersion": "1.3",
                "configurationItemCaptureTime": f"{time:%Y-%m-%dT%H:%M:%S}.{number:03d}Z",
                "configurationStateId": 1_790_000_000_000 + number,
                "awsAccountId": rng.choice(ACCOUNTS),
                "configurationItemStatus": rng.choice(("OK", "ResourceDeleted")),
                "resourceType": rng.choice(("AWS::EC2::SecurityGroup", "AWS::S3::Bucket")),
                "resourceId": f"sg-{number % 9:017x}",
                "resourceName": name,
                "ARN": f"arn:aws:ec2:us-east-1:111111111111:security-group/sg-{number % 9:017x}",
                "awsRegion": rng.choice(REGIONS),
                "tags": {"Name": name, "Team": rng.choice(("web", "ops"))},
                "relationships": [],
                "configuration": {"ipPermissions": [{"fromPort": rng.choice((22, 443)), "toPort": 65535}]},
                "supplementaryConfiguration": {},
            }
        )
    return made


def write_all(folder: Path, cloudtrail: list[Record], flow: list[Record], config: list[Record]) -> None:
    """As AWS delivers them, a day a file, so that the lake has several."""
    for day in range(DAYS):
        date = FIRST + timedelta(days=day)
        mine = [e for e in cloudtrail if e["eventTime"].startswith(f"{date:%Y-%m-%d}")]
        write_events(folder / f"cloudtrail/{date:%Y%m%d}.json.gz", mine)
    columns = list(flow[0])
    lines = [" ".join(columns), *(" ".join(str(f[c]) for c in columns) for f in flow)]
    stem = "AWSLogs/111111111111/vpcflowlogs/us-east-1/2026/11/05"
    name = "111111111111_vpcflowlogs_us-east-1_fl-0123456789abcdef0_20261105T0000Z_00000001.log.gz"
    write(folder / stem / name, ("\n".join(lines) + "\n").encode())
    document = json.dumps({"fileVersion": "1.0", "configurationItems": config}).encode()
    stem = "AWSLogs/111111111111/Config/us-east-1/2026/11/5/ConfigHistory"
    name = "111111111111_Config_us-east-1_ConfigHistory_AWS::EC2::SecurityGroup_20261105T000000Z_1.json.gz"
    write(folder / stem / name, document)
