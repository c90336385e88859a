"""Digest files are recognised and kept for coverage."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest

from ashiato.formats.reading import DigestFile
from formats.cloudtrail_samples import ROADS, read, tight, unreadable

KEY = "AWSLogs/111111111111/CloudTrail-Digest/us-east-2/2015/08/17/111111111111_CloudTrail-Digest_us-east-2_t_us-east-2_20150817T141031Z"

DIGEST: dict[str, Any] = {
    "awsAccountId": "111111111111",
    "digestStartTime": "2015-08-17T14:01:31Z",
    "digestEndTime": "2015-08-17T15:01:31Z",
    "digestS3Bucket": "amzn-s3-demo-bucket",
    "digestS3Object": f"{KEY}.json.gz",
    "digestPublicKeyFingerprint": "31e8b5433410dfb61a9dc45cc65b22ff",
    "digestSignatureAlgorithm": "SHA256withRSA",
    "newestEventTime": "2015-08-17T14:52:27Z",
    "oldestEventTime": "2015-08-17T14:42:27Z",
    "previousDigestS3Bucket": "amzn-s3-demo-bucket",
    "previousDigestS3Object": "previous",
    "previousDigestHashValue": "97fb791cf91ffc440d274f8190dbdd9aa09c34432aba82739df18b6d3c13df2d",
    "previousDigestHashAlgorithm": "SHA-256",
    "previousDigestSignature": "50887ccffad4c002b97caa37cc9dc626",
    "logFiles": [
        {
            "s3Bucket": "amzn-s3-demo-bucket",
            "s3Object": "AWSLogs/111111111111/CloudTrail/us-east-2/2015/08/17/a.json.gz",
            "hashValue": "9bb6196fc6b84d6f075a56548feca262bd99ba3c2de41b618e5b6e22c1fc71f6",
            "hashAlgorithm": "SHA-256",
            "newestEventTime": "2015-08-17T14:52:27Z",
            "oldestEventTime": "2015-08-17T14:42:27Z",
        }
    ],
}


@pytest.mark.parametrize("suffix", [".json.gz", "_backfill.json.gz"])
def test_a_digest_is_kept(suffix: str) -> None:
    document = DIGEST | {"digestS3Object": KEY + suffix}
    rows, others = read(gzip.compress(tight(document).encode()))
    assert rows is None
    (digest,) = others
    assert isinstance(digest, DigestFile)
    assert (digest.account, digest.region, digest.bucket, digest.key) == (
        "111111111111", "us-east-2", "amzn-s3-demo-bucket", KEY + suffix,
    )  # fmt: skip
    assert digest.start == datetime(2015, 8, 17, 14, 1, 31, tzinfo=UTC)
    assert digest.end == datetime(2015, 8, 17, 15, 1, 31, tzinfo=UTC)
    assert digest.log_files == (
        ("amzn-s3-demo-bucket", DIGEST["logFiles"][0]["s3Object"], DIGEST["logFiles"][0]["hashValue"]),
    )
    assert digest.document == tight(document).encode()


def test_the_first_digest_of_a_quiet_hour() -> None:
    first = DIGEST | {
        "logFiles": [], "newestEventTime": None, "oldestEventTime": None, "previousDigestS3Object": None,
        "previousDigestS3Bucket": None, "previousDigestHashValue": None, "previousDigestSignature": None,
    }  # fmt: skip
    _, others = read(tight(first).encode())
    assert isinstance(others[0], DigestFile)
    assert others[0].log_files == ()


def test_a_digest_that_cannot_be_read_is_kept_as_it_is() -> None:
    bad = tight(DIGEST | {"digestStartTime": "soon"}).encode()
    _, others = read(bad)
    (lost,) = unreadable(others)
    assert "digest" in lost.reason
    assert lost.content == bad


def test_digests_come_in_an_archive_too() -> None:
    _, others = read(ROADS["zip"]([]) + b"")
    assert not unreadable(others)
