"""CloudTrail records and the roads that they may come by, made as AWS makes them."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ashiato.formats.reader import LogReader
from ashiato.formats.reading import ObjectOrigin, Part, Rows, Skipped, Unreadable

CORPORA = Path(os.environ.get("ASHIATO_CORPORA", Path(__file__).parents[2].parent / "shared" / "corpora"))
ORIGIN = ObjectOrigin("test", "s3://b/k", datetime(2024, 1, 2, tzinfo=UTC))
Record = dict[str, Any]

#: Every field that the record contents page documents for event versions 1.0 to 1.11.
EVERY: Record = {
    "eventVersion": "1.11",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROA123456789EXAMPLE:alice@example.com",
        "arn": "arn:aws:sts::111111111111:assumed-role/ops/alice@example.com",
        "accountId": "111111111111",
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "userName": "alice",
        "invokedBy": "cloudformation.amazonaws.com",
        "identityProvider": "arn:aws:iam::111111111111:saml-provider/idp",
        "credentialId": "cred-1",
        "sessionContext": {
            "attributes": {"mfaAuthenticated": "true", "creationDate": "2024-01-01T00:00:00Z"},
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROA123456789EXAMPLE",
                "arn": "arn:aws:iam::111111111111:role/team/ops",
                "accountId": "111111111111",
                "userName": "ops",
            },
            "webIdFederationData": {
                "federatedProvider": "arn:aws:iam::111111111111:oidc-provider/x",
                "attributes": {"aud": "a"},
            },
            "sourceIdentity": "alice",
            "ec2RoleDelivery": "2.0",
            "assumedRoot": "false",
        },
        "onBehalfOf": {"userId": "u-1", "identityStoreArn": "arn:aws:identitystore::1:identitystore/d-1"},
        "inScopeOf": {
            "issuerType": "AWS::Lambda::Function",
            "credentialsIssuedTo": "arn:aws:lambda:us-east-1:111111111111:function:f",
            "sourceAccount": "111111111111",
            "sourceArn": "arn:aws:lambda:us-east-1:111111111111:function:f",
        },
        "invokedByDelegate": {"accountId": "222222222222"},
    },
    "eventTime": "2024-01-01T12:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "PutObject",
    "awsRegion": "us-east-1",
    "sourceIPAddress": "198.51.100.7",
    "userAgent": "[aws-cli/2.15 (足跡)]",
    "errorCode": "AccessDenied",
    "errorMessage": 'He said "no"\nand went',
    "requestParameters": {"bucketName": "b", "Name": 1, "name": "足", "n": 1.50, "e": None},
    "responseElements": {"x-amz-request-id": "R", "list": [1, {"a": []}]},
    "additionalEventData": {"bytesTransferredIn": 1.0},
    "requestID": "req-1",
    "eventID": "11111111-2222-3333-4444-555555555555",
    "readOnly": False,
    "resources": [
        {"ARN": "arn:aws:s3:::b/k", "type": "AWS::S3::Object"},
        {"accountId": "111111111111", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b", "ARNPrefix": "p"},
    ],
    "eventType": "AwsApiCall",
    "apiVersion": "2006-03-01",
    "managementEvent": False,
    "recipientAccountId": "111111111111",
    "sharedEventID": "66666666-2222-3333-4444-555555555555",
    "vpcEndpointId": "vpce-0123456789abcdef0",
    "vpcEndpointAccountId": "333333333333",
    "serviceEventDetails": {"state": "ok"},
    "eventCategory": "Data",
    "insightDetails": {"state": "Start", "insightType": "ApiCallRateInsight"},
    "addendum": {
        "reason": "UPDATED_DATA",
        "updatedFields": "userIdentity.arn,requestParameters.bucketName",
        "originalRequestID": "req-0",
        "originalEventID": "00000000-2222-3333-4444-555555555555",
    },
    "sessionCredentialFromConsole": "true",
    "edgeDeviceDetails": {"type": "Snow"},
    "tlsDetails": {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": "b.s3.amazonaws.com",
        "keyExchange": "X25519MLKEM768",
    },
    "eventContext": {"requestContext": {"aws:SourceIp": "198.51.100.7"}, "tagContext": {"principalTags": []}},
    "timeWindow": {"windowStart": "2024-01-01T12:00:00Z"},
    "summary": {"primaryDimension": {}},
}

AGGREGATED: Record = {
    "eventVersion": "1.0",
    "accountId": "111111111111",
    "eventId": "a1111111-2222-3333-4444-555555555555",
    "eventCategory": "Aggregated",
    "eventType": "AwsAggregatedEvent",
    "awsRegion": "us-east-1",
    "timeWindow": {
        "windowStart": "2025-11-12T00:05:00Z",
        "windowEnd": "2025-11-12T00:10:00Z",
        "windowSize": "PT5M",
    },
    "summary": {
        "primaryDimension": {
            "dimension": "resourceARN",
            "statistics": [{"name": "arn:aws:s3:::corp-data", "value": 17}],
            "aggregationType": "Count",
        },
        "details": [],
    },
}

INSIGHT: Record = {
    "eventVersion": "1.08",
    "eventTime": "2024-02-01T00:01:00Z",
    "awsRegion": "us-east-1",
    "eventID": "b1111111-2222-3333-4444-555555555555",
    "eventType": "AwsCloudTrailInsight",
    "recipientAccountId": "111111111111",
    "sharedEventID": "c1111111-2222-3333-4444-555555555555",
    "insightDetails": {
        "state": "Start",
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "insightType": "ApiCallRateInsight",
        "insightContext": {"statistics": {"baseline": {"average": 0.0017}, "insight": {"average": 5}}},
    },
    "eventCategory": "Insight",
}

NETWORK: Record = {
    "eventVersion": "1.09",
    "userIdentity": {
        "type": "AWSAccount",
        "principalId": "AIDA123456789EXAMPLE",
        "accountId": "444444444444",
    },
    "eventTime": "2024-02-01T00:02:00Z",
    "eventSource": "kms.amazonaws.com",
    "eventName": "ListKeys",
    "awsRegion": "us-east-1",
    "sourceIPAddress": "10.0.0.5",
    "errorCode": "VpceAccessDenied",
    "errorMessage": "The request was denied due to a VPC endpoint policy",
    "requestID": "req-n",
    "eventID": "d1111111-2222-3333-4444-555555555555",
    "eventType": "AwsVpceEvents",
    "recipientAccountId": "111111111111",
    "vpcEndpointId": "vpce-0123456789abcdef0",
    "vpcEndpointAccountId": "111111111111",
    "eventCategory": "NetworkActivity",
}


def plain(number: int = 0, **changes: Any) -> Record:
    """An ordinary management event; `number` makes its id and time its own."""
    record: Record = {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDA123456789EXAMPLE",
            "arn": "arn:aws:iam::111111111111:user/eve",
            "accountId": "111111111111",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": "eve",
        },
        "eventTime": f"2024-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.15",
        "requestParameters": {"userName": f"user-{number}"},
        "responseElements": None,
        "requestID": f"{number:08x}-0000-0000-0000-000000000001",
        "eventID": f"{number:08x}-0000-0000-0000-000000000000",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111111111111",
        "eventCategory": "Management",
    }
    record.update(changes)
    return record


def tight(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def file_of(records: Sequence[Record]) -> bytes:
    """A file as CloudTrail delivers it, before gzip."""
    return tight({"Records": list(records)}).encode()


def subscription(messages: Sequence[str], **changes: Any) -> Record:
    """A subscription's payload, before gzip."""
    payload: Record = {
        "messageType": "DATA_MESSAGE",
        "owner": "111111111111",
        "logGroup": "CloudTrail/logs",
        "logStream": "111111111111_CloudTrail_us-east-1",
        "subscriptionFilters": ["Destination"],
        "logEvents": [
            {
                "id": f"3195310660696698337880902507980421114328961542429{i:07}",
                "timestamp": 1704110400000 + i,
                "message": m,
            }
            for i, m in enumerate(messages)
        ],
    }
    return payload | changes


