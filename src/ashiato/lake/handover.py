"""What reading hands over to committing. Light to import: reading processes start with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ashiato.formats.reading import DigestFile

#: Columns that a reader's rows carry besides the table's: key and content hash of the record.
KEY = "_key"
CONTENT = "_content"


@dataclass
class ObjectFacts:
    """What is known of a delivered object after reading it; `outcome`: taken, skipped, quarantined, failed."""

    source: str
    name: str
    etag: str
    size: int
    sha256: bytes
    delivered_at: datetime | None
    outcome: str
    reason: str | None = None
    records: int = 0
    account: str | None = None
    region: str | None = None
    newest_record: datetime | None = None
    log: str | None = None
    unkeyed: bool = False
    digests: list[DigestFile] = field(default_factory=list)


@dataclass
class RowsFile:
    """Rows of one table in an Arrow IPC file: the table's columns but `ingested_at`, KEY and CONTENT.

    `days`: days since 1970 of the time column, all that occur.
    """

    table: str
    path: Path
    rows: int
    days: set[int]
