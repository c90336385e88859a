"""Reading a group of arrivals into rows, with the lags of their records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.intake.lags import Place
from ashiato.intake.units import (
    UNIT_BYTES,
    UNIT_OBJECTS,
    ReadingNote,
    ReadingPlan,
    SourceSpec,
    UnitResult,
)
from ashiato.intake.worker import read_unit
from ashiato.lake.handover import ObjectFacts, ReadRows
from ashiato.lake.home import Home
from ashiato.sources.objects import ObjectRef, Progress
from ashiato.sources.options import SourceOptions
from ashiato.watch.waiting import Item

#: Threads that read units of one group: inflating and flow records let others go on.
READING_THREADS = 2


@dataclass(frozen=True)
class Lag:
    """Lags of the records of one place in one commit, in seconds: `delivered` of each (or of a sample), and of
    how many; `taken` of all of an object alike."""

    place: Place
    records: int
    delivered: np.ndarray
    taken: np.ndarray


@dataclass
class ReadGroup:
    """What a group became: facts of its objects, rows, and what is needed for lags."""

    objects: list[ObjectFacts] = field(default_factory=list)
    rows: list[ReadRows] = field(default_factory=list)
    quarantined_records: int = 0
    _times: list[tuple[Place, np.ndarray, np.ndarray]] = field(default_factory=list)

    def add(self, result: UnitResult) -> None:
        self.objects.extend(result.objects)
        self.rows.extend(result.rows)
        self.quarantined_records += result.quarantined_records
        for rows in result.rows:
            if rows.table in ACCOUNT_REGION:
                self._times.extend(_times(rows))

    def lags(self, at: datetime) -> list[Lag]:
        """The lags of the records, had they been taken `at`."""
        gathered: dict[Place, tuple[list[np.ndarray], list[np.ndarray]]] = {}
        for place, event, delivered in self._times:
            parts = gathered.setdefault(place, ([], []))
            parts[0].append(delivered - event)
            parts[1].append(at.timestamp() - delivered)
        return [
            Lag(place, sum(map(len, delivered)), np.concatenate(delivered), np.concatenate(taken))
            for place, (delivered, taken) in gathered.items()
        ]


def _times(rows: ReadRows) -> Iterator[tuple[Place, np.ndarray, np.ndarray]]:
    """Of each place: event times and times of delivery of its records, in seconds since 1970."""
    time_column = TABLES[rows.table].time_column
    account, region = ACCOUNT_REGION[rows.table]
    names = ["source", account, region, time_column, "delivered_at"]
    for batch in rows.batches():
        table = pa.table({str(i): batch.column(name) for i, name in enumerate(names)})
        table = table.filter(pc.and_(pc.is_valid(table["3"]), pc.is_valid(table["4"])))
        for part in table.group_by(["0", "1", "2"]).aggregate([("3", "list"), ("4", "list")]).to_batches():
            for at in range(part.num_rows):
                source, acc, reg = (part.column(str(i))[at].as_py() or "" for i in range(3))
                event, delivered = (
                    part.column(f"{i}_list")[at].values.cast(pa.int64()).to_numpy(zero_copy_only=False) / 1e6
                    for i in (3, 4)
                )
                yield Place(source, rows.table, acc, reg), event, delivered


class _Contents:
    """Fetched contents as a source that a unit is read from."""

    name = "watch"
    at_once = 1

    def __init__(self, items: Sequence[Item]) -> None:
        self.progress = Progress()
        self._contents = {item.ref: item.content or b"" for item in items}

    def objects(self) -> Iterator[ObjectRef]:
        return iter(self._contents)

    def fetch(self, ref: ObjectRef) -> bytes:
        return self._contents[ref]

    def confirm(self) -> None:
        """Nothing is remembered."""


class GroupReader:
    """Reads groups, in this process."""

    def __init__(self, home: Home, *, keep_objects: bool, flow_format: str | None) -> None:
        spec = SourceSpec("", "watch", SourceOptions())
        self._plan = ReadingPlan(spec, home.tmp, home.archive, keep_objects, flow_format, to_files=False)
        self._pool = ThreadPoolExecutor(READING_THREADS, "ashiato-read")

    def read(self, items: Sequence[Item]) -> ReadGroup:
        """The rows of these items, no two of which have the same name."""
        units = list(_units(items))
        group = ReadGroup()
        results = map(self._unit, units) if len(units) == 1 else self._pool.map(self._unit, units)
        for result in results:
            group.add(result)
        return group

    def _unit(self, items: Sequence[Item]) -> UnitResult:
        notes: dict[ObjectRef, ReadingNote] = {item.ref: item.note for item in items}
        plan = ReadingPlan(
            self._plan.spec, self._plan.tmp, self._plan.archive, self._plan.keep_all, self._plan.flow_format,
            to_files=False, notes=notes.get,
        )  # fmt: skip
        return read_unit(plan, _Contents(items), [item.ref for item in items])


def _units(items: Sequence[Item]) -> Iterator[list[Item]]:
    unit: list[Item] = []
    size = 0
    # Two halves of a small group are read as quickly as one: half of the work lets other threads go on.
    most = max(
        UNIT_BYTES // 4, min(UNIT_BYTES, sum(len(i.content or b"") for i in items) // READING_THREADS + 1)
    )
    for item in items:
        unit.append(item)
        size += len(item.content or b"")
        if len(unit) >= UNIT_OBJECTS or size >= most:
            yield unit
            unit, size = [], 0
    if unit:
        yield unit