CONTROL = {
    "messageType": "CONTROL_MESSAGE",
    "owner": "CloudwatchLogs",
    "logGroup": "",
    "logStream": "",
    "subscriptionFilters": [],
    "logEvents": [
        {
            "id": "",
            "timestamp": 1600110003794,
            "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose.",
        }
    ],
}


def sns(message: str) -> Record:
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-west-2:111111111111:t",
        "Subject": "x",
        "Message": message,
        "Timestamp": "2024-01-01T00:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.us-west-2.amazonaws.com/x.pem",
        "UnsubscribeURL": "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe",
    }


def eventbridge(record: Record, detail_type: str = "AWS API Call via CloudTrail") -> Record:
    return {
        "version": "0",
        "id": "36eb8523-97d0-4518-b33d-ee3579ff19f0",
        "detail-type": detail_type,
        "source": "aws.iam",
        "account": "111111111111",
        "time": record.get("eventTime", "2024-01-01T00:00:00Z"),
        "region": "us-east-1",
        "resources": [],
        "detail": record,
    }


def zipped(members: Sequence[bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("logs")
        for i, member in enumerate(members):
            archive.writestr(f"../{i}.json", member)
    return made.getvalue()


def _lookup(records: Sequence[Record], time: Callable[[Record], Any]) -> bytes:
    events = [
        {
            "EventId": r.get("eventID"),
            "EventName": r.get("eventName"),
            "ReadOnly": "false",
            "EventTime": time(r),
            "EventSource": r.get("eventSource"),
            "Username": "eve",
            "Resources": [{"ResourceType": "AWS::IAM::User", "ResourceName": "x"}],
            "CloudTrailEvent": tight(r),
        }
        for r in records
    ]
    return json.dumps({"Events": events, "NextToken": "t"}, indent=4).encode()


def _export(records: Sequence[Record]) -> bytes:
    """Every second message in several lines, as an application may print JSON."""
    lines = [
        f"2024-01-01T00:00:00.{i:03}Z {json.dumps(r, indent=2, ensure_ascii=False) if i % 2 else tight(r)}"
        for i, r in enumerate(records)
    ]
    return ("\n".join(lines) + "\n").encode()


#: Every road: records → the bytes of one object.
ROADS: dict[str, Callable[[Sequence[Record]], bytes]] = {
    "file": file_of,
    "file with white space": lambda rs: json.dumps({"Records": rs}, indent=2, ensure_ascii=False).encode(),
    "file with a byte order mark": lambda rs: b"\xef\xbb\xbf" + file_of(rs) + b"\r\n",
    "gzip": lambda rs: gzip.compress(file_of(rs)),
    "gzip of gzip": lambda rs: gzip.compress(gzip.compress(file_of(rs))),
    "bare array": lambda rs: tight(rs).encode(),
    "bare array with white space": lambda rs: json.dumps(rs, indent=1, ensure_ascii=False).encode(),
    "JSON Lines": lambda rs: "\n".join(map(tight, rs)).encode(),
    "JSON Lines, CRLF": lambda rs: ("\r\n".join(map(tight, rs)) + "\r\n").encode(),
    "JSON Lines with white space": lambda rs: "\n".join(
        json.dumps(r, ensure_ascii=False) for r in rs
    ).encode(),
    "without delimiter": lambda rs: "".join(map(tight, rs)).encode(),
    "files one after another": lambda rs: b"".join(file_of([r]) for r in rs),
    "a gzip member a file": lambda rs: b"".join(gzip.compress(file_of([r])) for r in rs),
    "LookupEvents on the wire": lambda rs: _lookup(rs, lambda _: 1704110400.0),
    "LookupEvents of the CLI": lambda rs: _lookup(rs, lambda _: "2024-01-01T12:00:00+09:00"),
    "LookupEvents of Boto3": lambda rs: _lookup(rs, lambda _: "2024-01-01 12:00:00+09:00"),
    "subscription": lambda rs: gzip.compress(tight(subscription([tight(r) for r in rs])).encode()),
    "subscription by Firehose": lambda rs: b"".join(
        gzip.compress(tight(p).encode()) for p in (CONTROL, *(subscription([tight(r)]) for r in rs))
    ),
    "subscription, gzip twice": lambda rs: gzip.compress(
        b"".join(gzip.compress(tight(subscription([tight(r)])).encode()) for r in rs)
    ),
    "subscription to Lambda": lambda rs: tight(
        {
            "awslogs": {
                "data": base64.b64encode(
                    gzip.compress(tight(subscription([tight(r) for r in rs])).encode())
                ).decode()
            }
        }
    ).encode(),
    "account-level subscription": lambda rs: tight(
        subscription([tight(r) for r in rs], policyLevel="ACCOUNT_LEVEL_POLICY")
    ).encode(),
    "filter-log-events": lambda rs: json.dumps(
        {
            "events": [
                {
                    "logStreamName": "s",
                    "timestamp": 1,
                    "message": tight(r),
                    "ingestionTime": 2,
                    "eventId": str(i),
                }
                for i, r in enumerate(rs)
            ],
            "searchedLogStreams": [],
        },
        indent=4,
    ).encode(),
    "export to S3": _export,
    "EventBridge": lambda rs: "\n".join(tight(eventbridge(r)) for r in rs).encode(),
    "SNS": lambda rs: "\n".join(tight(sns(tight(r))) for r in rs).encode(),
    "SNS around a file": lambda rs: tight(sns(file_of(rs).decode())).encode(),
    "SNS around EventBridge": lambda rs: tight([sns(tight(eventbridge(r))) for r in rs]).encode(),
    "SQS around SNS around EventBridge": lambda rs: tight(
        {
            "Messages": [
                {"MessageId": "m", "ReceiptHandle": "h", "Body": tight(sns(tight(eventbridge(r))))}
                for r in rs
            ]
        }
    ).encode(),
    "Lambda's SQS event": lambda rs: tight(
        {"Records": [{"messageId": "m", "body": tight(eventbridge(r)), "eventSource": "aws:sqs"} for r in rs]}
    ).encode(),
    "Lambda's SNS event": lambda rs: tight(
        {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns(tight(r))} for r in rs]}
    ).encode(),
    "Lambda's Kinesis event": lambda rs: tight(
        {
            "Records": [
                {
                    "eventSource": "aws:kinesis",
                    "eventVersion": "1.0",
                    "eventID": "shardId-0:1",
                    "eventName": "aws:kinesis:record",
                    "kinesis": {
                        "data": base64.b64encode(
                            gzip.compress(tight(subscription([tight(r)])).encode())
                        ).decode()
                    },
                }
                for r in rs
            ]
        }
    ).encode(),
    "Firehose's request": lambda rs: tight(
        {
            "requestId": "ed4acda5-034f-9f42-bba1-f29aea6d7d8f",
            "timestamp": 1578090901599,
            "records": [
                {"data": base64.b64encode(gzip.compress(tight(subscription([tight(r)])).encode())).decode()}
                for r in rs
            ],
        }
    ).encode(),
    "Firehose's request, plain": lambda rs: tight(
        {
            "requestId": "e",
            "timestamp": 1,
            "records": [{"data": base64.b64encode(tight(eventbridge(r)).encode()).decode()} for r in rs],
        }
    ).encode(),
    "zip": lambda rs: zipped([file_of([r]) for r in rs]),
    "zip of gzip": lambda rs: zipped([gzip.compress(file_of([r])) for r in rs]),
    "zip in zip": lambda rs: zipped([zipped([file_of(rs)])]),
    "zip in gzip": lambda rs: gzip.compress(zipped([file_of(rs)])),
}


