"""Credentials, profiles, roles with external id; and no write ever."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import run

import pytest

from ashiato.core.errors import SourceUnavailable, WrongUse
from sources.served import Asked, Bucket, Fault, Proxy, trail

TODAY = datetime.now(UTC).date()
ROLE = "arn:aws:iam::111122223333:role/ashiato-read"


def posts(proxy: Proxy) -> list[Asked]:
    return [asked for asked in proxy.asked if asked.method == "POST"]


def test_a_role_is_assumed_once_with_the_external_id(bucket: Bucket, proxy: Proxy) -> None:
    bucket.put([trail(TODAY, n) for n in range(5)])
    source = bucket.source(role_arn=ROLE, external_id="shop-42")
    assert [source.fetch(ref) for ref in source.objects()] == [b"x"] * 5
    [assumed] = posts(proxy)
    assert assumed.path == "/"
    text = assumed.body.decode()
    assert "Action=AssumeRole" in text
    assert "ExternalId=shop-42" in text
    assert "RoleSessionName=ashiato" in text
    own = "AKIAIOSFODNN7EXAMPLE"
    assert own in assumed.headers["Authorization"]
    assert all(own not in asked.headers["Authorization"] for asked in proxy.asked if asked is not assumed)


def test_credentials_of_a_role_are_renewed_before_they_expire(bucket: Bucket, proxy: Proxy) -> None:
    bucket.put([trail(TODAY)])
    ends = datetime.now(UTC) + timedelta(minutes=1)
    short = Fault(
        200,
        body="<AssumeRoleResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><AssumeRoleResult>"
        "<Credentials><AccessKeyId>ASIASHORTSHORTSHORT1</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        f"<SessionToken>t</SessionToken><Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
        "</AssumeRoleResult></AssumeRoleResponse>",
        headers={"Content-Type": "text/xml"},
    )
    proxy.rule = lambda asked: short if asked.method == "POST" and len(posts(proxy)) == 1 else None
    source = bucket.source(role_arn=ROLE, external_id="shop-42")
    [ref] = source.objects()
    assert source.fetch(ref) == b"x"
    assert len(posts(proxy)) == 2
    assert "ASIASHORT" not in proxy.asked[-1].headers["Authorization"]


def test_a_role_that_may_not_be_assumed(bucket: Bucket, proxy: Proxy) -> None:
    proxy.rule = lambda asked: (
        Fault(403, "AccessDenied", "not authorized to perform: sts:AssumeRole")
        if asked.method == "POST"
        else None
    )
    with pytest.raises(SourceUnavailable, match="cannot be assumed") as caught:
        list(bucket.source(role_arn=ROLE, external_id="wrong").objects())
    assert "external id" in str(caught.value.remedy)


def test_an_external_id_needs_a_role(bucket: Bucket) -> None:
    with pytest.raises(WrongUse, match="role"):
        bucket.source(external_id="x")


def test_no_credentials_at_all(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceUnavailable, match="no AWS credentials"):
        list(bucket.source().objects())
    with pytest.raises(SourceUnavailable, match="no AWS credentials"):
        list(bucket.source(role_arn=ROLE).objects())


def test_a_profile_is_used_and_an_unknown_one_told(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put([trail(TODAY)])
    held = tmp_path / "credentials"
    held.write_text("[shop]\naws_access_key_id = AKIASHOPSHOPSHOPSHOP\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(held))
    assert len(list(bucket.source(profile="shop").objects())) == 1
    assert all("AKIASHOPSHOPSHOPSHOP" in asked.headers["Authorization"] for asked in proxy.asked)
    with pytest.raises(SourceUnavailable, match="shopp"):
        list(bucket.source(profile="shopp").objects())


def test_a_bucket_that_does_not_exist(bucket: Bucket) -> None:
    bucket.name = "no-such-bucket-anywhere"
    with pytest.raises(SourceUnavailable, match="no such bucket"):
        list(bucket.source().objects())


def test_a_bucket_that_may_not_be_listed(bucket: Bucket, proxy: Proxy) -> None:
    proxy.rule = lambda asked: Fault(403, "AccessDenied", "Access Denied")
    with pytest.raises(SourceUnavailable, match="denied") as caught:
        list(bucket.source("AWSLogs/").objects())
    assert "s3:ListBucket" in str(caught.value.remedy)


def test_an_endpoint_that_does_not_answer_or_is_none(bucket: Bucket) -> None:
    with pytest.raises(SourceUnavailable, match="endpoint"):
        list(bucket.source(endpoint_url="http://127.0.0.1:9", attempts=1).objects())
    with pytest.raises(WrongUse, match="endpoint"):
        list(bucket.source(endpoint_url="127.0.0.1:9").objects())


def test_another_region_is_told(bucket: Bucket, proxy: Proxy) -> None:
    proxy.rule = lambda asked: Fault(
        400, "IllegalLocationConstraintException", "x", headers={"x-amz-bucket-region": "eu-west-1"}
    )
    with pytest.raises(SourceUnavailable, match="another region") as caught:
        list(bucket.source().objects())
    assert "--region eu-west-1" in str(caught.value.remedy)


def test_nothing_but_reading_is_ever_sent(bucket: Bucket, proxy: Proxy) -> None:
    bucket.put([trail(TODAY, n) for n in range(20)])
    source = bucket.source()
    assert all(source.fetch(ref) for ref in source.objects())
    assert {asked.method for asked in proxy.asked} == {"GET"}


def test_boto3_is_not_imported_before_it_is_needed() -> None:
    script = (
        "import sys; from ashiato.sources.addresses import open_source as o;"
        "o('s3://logs/p'); o('.'); print('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    assert run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
