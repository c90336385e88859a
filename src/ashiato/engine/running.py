"""Running and explaining statements."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from ashiato.core.errors import AshiatoError, QueryStopped
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.engine import macros, messages
from ashiato.engine.limits import Limits
from ashiato.engine.names import VIEWS
from ashiato.engine.plans import Planner, TablePlan
from ashiato.engine.sandbox import ChildFailed, Request, Sandbox
from ashiato.engine.statements import Dialect, Statement, transpile
from ashiato.engine.views import scope_filter, view_sql


@dataclass(frozen=True)
class ExplainedTable:
    """What would be read of one table: files, their bytes and rows, and the snapshot."""

    table: str
    files: tuple[str, ...]
    bytes: int
    rows: int
    snapshot_id: int | None
    row_filter: str


@dataclass(frozen=True)
class ExplainedQuery:
    """A statement as it would run, and what it would read."""

    sql: str
    tables: tuple[ExplainedTable, ...]


def run(
    sql: str,
    planner: Planner,
    *,
    dialect: Dialect = "athena",
    limits: Limits | None = None,
    now: datetime | None = None,
    sandbox: Sandbox | None = None,
    scope: AccountScope = EVERY_ACCOUNT,
) -> pa.Table:
    """The answer of one SELECT, as Arrow; output names that occur twice get `_1`, `_2` ….

    Every table shows the rows of the scope's accounts alone; a limited scope has no quarantine.
    Pass a `sandbox` that was started earlier to hide its start-up; it is used up either way.
    Raises `QueryRefused` for a statement that is not run and `QueryStopped` when a limit ended it.
    """
    limits = limits or Limits()
    with sandbox or Sandbox() as child:
        statement = transpile(sql, dialect, now=now)
        plans = _plans(statement, planner, scope)
        superseded = planner.superseded if "cloudtrail" in plans else ()
        views = (view_sql(v, p, superseded, scope) for v, p in plans.items())
        setup = [*macros.statements(statement.sql), *views]
        paths = sorted({path for plan in plans.values() for path in plan.files})
        try:
            answer = child.run(Request(statement.sql, setup, paths), limits)
        except ChildFailed as failed:
            raise _explained(failed, paths) from None
    return _whole_numbers(_unique_names(answer))


def explain(
    sql: str,
    planner: Planner,
    *,
    dialect: Dialect = "athena",
    now: datetime | None = None,
    scope: AccountScope = EVERY_ACCOUNT,
) -> ExplainedQuery:
    """What `run` would do: the statement in DuckDB's words, and the files that would be read.

    For a limited scope the files are left out: they hold other accounts' rows too, and would count them.
    """
    statement = transpile(sql, dialect, now=now)
    if scope.limited:
        return ExplainedQuery(statement.sql, ())
    tables = tuple(
        ExplainedTable(view, p.files, p.bytes, p.rows, p.snapshot_id, in_words(statement.tables[view]))
        for view, p in _plans(statement, planner, scope).items()
    )
    return ExplainedQuery(statement.sql, tables)


_SIGNS = {
    "GreaterThanOrEqual": ">=", "GreaterThan": ">", "LessThanOrEqual": "<=", "LessThan": "<",
    "EqualTo": "=", "NotEqualTo": "!=", "In": "in", "NotIn": "not in",
    "StartsWith": "starts with", "NotStartsWith": "does not start with",
    "IsNull": "is null", "NotNull": "is not null",
}  # fmt: skip


def in_words(row_filter: Any) -> str:
    """A row filter as a person would write it; empty where nothing narrows the plan."""
    kind = type(row_filter).__name__
    if kind == "AlwaysTrue":
        return ""
    if kind in ("And", "Or"):
        word = " and " if kind == "And" else " or "
        return word.join(
            f"({text})" if type(side).__name__ == "Or" and kind == "And" else text
            for side in (row_filter.left, row_filter.right)
            if (text := in_words(side))
        )
    if kind == "Not":
        return f"not ({in_words(row_filter.child)})"
    name = getattr(getattr(row_filter, "term", None), "name", "")
    sign = _SIGNS.get(kind)
    if sign is None:
        return kind
    if hasattr(row_filter, "literal"):
        return f"{name} {sign} {row_filter.literal.value}"
    if hasattr(row_filter, "literals"):
        return f"{name} {sign} ({', '.join(sorted(str(v.value) for v in row_filter.literals))})"
    return f"{name} {sign}"


def _plans(statement: Statement, planner: Planner, scope: AccountScope) -> Mapping[str, TablePlan]:
    from pyiceberg.expressions import And

    return {
        view: planner.plan(VIEWS[view][0], And(row_filter, scope_filter(view, scope)))
        for view, row_filter in statement.tables.items()
    }


def _explained(failed: ChildFailed, paths: Sequence[str]) -> AshiatoError:
    """The database's message without file names and without the text that we made of the statement."""
    text = re.sub(r"\S*ashiato-query-\S*", "(a temporary file)", failed.text)
    for path in paths:
        text = text.replace(path, "(a data file)")
    lines = [line for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not re.match(r"\s*(LINE \d|\^)", line)]
    message = re.sub(r"^[\w ]+ Error: ", "", " ".join(lines[:3])).strip()
    spilled = ("max_temp_directory_size", "Could not write file", "No space left", "File too large")
    if any(words in message for words in spilled):
        return QueryStopped(
            "the query needed more disk to spill to than it may use", remedy="Narrow it, or raise --max-disk"
        )
    if failed.kind == "InternalException":
        return QueryStopped(
            f"the database has a fault that this statement runs into: {message.split('Stack Trace')[0][:200]}",
            remedy="Write it another way, for example the innermost expression in a SELECT of its own",
        )
    if failed.kind in ("IOException", "FatalException"):
        return QueryStopped(
            f"the query failed: {message[:400]}", remedy="Run it again; see `ashiato maintain`"
        )
    return messages.refused(message)


def _unique_names(answer: pa.Table) -> pa.Table:
    seen: dict[str, int] = {}
    taken = set(answer.column_names)
    names = []
    for name in answer.column_names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        new = name
        while count and new in taken:
            new = f"{name}_{count}"
            count += 1
        taken.add(new)
        names.append(new)
    return answer.rename_columns(names)


def _whole_numbers(answer: pa.Table) -> pa.Table:
    """Sums of integers come as decimals of 38 digits; they are shown as 64-bit integers where they fit."""
    for index, field in enumerate(answer.schema):
        if field.type == pa.decimal128(38, 0):
            with contextlib.suppress(pa.ArrowInvalid):
                answer = answer.set_column(index, field.name, answer.column(index).cast(pa.int64()))
    return answer
