"""Spans of time as settings and options have them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

_SPAN = re.compile(r"\s*(\d+)\s*(second|minute|hour|day|week|month|year)s?\s*", re.I)
_UNITS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
    "month": 2629800,
    "year": 31557600,
}


_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def shifted(moment: datetime, by: timedelta) -> datetime:
    """So much later or earlier, but no further than time can be counted: records may say any.

    >>> shifted(datetime(1, 1, 2, tzinfo=UTC), timedelta(days=-31)).isoformat()
    '0001-01-01T00:00:00+00:00'
    """
    try:
        return moment + by
    except OverflowError:
        return _LAST if by > timedelta(0) else _FIRST


def parse_span(value: object) -> timedelta | None:
    """`400 days`, `3 years`, `keep` (None), or a number of days.

    >>> parse_span("2 weeks").days
    14
    """
    if value is None or isinstance(value, timedelta):
        return value
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return timedelta(days=value)
        if isinstance(value, str):
            if value.strip().lower() in ("keep", "forever", ""):
                return None
            found = _SPAN.fullmatch(value)
            if found:
                return timedelta(seconds=int(found[1]) * _UNITS[found[2].lower()])
    except OverflowError:
        raise ValueError("this span of time is too long") from None
    raise ValueError('a span of time is written like "400 days", "3 years" or "keep"')


Span = Annotated[timedelta | None, BeforeValidator(parse_span)]
#: A span that ends: no "keep".
Timespan = Annotated[timedelta, BeforeValidator(parse_span), Field(gt=timedelta(0))]
