"""The exactly-once protocol: a group of objects, one batch a table, all or nothing to the reader.

Steps, each durable before the next: *begin* (ledger: objects pending, batches writing), *keys* (key table:
which rows are new), *files* (Parquet), *snapshot* (Iceberg commit, the batch's uid in its summary),
*confirm* (ledger: batches committed, objects in their final state). Whoever opens the writer reconciles
what an earlier process left between two steps.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from sqlalchemy.engine import Connection

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError
from ashiato.formats.columns import TableDescription
from ashiato.formats.reading import DigestFile
from ashiato.formats.tables import TABLES
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.files import FileWriter
from ashiato.lake.home import Home
from ashiato.lake.keys import KEYED, KeyTable
from ashiato.lake.variants import Candidate, variant_rows
from ashiato.ledger import tables as t

#: Columns that a reader's rows carry besides the table's: key and content hash of the record.
KEY = "_key"
CONTENT = "_content"
#: Rows that are looked up, filtered and written at once.
CHUNK_ROWS = 100_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


@dataclass
class Tally:
    """Records of one table: offered = taken + duplicates + variants."""

    taken: int = 0
    duplicates: int = 0
    variants: int = 0


@dataclass
class GroupReport:
    tables: dict[str, Tally]


class LakeWriter:
    """Commits groups to the lake. One per home: it needs the home's writer lock."""

    def __init__(self, home: Home) -> None:
        if home.writer is None:
            raise AshiatoError("the home is open for reading only")
        self.home = home
        self.catalog = open_catalog(home.lake)
        self.keys = KeyTable(home.folder / "keys.db")
        self._tables: dict[str, Table] = {}
        self.reconcile()

    def table(self, name: str) -> Table:
        if name not in self._tables:
            self._tables[name] = open_table(self.catalog, name)
        return self._tables[name]

    def step(self, name: str) -> None:
        """Say in the lock what the writer is doing; a test that kills reads it."""
        if self.home.writer is not None:
            self.home.writer.step(name)

    # -- commit -------------------------------------------------------------------------------------

    def commit(self, objects: Sequence[ObjectFacts], files: Sequence[RowsFile]) -> GroupReport:
        """Commit the rows of these objects. Raises AshiatoError (disk full …) with the lake as before."""
        group = uuid.uuid4().hex
        by_table: dict[str, list[RowsFile]] = {}
        for file in files:
            if file.rows:
                by_table.setdefault(file.table, []).append(file)
        try:
            self.step("begin")
            batches = self._begin(group, objects, by_table)
            report = GroupReport({})
            snapshots: dict[str, int | None] = {}
            corrections: list[tuple[str, str]] = []
            for name, table_files in by_table.items():
                tally, snapshots[name] = self._write(name, batches[name], table_files, objects, corrections)
                report.tables[name] = tally
            self.step("confirm")
            self._confirm(group, batches, snapshots, report, objects, by_table, corrections)
        except (OSError, pa.ArrowException, sa.exc.DBAPIError) as error:
            self._tables.clear()
            try:
                self.reconcile()
            except (OSError, pa.ArrowException, sa.exc.DBAPIError):
                # The disk may refuse this too; the next process that opens the home reconciles.
                pass
            raise AshiatoError(
                f"the batch could not be written: {error}",
                where=str(self.home.folder),
                remedy="Free disk space or repair the folder's permissions and run again;"
                " the lake is as it was before this batch.",
            ) from error
        self.step("idle")
        return report

    def _begin(
        self, group: str, objects: Sequence[ObjectFacts], by_table: dict[str, list[RowsFile]]
    ) -> dict[str, tuple[int, str]]:
        with self.home.ledger.begin() as connection:
            keep = {(o.source, o.name, o.etag) for o in objects}
            done = _done(connection, keep)
            _forget_objects(connection, objects)
            if objects:
                connection.execute(
                    sa.insert(t.objects),
                    [_object_row(o, group, done.get((o.source, o.name, o.etag))) for o in objects],
                )
            batches = {}
            for name, files in by_table.items():
                uid = uuid.uuid4().hex
                days = sorted(set().union(*(f.days for f in files)))
                result = connection.execute(
                    sa.insert(t.batches).values(
                        uid=uid, group_id=group, table_name=name, state="writing", rows=0, duplicates=0,
                        variants=0, days=json.dumps(days), created_at=now(),
                    )
                )
                batches[name] = (int(result.inserted_primary_key[0]), uid)
        return batches

    def _write(
        self,
        name: str,
        batch: tuple[int, str],
        files: Sequence[RowsFile],
        objects: Sequence[ObjectFacts],
        corrections: list[tuple[str, str]],
    ) -> tuple[Tally, int | None]:
        batch_id, uid = batch
        description = TABLES[name]
        table = self.table(name)
        tally = Tally()
        unwanted, repeated = self._objects_to_leave_out(name, objects)
        writer = FileWriter(table, description)
        candidates: list[Candidate] = []
        first_row = 0
        stamp = pa.scalar(now(), pa.timestamp("us", tz="UTC"))
        try:
            for chunk in _chunks(files):
                if unwanted:
                    chunk = chunk.filter(pc.invert(pc.is_in(chunk["object"], unwanted)))
                if repeated and KEY in chunk.column_names:
                    pass
                elif repeated:
                    kept = chunk.filter(pc.invert(pc.is_in(chunk["object"], repeated)))
                    tally.duplicates += chunk.num_rows - kept.num_rows
                    chunk = kept
                if not chunk.num_rows:
                    continue
                if name in KEYED and KEY in chunk.column_names:
                    self.step("keys")
                    size = chunk.num_rows
                    chunk, found, same = self._new_rows(name, batch_id, chunk, description, first_row)
                    first_row += size
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
                tally.variants += extra.num_rows
                tally.duplicates += len(candidates) - extra.num_rows
                if extra.num_rows:
                    more = FileWriter(table, description)
                    more.write(_complete(extra, description, stamp))
                    data_files += more.close()
        except BaseException:
            writer.abandon()
            raise
        if not data_files:
            return tally, None
        self.step("snapshot")
        with table.transaction() as transaction, transaction.update_snapshot(
            snapshot_properties={"ashiato.batch": uid}
        ).merge_append() as append:
            for data_file in data_files:
                append.append_data_file(data_file)
        snapshot = table.current_snapshot()
        return tally, None if snapshot is None else snapshot.snapshot_id

    def _objects_to_leave_out(
        self, name: str, objects: Sequence[ObjectFacts]
    ) -> tuple[pa.Array | None, pa.Array | None]:
        """Objects whose rows an interrupted group committed already, and second copies of whole objects."""
        with self.home.ledger.engine.connect() as connection:
            done = _done(connection, {(o.source, o.name, o.etag) for o in objects})
            unwanted = [
                o.name for o in objects if name in (done.get((o.source, o.name, o.etag)) or "").split(",")
            ]
            seen: set[bytes] = set()
            repeated = []
            candidates = [o for o in objects if o.unkeyed and o.name not in set(unwanted)]
            known = _known_contents(connection, [o.sha256 for o in candidates])
            for o in candidates:
                if o.sha256 in known or o.sha256 in seen:
                    repeated.append(o.name)
                seen.add(o.sha256)
        as_array = lambda names: pa.array(names, pa.string()) if names else None  # noqa: E731
        return as_array(unwanted), as_array(repeated)

    def _new_rows(
        self, name: str, batch_id: int, chunk: pa.Table, description: TableDescription, first_row: int
    ) -> tuple[pa.Table, list[Candidate], int]:
        days = pc.floor_temporal(chunk[description.time_column], unit="day").cast(pa.date32()).cast(pa.int32())
        day_list = days.to_pylist()
        keys = chunk[KEY].to_pylist()
        contents = chunk[CONTENT].to_pylist()
        repeats = self.keys.claim(name, batch_id, day_list, keys, contents, first_row=first_row)
        if not repeats:
            return chunk, [], 0
        out = [r.row - first_row for r in repeats]
        mask = pc.invert(pc.is_in(pa.array(range(chunk.num_rows), pa.int32()), pa.array(out, pa.int32())))
        differing = [r for r in repeats if not r.same]
        candidates = []
        if differing:
            rows = chunk.take(pa.array([r.row - first_row for r in differing], pa.int64()))
            for i, r in enumerate(differing):
                at = r.row - first_row
                candidates.append(Candidate(rows.slice(i, 1), day_list[at], keys[at], contents[at]))
        return chunk.filter(mask), candidates, len(repeats) - len(differing)

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
        objects: Sequence[ObjectFacts],
        by_table: dict[str, list[RowsFile]],
        corrections: Sequence[tuple[str, str]],
    ) -> None:
        moment = now()
        with self.home.ledger.begin() as connection:
            for name, (batch_id, _) in batches.items():
                tally = report.tables[name]
                connection.execute(
                    sa.update(t.batches)
                    .where(t.batches.c.id == batch_id)
                    .values(
                        state="committed", rows=tally.taken, duplicates=tally.duplicates,
                        variants=tally.variants, snapshot_id=snapshots[name], committed_at=moment,
                    )
                )
                if tally.taken or tally.variants:
                    _mark_days(connection, name, set().union(*(f.days for f in by_table[name])))
            _settle(connection, group, moment)
            _keep_corrections(connection, corrections)
            _keep_digests(connection, objects)

    # -- reconcile ----------------------------------------------------------------------------------

    def reconcile(self) -> None:
        """Finish or take back what a process that died left between two steps."""
        ledger = self.home.ledger
        unsure = ledger.rows(sa.select(t.batches).where(t.batches.c.state == "writing"))
        groups: dict[str, set[str]] = {}
        for batch in unsure:
            committed = groups.setdefault(batch.group_id, set())
            table = open_table(self.catalog, batch.table_name)
            snapshot = next(
                (s for s in table.snapshots() if s.summary and s.summary.get("ashiato.batch") == batch.uid), None
            )
            if snapshot is None:
                self.keys.forget(batch.table_name, batch.id, json.loads(batch.days))
                with ledger.begin() as connection:
                    connection.execute(sa.delete(t.batches).where(t.batches.c.id == batch.id))
                continue
            committed.add(batch.table_name)
            with ledger.begin() as connection:
                connection.execute(
                    sa.update(t.batches)
                    .where(t.batches.c.id == batch.id)
                    .values(
                        state="committed", snapshot_id=snapshot.snapshot_id, committed_at=now(),
                        rows=int((snapshot.summary or {})["added-records"] or 0),
                    )
                )
                _mark_days(connection, batch.table_name, set(json.loads(batch.days)))
        pending = ledger.rows(
            sa.select(t.objects.c.group_id).where(t.objects.c.state == "pending").distinct()
        )
        for (group,) in pending:
            with ledger.begin() as connection:
                done = connection.scalars(
                    sa.select(t.batches.c.table_name).where(
                        t.batches.c.group_id == group, t.batches.c.state == "committed"
                    )
                ).all()
                # Which objects have rows in which table is not recorded, and need not be: they are read again.
                connection.execute(
                    sa.update(t.objects)
                    .where(t.objects.c.group_id == group, t.objects.c.state == "pending")
                    .values(
                        state="failed", reason="interrupted; it will be read again",
                        done=_joined(t.objects.c.done, done),
                    )
                )

    def close(self) -> None:
        self.keys.close()


