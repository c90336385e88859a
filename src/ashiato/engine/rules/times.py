"""Times: parsing, formatting, whole units between two, partitions that are left over.

https://trino.io/docs/current/functions/datetime.html
"""

from __future__ import annotations

from datetime import date, datetime

from sqlglot import exp

from ashiato.engine import patterns
from ashiato.engine.constants import evaluate
from ashiato.engine.dialect import call, number, text, timestamp_literal
from ashiato.engine.inference import type_of
from ashiato.engine.rules import Context, function, node
from ashiato.engine.rules.comparisons import instant, iso
from ashiato.engine.types import DATE, TIMESTAMP, VARCHAR, set_type


def _literal(value: date | datetime, plain: bool = False) -> exp.Expr:
    """A constant; `plain` where Trino's has no time zone."""
    if isinstance(value, datetime) and plain:
        naive = value.replace(tzinfo=None).isoformat(" ")
        return set_type(exp.Cast(this=text(naive), to=exp.DataType.build("TIMESTAMP")), TIMESTAMP)
    if isinstance(value, datetime):
        return set_type(timestamp_literal(value.isoformat()), TIMESTAMP)
    return set_type(exp.Cast(this=text(value.isoformat()), to=exp.DataType.build("DATE")), DATE)


@node(exp.CurrentTimestamp, exp.CurrentDate, exp.Localtimestamp)
def current_time(current: exp.Expr, context: Context) -> exp.Expr | None:
    value = evaluate(current, context.now)
    plain = isinstance(current, exp.Localtimestamp)
    return _literal(value, plain) if isinstance(value, date) else None


@function("from_iso8601_timestamp", "from_iso8601_timestamp_nanos")
def from_iso8601_timestamp(current: exp.Anonymous, context: Context) -> exp.Expr:
    value: exp.Expr = current.expressions[0]
    if type_of(value).kind in ("time", "timestamp"):
        return set_type(value, TIMESTAMP)
    constant = evaluate(current, context.now)
    return _literal(constant) if isinstance(constant, datetime) else call("ax_from_iso", value)


