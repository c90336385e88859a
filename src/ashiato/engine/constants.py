"""Times and texts that a statement computes from constants alone, worked out before it runs.

`now` is fixed once per statement, so that planning and running agree on it.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta

from sqlglot import exp

from ashiato.engine import patterns

Constant = str | int | float | date | datetime
_TIME = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?"
    r" ?(Z|UTC|[+-]\d{2}:?\d{2})?"
)


def parse_time(text: str) -> datetime | None:
    """A date or time as AWS's samples write it (ISO 8601, or with a blank); None for any other text. UTC."""
    match = _TIME.fullmatch(text.strip())
    if not match:
        return None
    year, month, day, hour, minute, second = (int(g or 0) for g in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    moment += timedelta(microseconds=int((match[7] or "0")[:6].ljust(6, "0")))
    if match[8] and match[8][0] in "+-":
        sign = -1 if match[8][0] == "-" else 1
        moment -= sign * timedelta(hours=int(match[8][1:3]), minutes=int(match[8][-2:]))
    return moment


def evaluate(node: exp.Expr | None, now: datetime) -> Constant | None:
    """The value of a constant expression, or None where it is not constant or not understood."""
    try:
        return _evaluate(node, now)
    except (ValueError, OverflowError, TypeError, AttributeError):
        return None


def _evaluate(node: exp.Expr | None, now: datetime) -> Constant | None:
    if node is None:
        return None
    if isinstance(node, exp.Literal):
        if node.is_string:
            return str(node.this)
        return float(node.this) if re.search(r"[.eE]", node.this) else int(node.this)
    if isinstance(node, exp.Paren):
        return _evaluate(node.this, now)
    if isinstance(node, exp.Neg):
        value = _evaluate(node.this, now)
        return -value if isinstance(value, int | float) else None
    if isinstance(node, exp.CurrentTimestamp | exp.Localtimestamp | exp.CurrentTimestampLTZ):
        return now
    if isinstance(node, exp.CurrentDate):
        return now.date()
    if isinstance(node, exp.Cast | exp.TryCast):
        return _cast(_evaluate(node.this, now), node)
    if isinstance(node, exp.Date | exp.TsOrDsToDate):
        return as_date(_evaluate(node.this, now))
    if isinstance(node, exp.Add | exp.Sub):
        return _shift(node, now)
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
        moment = _evaluate(node.this, now)
        return truncate(moment, node.text("unit")) if isinstance(moment, date) else None
    if isinstance(node, exp.Anonymous):
        values = [_evaluate(a, now) for a in node.expressions]
        return None if None in values else _call(str(node.this).lower(), [v for v in values if v is not None])
    if isinstance(node, exp.LastDay):
        return _last_day(as_date(_evaluate(node.this, now)))
    if isinstance(node, exp.Concat | exp.DPipe):
        parts = node.expressions if isinstance(node, exp.Concat) else [node.left, node.right]
        texts = [_evaluate(p, now) for p in parts]
        return "".join(map(str, texts)) if all(isinstance(t, str) for t in texts) else None
    return None


def _cast(value: Constant | None, node: exp.Expr) -> Constant | None:
    kind = node.args["to"].this
    name = kind.name if hasattr(kind, "name") else str(kind)
    if value is None:
        return None
    if name == "DATE":
        return as_date(value)
    if name.startswith("TIMESTAMP"):
        return as_datetime(value)
    if name in ("VARCHAR", "TEXT"):
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        return value if isinstance(value, str) else str(value) if isinstance(value, int) else None
    if name in ("INT", "BIGINT", "SMALLINT"):
        return int(value) if isinstance(value, str | int | float) else None
    return None


def as_datetime(value: Constant | None) -> datetime | None:
    """A constant as a moment in UTC; a date is its midnight."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return parse_time(value) if isinstance(value, str) else None


def as_date(value: Constant | None) -> date | None:
    """A constant as a UTC day."""
    moment = as_datetime(value)
    return moment.date() if moment else None


def _shift(node: exp.Expr, now: datetime) -> Constant | None:
    left, interval = node.this, node.args["expression"]
    sign = 1 if isinstance(node, exp.Add) else -1
    if not isinstance(interval, exp.Interval):
        if not (isinstance(left, exp.Interval) and sign == 1):
            a, b = _evaluate(left, now), _evaluate(interval, now)
            return a + sign * b if isinstance(a, int | float) and isinstance(b, int | float) else None
        left, interval = interval, left
    base = _evaluate(left, now)
    amount = _evaluate(interval.this, now)
    if not isinstance(base, date) or not isinstance(amount, str | int):
        return None
    return add(base, sign * int(amount), interval.text("unit"))


def add(base: date, amount: int, unit: str) -> date:
    """`base` plus `amount` units; the end of a month stays inside its month, as in Trino."""
    unit = unit.lower().rstrip("s")
    if unit in ("month", "quarter", "year"):
        months = base.year * 12 + base.month - 1 + amount * {"month": 1, "quarter": 3, "year": 12}[unit]
        year, month = divmod(months, 12)
        return base.replace(
            year=year, month=month + 1, day=min(base.day, calendar.monthrange(year, month + 1)[1])
        )
    return base + timedelta(**{unit + "s": amount})


def truncate(moment: date, unit: str) -> date:
    """The start of the unit (second … year) that `moment` is in; ValueError for an unknown unit."""
    unit = unit.lower()
    if unit in ("second", "minute", "hour") and isinstance(moment, datetime):
        second = moment.second if unit == "second" else 0
        minute = 0 if unit == "hour" else moment.minute
        return moment.replace(minute=minute, second=second, microsecond=0)
    day = as_datetime(as_date(moment))
    assert day is not None
    if unit == "week":
        day -= timedelta(days=day.weekday())
    elif unit == "month":
        day = day.replace(day=1)
    elif unit == "quarter":
        day = day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
    elif unit == "year":
        day = day.replace(day=1, month=1)
    elif unit != "day":
        raise ValueError(unit)
    return day if isinstance(moment, datetime) else day.date()


def _last_day(day: date | None) -> date | None:
    return day and day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _call(name: str, values: list[Constant]) -> Constant | None:
    first = values[0] if values else None
    if name == "date_add" and isinstance(values[2], date):
        return add(values[2], int(str(values[1])), str(first))
    if name in ("date_format", "format_datetime") and isinstance(first, date):
        convert = patterns.from_mysql if name == "date_format" else patterns.from_joda
        return first.strftime(convert(str(values[1])).replace("%g", "%f"))
    if name in ("from_iso8601_timestamp", "from_iso8601_date", "date_parse", "parse_datetime"):
        moment = parse_time(str(first))
        return as_date(moment) if name == "from_iso8601_date" else moment
    if name == "to_unixtime":
        stamp = as_datetime(first)
        return stamp.timestamp() if stamp else None
    if name == "from_unixtime" and isinstance(first, int | float):
        return datetime.fromtimestamp(first, UTC)
    if name == "to_iso8601" and isinstance(first, datetime):
        return first.strftime("%Y-%m-%dT%H:%M:%S.") + f"{first.microsecond // 1000:03}Z"
    if name == "to_iso8601" and isinstance(first, date):
        return first.isoformat()
    return _last_day(as_date(first)) if name == "last_day_of_month" else None
