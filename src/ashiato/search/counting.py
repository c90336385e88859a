"""How many records a search finds, when, and with which values: counted newest first while the time lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any, Final

from ashiato.core.errors import QueryStopped
from ashiato.search import fields
from ashiato.search.conditions import expression
from ashiato.search.dialects import Bound
from ashiato.search.query import BEGIN, END, Span
from ashiato.search.reading import Deadline, Reader
from ashiato.search.slices import portions

MOST_BUCKETS: Final = 200
#: Values of a facet that are told.
TOP: Final = 12
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SIZES: Final = (
    1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR,
    2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY,
    365 * _DAY, 3650 * _DAY, 36500 * _DAY,
)  # fmt: skip
_LEAST_BUCKETS: Final = 100


@dataclass(frozen=True)
class Bucket:
    """Records of start <= time < end (as far as the search's own span reaches). `counted`: all were counted."""

    start: datetime
    end: datetime
    count: int
    counted: bool = True


@dataclass(frozen=True)
class FacetValue:
    """A value of a field (None: records that have none) and how many records have it."""

    value: Any
    count: int


@dataclass(frozen=True)
class Facet:
    """The most frequent values of a field, and how many different ones there are."""

    field: str
    values: tuple[FacetValue, ...]
    distinct: int


@dataclass(frozen=True)
class Counts:
    """`total` is exact, or (with `reached`) at least so many: counted from the newest back to `reached`."""

    total: int
    buckets: tuple[Bucket, ...]
    seconds: int
    facets: tuple[Facet, ...]
    reached: datetime | None = None

    @property
    def exact(self) -> bool:
        return self.reached is None


def bucket_seconds(span: Span) -> int:
    """The size of a bucket for a span, so that there are at most MOST_BUCKETS."""
    length = (span.end - span.start).total_seconds()
    return next(
        (s for s in _SIZES if length / s <= MOST_BUCKETS - 2 and length / s < 2 * _LEAST_BUCKETS), _SIZES[-1]
    )


def counts(
    reader: Reader, deadline: Deadline, *, facets: Sequence[str] | None = None, zone: tzinfo = UTC
) -> Counts:
    """Total, histogram and facets, as far as the time allows. Buckets of hours and days begin where they do in
    `zone` (as its clocks stand at the span's end)."""
    span = _reach(reader)
    seconds = bucket_seconds(span)
    shift = (
        int((span.end.astimezone(zone).utcoffset() or timedelta()).total_seconds()) if seconds >= _HOUR else 0
    )
    names = tuple(facets if facets is not None else fields.FACETS[reader.table])
    counting = _Counting(reader, names, seconds, shift)
    reached: datetime | None = None
    for portion in portions(reader.slices):
        try:
            counting.add(portion.files, deadline)
        except QueryStopped:
            if not deadline.over:
                raise
            reached = portion.last
            break
    buckets = _buckets(span, seconds, shift, counting.times, reached)
    return Counts(sum(counting.times.values()), buckets, seconds, counting.facets(), reached)


def _reach(reader: Reader) -> Span:
    """The span, cut to the time that there are records of."""
    span, apart = reader.span, reader.slices
    start, end = span.start, span.end
    if start == BEGIN:
        start = apart[-1].first if apart else reader.moment - timedelta(days=1)
    if end == END:
        end = apart[0].last + timedelta(seconds=1) if apart else reader.moment
    # A record may say a time that no zone has.
    start = max(start, BEGIN)
    return Span(start, max(min(end, END), start + timedelta(seconds=1)))


class _Counting:
    """Counts by time and by values, summed over portions; the values wait in the database."""

    def __init__(self, reader: Reader, names: tuple[str, ...], seconds: int, shift: int) -> None:
        self.reader = reader
        self.fields = [f for n in names if (f := fields.find(reader.table, n)) is not None]
        self.seconds = seconds
        self.shift = shift
        self.times: dict[int, int] = {}
        self.started = False

    def add(self, files: Sequence[str], deadline: Deadline) -> None:
        """Count the records of some files; all of them or, when the time is over, none."""
        reader, dialect = self.reader, Bound()
        known = self.fields
        own = [f"{expression(f, dialect)} AS f{i}" for i, f in enumerate(known)]
        time = f'(epoch("{reader.time}") + {self.shift})::BIGINT // {self.seconds} AS bucket'
        sets = ", ".join(["(bucket)", *(f"(f{i})" for i in range(len(known)))])
        group = ", ".join(["bucket", *(f"f{i}" for i in range(len(known)))])
        inner = f"SELECT {', '.join([time, *own])} FROM {reader.relation(files)} WHERE {reader.found.sql}"
        value = "coalesce(" + ", ".join(["NULL", *(f"f{i}::VARCHAR" for i in range(len(known)))]) + ")"
        select = (
            f"SELECT GROUPING({group})::INTEGER AS place, bucket, {value} AS value, count(*) AS n"
            f" FROM ({inner}) GROUP BY GROUPING SETS ({sets})"
        )
        before = (
            "SELECT NULL::INTEGER AS place, NULL::BIGINT AS bucket, NULL::VARCHAR AS value, NULL::BIGINT AS n"
        )
        if not self.started:
            reader.run(f"CREATE OR REPLACE TEMP TABLE counted AS {before} LIMIT 0", {}, deadline)
            self.started = True
        reader.run(f"INSERT INTO counted {select}", reader.found.values, deadline)
        bits = len(known)
        whole = (1 << (bits + 1)) - 1
        sql = "SELECT bucket, sum(n)::BIGINT FROM counted WHERE place = $place GROUP BY bucket"
        # The counts of what was read must not be lost to the deadline.
        found = reader.run(sql, {"place": whole & ~(1 << bits)}, Deadline(5))
        self.times = {int(b): int(n) for b, n in found}

    def facets(self) -> tuple[Facet, ...]:
        """The most frequent values of each field."""
        if not self.started:
            return tuple(Facet(f.name, (), 0) for f in self.fields)
        bits = len(self.fields)
        whole = (1 << (bits + 1)) - 1
        places = {whole & ~(1 << (bits - 1 - i)): i for i in range(bits)}
        sql = (
            "SELECT place, value, n, among FROM (SELECT *, count(*) OVER (PARTITION BY place) AS among,"
            " row_number() OVER (PARTITION BY place ORDER BY n DESC, value) AS rank FROM"
            " (SELECT place, value, sum(n)::BIGINT AS n FROM counted WHERE list_contains($places, place)"
            f" GROUP BY place, value)) WHERE rank <= {TOP} ORDER BY place, rank"
        )
        found: list[list[FacetValue]] = [[] for _ in self.fields]
        distinct = [0] * bits
        for place, value, n, among in self.reader.run(sql, {"places": list(places)}, Deadline(5)):
            found[places[place]].append(FacetValue(value, int(n)))
            distinct[places[place]] = int(among)
        return tuple(Facet(field.name, tuple(found[i]), distinct[i]) for i, field in enumerate(self.fields))


def _buckets(
    span: Span, seconds: int, shift: int, counted: dict[int, int], reached: datetime | None
) -> tuple[Bucket, ...]:
    first = int(span.start.timestamp() + shift) // seconds
    last = int((span.end - timedelta(microseconds=1)).timestamp() + shift) // seconds
    edges = [_moment(number * seconds - shift) for number in range(first, last + 2)]
    return tuple(
        Bucket(start, end, counted.get(first + n, 0), reached is None or start > reached)
        for n, (start, end) in enumerate(pairwise(edges))
    )


def _moment(seconds: int) -> datetime:
    """So long after 1970, within what can be searched."""
    low, high = int(BEGIN.timestamp()), int(END.timestamp())
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=min(max(seconds, low), high))