def read(content: bytes, origin: ObjectOrigin = ORIGIN, **options: Any) -> tuple[Rows | None, list[Part]]:
    """The CloudTrail rows of one object, and the other parts."""
    reader = LogReader(**options)
    rows, others = [], []
    for part in reader.read(content, origin):
        (rows if isinstance(part, Rows) and part.table == "cloudtrail" else others).append(part)
    for part in (g.part for g in reader.settle()):
        if part is not None:
            (rows if isinstance(part, Rows) and part.table == "cloudtrail" else others).append(part)
    rest = reader.flush()
    rows += [rest] if rest is not None else []
    if not rows:
        return None, others
    keys = [r.keys for r in rows if r.keys is not None]
    return Rows("cloudtrail", pa.concat_tables(r.rows for r in rows), pa.concat_arrays(keys)), others


def said(content: bytes, **options: Any) -> list[Record]:
    """Rows of an object of which all must be readable, without provenance; `key` is added."""
    rows, others = read(content, **options)
    assert not [p for p in others if isinstance(p, Unreadable)], others
    assert rows is not None, others
    assert rows.keys is not None
    out = rows.rows.drop_columns(["delivered_at", "source", "object"]).to_pylist()
    for row, key in zip(out, rows.keys.to_pylist(), strict=True):
        row["key"] = key
    return out


def unreadable(parts: Sequence[Part]) -> list[Unreadable]:
    return [p for p in parts if isinstance(p, Unreadable)]


def skipped(parts: Sequence[Part]) -> list[str]:
    return [p.what for p in parts if isinstance(p, Skipped)]
