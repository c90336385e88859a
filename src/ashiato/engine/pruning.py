"""From a statement's conditions to a filter that leaves out files which cannot match.

The filter may let through too much, never too little: what is not understood is taken for true.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ashiato.engine.constants import Constant, as_datetime, evaluate
from ashiato.engine.dialect import MIRRORED
from ashiato.engine.inference import type_of
from ashiato.engine.scopes import COLUMN_OF

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

_ORDER = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
#: How far a function of a time may move it back: a year and a bit covers date_trunc('year', …).
_SLACK = timedelta(days=367)
_DAY = timedelta(days=1)


def row_filter(select: exp.Select, use: int, now: datetime) -> BooleanExpression:
    """What rows of the `use`-th table mention must hold to get past the WHERE of its SELECT."""
    from pyiceberg.expressions import AlwaysTrue

    where = select.args.get("where")
    return _Reader(use, now).read(where.this) if where is not None else AlwaysTrue()


class _Reader:
    def __init__(self, use: int, now: datetime) -> None:
        self.use = use
        self.now = now

    def read(self, node: exp.Expr) -> BooleanExpression:
        from pyiceberg.expressions import AlwaysTrue, And, Or

        if isinstance(node, exp.Paren):
            return self.read(node.this)
        if isinstance(node, exp.And):
            return And(self.read(node.left), self.read(node.right))
        if isinstance(node, exp.Or):
            left, right = self.read(node.left), self.read(node.right)
            always = isinstance(left, AlwaysTrue) or isinstance(right, AlwaysTrue)
            return AlwaysTrue() if always else Or(left, right)
        if isinstance(node, exp.Between):
            low = self.compare(node.this, node.args["low"], exp.GTE)
            return And(low, self.compare(node.this, node.args["high"], exp.LTE))
        if isinstance(node, exp.In) and node.expressions:
            return self.any_of(node)
        if isinstance(node, _ORDER):
            return self.compare(node.this, node.expression, type(node))
        if isinstance(node, exp.Like):
            return self.like(node)
        return AlwaysTrue()

    def any_of(self, node: exp.In) -> BooleanExpression:
        from pyiceberg.expressions import AlwaysTrue, Or

        made: BooleanExpression | None = None
        for item in node.expressions:
            one = self.compare(node.this, item, exp.EQ)
            if isinstance(one, AlwaysTrue):
                return one
            made = one if made is None else Or(made, one)
        return made or AlwaysTrue()

    def compare(self, left: exp.Expr, right: exp.Expr, kind: type[exp.Expr]) -> BooleanExpression:
        from pyiceberg.expressions import AlwaysTrue

        value = evaluate(right, self.now)
        if value is None:
            value, left, kind = evaluate(left, self.now), right, MIRRORED.get(kind, kind)
        if value is None:
            return AlwaysTrue()
        found = self.time(left)
        if found is not None:
            return _time_bounds(found[0], found[1], value, kind)
        return self.scalar(left, value, kind)

    def column(self, node: exp.Expr) -> str | None:
        mark = node.meta.get(COLUMN_OF) if isinstance(node, exp.Column) else None
        return str(mark[1]) if mark and mark[0] == self.use else None

    def time(self, node: exp.Expr) -> tuple[str, timedelta] | None:
        """The time column that `node` is made of, and how far below it the value may lie."""
        name = self.column(node)
        if name is not None:
            return (name, timedelta(0)) if type_of(node).kind == "time" else None
        if isinstance(node, exp.Cast | exp.TryCast | exp.Date | exp.TsOrDsToDate | exp.Paren):
            found = self.time(node.this)
            return found and (found[0], max(found[1], _DAY))
        if isinstance(node, exp.TimestampTrunc | exp.DateTrunc | exp.Substring):
            if isinstance(node, exp.Substring) and evaluate(node.args.get("start"), self.now) != 1:
                return None
            found = self.time(node.this)
            return found and (found[0], _SLACK)
        if isinstance(node, exp.Anonymous) and node.expressions:
            name = str(node.this).lower()
            same = ("from_iso8601_timestamp", "ashiato_day", "date_parse", "parse_datetime")
            if name in same or (name == "ashiato_part" and node.expressions[1].name == "year"):
                found = self.time(node.expressions[0])
                return found and (found[0], _SLACK if name == "ashiato_part" else max(found[1], _DAY))
        return None

    def scalar(self, node: exp.Expr, value: Constant, kind: type[exp.Expr]) -> BooleanExpression:
        from pyiceberg import expressions as ice

        name = self.column(node)
        type_ = type_of(node).kind
        if name is None or not (
            (type_ == "varchar" and isinstance(value, str))
            or (type_ == "bigint" and isinstance(value, int) and abs(value) < 1 << 31)
        ):
            return ice.AlwaysTrue()
        classes: dict[type[exp.Expr], type[ice.LiteralPredicate]] = {
            exp.EQ: ice.EqualTo,
            exp.GT: ice.GreaterThan,
            exp.GTE: ice.GreaterThanOrEqual,
            exp.LT: ice.LessThan,
            exp.LTE: ice.LessThanOrEqual,
        }
        # Texts beyond ASCII sort differently in the file's statistics and in SQL: only equality is safe.
        if isinstance(value, str) and kind is not exp.EQ and not value.isascii():
            return ice.AlwaysTrue()
        return classes[kind](name, value)

    def like(self, node: exp.Like) -> BooleanExpression:
        """`LIKE '2022-01%'` on a time column, as a range of it."""
        from pyiceberg.expressions import AlwaysTrue, And

        found, pattern = self.time(node.this), evaluate(node.expression, self.now)
        if found is None or not isinstance(pattern, str):
            return AlwaysTrue()
        prefix = pattern.split("%")[0].split("_")[0]
        low = _prefix_time(prefix)
        if low is None:
            return AlwaysTrue()
        start, end = low
        return And(
            _bound(found[0], ">=", start),
            _bound(found[0], "<", end + found[1]),
        )


def _prefix_time(prefix: str) -> tuple[datetime, datetime] | None:
    """The first moment whose ISO text starts with `prefix`, and the first after the last such."""
    for length, span in ((10, _DAY), (7, timedelta(days=31)), (4, timedelta(days=366))):
        moment = as_datetime(prefix[:length] + "-01-01"[: 10 - length] if length < 10 else prefix[:10])
        if len(prefix) >= length and moment is not None:
            if length == 7:
                moment = as_datetime(prefix[:7] + "-01")
            return (moment, moment + span) if moment else None
    return None


def _time_bounds(name: str, slack: timedelta, value: Constant, kind: type[exp.Expr]) -> BooleanExpression:
    from pyiceberg.expressions import AlwaysTrue, And

    moment = as_datetime(value if isinstance(value, str | date) else None)
    if moment is None and isinstance(value, str):
        return _text_bounds(name, value, kind)
    if moment is None and isinstance(value, int) and 1970 < value < 3000:
        moment = as_datetime(f"{value}-01-01")
    if moment is None:
        return AlwaysTrue()
    low = _bound(name, ">=", moment)
    # A value cut down from the time lies up to `slack` below it.
    high = _bound(name, "<=", moment + slack)
    if kind is exp.EQ:
        return And(low, high)
    return low if kind in (exp.GT, exp.GTE) else high


def _text_bounds(name: str, value: str, kind: type[exp.Expr]) -> BooleanExpression:
    """A text that begins like a time, compared as text: `'2023-11-01T%'`, `'2022-08'`."""
    from pyiceberg.expressions import AlwaysTrue, And

    found = _prefix_time(value)
    if found is None:
        return AlwaysTrue()
    start, end = found
    if kind is exp.EQ:
        return And(_bound(name, ">=", start), _bound(name, "<=", end))
    return _bound(name, ">=", start) if kind in (exp.GT, exp.GTE) else _bound(name, "<=", end)


def _bound(name: str, operator: str, moment: datetime) -> BooleanExpression:
    from pyiceberg.expressions import GreaterThanOrEqual, LessThan, LessThanOrEqual

    classes: dict[str, Any] = {">=": GreaterThanOrEqual, "<": LessThan, "<=": LessThanOrEqual}
    made: BooleanExpression = classes[operator](name, moment.isoformat(timespec="microseconds"))
    return made
