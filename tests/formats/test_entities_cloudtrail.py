"""What an event names, and as what."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.formats.cloudtrail_entities import entities_of, named
from ashiato.formats.entities import KINDS, entity_hash, named_in_arn
from ashiato.formats.open_entities import found_in, things_in
from formats.cloudtrail_samples import AGGREGATED, CORPORA, EVERY, Record, file_of, plain, read, said, tight

Entities = set[tuple[str, str, str]]


def of(record: Record) -> Entities:
    """Of one event as the table holds it; the column `entities` must tell the same."""
    (row,) = said(file_of([record]))
    row.pop("key")
    found = entities_of(row)
    assert len(found) == len(set(found))
    assert sorted(row["entities"]) == sorted({entity_hash(kind, value) for kind, value, _ in found})
    assert {kind for kind, _, _ in found} <= set(KINDS)
    return set(found)


def target(request: Any = None, response: Any = None, **changes: Any) -> Entities:
    """What request and response name, besides who called."""
    base = {"requestParameters": None, "responseElements": None}
    return of(
        plain(1, **(base | {"requestParameters": request, "responseElements": response}), **changes)
    ) - of(plain(1, **base))


def test_who_and_whence() -> None:
    assert of(EVERY) >= {
        ("principal", "arn:aws:sts::111111111111:assumed-role/ops/alice@example.com", "actor"),
        ("issuer", "arn:aws:iam::111111111111:role/team/ops", "actor"),
        ("session", "alice@example.com", "actor"),
        ("access_key", "ASIAIOSFODNN7EXAMPLE", "actor"),
        ("user", "alice", "actor"),
        ("resource", "ops", "actor"),
        ("source_identity", "alice", "actor"),
        ("user", "u-1", "actor"),
        ("account", "111111111111", "actor"),
        ("account", "222222222222", "actor"),
        ("arn", "arn:aws:lambda:us-east-1:111111111111:function:f", "actor"),
        ("address", "198.51.100.7", "origin"),
        ("resource", "vpce-0123456789abcdef0", "origin"),
        ("account", "333333333333", "origin"),
        ("account", "111111111111", "target"),
        ("arn", "arn:aws:s3:::b/k", "target"),
        ("resource", "b", "target"),
    }


def test_an_event_without_a_caller_names_what_it_has() -> None:
    record = plain(
        1,
        userIdentity={"accountId": "111111111111", "invokedBy": "ec2.amazonaws.com"},
        sourceIPAddress="ec2.amazonaws.com",
    )
    assert of(record | {"requestParameters": None}) == {
        ("account", "111111111111", "actor"),
        ("account", "111111111111", "target"),
        ("address", "ec2.amazonaws.com", "origin"),
    }
    assert not {k for k, *_ in of(record | {"sourceIPAddress": "AWS Internal/3", "userIdentity": None})} & {
        "address"
    }


def test_addresses_are_canonical() -> None:
    assert ("address", "2001:db8::1", "origin") in of(plain(1, sourceIPAddress="2001:DB8:0:0::1"))


def test_a_session_of_an_instance_names_the_instance() -> None:
    identity = {"type": "AssumedRole", "principalId": "AROAX:i-0123456789abcdef0", "arn": "a"}
    assert of(plain(1, userIdentity=identity)) >= {
        ("session", "i-0123456789abcdef0", "actor"), ("instance", "i-0123456789abcdef0", "actor"),
    }  # fmt: skip


REQUESTS: dict[str, tuple[Any, Any, Entities]] = {
    "CreateAccessKey": (
        {"userName": "eve"},
        {"accessKey": {"accessKeyId": "AKIAI44QH8DHBEXAMPLE", "status": "Active", "userName": "eve", "createDate": "Jan 1, 2024"}},
        {("access_key", "AKIAI44QH8DHBEXAMPLE", "target"), ("user", "eve", "target")},
    ),
    "AssumeRole": (
        {"roleArn": "arn:aws:iam::222222222222:role/x/admin", "roleSessionName": "s1", "sourceIdentity": "alice"},
        {
            "credentials": {"accessKeyId": "ASIAI44QH8DHBEXAMPLE", "sessionToken": "IQoJ", "expiration": "Jan 1"},
            "assumedRoleUser": {"assumedRoleId": "AROAX:s1", "arn": "arn:aws:sts::222222222222:assumed-role/admin/s1"},
        },
        {
            ("arn", "arn:aws:iam::222222222222:role/x/admin", "target"),
            ("resource", "admin", "target"),
            ("session", "s1", "target"),
            ("source_identity", "alice", "target"),
            ("access_key", "ASIAI44QH8DHBEXAMPLE", "target"),
            ("arn", "arn:aws:sts::222222222222:assumed-role/admin/s1", "target"),
            ("resource", "AROAX:s1", "target"),
        },
    ),
    "AttachUserPolicy": (
        {"userName": "eve", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        None,
        {
            ("user", "eve", "target"),
            ("arn", "arn:aws:iam::aws:policy/AdministratorAccess", "target"),
            ("resource", "AdministratorAccess", "target"),
        },
    ),
    "UpdateAssumeRolePolicy": (
        {"roleName": "ops", "policyDocument": '{"Statement":[{"Principal":{"AWS":"arn:aws:iam::999999999999:user/m"}}]}'},
        None,
        {
            ("resource", "ops", "target"),
            ("arn", "arn:aws:iam::999999999999:user/m", "target"),
            ("user", "m", "target"),
        },
    ),
    "AuthorizeSecurityGroupIngress": (
        {
            "groupId": "sg-0123456789abcdef0",
            "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": {"items": [
                {"cidrIp": "0.0.0.0/0"}, {"cidrIp": "10.0.0.0/8"}, {"cidrIp": "203.0.113.9/32"}]}}]},
        },
        {"securityGroupRuleSet": {"items": [{"groupOwnerId": "111111111111", "securityGroupRuleId": "sgr-0123456789abcdef0",
                                             "cidrIpv4": "0.0.0.0/0", "cidrIpv6": "2001:db8::5/128"}]}},
        {
            ("resource", "sg-0123456789abcdef0", "target"),
            ("resource", "sgr-0123456789abcdef0", "target"),
            ("address", "203.0.113.9", "peer"),
            ("address", "2001:db8::5", "peer"),
        },
    ),
    "TerminateInstances": (
        {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}, {"instanceId": "i-95b86090"}]}},
        {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0", "currentState": {"code": 32, "name": "shutting-down"}}]}},
        {("instance", "i-0123456789abcdef0", "target"), ("instance", "i-95b86090", "target")},
    ),
    "DescribeVpcs by filter": (
        {"filterSet": {"items": [{"name": "vpc-id", "valueSet": {"items": [{"value": "vpc-0123456789abcdef0"}]}}]}},
        None,
        {("resource", "vpc-0123456789abcdef0", "target")},
    ),
    "DeleteFlowLogs": (
        {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-0e17aa62a21d4bbfe"}}},
        {"DeleteFlowLogsResponse": {"unsuccessful": "", "requestId": "r"}},
        {("resource", "fl-0e17aa62a21d4bbfe", "target")},
    ),
    "StopLogging": ({"name": "main-trail"}, None, {("resource", "main-trail", "target")}),
    "StopLogging by ARN": (
        {"name": "arn:aws:cloudtrail:us-east-1:111111111111:trail/main-trail"},
        None,
        {
            ("arn", "arn:aws:cloudtrail:us-east-1:111111111111:trail/main-trail", "target"),
            ("resource", "main-trail", "target"),
        },
    ),
    "GetParameters": (
        {"names": ["/prod/a", "/prod/b"], "withDecryption": True},
        None,
        {("resource", "/prod/a", "target"), ("resource", "/prod/b", "target")},
    ),
    "PutParameter": ({"type": "SecureString", "name": "/prod/a", "value": "HIDDEN_DUE_TO_SECURITY_REASONS"}, None, {("resource", "/prod/a", "target")}),
    "UpdateFunctionCode by ARN": (
        {"functionName": "arn:aws:lambda:us-east-1:111111111111:function:pay", "s3Bucket": "code", "s3Key": "x.zip"},
        {"functionName": "pay", "revisionId": "80497f44-ab61-49ef-b235-4166136e3d10", "runtime": "python3.12"},
        {
            ("arn", "arn:aws:lambda:us-east-1:111111111111:function:pay", "target"),
            ("resource", "pay", "target"),
            ("resource", "code", "target"),
        },
    ),
    "PutBucketPolicy": (
        {"bucketName": "corp", "Host": "corp.s3.amazonaws.com", "policy": "", "bucketPolicy": {"Statement": [
            {"Sid": "x", "Principal": {"AWS": ["arn:aws:iam::999999999999:root"]}, "Resource": "arn:aws:s3:::corp/*"}]}},
        None,
        {("resource", "corp", "target"), ("arn", "arn:aws:iam::999999999999:root", "target")},
    ),
    "ModifySnapshotAttribute": (
        {"snapshotId": "snap-083d3b857c13988bc", "attributeType": "CREATE_VOLUME_PERMISSION",
         "createVolumePermission": {"add": {"items": [{"userId": "999999999999"}, {"group": "all"}]}}},
        {"_return": True, "requestId": "x"},
        {("resource", "snap-083d3b857c13988bc", "target"), ("account", "999999999999", "target")},
    ),
    "ModifyDBSnapshotAttribute": (
        {"dBSnapshotIdentifier": "exfiltration", "attributeName": "restore", "valuesToAdd": ["999999999999"]},
        None,
        {("resource", "exfiltration", "target"), ("account", "999999999999", "target")},
    ),
    "Decrypt": (
        {"encryptionContext": {"SecretARN": "arn:aws:secretsmanager:us-east-1:111111111111:secret:db-AbCdEf"},
         "keyId": "arn:aws:kms:us-east-1:111111111111:key/0000-1111", "encryptionAlgorithm": "SYMMETRIC_DEFAULT"},
        None,
        {
            ("arn", "arn:aws:secretsmanager:us-east-1:111111111111:secret:db-AbCdEf", "target"),
            ("resource", "db", "target"),
            ("arn", "arn:aws:kms:us-east-1:111111111111:key/0000-1111", "target"),
            ("resource", "0000-1111", "target"),
        },
    ),
    "RunInstances": (
        {"instancesSet": {"items": [{"imageId": "ami-029eb80bc237bec6f"}]}, "instanceType": "t3.micro",
         "iamInstanceProfile": {"name": "web"}, "clientToken": "0f0f", "keyName": "ops-key"},
        {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0", "privateIpAddress": "10.0.1.10",
          "networkInterfaceSet": {"items": [{"networkInterfaceId": "eni-06b7a305fe9519d03"}]}}]}},
        {
            ("resource", "ami-029eb80bc237bec6f", "target"),
            ("resource", "web", "target"),
            ("resource", "ops-key", "target"),
            ("instance", "i-0123456789abcdef0", "target"),
            ("interface", "eni-06b7a305fe9519d03", "target"),
            ("address", "10.0.1.10", "target"),
        },
    ),
    "figures": ({"maxResults": 100, "fromPort": 22, "requestId": "x", "nextToken": "t", "id": "1", "masterUsername": "admin"}, None, set()),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_and_responses(name: str) -> None:
    request, response, expected = REQUESTS[name]
    own = of(plain(1, requestParameters=None))
    assert target(request, response) == expected - own


def test_a_denied_call_names_its_target_in_the_message() -> None:
    message = (
        "User: arn:aws:iam::111111111111:user/eve is not authorized to perform: sts:AssumeRole on resource:"
        " arn:aws:iam::111111111111:role/admin"
    )
    for text in (message, message + ".", message + " because no identity-based policy allows it"):
        assert target(errorMessage=text) == {
            ("arn", "arn:aws:iam::111111111111:role/admin", "target"), ("resource", "admin", "target"),
        }  # fmt: skip


def test_other_open_columns() -> None:
    found = target(
        additionalEventData={"SwitchFrom": "arn:aws:iam::111111111111:user/bob", "x-amz-id-2": "zz"},
        serviceEventDetails={"snapshotId": "snap-083d3b857c13988bc"},
    )
    assert found == {
        ("arn", "arn:aws:iam::111111111111:user/bob", "target"), ("user", "bob", "target"),
        ("resource", "snap-083d3b857c13988bc", "target"),
    }  # fmt: skip
    assert ("arn", "arn:aws:s3:::corp-data", "target") in of(AGGREGATED)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":":","userName":":"}',
        '{"x":"\\",\\"userName\\":\\"eve"}',
        '{"x":"{\\"userName\\":\\"eve\\"}"}',
        '{"userName":7}',
    ],
)
def test_text_cannot_forge_a_key(text: str) -> None:
    assert ("user", "target", "eve") not in things_in(text)
    assert vectorised([text]) == [set(things_in(text))]


def test_huge_and_many_values_are_bounded() -> None:
    found = target(
        {
            "roleName": "x" * 5000,
            "names": [f"n{i}" for i in range(1000)],
            "l": [f"i-{i:017x}" for i in range(300)],
        }
    )
    assert len([e for e in found if e[0] == "resource"]) == 64
    assert len([e for e in found if e[0] == "instance"]) == 300


@pytest.mark.parametrize(
    ("arn", "kind", "name"),
    [
        ("arn:aws:iam::1:user/a/b", "user", "b"),
        ("arn:aws:iam::1:instance-profile/p", "resource", "p"),
        ("arn:aws:sts::1:assumed-role/r/s", "resource", "r"),
        ("arn:aws-cn:s3:::b", "resource", "b"),
        ("arn:aws:ec2:r:1:instance/i-1", "instance", "i-1"),
        ("arn:aws:ec2:r:1:network-interface/eni-1", "interface", "eni-1"),
        ("arn:aws:ec2:r:1:security-group/sg-1", "resource", "sg-1"),
        ("arn:aws:rds:r:1:db:main", "resource", "main"),
        ("arn:aws:kms:r:1:alias/aws/s3", "resource", "alias/aws/s3"),
        ("arn:aws:ssm:r:1:parameter/a/b", "resource", "/a/b"),
        ("arn:aws:ssm:r:1:parameter/a", "resource", "a"),
        ("arn:aws:logs:r:1:log-group:/aws/x:*", "resource", "/aws/x"),
        ("arn:aws:dynamodb:r:1:table/t/index/i", "resource", "t"),
        ("arn:aws:sns:r:1:topic", "resource", "topic"),
        ("arn:aws:lambda:r:1:function:f:PROD", "resource", "f"),
        ("arn:aws:iam::1:root", None, None),
        ("arn:aws:unknown:r:1:x/y", None, None),
        ("arn:short", None, None),
    ],
)
def test_names_in_arns(arn: str, kind: str | None, name: str | None) -> None:
    assert named_in_arn(arn) == (() if kind is None else ((kind, "target", name),))


# -- one definition --------------------------------------------------------------------------------------


def vectorised(texts: list[str]) -> list[set[Any]]:
    out: list[set[Any]] = [set() for _ in texts]
    for part in found_in(pa.array(texts, pa.string()), pa.array(range(len(texts)), pa.int32())):
        for row, code in zip(part.rows.to_pylist(), part.codes.to_pylist(), strict=True):
            out[row] |= set(part.things[code])
    return out


_words = st.sampled_from(
    [":", ":[", ",", "name", "values", "eve", "i-0123456789abcdef0", "arn:aws:iam::1:role/r", "123456789012", "", "{", "\n",
     "AKIAIOSFODNN7EXAMPLE", "10.0.0.1", "0.0.0.0/0", "a b", 'q"q', "back\\slash", "足", '{"AWS":"123456789012"}']
)  # fmt: skip
_keys = st.sampled_from(
    ["name", "Name", "userName", "roleArn", "instanceIds", "values", "code", "state", "filter", "cidrIp", "accessKeyId", "id",
     "bucketName", "names", ":", ":[", "x", "publicIp", "roleSessionName", "a\"b", "requestId", "keyId"]
)  # fmt: skip
_values = st.recursive(
    _words | st.integers(0, 99) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.dictionaries(_keys, _values, max_size=4), max_size=6), st.booleans())
def test_one_definition_told_twice(documents: list[Any], ascii_: bool) -> None:
    texts = [json.dumps(d, separators=(",", ":"), ensure_ascii=ascii_) for d in documents]
    assert vectorised(texts) == [set(things_in(text)) for text in texts]
    assert vectorised(texts * 2) == [set(things_in(text)) for text in texts * 2]


def test_one_definition_over_the_corpora() -> None:
    files = sorted(CORPORA.glob("cloudtrail-*/*.json"))
    if not files:
        pytest.skip("the corpora are not here")
    for file in files[:20]:
        rows, _ = read(file.read_bytes())
        assert rows is not None
        columns = {name: rows.rows[name].combine_chunks() for name in rows.rows.column_names}
        found = named(columns)
        by_row: list[set[int]] = [set() for _ in range(rows.rows.num_rows)]
        for row, kind, value in zip(*(found[c].to_pylist() for c in ("row", "kind", "value")), strict=True):
            by_row[row].add(entity_hash(KINDS[kind], value))
        lists = rows.rows["entities"].to_pylist()
        assert [set(x) for x in lists] == by_row
        assert all(len(x) == len(set(x)) for x in lists)
        for text in rows.rows["requestParameters"].drop_null().to_pylist():
            assert vectorised([text]) == [set(things_in(text))]


def test_text_that_is_no_json_names_nothing() -> None:
    assert things_in('{"a":"unfinished') == []
    assert tight({}) == "{}"
    assert things_in("{}") == []
