"""Numbers and aggregates where Trino and DuckDB differ."""

from __future__ import annotations

from sqlglot import exp

from ashiato.core.errors import QueryRefused
from ashiato.engine.dialect import call, number, text
from ashiato.engine.inference import type_of
from ashiato.engine.rules import Context, function, node


@node(exp.Div)
def divide(current: exp.Expr, _: Context) -> exp.Expr:
    """Between integers the division is an integer one, cut towards zero."""
    left, right = current.this, current.args["expression"]
    if type_of(left).kind == type_of(right).kind == "bigint":
        return exp.IntDiv(this=left, expression=right)
    return exp.Div(this=left, expression=right)


@node(exp.Greatest, exp.Least)
def greatest(current: exp.Expr, _: Context) -> exp.Expr:
    """NULL where any argument is."""
    values = [current.this, *current.expressions]
    missing = exp.or_(*[exp.Is(this=v.copy(), expression=exp.Null()) for v in values], copy=False)
    name = "greatest" if isinstance(current, exp.Greatest) else "least"
    return exp.Case(
        ifs=[exp.If(this=missing, true=exp.Null())], default=call(name, *[v.copy() for v in values])
    )


@function("max_by", "min_by")
def extreme_by(current: exp.Anonymous, _: Context) -> exp.Expr:
    """DuckDB's arg_max skips rows whose value is NULL; Trino's max_by returns that NULL."""
    name = "arg_max" if str(current.this).lower() == "max_by" else "arg_min"
    suffix = "_null" if len(current.expressions) == 2 else ""
    return call(name + suffix, *current.expressions)


@function("approx_percentile")
def approx_percentile(current: exp.Anonymous, _: Context) -> exp.Expr:
    values = current.expressions
    if len(values) > 2:
        raise QueryRefused(
            "approx_percentile with weights or an accuracy is not translated",
            remedy="Give it the values and the percentage only",
        )
    return call("approx_quantile", *values)


@function("rand", "random")
def chance(current: exp.Anonymous, _: Context) -> exp.Expr:
    """Without bounds a fraction below 1; with them a whole number below the upper one."""
    if not current.expressions:
        return call("random")
    low = current.expressions[0] if len(current.expressions) == 2 else number(0)
    return call("ax_random", low, current.expressions[-1])


@function("bit_count")
def bit_count(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("bit_count", exp.Cast(this=current.expressions[0], to=exp.DataType.build("BIGINT")))


@function("infinity", "nan")
def special(current: exp.Anonymous, _: Context) -> exp.Expr:
    return exp.Cast(this=text(str(current.this).lower()), to=exp.DataType.build("DOUBLE"))


@node(exp.Sum)
def total(current: exp.Expr, _: Context) -> exp.Expr | None:
    """A sum of integers is a BIGINT, as in Trino."""
    if type_of(current.this).kind != "bigint" or isinstance(current.parent, exp.Filter | exp.Window):
        return None
    return exp.Cast(this=exp.Sum(this=current.this), to=exp.DataType.build("BIGINT"))
