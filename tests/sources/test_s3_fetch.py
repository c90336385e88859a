"""Reading objects over HTTP: what S3 answers when something is wrong, and what a person is told."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest

from ashiato.core.errors import SourceUnavailable
from ashiato.sources.fetching import fetch_all
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Reason
from ashiato.sources.s3 import S3Source
from sources.served import Asked, Bucket, Fault, Proxy, trail

TODAY = datetime.now(UTC).date()
KMS = "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: {} on resource: arn:aws:kms:x {}"


def one(bucket: Bucket, **options: Any) -> tuple[S3Source, ObjectRef]:
    bucket.put([trail(TODAY)], b"content")
    source = bucket.source(**options)
    [ref] = source.objects()
    return source, ref


def on_get(fault: Fault, times: int = 1_000) -> object:
    left = [times]

    def rule(asked: Asked) -> Fault | None:
        if asked.listing or asked.method != "GET" or not left[0]:
            return None
        left[0] -= 1
        return fault

    return rule


def test_bytes_come_as_delivered(bucket: Bucket) -> None:
    """An object stored with Content-Encoding: gzip is not decompressed on the way."""
    import boto3

    packed = gzip.compress(b'{"Records":[]}')
    client = boto3.client("s3", endpoint_url=bucket.endpoint, region_name="us-east-1")
    client.put_object(Bucket=bucket.name, Key="a.json.gz", Body=packed, ContentEncoding="gzip")
    source = bucket.source()
    [ref] = source.objects()
    assert ref.size == len(packed)
    assert ref.source == f"s3://{bucket.name}"
    assert ref.name == f"s3://{bucket.name}/a.json.gz"
    assert ref.delivered_at.tzinfo is not None
    assert abs((datetime.now(UTC) - ref.delivered_at).total_seconds()) < 60
    assert source.fetch(ref) == packed


@pytest.mark.parametrize(
    ("status", "code", "message", "reason", "remedy"),
    [
        (403, "AccessDenied", "Access Denied", "denied", "s3:GetObject"),
        (403, "AccessDenied", "Access Denied", "denied", "kms:Decrypt"),
        (403, "AccessDenied", KMS.format("kms:Decrypt", "no identity-based policy"), "kms", "kms:Decrypt"),
        (400, "KMS.DisabledException", "arn:aws:kms:x is disabled.", "kms", "kms:EnableKey"),
        (400, "KMS.KMSInvalidStateException", "x is pending deletion.", "kms", "CancelKeyDeletion"),
        (400, "KMS.NotFoundException", "Key 'x' does not exist", "kms", "deleted"),
        (403, "AccessDenied", "Bucket is requester pays", "requester-pays", "--request-payer"),
        (403, "InvalidObjectState", "The operation is not valid for the object's storage class", "archived",
         "restore"),
        (404, "NoSuchKey", "The specified key does not exist.", "gone", "lifecycle"),
        (503, "SlowDown", "Please reduce your request rate.", "throttled", "later run"),
        (500, "InternalError", "We encountered an internal error.", "throttled", "later run"),
        (409, "SomethingNew", "of tomorrow", "other", "later run"),
    ],
)  # fmt: skip
def test_each_refusal_names_its_remedy(
    bucket: Bucket, proxy: Proxy, status: int, code: str, message: str, reason: Reason, remedy: str
) -> None:
    source, ref = one(bucket, attempts=2)
    proxy.rule = on_get(Fault(status, code, message))  # type: ignore[assignment]
    with pytest.raises(ObjectUnavailable) as caught:
        source.fetch(ref)
    assert caught.value.reason == reason
    assert remedy in caught.value.remedy
    assert caught.value.retry
    assert str(caught.value).startswith(ref.name)
    assert caught.value.soon == (reason == "throttled")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "InvalidAccessKeyId", "access key does not exist"),
        (403, "SignatureDoesNotMatch", "secret key"),
        (400, "ExpiredToken", "expired"),
        (403, "RequestTimeTooSkewed", "clock"),
        (404, "NoSuchBucket", "no such bucket"),
    ],
)
def test_what_concerns_every_object_ends_the_run(
    bucket: Bucket, proxy: Proxy, status: int, code: str, said: str
) -> None:
    source, ref = one(bucket, attempts=2)
    proxy.rule = lambda asked: Fault(status, code, "x")
    with pytest.raises(SourceUnavailable, match=said) as caught:
        source.fetch(ref)
    assert caught.value.remedy
    with pytest.raises(SourceUnavailable, match=said):
        list(source.objects())


def test_slowdown_then_success(bucket: Bucket, proxy: Proxy) -> None:
    source, ref = one(bucket, attempts=4)
    proxy.rule = on_get(Fault(), times=2)  # type: ignore[assignment]
    assert source.fetch(ref) == b"content"
    assert len(proxy.gets()) >= 3


@pytest.mark.parametrize("cut", [0, 3])
def test_a_connection_dropped_within_the_body_is_read_again(bucket: Bucket, proxy: Proxy, cut: int) -> None:
    source, ref = one(bucket)
    proxy.rule = on_get(Fault(cut=cut), times=2)  # type: ignore[assignment]
    assert source.fetch(ref) == b"content"


def test_a_connection_always_dropped_is_told(bucket: Bucket, proxy: Proxy) -> None:
    source, ref = one(bucket)
    proxy.rule = on_get(Fault(cut=3))  # type: ignore[assignment]
    with pytest.raises(ObjectUnavailable) as caught:
        source.fetch(ref)
    assert (caught.value.reason, caught.value.retry, caught.value.soon) == ("unreachable", True, True)


def test_a_server_that_is_gone(bucket: Bucket, proxy: Proxy) -> None:
    _, ref = one(bucket)
    proxy.close()
    with pytest.raises(SourceUnavailable) as caught:
        bucket.source(attempts=2).fetch(ref)
    assert "network" in str(caught.value)


def test_a_deleted_object_is_gone(bucket: Bucket) -> None:
    source, ref = one(bucket)
    bucket.delete(trail(TODAY))
    with pytest.raises(ObjectUnavailable) as caught:
        source.fetch(ref)
    assert caught.value.reason == "gone"


def test_an_overwritten_object_is_told_with_what_it_is_now(bucket: Bucket) -> None:
    source, ref = one(bucket)
    bucket.put([trail(TODAY)], b"other content")
    with pytest.raises(ObjectUnavailable) as caught:
        source.fetch(ref)
    assert caught.value.reason == "changed"
    replacement = caught.value.replacement
    assert replacement is not None
    assert (replacement.name, replacement.size) == (ref.name, 13)
    assert replacement.etag != ref.etag
    assert source.fetch(replacement) == b"other content"


def test_a_reference_with_a_version_reads_that_version(bucket: Bucket) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=bucket.endpoint, region_name="us-east-1")
    client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    first = client.put_object(Bucket=bucket.name, Key="k", Body=b"first")
    client.put_object(Bucket=bucket.name, Key="k", Body=b"second")
    source = bucket.source()
    etag = first["ETag"].strip('"') + ";" + first["VersionId"]
    ref = ObjectRef(source.name, f"s3://{bucket.name}/k", etag, 5, datetime.now(UTC))
    assert source.fetch(ref) == b"first"


def test_too_large_an_object_is_refused_before_and_after_asking(bucket: Bucket) -> None:
    source, ref = one(bucket, max_object_bytes=5)
    with pytest.raises(ObjectUnavailable) as caught:
        source.fetch(ref)
    assert (caught.value.reason, caught.value.retry) == ("too-large", False)
    shrunk = ObjectRef(ref.source, ref.name, ref.etag, 1, ref.delivered_at)
    with pytest.raises(ObjectUnavailable) as caught:
        source.fetch(shrunk)
    assert caught.value.reason == "too-large"


def test_many_are_fetched_at_once_with_failures_in_between(bucket: Bucket, proxy: Proxy) -> None:
    expected = {trail(TODAY, n): f"{n}".encode() for n in range(300)}
    bucket.put(expected)
    source = bucket.source(attempts=4)
    refs = list(source.objects())
    denied = trail(TODAY, 7)
    throttled: set[str] = set()

    def rule(asked: Asked) -> Fault | None:
        if asked.key == denied:
            return Fault(403, "AccessDenied", "Access Denied")
        if asked.key.endswith("5.json.gz") and asked.key not in throttled:
            throttled.add(asked.key)
            return Fault()
        return None

    proxy.rule = rule
    got = {ref.name.split("/", 3)[3]: content for ref, content in fetch_all(source, refs, workers=8)}
    refused = got.pop(denied)
    assert isinstance(refused, ObjectUnavailable)
    assert refused.reason == "denied"
    assert got == {key: content for key, content in expected.items() if key != denied}
    assert len(throttled) == 30


def test_small_objects_take_one_plain_request_each(bucket: Bucket, proxy: Proxy) -> None:
    """After the first object boto3 is left out of the way; odd keys and ETags included."""
    odd = ["ä ö/足跡+%20.gz", "a~b/c=d/::e.gz", "x&y?z#.gz", *(trail(TODAY, n) for n in range(20))]
    bucket.put({key: key.encode() for key in odd})
    source = bucket.source()
    refs = list(source.objects())
    for ref in refs:
        assert source.fetch(ref) == ref.name.split("/", 3)[3].encode()
    assert len(proxy.gets()) == len(refs)
    assert len([asked for asked in proxy.gets() if "amz-sdk-request" in asked.headers]) == 1
    assert all("Authorization" in asked.headers for asked in proxy.gets())


def test_what_the_quick_way_does_not_get_the_ordinary_one_does(bucket: Bucket, proxy: Proxy) -> None:
    bucket.put({trail(TODAY, n): f"{n}".encode() for n in range(6)})
    source = bucket.source()
    refs = list(source.objects())
    assert source.fetch(refs[0])
    for fault in (Fault(), Fault(cut=0), Fault(400, "X", "x"), Fault(307, "TemporaryRedirect", "x")):
        proxy.rule = lambda asked, fault=fault: None if "amz-sdk-request" in asked.headers else fault  # type: ignore[misc]
        assert [source.fetch(ref) for ref in refs] == [f"{n}".encode() for n in range(6)]
    bucket.put([trail(TODAY, 5)], b"overwritten")
    with pytest.raises(ObjectUnavailable, match="overwritten"):
        source.fetch(refs[5])


def test_without_botocores_private_parts_all_goes_the_ordinary_way(bucket: Bucket, proxy: Proxy) -> None:
    from ashiato.sources.s3_quick import QuickReader

    source, ref = one(bucket)
    client, pages, _ = source._connect()
    source._connected = client, pages, QuickReader(type("Bare", (), {})(), source._options)
    assert [source.fetch(ref), source.fetch(ref)] == [b"content"] * 2
    assert all("amz-sdk-request" in asked.headers for asked in proxy.gets())
