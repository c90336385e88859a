"""Arrow batches repeated with other ids and times: load where files are not the point."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.core.clock import now
from ashiato.formats.columns import TIMESTAMP
from ashiato.formats.reader import LogReader
from ashiato.formats.reading import ObjectOrigin, Rows
from ashiato.lake.handover import CONTENT, KEY, ObjectFacts, RowsFile
from ashiato.lake.home import Home
from ashiato.lake.keys import short_keys
from ashiato.lake.writer import LakeWriter

DAY = 86_400_000_000
_MIX = 0x1E3779B97F4A7C15
_63_BITS = (1 << 63) - 1


def read_rows(files: Sequence[Path], rows: int) -> tuple[pa.Table, pa.Array]:
    """The first `rows` CloudTrail rows of these objects, as the reader gives them, by time of day; their keys."""
    reader = LogReader()
    tables: list[pa.Table] = []
    keys: list[pa.Array] = []
    found = 0

    def take(part: object) -> None:
        nonlocal found
        if isinstance(part, Rows) and part.table == "cloudtrail":
            assert part.keys is not None
            tables.append(part.rows)
            keys.append(part.keys)
            found += part.rows.num_rows

    for path in files:
        if found + len(reader.events) >= rows:
            break
        for part in reader.read(path.read_bytes(), ObjectOrigin("bench", path.name, now())):
            take(part)
        if reader.full:
            for gathered in reader.settle():
                take(gathered.part)
    for gathered in reader.settle():
        take(gathered.part)
    take(reader.flush())
    table = pa.concat_tables(tables).slice(0, rows)
    key = pa.chunked_array(keys).slice(0, rows)
    table = _with(table, "eventTime", as_time(time_of_day(table["eventTime"])))
    order = pc.sort_indices(table, sort_keys=[("eventTime", "ascending")])
    return table.take(order).combine_chunks(), key.take(order).combine_chunks().cast(pa.binary(16))


def _micros(times: pa.ChunkedArray) -> pa.Array:
    return times.combine_chunks().cast(pa.int64())


def time_of_day(times: pa.ChunkedArray) -> pa.Array:
    """Microseconds since midnight UTC, int64."""
    micros = _micros(times)
    return pc.subtract(micros, pc.multiply(pc.divide(micros, DAY), DAY))


def as_time(micros: pa.Array) -> pa.Array:
    """Timestamps of microseconds since 1970."""
    return micros.cast(TIMESTAMP)


class Batch:
    """Rows of one day that stand for any day."""

    def __init__(self, rows: pa.Table, keys: pa.Array) -> None:
        self.rows = rows
        self._times = _micros(rows["eventTime"])
        self._ids = pc.utf8_slice_codeunits(rows["eventID"].combine_chunks(), 8, 36)
        self._keys = short_keys(keys)

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def at(self, day: int, number: int, *, part: int = 0, parts: int = 1) -> pa.Table:
        """These rows on `day` (since 1970) under ids of copy `number`.

        With `parts`, the day is pressed into the `part`th slice of a day: slices in a row are sorted.
        """
        times = pc.add(pc.divide(pc.add(self._times, part * DAY), parts), day * DAY)
        ids = pc.binary_join_element_wise(pa.scalar(f"{number:08x}"), self._ids, "")
        rows = _with(self.rows, "eventTime", as_time(times))
        return _with(rows, "eventID", ids)

    def keyed(self, day: int, number: int) -> pa.Table:
        """The same with key and content hash, as LakeWriter takes them."""
        keys = pc.bit_wise_xor(self._keys, number * _MIX & _63_BITS)
        rows = self.at(day, number).append_column(KEY, keys)
        return rows.append_column(CONTENT, pc.bit_wise_and(keys, _63_BITS))


def _with(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, values)


def spool(home: Home, rows: pa.Table, day: int) -> tuple[ObjectFacts, RowsFile]:
    """An Arrow file of the home's folder for such rows, and an object that they may come from."""
    path = home.tmp / f"{uuid.uuid4().hex}.arrow"
    with pa.ipc.new_file(str(path), rows.schema) as writer:
        writer.write_table(rows, max_chunksize=50_000)
    facts = ObjectFacts(
        source="bench", name=f"/bench/{path.name}", etag="1", size=path.stat().st_size,
        sha256=uuid.uuid4().bytes * 2, delivered_at=now(), outcome="taken", records=rows.num_rows,
        log="cloudtrail",
    )  # fmt: skip
    return facts, RowsFile("cloudtrail", path, rows.num_rows, {day})


def commit(writer: LakeWriter, home: Home, rows: pa.Table, day: int) -> None:
    """One commit of these rows."""
    facts, file = spool(home, rows, day)
    writer.commit([facts], [file])
    file.path.unlink()
