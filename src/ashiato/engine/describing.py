"""What the tables hold, for `ashiato tables` and `ashiato schema`."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from ashiato.core.errors import QueryRefused
from ashiato.engine import names
from ashiato.formats.tables import TABLES

_NOTES = {
    "cloudtrail": "one copy of each event; events that an addendum corrected are left out",
    "cloudtrail_all": "every copy of every event, corrected ones too",
    "config_items": "one copy of each item",
    "config_items_all": "every copy of every item",
}


_ATHENA = {
    "string": "varchar",
    "int64": "bigint",
    "int32": "integer",
    "bool": "boolean",
    "date32[day]": "date",
    "binary": "varbinary",
}


@dataclass(frozen=True)
class TableRow:
    """One table as `ashiato tables` shows it; `time_column` is the one to narrow by."""

    name: str
    row: str
    time_column: str
    columns: int
    note: str


@dataclass(frozen=True)
class ColumnRow:
    """One column as `ashiato schema` shows it: Athena's name of the type, meaning, AWS's page."""

    name: str
    type: str
    meaning: str
    source: str


def tables() -> list[TableRow]:
    """Every table that a statement may read."""
    rows = []
    for view, (name, _) in names.VIEWS.items():
        table = TABLES[name]
        rows.append(TableRow(view, table.row, table.time_column, len(table.columns), _NOTES.get(view, "")))
    return rows


def schema(table: str) -> list[ColumnRow]:
    """Columns of a table, by our name or AWS's; raises `QueryRefused` with the nearest names."""
    view = names.table_of(table)
    if view is None or view not in names.VIEWS:
        close = names.nearest(table, list(names.VIEWS))
        raise QueryRefused(
            f"there is no table {table}",
            remedy=(f"Did you mean {' or '.join(close)}? " if close else "")
            + f"The tables are {', '.join(names.VIEWS)}",
        )
    return [
        ColumnRow(c.name, athena_type(c.type) + (" (JSON)" if c.json else ""), c.meaning, c.source)
        for c in TABLES[names.VIEWS[view][0]].columns
    ]


def athena_type(type_: pa.DataType) -> str:
    """An Arrow type as Athena writes it: `row(arn varchar, …)`, `array(bigint)`."""
    if pa.types.is_struct(type_):
        fields = [type_.field(i) for i in range(type_.num_fields)]
        return "row(" + ", ".join(f"{f.name} {athena_type(f.type)}" for f in fields) + ")"
    if pa.types.is_list(type_):
        return f"array({athena_type(type_.value_type)})"
    if pa.types.is_timestamp(type_):
        return "timestamp with time zone"
    return _ATHENA.get(str(type_), str(type_))
