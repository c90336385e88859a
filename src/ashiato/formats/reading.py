"""What a reader makes of one delivered object: rows, unreadable parts, digests.

A reader is a generator of these parts. It never raises for what the bytes hold: what it cannot read
comes out as `Unreadable`, with its place and reason, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa


@dataclass(frozen=True)
class ObjectOrigin:
    """Where bytes come from: `source` (its name), `name` (path or s3:// address), times.

    `flow_format` is the declared field list of headerless flow records, AWS's `log-format` words
    (`version account-id …`), or None to recognise it. `sha256` is the hash of the delivered bytes.
    """

    source: str
    name: str
    delivered_at: datetime | None = None
    sha256: bytes = b""
    flow_format: str | None = None


@dataclass(frozen=True)
class Rows:
    """Records of one table; `rows` has the table's columns but `ingested_at` (the lake fills it).

    `keys` (binary, 16 bytes a row) identifies each record: equal keys, same record. It is None where the
    object's content hash and the position are the key (flow records delivered as files), so that a
    second copy of the object is recognised as a whole.
    """

    table: str
    rows: pa.Table
    keys: pa.Array | None = None


@dataclass(frozen=True)
class Unreadable:
    """Bytes that could not be read: `offset` in the decompressed content (or record number), `reason`."""

    reason: str
    offset: int
    content: bytes


def defect(error: Exception) -> Unreadable:
    """What an object becomes on which a reader broke its promise not to raise: it must not stop the others."""
    return Unreadable(f"a defect of Ashiato, please report it: {type(error).__name__}: {error}", 0, b"")


@dataclass(frozen=True)
class Skipped:
    """A readable object of a kind that is not a log of ours (an ELB log, a README)."""

    what: str


@dataclass(frozen=True)
class DigestFile:
    """A CloudTrail digest: which log files exist for one hour of one account and region.

    `log_files` holds (bucket, key, SHA-256 of the decompressed content as hex). See
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
    """

    account: str
    region: str
    start: datetime
    end: datetime
    bucket: str
    key: str
    log_files: tuple[tuple[str, str, str], ...] = field(default=())
    document: bytes = b""


Part = Rows | Unreadable | Skipped | DigestFile


@dataclass(frozen=True)
class Gathered:
    """What became of objects that were read together: `part` is of all of `counts` (object, records)."""

    part: Part | None
    counts: tuple[tuple[ObjectOrigin, int], ...]


Reading = Iterator[Part]
