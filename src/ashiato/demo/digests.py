"""CloudTrail digests: one an hour, account and region, naming the log files delivered in that hour.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
The signature of a digest lies in the object's metadata, which a folder cannot hold.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ashiato.demo.delivery import Delivery
from ashiato.demo.ids import HOUR, compact, digest, iso, moment

FINGERPRINT = "31e8b5433410dfb61a9dc45cc65b22ff"


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file as a digest names it."""

    account: str
    region: str
    bucket: str
    key: str
    sha256: str
    newest: str
    oldest: str
    delivered: float


@dataclass(slots=True)
class DigestBook:
    """Collects log files of the hours for which digests are kept: `[begin, end)` in seconds."""

    begin: float
    end: float
    files: dict[tuple[str, str, str], list[LogFile]] = field(default_factory=dict)
    lost: str | None = None
    missing_hour: str | None = None
    written: int = 0

    def wants(self, delivered: float) -> bool:
        """Whether that delivery falls into a digest."""
        return self.begin <= delivered < self.end

    def add(self, trail: str, file: LogFile) -> None:
        """Notes a file."""
        self.files.setdefault((trail, file.account, file.region), []).append(file)

    def write(
        self,
        delivery: Delivery,
        trail: str,
        bucket: str,
        prefix: str,
        account: str,
        region: str,
        *,
        silent: tuple[float, float] | None = None,
        skip: float | None = None,
    ) -> None:
        """Writes a trail's digests for one account and region; none while it is stopped (`silent`), and
        one hour left out (`skip`, a second within it), whose name the next digest still gives."""
        files = self.files.get((trail, account, region), [])
        offset = 60 + int(digest("digest minute", account, region)[:4], 16) % 600
        previous: tuple[str, str] | None = None
        hour = int(self.begin)
        while hour < self.end:
            start, finish = hour + offset, hour + HOUR + offset
            hour += HOUR
            if silent and start >= silent[0] and finish <= silent[1]:
                previous = None
                continue
            named = [f for f in files if start <= f.delivered < finish]
            when = moment(finish)
            key = (
                f"{prefix}{account}/CloudTrail-Digest/{region}/{when:%Y/%m/%d}/"
                f"{account}_CloudTrail-Digest_{region}_{trail}_us-east-1_{when:%Y%m%dT%H%M%SZ}.json.gz"
            )
            body = {
                "awsAccountId": account,
                "digestStartTime": iso(start),
                "digestEndTime": iso(finish),
                "digestS3Bucket": bucket,
                "digestS3Object": key,
                "digestPublicKeyFingerprint": FINGERPRINT,
                "digestSignatureAlgorithm": "SHA256withRSA",
                "newestEventTime": max((f.newest for f in named), default=None),
                "oldestEventTime": min((f.oldest for f in named), default=None),
                "previousDigestS3Bucket": bucket if previous else None,
                "previousDigestS3Object": previous[0] if previous else None,
                "previousDigestHashValue": previous[1] if previous else None,
                "previousDigestHashAlgorithm": "SHA-256" if previous else None,
                "previousDigestSignature": digest("signature", previous[0]) * 6 if previous else None,
                "logFiles": [
                    {
                        "s3Bucket": f.bucket,
                        "s3Object": f.key,
                        "hashValue": f.sha256,
                        "hashAlgorithm": "SHA-256",
                        "newestEventTime": f.newest,
                        "oldestEventTime": f.oldest,
                    }
                    for f in named
                ],
            }
            content = compact(body).encode()
            previous = (key, hashlib.sha256(content).hexdigest())
            if skip is not None and start <= skip < finish:
                self.missing_hour = key
                continue
            delivery.put(bucket, key, content, finish + 240 + offset % 300)
            self.written += 1
