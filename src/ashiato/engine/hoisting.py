"""Reading an address once where a condition asks it many times.

`ax_ip(x)` is long once its macro is put in its place; AWS's samples compare one address with six others, and
binding two dozen copies takes longer than the query.
"""

from __future__ import annotations

from collections import Counter

from sqlglot import exp

from ashiato.engine.dialect import call, number

_ENOUGH = 3


def hoist_addresses(tree: exp.Expr) -> exp.Expr:
    """`cond(ax_ip(x), ax_ip(x), …)` as `list_transform([ax_ip(x)], lambda a: cond(a, a, …))[1]`."""
    for clause in list(tree.find_all(exp.Where, exp.Having, exp.Qualify)):
        conditions = list(clause.this.flatten()) if isinstance(clause.this, exp.And) else [clause.this]
        for index, condition in enumerate(conditions):
            if condition.find(exp.Query) is None:
                _hoist(condition, index)
    return tree


def _calls(condition: exp.Expr) -> list[exp.Anonymous]:
    return [c for c in condition.find_all(exp.Anonymous) if str(c.this).lower() == "ax_ip"]


def _hoist(condition: exp.Expr, index: int) -> None:
    repeated = [sql for sql, n in Counter(c.sql("duckdb") for c in _calls(condition)).items() if n >= _ENOUGH]
    for place, sql in enumerate(repeated):
        copies = [c for c in _calls(condition) if c.sql("duckdb") == sql]
        name = exp.to_identifier(f"ax_address_{index}_{place}", quoted=True)
        first = copies[0].copy()
        body = condition.copy()
        for copy in _calls(body):
            if copy.sql("duckdb") == sql:
                copy.replace(name.copy())
        step = exp.Lambda(this=body, expressions=[name])
        made = call("list_extract", call("list_transform", exp.Array(expressions=[first]), step), number(1))
        condition.replace(made)
        condition = made