def _joined(column: sa.Column[str], names: Sequence[str]) -> sa.ColumnElement[str]:
    added = ",".join(names)
    return sa.func.coalesce(column + ",", "") + added


def _chunks(files: Sequence[RowsFile]) -> Iterator[pa.Table]:
    """Rows of the files in pieces of about CHUNK_ROWS; keyed and unkeyed rows are not mixed."""
    gathered: list[pa.Table] = []
    count = 0
    keyed: bool | None = None
    for file in files:
        with pa.memory_map(str(file.path)) as source:
            reader = pa.ipc.open_file(source)
            for i in range(reader.num_record_batches):
                part = pa.Table.from_batches([reader.get_batch(i)])
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
        if r["addendum"]["originalEventID"] and r["eventID"] and r["addendum"]["originalEventID"] != r["eventID"]
    ]


def file_name(name: str) -> str:
    """The last part of a path or key."""
    return name.rpartition("/")[2][:1024]


def _object_row(o: ObjectFacts, group: str, done: str | None) -> dict[str, object]:
    return {
        "source": o.source, "name": o.name, "file_name": file_name(o.name), "log": o.log, "etag": o.etag, "size": o.size, "sha256": o.sha256,
        "delivered_at": o.delivered_at, "taken_at": None, "state": "pending", "reason": o.reason,
        "records": o.records, "account": o.account, "region": o.region, "newest_record": o.newest_record,
        "group_id": group, "outcome": o.outcome, "done": done,
    }


