"""The exactly-once protocol: a group of objects, one batch a table, all or nothing to the reader.

Steps, each durable before the next: *begin* (ledger: objects pending, batches writing), *keys* (key table:
which rows are new), *files* (Parquet), *snapshot* (Iceberg commit, the batch's uid in its summary),
*confirm* (ledger: batches committed, objects in their final state). Whoever opens the writer reconciles
what an earlier process left between two steps.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError
from ashiato.formats.columns import TableDescription
from ashiato.formats.tables import TABLES
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.corrections import days_of_events
from ashiato.lake.files import FileWriter, without
from ashiato.lake.handover import CONTENT, KEY, ObjectFacts, ReadRows
from ashiato.lake.home import Home
from ashiato.lake.key_rebuild import ensure_keys, open_keys
from ashiato.lake.keys import KEYED
from ashiato.lake.leases import leased
from ashiato.lake.ledger_rows import (
    done_for,
    forget_objects,
    keep_corrections,
    keep_digests,
    known_contents,
    mark_days,
    new_id,
    object_row,
    settle,
)
from ashiato.lake.reconciling import BATCH, DUPLICATES, STAMP, VARIANTS, reconcile
from ashiato.lake.scan import planned_files, relation
from ashiato.lake.spans import between
from ashiato.lake.variants import Candidate, variant_rows
from ashiato.ledger import tables as t
from ashiato.ledger.inserting import insert_many

#: Rows that are looked up, filtered and written at once.
CHUNK_ROWS = 50_000
#: PyIceberg copies all of a table's metadata several times a commit: it must not grow with the commits.
MOST_SNAPSHOTS = 48
KEPT_SNAPSHOTS = 16
#: What a full disk, a lost folder or a broken database shows itself as.
WRITE_ERRORS = (
    OSError,
    pa.ArrowException,
    sa.exc.SQLAlchemyError,
    sqlite3.Error,
    duckdb.Error,
    CommitFailedException,
    CommitStateUnknownException,
)


@dataclass
class Tally:
    """Records of one table: offered = taken + duplicates + variants."""

    taken: int = 0
    duplicates: int = 0
    variants: int = 0

    def add(self, other: Tally) -> None:
        self.taken += other.taken
        self.duplicates += other.duplicates
        self.variants += other.variants


@dataclass(frozen=True)
class Written:
    """Where a batch's rows are: `ingested_at` of all of them, and the files that they were written to."""

    stamp: datetime
    files: tuple[str, ...]


@dataclass
class GroupReport:
    """What became of a group's records, by table. `earlier` holds those that an interrupted group had
    committed already: they belong to the objects, but to no batch of this group."""

    tables: dict[str, Tally] = field(default_factory=dict)
    earlier: dict[str, Tally] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)

    def whole(self, name: str) -> Tally:
        """Both together."""
        both = Tally()
        both.add(self.tables.get(name, Tally()))
        both.add(self.earlier.get(name, Tally()))
        return both


@dataclass
class _LeftOut:
    """Rows left out because an interrupted group committed them: how many, from when to when."""

    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, rows: pa.Table, column: str) -> None:
        if rows.num_rows:
            span = pc.min_max(rows[column]).as_py()
            self.rows += rows.num_rows
            self.first = span["min"] if self.first is None else min(self.first, span["min"])
            self.last = span["max"] if self.last is None else max(self.last, span["max"])


