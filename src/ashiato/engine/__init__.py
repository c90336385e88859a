"""SQL over the lake: Athena's statements, run by DuckDB in a child process that reaches nothing else.

Names are imported when first used: whoever starts a `Sandbox` early must not wait for the parser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashiato.engine.describing import ColumnRow, TableRow, schema, tables
    from ashiato.engine.limits import OPTIONS, Limits
    from ashiato.engine.plans import Planner, TablePlan
    from ashiato.engine.running import ExplainedQuery, ExplainedTable, explain, run
    from ashiato.engine.sandbox import Sandbox
    from ashiato.engine.statements import Statement, transpile

__all__ = [
    "OPTIONS",
    "ColumnRow",
    "ExplainedQuery",
    "ExplainedTable",
    "Limits",
    "Planner",
    "Sandbox",
    "Statement",
    "TablePlan",
    "TableRow",
    "explain",
    "run",
    "schema",
    "tables",
    "transpile",
]

_HOMES = {
    "describing": ("ColumnRow", "TableRow", "schema", "tables"),
    "limits": ("OPTIONS", "Limits"),
    "plans": ("Planner", "TablePlan"),
    "running": ("ExplainedQuery", "ExplainedTable", "explain", "run"),
    "sandbox": ("Sandbox",),
    "statements": ("Statement", "transpile"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
