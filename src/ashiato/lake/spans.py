"""Spans of days as filters of a plan."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from pyiceberg.expressions import BooleanExpression

from ashiato.formats.tables import TABLES
from ashiato.lake.predicates import within

EPOCH_DAY = date(1970, 1, 1)


def between(table: str, first: date, last: date) -> BooleanExpression:
    """Rows of a table from the first to the last UTC day, both included."""
    column = TABLES[table].time_column
    start = datetime.combine(first, time(), UTC)
    end = datetime.combine(last + timedelta(days=1), time(), UTC)
    return within(column, start.isoformat(), end.isoformat())


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH_DAY).days


def day_at(number: int) -> date:
    """The day with that number."""
    return EPOCH_DAY + timedelta(days=number)