class LakeWriter:
    """Commits groups to the lake. One per home: it needs the home's writer lock."""

    def __init__(self, home: Home) -> None:
        if home.writer is None:
            raise AshiatoError("the home is open for reading only")
        self.home = home
        self.catalog = open_catalog(home.lake)
        self.keys = open_keys(home.folder / "keys.db")
        self._tables: dict[str, Table] = {}
        reconcile(self.home, self.catalog, self.keys)
        ensure_keys(self.keys, self.catalog, home.ledger)

    def table(self, name: str) -> Table:
        if name not in self._tables:
            self._tables[name] = open_table(self.catalog, name)
        return self._tables[name]

    def step(self, name: str) -> None:
        """Say in the lock what the writer is doing; a test that kills reads it."""
        if self.home.writer is not None:
            self.home.writer.step(name)

    # -- commit -------------------------------------------------------------------------------------

    def commit(self, objects: Sequence[ObjectFacts], files: Sequence[ReadRows]) -> GroupReport:
        """Commit the rows of these objects. Raises AshiatoError (disk full …) with the lake as before."""
        group = uuid.uuid4().hex
        by_table: dict[str, list[ReadRows]] = {}
        for file in files:
            if file.rows:
                by_table.setdefault(file.table, []).append(file)
        report = GroupReport()
        try:
            self.step("begin")
            batches = self._begin(group, objects, by_table)
            snapshots: dict[str, int | None] = {}
            corrections: list[tuple[str, str]] = []
            for name, table_files in by_table.items():
                snapshots[name] = self._write(name, batches[name], table_files, objects, corrections, report)
            self.step("confirm")
            self._confirm(group, batches, snapshots, report, by_table, corrections)
        except Exception as error:
            if not self._recovered(group, report, by_table):
                if not isinstance(error, WRITE_ERRORS):
                    raise
                raise AshiatoError(
                    f"the batch could not be written: {error}",
                    where=str(self.home.folder),
                    remedy="Free disk space or repair the folder's permissions and run again;"
                    " what was committed before stays, and nothing is taken twice.",
                ) from error
        self._thin_snapshots(by_table)
        self.step("idle")
        return report

    def _thin_snapshots(self, names: Iterable[str]) -> None:
        """Let go of confirmed snapshots that no reader has leased, before commits slow down with their number.

        No file is removed: that is the sweep's, after its grace period.
        """
        for name in names:
            table = self.table(name)
            snapshots = table.snapshots()
            if len(snapshots) <= MOST_SNAPSHOTS:
                continue
            held = leased(self.home.folder / "readers")
            if held.opening:
                continue
            current = table.metadata.current_snapshot_id
            old = [
                s.snapshot_id
                for s in snapshots[:-KEPT_SNAPSHOTS]
                if s.snapshot_id != current and s.snapshot_id not in held.snapshots
            ]
            try:
                if old:
                    table.maintenance.expire_snapshots().by_ids(old).commit()
            except WRITE_ERRORS:
                # The group is committed and confirmed; the next one, or maintenance, lets go of them.
                self._tables.pop(name, None)

    def _recovered(self, group: str, report: GroupReport, by_table: dict[str, list[ReadRows]]) -> bool:
        """After a failure: leave everything as a restart would. True if all was committed but the confirmation,
        which is then done here."""
        self._tables.clear()
        try:
            reconcile(self.home, self.catalog, self.keys)
            states = set(
                self.home.ledger.rows(
                    sa.select(t.objects.c.state).where(t.objects.c.group_id == group).distinct()
                )
            )
        except WRITE_ERRORS:
            # The disk may refuse this too; the next process that opens the home reconciles.
            return False
        settled = bool(states) and not {s for (s,) in states} & {"pending", "failed"}
        return settled and report.tables.keys() == by_table.keys()

    def _begin(
        self, group: str, objects: Sequence[ObjectFacts], by_table: dict[str, list[ReadRows]]
    ) -> dict[str, tuple[int, str]]:
        with self.home.ledger.begin() as connection:
            keep = {(o.source, o.name, o.etag) for o in objects}
            done = done_for(connection, keep)
            forget_objects(connection, objects)
            rows = [object_row(o, group, done.get((o.source, o.name, o.etag))) for o in objects]
            insert_many(connection, t.objects, rows)
            batches = {}
            for name, files in by_table.items():
                uid = uuid.uuid4().hex
                days = sorted(set().union(*(f.days for f in files)))
                result = connection.execute(
                    sa.insert(t.batches).values(
                        uid=uid,
                        group_id=group,
                        table_name=name,
                        state="writing",
                        rows=0,
                        duplicates=0,
                        variants=0,
                        days=json.dumps(days),
                        created_at=now(),
                    )
                )
                batches[name] = (new_id(result), uid)
            # What a digest promises is known from here on, whatever becomes of the group.
            keep_digests(connection, objects)
        return batches

    def _write(
        self,
        name: str,
        batch: tuple[int, str],
        files: Sequence[ReadRows],
        objects: Sequence[ObjectFacts],
        corrections: list[tuple[str, str]],
        report: GroupReport,
    ) -> int | None:
        """Write and commit one table's rows; the snapshot, or None where no row was new."""
        batch_id, uid = batch
        description = TABLES[name]
        table = self.table(name)
        tally = Tally()
        left_out = _LeftOut()
        unwanted, repeated = self._objects_to_leave_out(name, objects)
        writer = FileWriter(table, description)
        candidates: list[Candidate] = []
        moment = now()
        stamp = pa.scalar(moment, pa.timestamp("us", tz="UTC"))
        try:
            for chunk in _chunks(files):
                if unwanted:
                    at = pc.is_in(chunk["object"], unwanted)
                    if name == "quarantine":
                        # Its time is when it was written, and none of its rows is a copy of another.
                        report.earlier.setdefault(name, Tally()).taken += pc.sum(at).as_py() or 0
                    else:
                        left_out.add(chunk.filter(at), description.time_column)
                    chunk = chunk.filter(pc.invert(at))
                if repeated and KEY not in chunk.column_names:
                    kept = chunk.filter(pc.invert(pc.is_in(chunk["object"], repeated)))
                    tally.duplicates += chunk.num_rows - kept.num_rows
                    chunk = kept
                if not chunk.num_rows:
                    continue
                if name in KEYED and KEY in chunk.column_names:
                    self.step("keys")
                    chunk, found, same = self._new_rows(name, batch_id, chunk, description)
                    tally.duplicates += same
                    candidates.extend(found)
                self.step("files")
                rows = _complete(chunk, description, stamp)
                if name == "cloudtrail":
                    corrections.extend(_corrections(rows))
                tally.taken += rows.num_rows
                writer.write(rows)
            data_files = writer.close()
            if candidates:
                extra = self._variants(name, batch_id, candidates, data_files, table)
                firsts = pc.sum(pc.equal(extra["variant"], 0)).as_py() or 0
                tally.taken += firsts
                tally.variants += extra.num_rows - firsts
                tally.duplicates += len(candidates) - extra.num_rows
                if extra.num_rows:
                    rows = _complete(extra, description, stamp)
                    if name == "cloudtrail":
                        corrections.extend(_corrections(rows))
                    writer.write(rows)
                    data_files += writer.close()
            if left_out.rows:
                assert unwanted is not None
                report.earlier[name] = self._earlier(table, description, left_out, unwanted)
        except BaseException:
            writer.abandon()
            raise
        report.tables[name] = tally
        self.keys.mark_known([batch_id])
        if not data_files:
            return None
        paths = (Path(f.file_path.removeprefix("file://")) for f in data_files)
        report.written[name] = Written(moment, tuple(str(p.relative_to(self.home.lake)) for p in paths))
        self.step("snapshot")
        with (
            table.transaction() as transaction,
            transaction.update_snapshot(
                snapshot_properties={
                    BATCH: uid,
                    DUPLICATES: str(tally.duplicates),
                    VARIANTS: str(tally.variants),
                    STAMP: moment.isoformat(),
                }
            ).merge_append() as append,
        ):
            for data_file in data_files:
                append.append_data_file(data_file)
        snapshot = table.current_snapshot()
        return None if snapshot is None else snapshot.snapshot_id

    def _objects_to_leave_out(
        self, name: str, objects: Sequence[ObjectFacts]
    ) -> tuple[pa.Array | None, pa.Array | None]:
        """Objects whose rows an interrupted group committed already, and second copies of whole objects."""
        with self.home.ledger.engine.connect() as connection:
            done = done_for(connection, {(o.source, o.name, o.etag) for o in objects})
            unwanted = [
                o.name for o in objects if name in (done.get((o.source, o.name, o.etag)) or "").split(",")
            ]
            repeated = []
            if name == "vpc_flow_logs":
                left = set(unwanted)
                candidates = [o for o in objects if o.unkeyed and o.name not in left]
                seen = known_contents(connection, name, [o.sha256 for o in candidates])
                # An object that is left out has its rows in the lake, though it is not confirmed yet.
                seen.update(o.sha256 for o in objects if o.name in left)
                for o in candidates:
                    if o.sha256 in seen:
                        repeated.append(o.name)
                    seen.add(o.sha256)
        return _names(unwanted), _names(repeated)

    def _earlier(
        self, table: Table, description: TableDescription, left_out: _LeftOut, names: pa.Array
    ) -> Tally:
        """What the records of these objects became when an interrupted group committed them, by the lake."""
        assert left_out.first is not None
        assert left_out.last is not None
        column = description.time_column
        span = between(description.name, left_out.first.date(), left_out.last.date())
        files = relation(planned_files(table, span), table.schema())
        variant = "variant > 0" if "variant" in description.by_name else "false"
        with duckdb.connect(config={"threads": 1, "memory_limit": "512MB"}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            found = connection.execute(
                f"SELECT count(*) FILTER (NOT {variant}), count(*) FILTER ({variant}) FROM {files}"
                f' WHERE "{column}" >= $first AND "{column}" <= $last AND object IN (SELECT unnest($names))',
                {"first": left_out.first, "last": left_out.last, "names": names.to_pylist()},
            ).fetchone()
        first, variants = found or (0, 0)
        return Tally(first, max(left_out.rows - first - variants, 0), variants)

    def _new_rows(
        self, name: str, batch_id: int, chunk: pa.Table, description: TableDescription
    ) -> tuple[pa.Table, list[Candidate], int]:
        """The rows whose keys are new, those that may say more than what has their key, and how many do not."""
        time = chunk[description.time_column].combine_chunks()
        days = pc.floor_temporal(time, unit="day").cast(pa.date32()).cast(pa.int32())
        keys, contents = chunk[KEY].combine_chunks(), chunk[CONTENT].combine_chunks()
        repeats = self.keys.claim(name, batch_id, days, keys, contents)
        if not len(repeats.rows):
            return chunk, [], 0
        differing = repeats.rows.filter(pc.invert(repeats.same))
        candidates = [
            Candidate(chunk.slice(at, 1), days[at].as_py(), keys[at].as_py(), contents[at].as_py())
            for at in differing.to_pylist()
        ]
        return without(chunk, repeats.rows), candidates, len(repeats.rows) - len(candidates)

    def _variants(
        self, name: str, batch_id: int, candidates: list[Candidate], own: list[DataFile], table: Table
    ) -> pa.Table:
        own_paths = [f.file_path.removeprefix("file://") for f in own]
        return variant_rows(TABLES[name], table, own_paths, candidates, self.keys, batch_id)

    def _confirm(
        self,
        group: str,
        batches: dict[str, tuple[int, str]],
        snapshots: dict[str, int | None],
        report: GroupReport,
        by_table: dict[str, list[ReadRows]],
        corrections: Sequence[tuple[str, str]],
    ) -> None:
        moment = now()
        corrected = days_of_events(self.table("cloudtrail"), [original for original, _ in corrections])
        with self.home.ledger.begin() as connection:
            for name, (batch_id, _) in batches.items():
                tally = report.tables[name]
                connection.execute(
                    sa.update(t.batches)
                    .where(t.batches.c.id == batch_id)
                    .values(
                        state="committed",
                        rows=tally.taken,
                        duplicates=tally.duplicates,
                        variants=tally.variants,
                        snapshot_id=snapshots[name],
                        committed_at=moment,
                        **_whereabouts(report.written.get(name)),
                    )
                )
                if tally.taken or tally.variants:
                    mark_days(connection, name, set().union(*(f.days for f in by_table[name])))
            settle(connection, group, moment)
            keep_corrections(connection, corrections)
            # What a correction replaces no longer counts, on whatever day it stands.
            mark_days(connection, "cloudtrail", corrected)

    def close(self) -> None:
        self.keys.close()


def _whereabouts(written: Written | None) -> dict[str, object]:
    return {} if written is None else {"stamp": written.stamp, "files": json.dumps(written.files)}


def _names(names: Sequence[str]) -> pa.Array | None:
    return pa.array(names, pa.string()) if names else None


def _chunks(files: Sequence[ReadRows]) -> Iterator[pa.Table]:
    """Rows of the files in pieces of about CHUNK_ROWS; keyed and unkeyed rows are not mixed."""
    gathered: list[pa.Table] = []
    count = 0
    keyed: bool | None = None
    for file in files:
        for batch in file.batches():
            part = pa.Table.from_batches([batch])
            has_key = KEY in part.column_names
            if gathered and (has_key != keyed or count + part.num_rows > CHUNK_ROWS):
                yield pa.concat_tables(gathered)
                gathered, count = [], 0
            keyed = has_key
            gathered.append(part)
            count += part.num_rows
    if gathered:
        yield pa.concat_tables(gathered)


def _complete(chunk: pa.Table, description: TableDescription, stamp: pa.Scalar) -> pa.Table:
    columns = []
    for column in description.columns:
        if column.name in ("ingested_at", "quarantined_at"):
            columns.append(pa.repeat(stamp, chunk.num_rows))
        else:
            columns.append(chunk[column.name])
    return pa.table(columns, schema=description.schema)


def _corrections(rows: pa.Table) -> list[tuple[str, str]]:
    addendum = rows["addendum"].combine_chunks()
    if addendum.null_count == len(addendum):
        return []
    found = rows.filter(pc.is_valid(rows["addendum"])).select(["eventID", "addendum"]).to_pylist()
    return [
        (r["addendum"]["originalEventID"], r["eventID"])
        for r in found
        if r["addendum"]["originalEventID"]
        and r["eventID"]
        and r["addendum"]["originalEventID"] != r["eventID"]
    ]
