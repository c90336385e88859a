"""Flow records of many small objects, read as one: building 80 columns costs more than a hundred records.

What reads without a fault as one is split again by object; anything else is read object by object.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from ashiato.formats.columns import TIMESTAMP
from ashiato.formats.flow_fields import names_a_flow_log
from ashiato.formats.flow_parquet import read_batch, read_parquet
from ashiato.formats.flow_text import read_text
from ashiato.formats.reading import Gathered, ObjectOrigin, Part, Rows

MOST_BYTES = 128 << 10
MOST_ROWS = 40_000
#: Without one of these a record takes its object's own time, so that objects cannot be mixed.
_TIMES = {b"start", b"end"}


@dataclass
class _Texts:
    origins: list[ObjectOrigin] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


@dataclass
class _Tables:
    origins: list[ObjectOrigin] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)


class FlowGather:
    """Small flow-log objects on their way into shared tables."""

    def __init__(self) -> None:
        self._texts: dict[bytes, _Texts] = {}
        self._tables: dict[pa.Schema, _Tables] = {}
        self.rows = 0

    def add_text(self, content: bytes, origin: ObjectOrigin) -> bool:
        """Take a whole decompressed text with a header line; False where it must be read by itself."""
        head, end, body = content.partition(b"\n")
        if not end or not body.endswith(b"\n") or b"\0" in body or b"\r" in body or b"\n\n" in body:
            return False
        names = head.split(b" ")
        if not _TIMES.intersection(names) or not head[:1].islower() or body.startswith(head):
            return False
        gathered = self._texts.setdefault(head, _Texts())
        gathered.origins.append(origin)
        gathered.bodies.append(body)
        gathered.lines.append(body.count(b"\n"))
        self.rows += gathered.lines[-1]
        return True

    def add_parquet(self, content: bytes, origin: ObjectOrigin) -> bool:
        """Take a small Parquet flow log; False where it must be read by itself."""
        try:
            table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
        except (pa.ArrowException, OSError, ValueError):
            return False
        names = set(table.column_names)
        if (
            not names_a_flow_log(table.column_names)
            or not names & {"start", "end"}
            or table.num_rows > MOST_ROWS
        ):
            return False
        gathered = self._tables.setdefault(table.schema.remove_metadata(), _Tables())
        gathered.origins.append(origin)
        gathered.contents.append(content)
        gathered.tables.append(table.replace_schema_metadata(None))
        self.rows += table.num_rows
        return True

    @property
    def full(self) -> bool:
        return self.rows >= MOST_ROWS

    def take(self) -> Iterator[Gathered]:
        """Everything gathered so far, and an empty gatherer."""
        texts, tables = self._texts, self._tables
        self._texts, self._tables, self.rows = {}, {}, 0
        for head, text in texts.items():
            one = ObjectOrigin("", "")
            parts = list(read_text([head + b"\n" + b"".join(text.bodies)], one))
            rows = _as_one(parts, text.origins, text.lines)
            if rows is not None:
                yield rows
                continue
            for origin, body in zip(text.origins, text.bodies, strict=True):
                for part in read_text([head + b"\n" + body], origin):
                    yield _of_one(part, origin)
        for table in tables.values():
            counts = [t.num_rows for t in table.tables]
            whole = pa.concat_tables(table.tables).combine_chunks()
            parts = [p for b in whole.to_batches() for p in read_batch(b, ObjectOrigin("", ""))]
            rows = _as_one(parts, table.origins, counts)
            if rows is not None:
                yield rows
                continue
            for origin, content in zip(table.origins, table.contents, strict=True):
                for part in read_parquet(content, origin):
                    yield _of_one(part, origin)


def _of_one(part: Part, origin: ObjectOrigin) -> Gathered:
    return Gathered(part, ((origin, part.rows.num_rows if isinstance(part, Rows) else 0),))


def _as_one(parts: Sequence[Part], origins: Sequence[ObjectOrigin], counts: Sequence[int]) -> Gathered | None:
    """The parts as one table with each object's own provenance; None where anything is not plain."""
    tables = [p.rows for p in parts if isinstance(p, Rows)]
    if len(tables) != len(parts) or sum(t.num_rows for t in tables) != sum(counts):
        return None
    if not tables:
        return Gathered(Rows("vpc_flow_logs", pa.table({})), ()) if not parts else None
    rows = pa.concat_tables(tables)
    if rows["start_time"].null_count:
        return None
    index = pa.array([i for i, n in enumerate(counts) for _ in range(n)], pa.int32())
    for name, values in (
        ("delivered_at", pa.array([o.delivered_at for o in origins], TIMESTAMP)),
        ("source", pa.array([o.source for o in origins], pa.string())),
        ("object", pa.array([o.name for o in origins], pa.string())),
    ):
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), values.take(index))
    return Gathered(Rows("vpc_flow_logs", rows), tuple(zip(origins, counts, strict=True)))