def _in_slices(values: Sequence[object], size: int = 400) -> Iterator[Sequence[object]]:
    for i in range(0, len(values), size):
        yield values[i : i + size]


def _forget_objects(connection: Connection, objects: Sequence[ObjectFacts]) -> None:
    """Earlier rows of the same objects (failed, interrupted) give way."""
    if objects:
        connection.execute(
            sa.delete(t.objects).where(
                t.objects.c.source == sa.bindparam("s"), t.objects.c.name == sa.bindparam("n"),
                t.objects.c.etag == sa.bindparam("e"),
            ),
            [{"s": o.source, "n": o.name, "e": o.etag} for o in objects],
        )


def _done(connection: Connection, wanted: set[tuple[str, str, str]]) -> dict[tuple[str, str, str], str]:
    """Tables that interrupted groups committed for these objects."""
    o = t.objects.c
    rows = connection.execute(sa.select(o.source, o.name, o.etag, o.done).where(o.done.is_not(None), o.done != ""))
    return {(s, n, e): d for s, n, e, d in rows if (s, n, e) in wanted}


def _known_contents(connection: Connection, hashes: Sequence[bytes]) -> set[bytes]:
    known: set[bytes] = set()
    for part in _in_slices(hashes):
        known.update(
            connection.scalars(
                sa.select(t.objects.c.sha256).where(
                    t.objects.c.sha256.in_(part), t.objects.c.state == "taken", t.objects.c.records > 0
                )
            )
        )
    return known


