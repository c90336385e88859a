"""SQL over the lake: Athena's statements, run by DuckDB in a child process that reaches nothing else."""

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
