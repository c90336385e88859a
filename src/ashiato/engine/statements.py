"""From a typed statement to one that DuckDB runs, with the tables it reads and their filters."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ErrorLevel, SqlglotError

from ashiato.core.errors import QueryRefused
from ashiato.engine import guard, messages, placeholders, rules
from ashiato.engine.binding import Binder
from ashiato.engine.dialect import AthenaSelect, call
from ashiato.engine.hoisting import hoist_addresses
from ashiato.engine.inference import type_of
from ashiato.engine.rules.times import left_over

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

Dialect = Literal["athena", "duckdb"]

# Its warnings would land on the person's terminal beside our own message.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Statement:
    """A statement ready to run: DuckDB's SQL and, for each view it reads, the filter for planning.

    A filter lets through at least every row that the statement can use.
    """

    sql: str
    tables: Mapping[str, BooleanExpression] = field(default_factory=dict)


def transpile(sql: str, dialect: Dialect = "athena", *, now: datetime | None = None) -> Statement:
    """Read one SELECT of Athena/Trino (or of DuckDB) over AWS's or our table names.

    `now` fixes the current time (UTC). Raises `QueryRefused` with the place and a correction.
    """
    tree = _parse(sql, dialect)
    guard.check(tree)
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    binder = Binder(tree)
    binder.bind()
    tables = _filters(binder, moment)
    context = rules.Context(moment, binder.day_is_number)
    if dialect == "athena":
        tree = rules.apply(tree, context)
        _name_outputs(tree)
    tree = hoist_addresses(tree)
    tree = left_over(_comparisons_of_partitions(tree, context, dialect), context)
    return Statement(
        tree.sql(dialect="duckdb", identify=True, comments=False, unsupported_level=ErrorLevel.IGNORE), tables
    )


def _parse(sql: str, dialect: Dialect) -> exp.Expr:
    if not sql.strip():
        raise QueryRefused("the statement is empty", remedy="Write SELECT … FROM cloudtrail")
    if len(sql) > 1_000_000:
        raise QueryRefused("the statement is longer than a million characters", remedy="Shorten it")
    try:
        read = AthenaSelect if dialect == "athena" else "duckdb"
        trees = [t for t in sqlglot.parse(placeholders.substitute(sql), read=read) if t is not None]
    except RecursionError:
        raise QueryRefused("the statement is nested too deeply", remedy="Flatten it") from None
    except SqlglotError as error:
        raise messages.unreadable(sql, error) from None
    if len(trees) != 1:
        raise QueryRefused(f"{len(trees)} statements in one", remedy="Run them one by one")
    return _plain_calls(trees[0], dialect)


def _plain_calls(tree: exp.Expr, dialect: Dialect) -> exp.Expr:
    """Calls whose name is in quotes, as views that QuickSight shows have them, as calls by plain name."""
    known = (AthenaSelect if dialect == "athena" else DuckDB).Parser.FUNCTIONS
    for found in list(tree.find_all(exp.Anonymous)):
        if not isinstance(found.this, exp.Identifier):
            continue
        name = found.this.name
        build = known.get(name.upper())
        if build is None:
            found.set("this", name)
            continue
        made: exp.Expr = build(found.expressions)
        if found is tree:
            return made
        found.replace(made)
    return tree


def _filters(binder: Binder, now: datetime) -> dict[str, BooleanExpression]:
    from pyiceberg.expressions import Or

    from ashiato.engine.pruning import row_filter

    tables: dict[str, BooleanExpression] = {}
    for number, use in enumerate(binder.uses):
        made = row_filter(use.select, number, now)
        tables[use.view] = Or(tables[use.view], made) if use.view in tables else made
    return tables


def _comparisons_of_partitions(tree: exp.Expr, context: rules.Context, dialect: Dialect) -> exp.Expr:
    """DuckDB's dialect knows AWS's partition names, too; only their comparisons are rewritten."""
    if dialect == "athena":
        return tree
    from ashiato.engine.rules import comparisons

    for found in list(tree.find_all(exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NEQ, exp.Between, exp.In)):
        if any(str(c.this).startswith("ashiato_") for c in found.find_all(exp.Anonymous)):
            if isinstance(found, exp.Between):
                made = comparisons.between(found, context)
            else:
                rule = comparisons.in_ if isinstance(found, exp.In) else comparisons.pair
                made = rule(found, context)
            if made is not None:
                found.replace(made)
    return tree


def _name_outputs(tree: exp.Expr) -> None:
    """Name what has no name, as Athena does (`_col0`), and show addresses as text."""
    for select in tree.find_all(exp.Select):
        if select.meta.get("final") or not _is_shown(select):
            continue
        for index, projection in enumerate(list(select.expressions)):
            inner = projection.this if isinstance(projection, exp.Alias) else projection
            if type_of(inner).kind == "ip":
                named = isinstance(projection, exp.Alias | exp.Column | exp.Dot)
                name = projection.alias_or_name if named else f"_col{index}"
                made = call("ax_ip_text", inner.copy())
                projection.replace(exp.alias_(made, name, quoted=True))
            elif isinstance(projection, exp.Dot):
                projection.replace(exp.alias_(projection.copy(), projection.name, quoted=True))
            elif not isinstance(projection, exp.Alias | exp.Star | exp.Column | exp.Dot):
                projection.replace(exp.alias_(projection.copy(), f"_col{index}", quoted=True))


def _is_shown(select: exp.Select) -> bool:
    parent = select.parent
    while isinstance(parent, exp.SetOperation | exp.Subquery) and isinstance(parent.parent, exp.SetOperation):
        parent = parent.parent
    if isinstance(parent, exp.Subquery) and not isinstance(parent.parent, exp.From | exp.Join | exp.Subquery):
        return parent.parent is None
    return not isinstance(parent, exp.Lateral | exp.In | exp.Exists) and not (
        isinstance(parent, exp.Subquery) and isinstance(parent.parent, exp.Lateral)
    )
