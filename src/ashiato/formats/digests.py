"""CloudTrail digest files: which log files exist for an hour. They are kept for coverage.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from ashiato.formats.reading import DigestFile, Unreadable


class _LogFile(msgspec.Struct):
    s3Bucket: str
    s3Object: str
    hashValue: str


class _Digest(msgspec.Struct):
    awsAccountId: str
    digestStartTime: datetime
    digestEndTime: datetime
    digestS3Bucket: str
    digestS3Object: str
    logFiles: list[_LogFile]


_DECODER = msgspec.json.Decoder(_Digest)
_REGION = re.compile(r"/CloudTrail-Digest/([a-z0-9-]+)/")


def read_digest(raw: bytes, offset: int) -> DigestFile | Unreadable:
    """One digest document, or why it is none."""
    try:
        digest = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unreadable(f"a CloudTrail digest that cannot be read: {error}", offset, raw)
    region = _REGION.search(digest.digestS3Object)
    return DigestFile(
        account=digest.awsAccountId,
        region=region[1] if region else "",
        start=digest.digestStartTime,
        end=digest.digestEndTime,
        bucket=digest.digestS3Bucket,
        key=digest.digestS3Object,
        log_files=tuple((f.s3Bucket, f.s3Object, f.hashValue) for f in digest.logFiles),
        document=raw,
    )
