"""Rows of a log that name something: the newest first, out of the days and hours that footprints name."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from threading import Lock
from typing import Any, Final

import pyarrow as pa
from cachetools import LRUCache, cached

from ashiato.core.scope import AccountScope
from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.lake import by_file
from ashiato.lake.footprint_counts import default_view
from ashiato.lake.held import Span, during, only, split
from ashiato.lake.naming import files_naming
from ashiato.lake.plans import PinnedLake
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.spans import between
from ashiato.lake.table_plan import TablePlan
from ashiato.trace.keys import Key, Window, condition

#: Spans of time that a read asks for: each costs time in every row. More are joined over the shortest gaps.
_MOST_SPANS: Final = 16
#: Rows of files that are read at once, whatever lies between the spans that are asked for.
_FEW_ROWS: Final = 2_000_000
#: Reads that one read is cut into, at most.
_MOST_PORTIONS: Final = 16
#: Rows whose exact times are looked up first: a page's worth.
_FEW: Final = 400
#: Rows that DuckDB orders before it reads wide columns (its setting late_materialization_max_rows).
_ONE_GO: Final = 50
#: Files that are read faster at once than twice.
_FEW_FILES: Final = 2
#: Files that a few rows are looked for in first.
_FIRST_FILES: Final = 8
_HOUR: Final = timedelta(hours=1)
_MOMENT: Final = timedelta(microseconds=1)
#: Times of any record.
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

#: What tells rows of one moment apart, so that pages neither repeat nor leave out.
_TIE: Final = {
    "cloudtrail": "coalesce(eventID, record_hash, '')",
    "config_items": "coalesce(awsAccountId, '') || coalesce(awsRegion, '') || coalesce(resourceType, '') || '/' || coalesce(resourceId, '') || '/' || coalesce(configurationStateId, '')",
    "vpc_flow_logs": (
        "concat_ws('/', interface_id, tgw_attachment_id, srcaddr, srcport, dstaddr, dstport, protocol, action, packets,"
        " bytes, object)"
    ),
}


@dataclass(frozen=True)
class Asked:
    """What is read of the lake, for whom: passed to everything that reads rows."""

    lake: PinnedLake
    keys: Sequence[Key]
    scope: AccountScope
    window: Window


@dataclass(frozen=True)
class Place:
    """A row's place in a log, newest first: rows after it are older."""

    time: datetime
    tie: str = ""


def newest(
    asked: Asked,
    table: str,
    found: pa.Table,
    limit: int,
    *,
    after: Place | None = None,
    where: str = "true",
    values: dict[str, Any] | None = None,
    oldest: bool = False,
    columns: Sequence[str] = (),
    among: Callable[[TablePlan], TablePlan] | None = None,
) -> pa.Table:
    """At most `limit` rows of a log that name one of the keys, newest first (or oldest), with their `_tie`.

    `found`: the keys' footprints. `after`: only what comes after this place. `where`: a further condition of
    ours; days are then chosen as if every row met it only where there is none. `columns`: these alone.
    `among`: of a plan's files those that may hold such rows, where lake.held knows.
    """
    days = _by_day(found, table, asked.window, after)
    if not days or limit <= 0:
        return pa.table({})
    chosen = _enough(days, limit if where == "true" else None, oldest=oldest)
    wanted = _Wanted(asked, table, after, where, values or {}, oldest, columns, among)
    return _read(wanted, _spans(chosen, asked.window, after), limit)


@dataclass
class _Day:
    day: date
    first: datetime
    last: datetime
    hours: int = 0
    least: int = 0


def _by_day(found: pa.Table, table: str, window: Window, after: Place | None) -> list[_Day]:
    """Days with records, newest first: span, hours, and how many records there are at least."""
    days: dict[date, _Day] = {}
    counts: dict[tuple[date, str | None], int] = {}
    columns = ("table", "day", "first", "last", "hours", "count", "account")
    for row in found.select(columns).to_pylist():
        if row["table"] != table:
            continue
        if window.misses(row["first"], row["last"]):
            continue
        if after is not None and row["first"] > after.time:
            continue
        day = days.setdefault(row["day"], _Day(row["day"], row["first"], row["last"]))
        day.first, day.last = min(day.first, row["first"]), max(day.last, row["last"])
        day.hours |= row["hours"]
        at = row["day"], row["account"]
        # Records that are found by several keys are counted by each: the largest count is certain.
        counts[at] = max(counts.get(at, 0), row["count"])
    for (number, _), count in counts.items():
        day = days[number]
        cut = not window.holds(day.first, day.last) or (after is not None and day.last >= after.time)
        day.least += 0 if cut else count
    return sorted(days.values(), key=lambda d: d.day, reverse=True)


