"""deploy/iam: what the collector needs, no more, and none of it writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sources.served import Bucket

IAM = Path(__file__).parents[2] / "deploy" / "iam"
POLICIES = sorted(IAM.glob("*.json"))
# Permissions that are no operation of their own, and the operation they permit.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
OPERATION = {"s3:ListBucket": "ListObjectsV2", "s3:GetObjectVersion": "GetObject"}
FILLED = {
    "BUCKET": "corp-logs", "PREFIX": "corp", "REGION": "eu-west-1", "KEY_ACCOUNT": "111122223333",
    "KEY_ID": "1234abcd-12ab-34cd-56ef-1234567890ab", "LOG_ACCOUNT": "111122223333",
    "COLLECTOR_ACCOUNT": "222233334444", "EXTERNAL_ID": "shop-42", "AWS": "AWS",
}  # fmt: skip


def filled(path: Path, **words: str) -> str:
    return re.sub(r"\b[A-Z]+(?:_[A-Z]+)*\b", lambda found: (FILLED | words)[found.group()], path.read_text())


def statements(path: Path) -> list[dict[str, Any]]:
    held = json.loads(path.read_text())
    assert held["Version"] == "2012-10-17"
    return list(held["Statement"])


def actions(path: Path) -> list[str]:
    found: list[str] = []
    for statement in statements(path):
        named = statement["Action"]
        found += [named] if isinstance(named, str) else named
    return found


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_action_exists_and_none_writes(path: Path) -> None:
    import botocore.session

    session = botocore.session.get_session()
    for action in actions(path):
        service, name = action.split(":")
        operations = session.get_service_model(service).operation_names
        assert OPERATION.get(action, name) in operations
        assert re.match(r"(Get|List|Describe|Decrypt$|AssumeRole$)", name)


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_least_privilege(path: Path) -> None:
    for statement in statements(path):
        assert statement["Effect"] == "Allow"
        assert statement["Sid"]
        assert "*" not in str(statement["Action"])
        assert statement.get("Resource") != "*"
        assert statement.get("Principal") != "*"


def test_the_set_of_policies() -> None:
    assert [path.stem for path in POLICIES] == [
        "assume-role",
        "decrypt-logs",
        "read-bucket",
        "trust-collector",
    ]
    assert actions(IAM / "read-bucket.json") == ["s3:ListBucket", "s3:GetObject", "s3:GetObjectVersion"]


def test_the_documentation_names_every_policy() -> None:
    documented = (IAM.parents[1] / "docs" / "sources.md").read_text()
    for path in POLICIES:
        assert f"deploy/iam/{path.name}" in documented


def test_iam_accepts_them(moto_port: int) -> None:
    """moto checks a policy document's grammar as IAM does (MalformedPolicyDocument)."""
    import boto3

    iam = boto3.client("iam", endpoint_url=f"http://127.0.0.1:{moto_port}", region_name="us-east-1")
    for path in POLICIES:
        if path.stem != "trust-collector":
            iam.create_policy(PolicyName=path.stem, PolicyDocument=filled(path))
    iam.create_role(RoleName="ashiato-read", AssumeRolePolicyDocument=filled(IAM / "trust-collector.json"))


def test_with_nothing_but_the_policy_reading_works_and_writing_does_not(
    bucket: Bucket, moto_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import urllib.request

    import boto3
    from botocore.exceptions import ClientError

    endpoint = f"http://127.0.0.1:{moto_port}"
    key = "corp/AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/05/x.json.gz"
    bucket.put([key])
    iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1")
    user = f"collector-{bucket.name}"
    iam.create_user(UserName=user)
    document = json.loads(filled(IAM / "read-bucket.json", BUCKET=bucket.name))
    # moto's authorizer knows no s3:prefix, and would deny every list.
    document["Statement"][0].pop("Condition")
    iam.put_user_policy(UserName=user, PolicyName="read", PolicyDocument=json.dumps(document))
    made = iam.create_access_key(UserName=user)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", made["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made["SecretAccessKey"])

    def enforce(after: bytes) -> None:
        headers = {"Content-Type": "text/plain"}
        urllib.request.urlopen(
            urllib.request.Request(f"{endpoint}/moto-api/reset-auth", after, headers)
        ).close()

    enforce(b"0")
    try:
        source = bucket.source("corp/")
        assert [source.fetch(ref) for ref in source.objects()] == [b"x"]
        client = boto3.Session().client("s3", endpoint_url=endpoint, region_name="us-east-1")
        for write in (
            lambda: client.put_object(Bucket=bucket.name, Key=key, Body=b"y"),
            lambda: client.delete_object(Bucket=bucket.name, Key=key),
            lambda: client.list_buckets(),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                write()
    finally:
        enforce(b"inf")
