"""An object as it lies at a source, what a source is, and why an object could not be read.

An object is (source, name, etag). Sources hand out references newest days first, as a stream, and the
delivered bytes as they are; decompression and formats are the reader's business. Nothing here writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

MAX_OBJECT_BYTES = 1 << 30
"""Larger objects are refused: AWS delivers at most 75 MB (flow logs; CloudTrail 50 MB, compressed)."""

Reason = Literal[
    "denied", "requester-pays", "archived", "gone", "kms",
    "throttled", "unreachable", "changed", "too-large", "not-a-file", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One delivered object, not yet read.

    `source` is the source's name; `name` an absolute path, `s3://bucket/key` or `stdin:<sha256>`;
    `etag` changes whenever the content does (S3: the ETag without quotes, then `;versionId` where known;
    files: size and mtime in ns); `size` in bytes as delivered; `delivered_at` in UTC (S3 LastModified,
    a file's mtime).
    """

    source: str
    name: str
    etag: str
    size: int
    delivered_at: datetime


class ObjectUnavailable(Exception):  # noqa: N818 - named like core.errors.SourceUnavailable
    """One object could not be read; the others can.

    `retry`: a later run may succeed, by itself or after the remedy. `soon`: it may succeed within this
    run. `replacement`: the object as it is now, when it was overwritten after it was listed.
    """

    def __init__(
        self,
        name: str,
        reason: Reason,
        what: str,
        remedy: str,
        *,
        retry: bool = True,
        soon: bool = False,
        replacement: ObjectRef | None = None,
    ) -> None:
        super().__init__(name, reason, what, remedy)
        self.name = name
        self.reason: Reason = reason
        self.what = what
        self.remedy = remedy
        self.retry = retry
        self.soon = soon
        self.replacement = replacement

    def __str__(self) -> str:
        return f"{self.name}: {self.what}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A folder or prefix that could not be listed, or a name that cannot be taken; the rest goes on."""

    where: str
    what: str
    remedy: str


@dataclass
class Progress:
    """Where one walk over a source stands.

    `objects` and `bytes` count what was handed out; `total` is None until everything is listed;
    `list_requests` counts requests sent, retries included (AWS bills each); `prefixes` is how many a
    bucket has; `deferred` how many of them the request budget left for a later poll, and `resting` how
    many undated ones are not due yet. `left_out` counts by reason what is never handed out (folder
    markers, AWS's write tests, hidden files, folders of other services).
    """

    objects: int = 0
    bytes: int = 0
    total: int | None = None
    list_requests: int = 0
    prefixes: int = 0
    deferred: int = 0
    resting: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def handed_out(self, ref: ObjectRef) -> ObjectRef:
        self.objects += 1
        self.bytes += ref.size
        return ref


class Source(Protocol):
    """Where objects come from. `fetch` may be called from several threads, `objects` from one."""

    name: str
    progress: Progress
    #: Objects that are worth fetching at once: many where each takes a round trip.
    at_once: int

    def objects(self) -> Iterator[ObjectRef]:
        """Everything that should be considered now, newest days first; memory stays bounded.

        Objects already taken are among them: the caller's ledger tells. Each call is one poll and
        begins a new `progress`. Raises core.errors.SourceUnavailable when nothing can be listed.
        """
        ...

    def fetch(self, ref: ObjectRef) -> bytes:
        """The delivered bytes. Raises ObjectUnavailable, or SourceUnavailable when all would fail."""
        ...

    def confirm(self) -> None:
        """Everything the last `objects()` handed out is taken, or noted by the caller for a retry.

        Only now is it remembered as listed: a process killed before lists the same prefixes again.
        """
        ...


def utc_now() -> datetime:
    return datetime.now(UTC)
