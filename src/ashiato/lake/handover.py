"""What reading hands over to committing. Light to import: reading processes start with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa

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
class ReadRows:
    """Rows of one table as reading leaves them: the table's columns but `ingested_at`, KEY and CONTENT.

    They are in memory and, where there are more or another process read them, in an Arrow IPC file. `days`:
    days since 1970 of the time column, all that occur.
    """

    table: str
    rows: int
    days: set[int]
    path: Path | None = None
    held: list[pa.RecordBatch] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes, uncompressed."""
        held = sum(int(batch.nbytes) for batch in self.held)
        return held + (self.path.stat().st_size if self.path else 0)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows; those of a file while it is open."""
        yield from self.held
        if self.path is None:
            return
        with pa.memory_map(str(self.path)) as source:
            reader = pa.ipc.open_file(source)
            for i in range(reader.num_record_batches):
                yield reader.get_batch(i)

    def discard(self) -> None:
        """They are committed, or given up."""
        self.held.clear()
        if self.path is not None:
            self.path.unlink(missing_ok=True)