def _mark_days(connection: Connection, table: str, days: set[int]) -> None:
    for day in days:
        name = (EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")
        changed = connection.execute(
            sa.update(t.dirty_days)
            .where(t.dirty_days.c.table_name == table, t.dirty_days.c.day == name)
            .values(dirty=1)
        )
        if not changed.rowcount:
            connection.execute(sa.insert(t.dirty_days).values(table_name=table, day=name, dirty=1))


def _settle(connection: Connection, group: str, moment: datetime) -> None:
    connection.execute(
        sa.update(t.objects)
        .where(t.objects.c.group_id == group)
        .values(state=t.objects.c.outcome, taken_at=moment, done=None)
    )


def _keep_corrections(connection: Connection, corrections: Sequence[tuple[str, str]]) -> None:
    for original, correction in corrections:
        c = t.corrections.c
        if not connection.scalar(
            sa.select(sa.func.count()).where(c.original == original, c.correction == correction)
        ):
            connection.execute(sa.insert(t.corrections).values(original=original, correction=correction))


def _keep_digests(connection: Connection, objects: Sequence[ObjectFacts]) -> None:
    for o in objects:
        for d in o.digests:
            known = connection.scalar(
                sa.select(t.digests.c.id).where(t.digests.c.bucket == d.bucket, t.digests.c.key == d.key)
            )
            if known is not None:
                continue
            made = connection.execute(
                sa.insert(t.digests).values(
                    account=d.account, region=d.region, start=d.start, end=d.end, bucket=d.bucket, key=d.key,
                    object=o.name,
                )
            )
            if d.log_files:
                digest_id = made.inserted_primary_key[0]
                connection.execute(
                    sa.insert(t.digest_files),
                    [
                        {"digest": digest_id, "bucket": b, "key": k, "file_name": file_name(k), "sha256": h}
                        for b, k, h in dict.fromkeys(d.log_files)
                    ],
                )
