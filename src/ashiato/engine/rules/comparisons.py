"""Comparisons between what AWS's tables hold as text and what ours hold as a type."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlglot import exp

from ashiato.engine.constants import Constant, as_datetime, evaluate, parse_time
from ashiato.engine.dialect import MIRRORED, call, text, timestamp_literal
from ashiato.engine.inference import type_of
from ashiato.engine.rules import Context, node
from ashiato.engine.rules.addresses import address
from ashiato.engine.rules.json_documents import as_text
from ashiato.engine.types import TEXTUAL, TIMESTAMP, VARCHAR, set_type

_PAIRS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)


@node(*_PAIRS)
def pair(current: exp.Expr, context: Context) -> exp.Expr | None:
    left, right = current.this, current.args["expression"]
    ranged = _partition(current, context)
    if ranged is not None:
        return ranged
    new_left, new_right = _align(left, right, context)
    if new_left is left and new_right is right:
        return None
    return type(current)(this=new_left, expression=new_right)


@node(exp.Between)
def between(current: exp.Expr, context: Context) -> exp.Expr | None:
    low = exp.GTE(this=current.this.copy(), expression=current.args["low"].copy())
    high = exp.LTE(this=current.this.copy(), expression=current.args["high"].copy())
    parts = [pair(low, context), pair(high, context)]
    if parts == [None, None]:
        return None
    return exp.paren(exp.And(this=parts[0] or low, expression=parts[1] or high), copy=False)


@node(exp.In)
def in_(current: exp.Expr, context: Context) -> exp.Expr | None:
    items = current.expressions
    if not items:
        return None
    made = [pair(exp.EQ(this=current.this.copy(), expression=i.copy()), context) for i in items]
    if not any(made):
        return None
    simple = [m for m in made if isinstance(m, exp.EQ)]
    if len(simple) == len(items) and len({m.this.sql() for m in simple}) == 1:
        return exp.In(this=simple[0].this, expressions=[m.args["expression"] for m in simple])
    whole = [
        m or exp.EQ(this=current.this.copy(), expression=i.copy()) for m, i in zip(made, items, strict=True)
    ]
    return exp.paren(exp.or_(*whole, copy=False), copy=False)


def _align(left: exp.Expr, right: exp.Expr, context: Context) -> tuple[exp.Expr, exp.Expr]:
    left, right = instant(left), instant(right)
    for swap in (False, True):
        a, b = (right, left) if swap else (left, right)
        made = _one_way(a, b, context)
        if made is not None:
            return (made[1], made[0]) if swap else made
    return left, right


def _one_way(a: exp.Expr, b: exp.Expr, context: Context) -> tuple[exp.Expr, exp.Expr] | None:
    kind, other = type_of(a).kind, type_of(b).kind
    constant = evaluate(b, context.now) if other == "varchar" else None
    if kind == "ip" or other == "ip":
        left, right = address(a), address(b)
        return None if left is a and right is b else (left, right)
    if kind in ("time", "timestamp", "date") and isinstance(constant, str):
        return _time_text(a, constant)
    if kind == "time" and other == "varchar":
        return iso(a), b
    if kind in TEXTUAL and other in ("timestamp", "date") and constant is None:
        return call("ax_from_iso", a), b
    if kind == "json" and other in (*TEXTUAL, "unknown"):
        return as_text(a), b
    if kind in TEXTUAL and isinstance(b, exp.Literal) and not b.is_string:
        return exp.TryCast(this=a, to=exp.DataType.build("BIGINT" if str(b.this).isdigit() else "DOUBLE")), b
    if kind in ("bigint", "boolean") and isinstance(b, exp.Literal) and b.is_string:
        return _typed_text(a, b, kind)
    if kind in TEXTUAL and other == "boolean" and isinstance(b, exp.Boolean):
        return a, text("true" if b.this else "false")
    return None


def _time_text(a: exp.Expr, constant: str) -> tuple[exp.Expr, exp.Expr] | None:
    moment = parse_time(constant)
    if moment is None:
        return (iso(a), text(constant)) if type_of(a).kind == "time" else None
    return a, timestamp_literal(moment.isoformat())


def _typed_text(a: exp.Expr, b: exp.Literal, kind: str) -> tuple[exp.Expr, exp.Expr] | None:
    value = str(b.this).strip()
    if kind == "boolean" and value.lower() in ("true", "false"):
        return a, exp.Boolean(this=value.lower() == "true")
    if kind == "bigint" and value.lstrip("-").isdigit():
        return a, exp.Literal.number(value)
    return exp.cast(a, "VARCHAR"), b


def instant(value: exp.Expr) -> exp.Expr:
    """The moment itself, where `value` is the wall clock of a zone that its type notes."""
    type_ = type_of(value)
    if type_.kind != "timestamp" or not type_.note:
        return value
    return set_type(exp.AtTimeZone(this=value, zone=text(type_.note)), TIMESTAMP)


def iso(value: exp.Expr) -> exp.Expr:
    """A time column as the ISO 8601 text that AWS's own tables hold."""
    name = "ax_iso_ms" if type_of(value).note == "ms" else "ax_iso"
    return set_type(call(name, value), VARCHAR)


