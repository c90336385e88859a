"""Spans of days as filters of a plan."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from pyiceberg.expressions import And, BooleanExpression

from ashiato.formats.tables import TABLES
from ashiato.lake.predicates import at_least, at_most

EPOCH_DAY = date(1970, 1, 1)


def between(table: str, first: date, last: date) -> BooleanExpression:
    """Rows of a table from the first to the last UTC day, both included."""
    column = TABLES[table].time_column
    start = datetime.combine(first, time(), UTC)
    end = end_of(last)
    return And(at_least(column, start.isoformat()), at_most(column, end.isoformat()))


def end_of(day: date) -> datetime:
    """The last moment of a UTC day: the day after it may be none that can be counted."""
    return datetime.combine(day, time.max, UTC)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH_DAY).days


def day_at(number: int) -> date:
    """The day with that number."""
    return EPOCH_DAY + timedelta(days=number)
