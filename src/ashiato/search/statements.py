"""The same search as a statement in Athena's SQL: to read, to change, to run by `ashiato query` and the SQL tab."""

from __future__ import annotations

from ashiato.engine.views import quote
from ashiato.formats.tables import TABLES
from ashiato.search import fields
from ashiato.search.conditions import condition, expression
from ashiato.search.dialects import Athena, athena_name
from ashiato.search.fields import Field
from ashiato.search.query import BEGIN, END
from ashiato.search.reading import Reader

#: Columns by which the statement orders after the time; rows that are the same in these come in any order.
_ORDER = {
    "cloudtrail": ("eventID",),
    "config_items": ("resourceType", "resourceId"),
    "vpc_flow_logs": ("interface_id", "srcaddr", "dstaddr", "srcport", "dstport"),
}


def statement(reader: Reader, *, rows: int | None = None) -> str:
    """One SELECT that gives the search's rows and shown columns through the engine's views, at most `rows`.

    Times counted back are written as what they mean now. Whose rows a limited user sees is not written into it:
    the engine is told the scope and shows no others.
    """
    dialect, table = Athena(), reader.table
    time = athena_name(reader.time)
    columns = [_column(f, dialect) for n in reader.search.shown if (f := fields.find(table, n)) is not None]
    conditions = []
    if reader.span.start > BEGIN:
        conditions.append(f"{time} >= {dialect.moment(reader.span.start)}")
    if reader.span.end < END:
        conditions.append(f"{time} < {dialect.moment(reader.span.end)}")
    conditions += [condition((t,), table, dialect) for t in reader.terms]
    direction = "ASC" if reader.search.oldest_first else "DESC"
    order = ", ".join(f"{athena_name(n)} {direction}" for n in (reader.time, *_ORDER[table]))
    lines = ["SELECT " + ",\n       ".join(columns), f"FROM {table}"]
    lines += [("WHERE " if i == 0 else "  AND ") + c for i, c in enumerate(conditions)]
    lines.append(f"ORDER BY {order}")
    if rows is not None:
        lines.append(f"LIMIT {rows}")
    return "\n".join(lines)


def names(reader: Reader) -> list[str]:
    """Names of the statement's columns, in the order of those that are shown."""
    return [_name(n, reader.table) for n in reader.search.shown]


def _column(field: Field, dialect: Athena) -> str:
    made = expression(field, dialect)
    return made if made in (field.name, quote(field.name)) else f"{made} AS {quote(field.name)}"


def _name(name: str, table: str) -> str:
    found = fields.find(table, name)
    assert found is not None
    plain = found.name in TABLES[table].by_name and athena_name(found.name) == found.name
    return found.name.lower() if plain else found.name
