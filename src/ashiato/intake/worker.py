"""Reading units of objects, in this process or in a worker process: bytes → Arrow files on disk."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.core.errors import SourceUnavailable
from ashiato.core.memory import expect_much
from ashiato.core.text import fitting, printable
from ashiato.formats.reader import LogReader
from ashiato.formats.reading import (
    DigestFile,
    Gathered,
    ObjectOrigin,
    Part,
    Rows,
    Skipped,
    Unreadable,
    defect,
)
from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.intake.archive import keep_object
from ashiato.intake.contents import content_hashes
from ashiato.intake.units import Failure, ReadingNote, ReadingPlan, SourceSpec, UnitResult
from ashiato.lake.handover import CONTENT, KEY, ObjectFacts, ReadRows
from ashiato.lake.keys import short_keys
from ashiato.sources.addresses import open_source
from ashiato.sources.fetching import fetch_all
from ashiato.sources.layout import place_of
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Source

#: Bytes of an unreadable record that stand in the table itself; larger ones are kept in the archive.
QUARANTINE_INLINE = 1 << 20
QUARANTINE_HEAD = 64 << 10
GATHER_ROWS = 20_000
GATHER_BYTES = 48 << 20
HELD_BYTES = 48 << 20


_plan: ReadingPlan | None = None
_source: Source | None = None


def start_worker(plan: ReadingPlan, parent: int) -> None:
    """Initialise a worker process: it ignores Ctrl-C (its parent ends it) and dies with its parent."""
    import signal

    global _plan, _source
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    expect_much()
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    _plan, _source = plan, open_source(plan.spec.address, name=plan.spec.name, options=plan.spec.options)

    def follow_parent() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=follow_parent, daemon=True).start()


def read_unit_in_worker(refs: Sequence[ObjectRef]) -> UnitResult:
    """The task of a worker process."""
    if _plan is None or _source is None:
        raise RuntimeError("the worker was not started")
    return read_unit(_plan, _source, refs)


def read_unit(plan: ReadingPlan, source: Source, refs: Sequence[ObjectRef]) -> UnitResult:
    """Fetch and read these objects. What the bytes hold never raises; SourceUnavailable may."""
    return _UnitReader(plan).read(source, refs)


@dataclass
class _ReadObject:
    """An object on its way: what is known of it, what could not be read, and why it is no log of ours."""

    facts: ObjectFacts
    content: bytes
    bad: list[Unreadable] = field(default_factory=list)
    skipped: str | None = None


@dataclass
class _Gathered:
    """Tables of the same columns that will be written as one."""

    tables: list[pa.Table] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    #: Whether there are rows whose object only the rows tell.
    mixed: bool = False


class _UnitReader:
    def __init__(self, plan: ReadingPlan) -> None:
        self.plan = plan
        self.reader = LogReader()
        self.result = UnitResult()
        self.writers: dict[tuple[str, bool], tuple[Path, pa.RecordBatchFileWriter]] = {}
        self.gathered: dict[tuple[str, bool], _Gathered] = {}
        self.counts: dict[tuple[str, bool], int] = {}
        self.held: dict[tuple[str, bool], list[pa.RecordBatch]] = {}
        self.held_bytes = 0
        self.days: dict[tuple[str, bool], set[int]] = {}
        self.seen: dict[str, dict[str, Any]] = {}
        self.quarantine: list[dict[str, object]] = []
        self.read_objects: dict[ObjectOrigin, _ReadObject] = {}
        #: Those of which parts may still come out of `settle`.
        self.waiting: set[ObjectOrigin] = set()

    def read(self, source: Source, refs: Sequence[ObjectRef]) -> UnitResult:
        try:
            for ref, content in fetch_all(source, refs):
                if isinstance(content, ObjectUnavailable):
                    self.result.failures.append(
                        Failure(ref, f"{content.reason}: {content.what}", content.remedy, content.retry)
                    )
                else:
                    self._object(ref, content)
            self._settle()
            rows = self.reader.flush()
            if rows is not None:
                self._rows(rows, None)
            for read in self.read_objects.values():
                self._judge(read)
            for at in list(self.gathered):
                self._flush(at)
            self._quarantined()
        finally:
            for _, writer in self.writers.values():
                writer.close()
        for at, count in self.counts.items():
            path = self.writers[at][0] if at in self.writers else None
            self.result.rows.append(ReadRows(at[0], count, self.days[at], path, self.held.get(at, [])))
        for facts in self.result.objects:
            seen = self.seen.get(facts.name, {})
            facts.newest_record = seen.get("newest")
            facts.account = facts.account or fitting(_single(seen.get("account")), 20)
            facts.region = facts.region or fitting(_single(seen.get("region")), 40)
        return self.result

    def _object(self, ref: ObjectRef, content: bytes) -> None:
        digest = hashlib.sha256(content).digest()
        self.result.bytes += len(content)
        if self.plan.keep_all:
            keep_object(self.plan.archive, digest, content)
        note = (self.plan.notes(ref) if self.plan.notes else None) or ReadingNote()
        flow_format = note.flow_format or self.plan.flow_format
        origin = ObjectOrigin(ref.source, ref.name, ref.delivered_at, digest, flow_format)
        # Its records may still be gathered: it is judged when all are out.
        read = _ReadObject(_facts(ref, content, digest), content)
        self.read_objects[origin] = read
        self.result.objects.append(read.facts)
        if note.quarantine is not None:
            read.bad.append(Unreadable(note.quarantine, 0, b""))
            return
        self.waiting.add(origin)
        before = self.reader.events.added
        for part in self._parts(content, origin):
            self.waiting.discard(origin)
            if isinstance(part, Rows) and part.table != "cloudtrail":
                read.facts.records += part.rows.num_rows
            self._part(part, read)
        added = self.reader.events.added - before
        if added:
            read.facts.records += added
            self.waiting.discard(origin)
        if self.reader.full:
            self._settle()
        if len(self.reader.events) >= self.reader.max_events:
            rows = self.reader.flush()
            if rows is not None:
                self._rows(rows, None)

    def _part(self, part: Part, read: _ReadObject) -> None:
        """A part of this object."""
        if isinstance(part, Rows):
            self._rows(part, read.facts.name)
            _note_table(read.facts, part)
        elif isinstance(part, Unreadable):
            read.bad.append(part)
        elif isinstance(part, Skipped):
            read.skipped = part.what
        else:
            read.facts.digests.append(part)

    def _settle(self) -> None:
        """Read what was gathered; its parts go to the objects that they are of."""
        for gathered in self._gathered_parts():
            objects = [self.read_objects[origin] for origin, _ in gathered.counts]
            for read, (origin, count) in zip(objects, gathered.counts, strict=True):
                read.facts.records += count
                self.waiting.discard(origin)
            if isinstance(gathered.part, Rows) and len(objects) != 1:
                self._rows(gathered.part, None)
                for read in objects:
                    _note_table(read.facts, gathered.part)
            elif gathered.part is not None:
                self._part(gathered.part, objects[0])
        self.waiting.clear()

    def _gathered_parts(self) -> Iterator[Gathered]:
        try:
            yield from self.reader.settle()
        except Exception as error:
            # As for `_parts`; what had not come out by then is all that is lost.
            for origin in list(self.waiting):
                yield Gathered(defect(error), ((origin, 0),))

    def _parts(self, content: bytes, origin: ObjectOrigin) -> Iterator[Part]:
        try:
            yield from self.reader.read(content, origin)
        except Exception as error:
            yield defect(error)

    def _judge(self, read: _ReadObject) -> None:
        facts, skipped, bad, content = read.facts, read.skipped, read.bad, read.content
        if facts.log is None:
            facts.log = "digest" if facts.digests else ("cloudtrail" if facts.records else None)
        readable = facts.records > 0 or bool(facts.digests)
        if bad:
            facts.outcome = "taken" if readable else "quarantined"
            facts.reason = printable(bad[0].reason, 500)
        elif skipped is not None and not readable:
            facts.outcome, facts.reason = "skipped", skipped
        self.result.quarantined_records += len(bad)
        for number, part in enumerate(bad):
            kept = part.content or content
            short = len(kept) > QUARANTINE_INLINE
            if short:
                keep_object(self.plan.archive, facts.sha256, content)
                kept = kept[:QUARANTINE_HEAD]
            place = f"{facts.source}\0{facts.name}\0{facts.etag}\0{number}\0{part.offset}\0{part.reason}"
            self.quarantine.append(
                {
                    "id": hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:16],
                    "source": facts.source,
                    "object": facts.name,
                    "sha256": facts.sha256.hex(),
                    "offset": part.offset,
                    "reason": printable(part.reason, 2000),
                    "content": kept,
                    "truncated": short,
                }
            )

    def _rows(self, part: Rows, of: str | None) -> None:
        """Gather: what follows costs a fixed time a table, and many objects hold a handful of records."""
        if not part.rows.num_rows:
            return
        at = (part.table, part.keys is not None)
        rows = part.rows
        if part.keys is not None:
            rows = rows.append_column(KEY, short_keys(part.keys))
        if part.table != "cloudtrail" and of is not None:
            self._note_objects(rows, part.table, of)
        gathered = self.gathered.setdefault(at, _Gathered())
        gathered.mixed |= part.table == "cloudtrail" or of is None
        gathered.tables.append(rows)
        gathered.rows += rows.num_rows
        # Small tables are not weighed: summing 80 columns costs more than what they hold.
        gathered.bytes += rows.nbytes if rows.num_rows > 1000 else rows.num_rows * 2000
        if gathered.rows >= GATHER_ROWS or gathered.bytes >= GATHER_BYTES:
            self._flush(at)

    def _flush(self, at: tuple[str, bool]) -> None:
        table, keyed = at
        gathered = self.gathered.pop(at)
        rows = pa.concat_tables(gathered.tables).combine_chunks()
        description = TABLES[table]
        if keyed:
            rows = rows.append_column(CONTENT, content_hashes(rows, description))
        time_column = rows[description.time_column]
        self.days.setdefault(at, set()).update(
            pc.unique(
                pc.floor_temporal(time_column, unit="day").cast(pa.date32()).cast(pa.int32())
            ).to_pylist()
        )
        if gathered.mixed:
            self._note_objects(rows, table)
        self._write(at, rows)

    def _note_objects(self, rows: pa.Table, table: str, of: str | None = None) -> None:
        """Of each object: its newest record, and account and region where all records share them. `of` is the
        object of all rows, where it is known."""
        if table not in ACCOUNT_REGION:
            return
        time = TABLES[table].time_column
        figures = [(time, "max"), *((c, f) for c in ACCOUNT_REGION[table] for f in ("min", "max"))]
        if of is None:
            found = rows.group_by("object").aggregate(figures)
        else:
            found = rows.group_by([]).aggregate(figures).append_column("object", pa.array([of]))
        for row in found.to_pylist():
            facts = self.seen.setdefault(row["object"], {})
            newest = row[f"{time}_max"]
            if newest is not None and newest > facts.get("newest", newest - timedelta(1)):
                facts["newest"] = newest
            for key, column in zip(("account", "region"), ACCOUNT_REGION[table], strict=True):
                values = facts.setdefault(key, set())
                values.update((row[f"{column}_min"], row[f"{column}_max"]))

    def _write(self, at: tuple[str, bool], rows: pa.Table) -> None:
        self.counts[at] = self.counts.get(at, 0) + rows.num_rows
        if not self.plan.to_files and at not in self.writers and self.held_bytes < HELD_BYTES:
            self.held_bytes += rows.nbytes
            self.held.setdefault(at, []).extend(rows.to_batches(max_chunksize=50_000))
            return
        if at not in self.writers:
            path = self.plan.tmp / f"{uuid.uuid4().hex}.arrow"
            self.writers[at] = (path, pa.ipc.new_file(str(path), rows.schema))
        self.writers[at][1].write_table(rows, max_chunksize=50_000)

    def _quarantined(self) -> None:
        if not self.quarantine:
            return
        description = TABLES["quarantine"]
        names = [c.name for c in description.columns if c.name != "quarantined_at"]
        schema = pa.schema([description.schema.field(n) for n in names])
        rows = pa.Table.from_pylist(self.quarantine, schema=schema)
        at = ("quarantine", False)
        self.days[at] = {(datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days}
        self._write(at, rows)


def _single(values: set[str | None] | None) -> str | None:
    return next(iter(values)) if values and len(values) == 1 else None


def _note_table(facts: ObjectFacts, rows: Rows) -> None:
    facts.log = facts.log or rows.table
    facts.unkeyed |= rows.keys is None


def _facts(ref: ObjectRef, content: bytes, digest: bytes) -> ObjectFacts:
    folder = ref.name.rpartition("/")[0] + "/"
    key = folder.split("/", 3)[3] if ref.name.startswith("s3://") else folder.lstrip("/")
    stem = place_of(key).stem
    return ObjectFacts(
        source=ref.source,
        name=ref.name,
        etag=ref.etag,
        size=len(content),
        sha256=digest,
        delivered_at=ref.delivered_at,
        outcome="taken",
        account=stem.account if stem else None,
        region=stem.region if stem else None,
    )


__all__ = [
    "DigestFile",
    "Failure",
    "ReadingPlan",
    "SourceSpec",
    "SourceUnavailable",
    "UnitResult",
    "read_unit",
]