def _enough(days: list[_Day], limit: int | None, *, oldest: bool) -> list[_Day]:
    ordered = list(reversed(days)) if oldest else days
    if limit is None:
        return ordered
    chosen: list[_Day] = []
    have = 0
    for day in ordered:
        if have >= limit:
            break
        chosen.append(day)
        have += day.least
    return chosen


def _spans(days: Sequence[_Day], window: Window, after: Place | None) -> list[tuple[datetime, datetime]]:
    """Spans (both ends included) of the hours with records, within the window."""
    spans: list[tuple[datetime, datetime]] = []
    for day in days:
        for start, end in _hours(day):
            first, last = window.cut(max(start, day.first), min(end, day.last))
            if after is not None:
                last = min(last, after.time)
            if first <= last:
                spans.append((first, last))
    return sorted(spans)


def _portions(spans: Sequence[Span], *, oldest: bool) -> Iterator[list[Span]]:
    """The spans in portions to be read one after the other, the newest (or oldest) first: one where joining them adds
    little, else few spans each, so that what lies between need not be read."""
    joined = _fewer(spans)
    if len(spans) <= _MOST_SPANS or _length(joined) <= 2 * _length(spans):
        yield joined
        return
    each = max(_MOST_SPANS, -(-len(spans) // _MOST_PORTIONS))
    if oldest:
        for start in range(0, len(spans), each):
            yield _fewer(spans[start : start + each])
    else:
        for end in range(len(spans), 0, -each):
            yield _fewer(spans[max(0, end - each) : end])


def _length(spans: Sequence[Span]) -> timedelta:
    return sum((last - first for first, last in spans), timedelta())


def _fewer(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """At most `_MOST_SPANS` spans that hold these, none of which overlap; the longest gaps between them are left out.
    One, where the gaps are less than the spans: each costs time in every row."""
    if not spans:
        return []
    ordered = sorted(spans)
    whole = ordered[0][0], ordered[-1][1]
    if 2 * _length(ordered) > whole[1] - whole[0]:
        return [whole]
    longest = sorted(range(1, len(ordered)), key=lambda n: ordered[n - 1][1] - ordered[n][0])[
        : _MOST_SPANS - 1
    ]
    cuts = [0, *sorted(longest), len(ordered)]
    return [(ordered[a][0], ordered[b - 1][1]) for a, b in pairwise(cuts)]


def _hours(day: _Day) -> Iterator[tuple[datetime, datetime]]:
    midnight = datetime.combine(day.day, time(), UTC)
    hour = 0
    while hour < 24:
        if not day.hours >> hour & 1:
            hour += 1
            continue
        begin = hour
        while hour < 24 and day.hours >> hour & 1:
            hour += 1
        yield midnight + begin * _HOUR, midnight + (hour * _HOUR - timedelta(microseconds=1))


@dataclass(frozen=True)
class _Wanted:
    """What `newest` is asked for, besides when and how many."""

    asked: Asked
    table: str
    after: Place | None
    where: str
    values: dict[str, Any]
    oldest: bool
    columns: Sequence[str]
    among: Callable[[TablePlan], TablePlan] | None = None


def _read(wanted: _Wanted, spans: list[Span], limit: int) -> pa.Table:
    """The rows; a few are looked for where the newest (or oldest) are, and further only for those that lack."""
    if not spans:
        return pa.table({})
    parts: list[pa.Table] = []
    most, few = limit, _FIRST_FILES
    for portion, plan, settled in _steps(wanted, spans, limit):
        left = portion
        while left and limit > 0:
            plan = during(plan, left)
            if not plan.files:
                break
            here, left = split(plan, left, few, oldest=wanted.oldest) if most <= _FEW else (left, [])
            if settled:
                part = _settled(wanted, during(plan, here), here, most).slice(0, limit)
            else:
                part = _rows(wanted, during(plan, here), here, limit) if here else pa.table({})
            parts += [part] if part.num_rows else []
            limit -= part.num_rows
            few *= 8
    return pa.concat_tables(parts) if parts else pa.table({})


def _steps(wanted: _Wanted, spans: list[Span], limit: int) -> Iterator[tuple[list[Span], TablePlan, bool]]:
    """Spans to be read one after the other, a plan that has their files, and whether these are files of settled days of
    which many rows are read."""
    newer, older = spans, []
    if limit > _FEW and not wanted.oldest:
        unsettled = [d.day for d in wanted.asked.lake.days[1] if d.table == wanted.table]
        end = datetime.combine(min(unsettled), time(), UTC) if unsettled else None
        newer = [] if end is None else [(max(first, end), last) for first, last in spans if last >= end]
        older = [(f, t if end is None else min(t, end - _MOMENT)) for f, t in spans if end is None or f < end]
    for part, settled in ((newer, False), (older, True)):
        if not part:
            continue
        plan = _planned(wanted.asked, wanted.table, part, wanted.among)
        # A read more costs as much as a hundred thousand rows.
        if plan.rows <= _FEW_ROWS:
            yield _fewer(part), plan, settled
        else:
            yield from ((portion, plan, settled) for portion in _portions(part, oldest=wanted.oldest))


def _follows_from(wanted: _Wanted, plan: TablePlan, spans: Sequence[Span], limit: int) -> Hashable:
    asked = wanted.asked
    superseded = tuple(asked.lake.superseded) if wanted.table == "cloudtrail" else ()
    values = repr(sorted(wanted.values.items()))
    return (
        plan.files, tuple(spans), tuple(asked.keys), asked.scope, wanted.after, wanted.where, values, wanted.oldest,
        tuple(wanted.columns), limit, superseded,
    )  # fmt: skip


#: Rows of settled days that were read: many people look at one thing, and one person at its pages.
_kept: Final[LRUCache[Any, pa.Table]] = LRUCache(96 << 20, getsizeof=lambda rows: int(rows.nbytes) + 2000)


@cached(_kept, key=_follows_from, lock=Lock())
def _settled(wanted: _Wanted, plan: TablePlan, spans: Sequence[Span], limit: int) -> pa.Table:
    """The rows of these files, which stay what they are: kept by all that they follow from."""
    return _rows(wanted, plan, spans, limit)


def _rows(wanted: _Wanted, plan: TablePlan, spans: Sequence[Span], limit: int) -> pa.Table:
    asked, table, after = wanted.asked, wanted.table, wanted.after
    column = TABLES[table].time_column
    account = ACCOUNT_REGION[table][0]
    files, schema = plan.files, plan.iceberg_schema
    named, parameters = condition(asked.keys, account)
    allowed, of_scope = asked.scope.sql(f'"{account}"')
    parameters |= of_scope | wanted.values
    seen = default_view(table)
    if table == "cloudtrail":
        parameters["superseded"] = superseded = list(asked.lake.superseded)
        if len(superseded) <= _FEW:
            # DuckDB reads wide columns late, of the rows of the answer alone, only where it need not join.
            seen = "variant = 0 AND (eventID IS NULL OR NOT list_contains($superseded::VARCHAR[], eventID))"
    conditions = [named, allowed, seen, f"({wanted.where})"]
    if after is not None:
        conditions.append(
            f'("{column}" < $after_time OR ("{column}" = $after_time AND {_TIE[table]} < $after_tie))'
        )
        parameters |= {"after_time": after.time, "after_tie": after.tie}
    order = "ASC" if wanted.oldest else "DESC"
    rest = f'{" AND ".join(conditions)} ORDER BY "{column}" {order}, _tie {order} LIMIT {int(limit)}'
    with reading() as connection:
        at, times = _of_spans(column, spans)
        if _ONE_GO < limit <= _FEW and len(files) > _FEW_FILES:
            # Wide columns are then read of the row groups that hold the answer, not of all that may.
            what = f'"{column}" AS t, {_TIE[table]} AS _tie'
            sql = f"SELECT {what} FROM {relation(files, schema, what + at + rest)} WHERE {at} AND {rest}"
            found = sorted({row[0] for row in connection.execute(sql, parameters | times).fetchall()})
            if not found:
                return pa.table({})
            at, times = _of_times(column, found)
        what = ", ".join(f'"{name}"' for name in wanted.columns) or "*"
        what = f"{what}, {_TIE[table]} AS _tie"
        source = relation(files, schema, what + at + rest if wanted.columns else None)
        sql = f"SELECT {what} FROM {source} WHERE {at} AND {rest}"
        return connection.sql(sql, params=parameters | times).to_arrow_table()


def planned(
    asked: Asked, table: str, found: pa.Table, among: Callable[[TablePlan], TablePlan] | None = None
) -> TablePlan | None:
    """The files of a log that may hold records which name one of the keys; None where there is none. `found`: the
    keys' footprints; `among` as for `newest`."""
    spans = _spans(_by_day(found, table, asked.window, None), asked.window, None)
    plan = _planned(asked, table, spans, among) if spans else None
    return plan if plan is not None and plan.files else None


def _planned(
    asked: Asked, table: str, spans: Sequence[Span], among: Callable[[TablePlan], TablePlan] | None = None
) -> TablePlan:
    """Files that may hold records of these spans which name one of the keys."""
    plan = during(asked.lake.plan(table, between(table, spans[0][0].date(), spans[-1][1].date())), spans)
    if among is not None:
        plan = among(plan)
    return only(plan, files_naming(plan, [key.hash for key in asked.keys]))


def _of_spans(column: str, spans: Sequence[tuple[datetime, datetime]]) -> tuple[str, dict[str, Any]]:
    parts: list[str] = []
    values: dict[str, Any] = {}
    for number, (first, last) in enumerate(spans):
        parts.append(f'("{column}" >= $s{number} AND "{column}" <= $e{number})')
        values |= {f"s{number}": first, f"e{number}": last}
    return f"({' OR '.join(parts)})", values


def _of_times(column: str, times: Sequence[datetime]) -> tuple[str, dict[str, Any]]:
    places = ", ".join(f"$m{number}" for number in range(len(times)))
    return f'"{column}" IN ({places})', {f"m{number}": moment for number, moment in enumerate(times)}


def counted(
    asked: Asked, table: str, days: Mapping[date, tuple[datetime, datetime]]
) -> list[tuple[int, datetime, datetime]]:
    """Of each of some UTC days with records: how many of a log name one of the keys, the first and the last of their
    times. A day's span (both ends included) holds all of its records that are wanted."""
    if not days:
        return []
    column = TABLES[table].time_column
    account = ACCOUNT_REGION[table][0]
    spans = _fewer(list(days.values()))
    plan = _planned(asked, table, spans)
    named, parameters = condition(asked.keys, account)
    allowed, of_scope = asked.scope.sql(f'"{account}"')
    at, times = _of_spans(column, spans)
    parameters |= of_scope | times
    if table == "cloudtrail":
        parameters["superseded"] = list(asked.lake.superseded)
    where = f"{at} AND {named} AND {allowed} AND {default_view(table)}"
    sql = (
        f'SELECT "{column}"::TIMESTAMP::DATE, count(*), min("{column}"), max("{column}")'
        f" FROM {relation(plan.files, plan.iceberg_schema, where)} WHERE {where} GROUP BY 1"
    )
    with reading() as connection:
        rows = connection.execute(sql, parameters).fetchall()
    return [(int(n), first, last) for day, n, first, last in rows if day in days]


def meeting(
    asked: Asked,
    table: str,
    found: pa.Table,
    wanted: Sequence[tuple[Window, str]],
    values: dict[str, Any],
) -> list[tuple[datetime, datetime] | None]:
    """Of each of some conditions of ours the times of the first and the last record that names one of the keys and
    meets it within its window, out of one look for all; None where there is none. `found`: the keys' footprints;
    `values`: the parameters of all conditions."""
    nothing: list[tuple[datetime, datetime] | None] = [None] * len(wanted)
    plan = planned(asked, table, found) if wanted else None
    if plan is None:
        return nothing
    column = TABLES[table].time_column
    account = ACCOUNT_REGION[table][0]
    named, parameters = condition(asked.keys, account)
    allowed, of_scope = asked.scope.sql(f'"{account}"')
    parameters |= of_scope | dict(values)
    if table == "cloudtrail":
        parameters["superseded"] = list(asked.lake.superseded)
    first, last = asked.window.cut(_FIRST, _LAST)
    at, times = _of_spans(column, [(first, last)])
    figures = []
    for number, (window, where) in enumerate(wanted):
        since, until = window.cut(first, last)
        parameters |= {f"first_{number}": since, f"last_{number}": until}
        met = f'FILTER ("{column}" >= $first_{number} AND "{column}" <= $last_{number} AND ({where}))'
        figures += [f'min("{column}") {met} AS a{number}', f'max("{column}") {met} AS b{number}']
    seen = f"{at} AND {named} AND {allowed} AND {default_view(table)}"
    sums = ", ".join(f"min(a{number}), max(b{number})" for number in range(len(wanted)))
    with reading() as connection:
        source, needed = by_file.counted(connection, plan, ", ".join(figures), seen, parameters | times)
        row = connection.execute(f"SELECT {sums} FROM {source}", needed).fetchone() or ()
    return [None if first is None else (first, last) for first, last in zip(row[::2], row[1::2], strict=True)]


def between_times(
    asked: Asked,
    table: str,
    first: datetime,
    last: datetime,
    limit: int,
    *,
    where: str = "true",
    values: dict[str, Any] | None = None,
    oldest: bool = False,
    columns: Sequence[str] = (),
) -> pa.Table:
    """The same as `newest` of a short time (both ends included), without footprints."""
    first, last = asked.window.cut(first, last)
    if first > last:
        return pa.table({})
    return _read(_Wanted(asked, table, None, where, values or {}, oldest, columns), [(first, last)], limit)