def _partition(current: exp.Expr, context: Context) -> exp.Expr | None:
    """A comparison of a partition column with a constant, as one on the time column."""
    for left, right, kind in (
        (current.this, current.args["expression"], type(current)),
        (current.args["expression"], current.this, MIRRORED.get(type(current), type(current))),
    ):
        if not isinstance(left, exp.Anonymous):
            continue
        name = str(left.this).lower()
        constant = evaluate(right, context.now)
        if constant is None:
            continue
        if name == "ashiato_day":
            return _day(left, constant, kind)
        if name == "ashiato_part" and str(constant).strip().isdigit():
            unit = exp.Var(this=left.expressions[1].name.upper())
            return kind(
                this=exp.Extract(this=unit, expression=left.expressions[0].copy()),
                expression=exp.Literal.number(int(str(constant))),
            )
    return None


def _day(left: exp.Anonymous, constant: Constant, kind: type[exp.Expr]) -> exp.Expr | None:
    time = left.expressions[0]
    moment = (
        as_datetime(constant)
        if (isinstance(constant, str) and "/" in constant) or not isinstance(constant, int | float)
        else None
    )
    digits = str(constant)
    if moment is None and len(digits) == 8 and digits.isdigit():
        moment = parse_time(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
    if moment is None and digits.isdigit() and len(digits) <= 2:
        return kind(this=exp.Extract(this=exp.Var(this="DAY"), expression=time.copy()),
                    expression=exp.Literal.number(int(digits)))  # fmt: skip
    return None if moment is None else day_range(time, moment, kind)


def day_range(time: exp.Expr, moment: datetime, kind: type[exp.Expr]) -> exp.Expr | None:
    """`day of time <kind> moment's day` as a range of `time`, which files can be pruned by."""
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    first, after = (timestamp_literal(m.isoformat()) for m in (start, start + timedelta(days=1)))

    def compare(cls: type[exp.Expr], bound: exp.Expr) -> exp.Expr:
        return cls(this=time.copy(), expression=bound)

    if kind in (exp.EQ, exp.NullSafeEQ):
        return exp.paren(exp.And(this=compare(exp.GTE, first), expression=compare(exp.LT, after)), copy=False)
    if kind in (exp.NEQ, exp.NullSafeNEQ):
        return exp.paren(exp.Or(this=compare(exp.LT, first), expression=compare(exp.GTE, after)), copy=False)
    bounds = {
        exp.GT: (exp.GTE, after),
        exp.GTE: (exp.GTE, first),
        exp.LT: (exp.LT, first),
        exp.LTE: (exp.LT, after),
    }
    return compare(*bounds[kind]) if kind in bounds else None
