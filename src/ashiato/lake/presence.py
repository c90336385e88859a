"""Where and when an entity was present: footprints of the days that stand, rows counted for all others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import And, Or

from ashiato.formats.entities import KINDS, entity_hash
from ashiato.formats.tables import FOOTPRINTS, LOG_TABLES, TABLES
from ashiato.lake.by_snapshot import BySnapshot
from ashiato.lake.day_states import LogDay
from ashiato.lake.footprint_counts import Counter, default_view, selection
from ashiato.lake.footprint_rows import footprints_of
from ashiato.lake.footprints import superseded
from ashiato.lake.naming import files_naming, naming
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import any_of, at_least, at_most
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.spans import between, end_of

_FAR_PAST, _FAR_FUTURE = date.min, date.max
_BATCH_ROWS = 20_000
#: Runs of days that are planned and read at once: a plan costs time by itself.
_RUNS_A_READ = 16
#: Footprints up to which every file is looked into.
_MOST_ROWS = 1_000_000


def presence(
    lake: PinnedLake,
    values: Sequence[str],
    *,
    kinds: Collection[str] | None = None,
    accounts: Collection[str] | None = None,
    since: date | None = None,
    until: date | None = None,
    tables: Collection[str] = LOG_TABLES,
) -> pa.Table:
    """Rows of `footprints` for these entities, exact for the pinned snapshots whatever has been built.

    `values` are ARNs, addresses, keys, ids or names as written in the records, of any of `kinds`;
    `accounts` limits to records of these accounts; `since` and `until` are UTC days, both included.
    Sorted by day, table, entity, kind, role, account. Days that have not settled are scanned: that costs
    time in their rows, not in the whole lake's.
    """
    first, last = since or _FAR_PAST, until or _FAR_FUTURE
    standing, counted = lake.days

    def asked(days: set[LogDay]) -> set[LogDay]:
        return {d for d in days if d.table in tables and first <= d.day <= last}

    parts = [_stored(lake, values, asked(standing))]
    to_count = sorted(asked(counted))
    for table in tables:
        days = [d.day for d in to_count if d.table == table]
        if days:
            parts.append(_counted(lake, table, values, KINDS if kinds is None else kinds, days))
    found = pa.concat_tables(parts)
    if kinds is not None:
        found = found.filter(pc.is_in(found["kind"], pa.array(list(kinds), pa.string())))
    if accounts is not None:
        found = found.filter(pc.is_in(found["account"], pa.array(list(accounts), pa.string())))
    keys = ("day", "table", "entity", "kind", "role", "account")
    return found.sort_by([(key, "ascending") for key in keys])


#: Footprints of what was asked for. What stands of them is another question.
_kept: Final[BySnapshot[pa.Table]] = BySnapshot(
    "footprints", most=32 << 20, size=lambda rows: int(rows.nbytes) + 1000
)


def _stored(lake: PinnedLake, values: Sequence[str], days: set[LogDay]) -> pa.Table:
    if not days or not values:
        return FOOTPRINTS.schema.empty_table()
    low, high = min(d.day for d in days), max(d.day for d in days)
    found = _kept.of(lake, (tuple(values), low, high), lambda: _read(lake, values, low, high))
    stands = pa.array([f"{d.table} {d.day.isoformat()}" for d in days], pa.string())
    names = pc.binary_join_element_wise(found["table"], found["day"].cast(pa.string()), " ")
    return found.filter(pc.is_in(names, stands))


def _read(lake: PinnedLake, values: Sequence[str], low: date, high: date) -> pa.Table:
    """The footprints of these entities in the files of some days."""
    span = And(at_least("day", low.isoformat()), at_most("day", high.isoformat()))
    plan = lake.plan("footprints", span)
    if plan.rows > _MOST_ROWS:
        # Bounds of entities leave out most files; to look at them takes longer than to look into few.
        plan = lake.plan("footprints", And(span, any_of("entity", values)))
    return footprints_of(plan, values)


def _counted(
    lake: PinnedLake, table: str, values: Sequence[str], kinds: Collection[str], days: Sequence[date]
) -> pa.Table:
    """Count the rows of some days, oldest first, that name one of the values."""
    hashes = [entity_hash(kind, value) for value in values for kind in kinds]
    time = TABLES[table].time_column
    counter: Counter | None = None
    with reading() as counting, reading() as rows:
        runs = list(_runs(days))
        for start in range(0, len(runs), _RUNS_A_READ):
            part = runs[start : start + _RUNS_A_READ]
            spans = [between(table, run[0], run[-1]) for run in part]
            plan = lake.plan(table, spans[0] if len(spans) == 1 else Or(*spans))
            files = files_naming(plan, hashes)
            if not files:
                continue
            times = " OR ".join(
                f'("{time}" >= $start_{i}::TIMESTAMPTZ AND "{time}" <= $end_{i}::TIMESTAMPTZ)'
                for i in range(len(part))
            )
            where = f"({times}) AND {naming(hashes)} AND {default_view(table)}"
            source = relation(files, plan.iceberg_schema, selection(table) + where)
            sql = f"SELECT {selection(table)} FROM {source} WHERE {where}"
            parameters: dict[str, object] = {}
            for i, run in enumerate(part):
                parameters[f"start_{i}"] = run[0].isoformat()
                parameters[f"end_{i}"] = end_of(run[-1]).isoformat()
            if table == "cloudtrail":
                parameters["superseded"] = superseded(lake.home)
            for batch in rows.sql(sql, params=parameters).to_arrow_reader(_BATCH_ROWS):
                if counter is None and batch.num_rows:
                    counter = Counter(table, counting, list(values), shared=True)
                if counter is not None:
                    counter.add(batch)
        if counter is None:
            return FOOTPRINTS.schema.empty_table()
        return pa.Table.from_batches(list(counter.results()), FOOTPRINTS.schema)


def _runs(days: Sequence[date]) -> Iterator[list[date]]:
    """Days that follow each other, so that nothing between is read."""
    run: list[date] = []
    for day in days:
        if run and day - run[-1] > timedelta(days=1):
            yield run
            run = []
        run.append(day)
    if run:
        yield run
