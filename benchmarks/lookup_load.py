"""A home of many million events over 90 days, built from Arrow batches of one day.

Each day is written as compaction writes it: sorted files, row groups of 20,000, bloom filters; footprints as
the maintenance child counts them, a file set a month. What makes one day differ from another: times, event
ids, and every second entity (keys, sessions, resources come and go), so that indexes are as large as real
ones. Some entities are planted, with answers known beforehand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from ashiato.formats.columns import TIMESTAMP
from ashiato.formats.entities import entity_hash
from ashiato.formats.reader import LogReader
from ashiato.formats.reading import ObjectOrigin, Rows
from ashiato.formats.tables import FOOTPRINTS, TABLES
from ashiato.lake.catalog import iceberg_schema, open_catalog, open_table
from ashiato.lake.compaction import TARGET_BYTES, folder_of
from ashiato.lake.footprint_counts import Counter, selection
from ashiato.lake.home import Home
from ashiato.lake.merging import SortedFiles
from ashiato.lake.replacing import replace_files
from ashiato.ledger import tables as t
from benchmarks.batches import DAY, Batch, as_time, time_of_day
from benchmarks.processes import pool_of

LAST = date(2026, 11, 22)
EPOCH = date(1970, 1, 1)
DESCRIPTION = TABLES["cloudtrail"]
#: File in a home made here that names the entity that is in most rows.
HOT = "hot.json"


@dataclass(frozen=True)
class Needle:
    """An entity with a known answer: `each` events on every `step`th of the newest `days` days."""

    name: str
    key: str
    days: int
    step: int
    each: int

    def on(self, age: int) -> int:
        """Events on the day `age` days before the last."""
        return self.each if age < self.days and age % self.step == 0 else 0


def needles(days: int) -> tuple[Needle, ...]:
    """What is planted in a home of so many days."""
    return (
        Needle("60 events in 3 days", "AKIANEEDLE0000000003", 3, 1, 20),
        Needle("its newest 50 in 10 days", "AKIANEEDLE0000000010", 10, 1, 5),
        Needle("one event every day", "AKIANEEDLE0000000090", days, 1, 1),
        Needle("nowhere", "AKIANEEDLE0000000000", 0, 1, 0),
    )


def needle_rows(needle: Needle, count: int) -> pa.Table:
    """`count` events by this access key, as the reader gives them."""
    records = [
        {
            "eventVersion": "1.11", "eventTime": "2026-11-22T00:00:00Z", "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject", "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.77",
            "userAgent": "aws-cli/2.31", "eventID": f"00000000-0000-4000-8000-{n:012x}",
            "eventType": "AwsApiCall", "eventCategory": "Data", "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "accessKeyId": needle.key},
            "requestParameters": {"bucketName": "shop-orders", "key": f"orders/{n}.json"},
        }
        for n in range(count)
    ]  # fmt: skip
    reader = LogReader()
    content = json.dumps({"Records": records}).encode()
    parts = [*reader.read(content, ObjectOrigin("bench", "needles")), *(g.part for g in reader.settle())]
    parts.append(reader.flush())
    return pa.concat_tables([p.rows for p in parts if isinstance(p, Rows)])


def _at(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, values)


def _varied(lists: pa.ListArray, number: int) -> pa.Array:
    """Every second entity becomes another one; the same for the same number."""
    values = lists.flatten()
    changed = pc.bit_wise_xor(values, number * 0x2545F491 << 20 & ((1 << 63) - 1))
    odd = pc.equal(pc.bit_wise_and(values, 1), 1)
    return pa.ListArray.from_arrays(lists.offsets, pc.if_else(odd, changed, values))


class DayMaker:
    """Makes the rows of any day."""

    def __init__(self, base: Batch, parts: int, days: int) -> None:
        self.base = base
        self.parts = parts
        self.needles = [(n, needle_rows(n, max(1, n.each))) for n in needles(days)]
        self._lists = base.rows["entities"].combine_chunks()

    def rows(self, age: int) -> list[pa.Table]:
        """Rows of the day `age` days before the last, in order of time, as tables of the lake's columns."""
        return [self.part(age, part) for part in range(self.parts)]

    def part(self, age: int, part: int) -> pa.Table:
        """One of the tables of a day; needles are in the last."""
        number = 1 + age * self.parts + part
        rows = self.base.at((LAST - EPOCH).days - age, number, part=part, parts=self.parts)
        rows = _at(rows, "entities", _varied(self._lists, number))
        return _complete(self._planted(rows, age) if part == self.parts - 1 else rows)

    def _planted(self, rows: pa.Table, age: int) -> pa.Table:
        """Needles take the places of rows here and there, at those rows' times."""
        wanted = [x.slice(i, 1) for n, x in self.needles for i in range(n.on(age))]
        if not wanted:
            return rows
        places = [1 + n * (rows.num_rows - 2) // len(wanted) for n in range(len(wanted))]
        pieces, start = [], 0
        for place, needle in zip(places, wanted, strict=True):
            time = rows["eventTime"].slice(place, 1)
            pieces += [rows.slice(start, place - start), _at(needle, "eventTime", time)]
            start = place + 1
        return pa.concat_tables([*pieces, rows.slice(start)]).combine_chunks()


def _complete(rows: pa.Table) -> pa.Table:
    stamp = pa.repeat(pa.scalar(datetime(2026, 11, 23, tzinfo=UTC), TIMESTAMP), rows.num_rows)
    rows = rows.append_column("ingested_at", stamp)
    return rows.select([c.name for c in DESCRIPTION.columns]).cast(DESCRIPTION.schema)


def counted(tables: Sequence[pa.Table]) -> pa.Table:
    """Footprints of these rows, by the product's own count."""
    with duckdb.connect(config={"threads": 1}) as reading, duckdb.connect(config={"threads": 1}) as counting:
        reading.execute("SET TimeZone = 'UTC'")
        counter = Counter("cloudtrail", counting)
        for rows in tables:
            reading.register("rows_here", rows)
            wanted = reading.sql(f"SELECT {selection('cloudtrail')} FROM rows_here")
            for batch in wanted.to_arrow_reader(20_000):
                counter.add(batch)
            reading.unregister("rows_here")
        return pa.Table.from_batches(list(counter.results()), FOOTPRINTS.schema)


def _footprints_of(base: pa.Table, age: int, parts: int) -> pa.Table:
    """Footprints of one day from those of the base's day: half of the entities are others each time."""
    day = (LAST - EPOCH).days - age
    for name in ("first", "last", "day_time"):
        base = _at(base, name, as_time(pc.add(time_of_day(base[name]), day * DAY)))
    base = _at(base, "day", pa.repeat(pa.scalar(LAST - timedelta(days=age), pa.date32()), base.num_rows))
    named = zip(base["kind"].to_pylist(), base["entity"].to_pylist(), strict=True)
    others = pa.array([entity_hash(kind, value) & 1 == 1 for kind, value in named])
    same = base.filter(pc.invert(others))
    tables = [_at(same, "count", pc.multiply(same["count"], parts))]
    for part in range(parts):
        other = base.filter(others)
        suffix = pa.scalar(f"-{age * parts + part:x}")
        tables.append(_at(other, "entity", pc.binary_join_element_wise(other["entity"], suffix, "")))
    return pa.concat_tables(tables)


def _write_day(job: tuple[str, str, int, int, int]) -> list[str]:
    """One day's files; runs in a process of its own."""
    base_file, folder, age, parts, days = job
    with pa.memory_map(base_file) as source:
        table = pa.ipc.open_file(source).read_all()
    keys = pa.array([b"\0" * 16] * table.num_rows, pa.binary(16))
    maker = DayMaker(Batch(table, keys), parts, days)
    name = (LAST - timedelta(days=age)).isoformat()
    files = SortedFiles(Path(folder) / f"day={name}", DESCRIPTION, iceberg_schema(DESCRIPTION), TARGET_BYTES)
    for rows in maker.rows(age):
        for start in range(0, rows.num_rows, 20_000):
            files.write(rows.slice(start, 20_000))
    return files.close()


def build(
    folder: Path, base: tuple[pa.Table, pa.Array], rows: int, days: int, processes: int, say: Any
) -> None:
    """Make a home of about `rows` events in `days` days in `folder`."""
    a_day = max(100, rows // days)
    parts = -(-a_day // base[0].num_rows)
    table = base[0].slice(0, a_day // parts).combine_chunks()
    batch = Batch(table, base[1].slice(0, table.num_rows))
    with Home.open_for_writing(folder, "benchmark") as home:
        catalog = open_catalog(home.lake)
        log, footprints = open_table(catalog, "cloudtrail"), open_table(catalog, "footprints")
        base_file = home.tmp / "base.arrow"
        with pa.ipc.new_file(str(base_file), table.schema) as writer:
            writer.write_table(table)
        data = folder_of(log, "x").parent
        jobs = [(str(base_file), str(data), age, parts, days) for age in range(days)]
        paths: list[str] = []
        with pool_of(processes) as pool:
            for n, made in enumerate(pool.map(_write_day, jobs)):
                paths += made
                if n % 30 == 29:
                    say(f"{rows:,} events: {n + 1} of {days} days")
        replace_files(log, [], paths, {"ashiato.op": "benchmark"})
        say(f"{rows:,} events: footprints")
        hot = _write_footprints(footprints, batch, parts, days)
        (folder / HOT).write_text(json.dumps(hot))
        moment = datetime.now(UTC) - timedelta(seconds=1)
        with home.ledger.begin() as connection:
            connection.execute(
                sa.insert(t.dirty_days),
                [
                    {"table_name": "cloudtrail", "day": day.isoformat(), "settled_at": moment, "dirty": 0}
                    for day in (LAST - timedelta(days=n) for n in range(days))
                ],
            )  # fmt: skip


def _write_footprints(footprints: Any, batch: Batch, parts: int, days: int) -> tuple[str, str]:
    """Write them; the (value, kind) that most events of every day name."""
    base = counted([batch.at(0, 1)])
    most = base.sort_by([("count", "descending")]).select(["entity", "kind"]).slice(0, 100).to_pylist()
    hot = next((r["entity"], r["kind"]) for r in most if entity_hash(r["kind"], r["entity"]) & 1 == 0)
    maker = DayMaker(batch, parts, days)
    months: dict[str, list[int]] = {}
    for age in range(days):
        months.setdefault((LAST - timedelta(days=age)).strftime("%Y-%m"), []).append(age)
    for month, ages in months.items():
        tables = [_footprints_of(base, age, parts) for age in ages]
        # The needles' own, from the very rows that were planted.
        planted = []
        for age in ages:
            rows = maker.part(age, parts - 1)
            keys = pa.array([n.key for n, _ in maker.needles], pa.string())
            planted.append(rows.filter(pc.is_in(pc.struct_field(rows["userIdentity"], "accessKeyId"), keys)))
        found = counted(planted)
        tables.append(found.filter(pc.equal(found["kind"], "access_key")))
        whole = pa.concat_tables([x.cast(FOOTPRINTS.schema) for x in tables])
        whole = whole.sort_by([(name, "ascending") for name in FOOTPRINTS.sort])
        files = SortedFiles(folder_of(footprints, month), FOOTPRINTS, footprints.schema(), TARGET_BYTES)
        for start in range(0, whole.num_rows, 20_000):
            files.write(whole.slice(start, 20_000))
        replace_files(footprints, [], files.close(), {"ashiato.op": "benchmark"})
    return hot