@function("from_iso8601_date")
def from_iso8601_date(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("ax_from_iso_date", current.expressions[0])


@function("date_parse", "parse_datetime")
def parse(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    value: exp.Expr = current.expressions[0]
    pattern = current.expressions[1]
    if type_of(value).kind in ("time", "timestamp"):
        return set_type(value, TIMESTAMP)
    if isinstance(value, exp.Anonymous) and str(value.this).lower() == "ashiato_day":
        day = exp.Cast(this=value.expressions[0], to=exp.DataType.build("DATE"))
        return set_type(exp.Cast(this=day, to=exp.DataType.build("TIMESTAMP")), TIMESTAMP)
    mysql = str(current.this).lower() == "date_parse"
    if not isinstance(pattern, exp.Literal):
        return None
    convert = patterns.from_mysql if mysql else patterns.from_joda
    converted = convert(pattern.this)
    # Athena reads `Z` as well as an offset for Joda's Z; DuckDB's %z only an offset.
    choices = [converted, converted.replace("%z", "Z"), converted.replace("%g", "%f").replace("%z", "Z")]
    formats = exp.Array(expressions=[text(c) for c in dict.fromkeys(choices)])
    name = "ax_parse_time_at_zone" if "%z" in converted else "ax_parse_time"
    made = call(name, value, formats) if "%z" not in converted else call(name, value, text(converted))
    return made if mysql or "%z" in converted else exp.Cast(this=made, to=exp.DataType.build("TIMESTAMPTZ"))


@function("date_format", "format_datetime")
def format_(current: exp.Anonymous, context: Context) -> exp.Expr | None:
    value, pattern = current.expressions[:2]
    constant = evaluate(current, context.now)
    if isinstance(constant, str):
        return set_type(text(constant), VARCHAR)
    if not isinstance(pattern, exp.Literal):
        return None
    mysql = str(current.this).lower() == "date_format"
    convert = patterns.from_mysql if mysql else patterns.from_joda
    return call("ax_strftime", value, text(convert(pattern.this)))


@function("to_iso8601")
def to_iso8601(current: exp.Anonymous, _: Context) -> exp.Expr:
    value: exp.Expr = current.expressions[0]
    if type_of(value).note and type_of(value).kind == "timestamp":
        return call("ax_iso_zoned", value, instant(value))
    return call("ax_to_iso8601", value)


@function("from_unixtime")
def from_unixtime(current: exp.Anonymous, _: Context) -> exp.Expr:
    value, *zone = current.expressions
    made = call("to_timestamp", value)
    if zone and isinstance(zone[0], exp.Literal) and zone[0].is_string:
        return exp.AtTimeZone(this=made, zone=zone[0])
    return made


@function("to_unixtime")
def to_unixtime(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("epoch", instant(current.expressions[0]))


@function("at_timezone", "with_timezone")
def at_timezone(current: exp.Anonymous, _: Context) -> exp.Expr:
    value, zone = current.expressions
    if str(current.this).lower() == "at_timezone":
        value = _utc(value)
    return exp.AtTimeZone(this=value, zone=zone)


@node(exp.AtTimeZone)
def at_time_zone(current: exp.Expr, _: Context) -> exp.Expr | None:
    """Trino's AT TIME ZONE of a time without zone reads it as UTC, the session's zone."""
    if isinstance(current.this, exp.Cast) and current.this.to.this.name == "TIMESTAMPTZ":
        return None
    return exp.AtTimeZone(this=_utc(current.this), zone=current.args["zone"])


def _utc(value: exp.Expr) -> exp.Expr:
    return exp.Cast(this=instant(_moment(value)), to=exp.DataType.build("TIMESTAMPTZ"))


@function("last_day_of_month")
def last_day(current: exp.Anonymous, context: Context) -> exp.Expr:
    constant = evaluate(current, context.now)
    return _literal(constant) if isinstance(constant, date) else call("last_day", current.expressions[0])


@function("date_add")
def date_add(current: exp.Anonymous, context: Context) -> exp.Expr | None:
    constant = evaluate(current, context.now)
    unit, amount, value = current.expressions
    if isinstance(constant, date):
        return _literal(constant, plain=isinstance(value, exp.Cast) and value.to.this.name == "TIMESTAMP")
    name = unit.name.upper()
    if name == "QUARTER":
        name, amount = "MONTH", exp.Mul(this=exp.paren(amount, copy=False), expression=number(3))
    step = exp.Interval(this=exp.paren(amount, copy=False), unit=exp.Var(this=name))
    made = exp.paren(exp.Add(this=_moment(value), expression=step), copy=False)
    return exp.Cast(this=made, to=exp.DataType.build("DATE")) if type_of(value) == DATE else made


@function("date_diff")
def date_diff(current: exp.Anonymous, _: Context) -> exp.Expr:
    """Whole units between two moments, as Trino counts them, not boundaries crossed."""
    unit, start, end = current.expressions
    ends = [_utc(e) for e in (start, end)]
    return call("date_sub", text(unit.name.lower()), *ends)


def _moment(value: exp.Expr) -> exp.Expr:
    return call("ax_from_iso", value) if type_of(value).kind in ("varchar", "jsontext") else value


@node(exp.TimestampTrunc, exp.DateTrunc)
def truncated(current: exp.Expr, _: Context) -> exp.Expr:
    value = current.this
    made = call("date_trunc", text(current.text("unit").lower()), _moment(value))
    return exp.Cast(this=made, to=exp.DataType.build("DATE")) if type_of(value) == DATE else made


@node(exp.Date, exp.TsOrDsToDate)
def date_(current: exp.Expr, _: Context) -> exp.Expr:
    value = current.this
    lenient = type_of(value).kind in ("varchar", "jsontext", "unknown") and not isinstance(value, exp.Literal)
    cls = exp.TryCast if lenient else exp.Cast
    return set_type(cls(this=value, to=exp.DataType.build("DATE")), DATE)


@function("day_of_week", "dow")
def day_of_week(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("isodow", _moment(current.expressions[0]))


_PARTS = {
    "week_of_year": "week",
    "week": "week",
    "year_of_week": "isoyear",
    "yow": "isoyear",
    "doy": "dayofyear",
    "day_of_year": "dayofyear",
    "day_of_month": "day",
    "millisecond": "ax_millisecond",
}


@function(*_PARTS)
def part(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call(_PARTS[str(current.this).lower()], _moment(current.expressions[0]))


_EXTRACTED = {
    "dow": "isodow",
    "day_of_week": "isodow",
    "day_of_month": "day",
    "doy": "dayofyear",
    "day_of_year": "dayofyear",
    "yow": "isoyear",
    "year_of_week": "isoyear",
}


@node(exp.Extract)
def extracted(current: exp.Expr, _: Context) -> exp.Expr | None:
    name = _EXTRACTED.get(current.name.lower())
    value = current.args["expression"]
    if name:
        return call(name, _moment(value))
    moment = _moment(value)
    return None if moment is value else exp.Extract(this=current.this, expression=moment)


@node(exp.Add, exp.Sub)
def shifted(current: exp.Expr, _: Context) -> exp.Expr | None:
    """A date and an interval make a date; two dates apart are an interval."""
    left, right = current.this, current.args["expression"]
    kinds = {type_of(left).kind, type_of(right).kind}
    if kinds == {"date", "unknown"}:
        made = type(current)(this=left, expression=right)
        return exp.Cast(this=exp.paren(made, copy=False), to=exp.DataType.build("DATE"))
    if kinds == {"date"} and isinstance(current, exp.Sub):
        ends = [exp.Cast(this=side, to=exp.DataType.build("TIMESTAMP")) for side in (left, right)]
        return exp.paren(exp.Sub(this=ends[0], expression=ends[1]), copy=False)
    return None


@node(exp.CurrentTimezone)
def current_timezone(_current: exp.Expr, _: Context) -> exp.Expr:
    return text("UTC")


@node(exp.Year, exp.Month, exp.Day, exp.Hour, exp.Minute, exp.Second, exp.Quarter)
def unit(current: exp.Expr, _: Context) -> exp.Expr | None:
    value = _moment(current.this)
    return None if value is current.this else type(current)(this=value)


def left_over(tree: exp.Expr, context: Context) -> exp.Expr:
    """Partition columns that no comparison took, as the text that AWS's tables hold."""
    for found in list(tree.find_all(exp.Anonymous)):
        name = str(found.this).lower()
        if name == "ashiato_day":
            pattern = found.expressions[1].name
            if context.day_is_number and len(found.expressions) == 3:
                pattern = "%d"
        elif name == "ashiato_part":
            pattern = {"year": "%Y", "month": "%m", "hour": "%H"}[found.expressions[1].name]
        else:
            continue
        found.replace(call("ax_strftime", found.expressions[0], text(pattern)))
    return tree


__all__ = ["iso", "left_over"]
