"""The views that a statement reads: planned files by field id, copies and corrected events left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.engine.names import VIEWS
from ashiato.engine.plans import TablePlan
from ashiato.formats.tables import ACCOUNT_REGION

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.types import IcebergType

#: The column of each table that says whose a row is. Of a table without one, limited users see nothing.
_ACCOUNT = {table: account for table, (account, _) in ACCOUNT_REGION.items()} | {"footprints": "account"}

_PLAIN = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "string": "VARCHAR",
    "uuid": "UUID",
    "binary": "BLOB",
}


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def duckdb_type(type_: IcebergType) -> str:
    """An Iceberg type as DuckDB writes it."""
    from pyiceberg.types import DecimalType, FixedType, ListType, MapType, StructType

    if isinstance(type_, StructType):
        return (
            "STRUCT(" + ", ".join(f"{quote(f.name)} {duckdb_type(f.field_type)}" for f in type_.fields) + ")"
        )
    if isinstance(type_, ListType):
        return f"{duckdb_type(type_.element_type)}[]"
    if isinstance(type_, MapType):
        return f"MAP({duckdb_type(type_.key_type)}, {duckdb_type(type_.value_type)})"
    if isinstance(type_, DecimalType):
        return f"DECIMAL({type_.precision}, {type_.scale})"
    return "BLOB" if isinstance(type_, FixedType) else _PLAIN[str(type_)]


def scope_filter(view: str, scope: AccountScope) -> BooleanExpression:
    """What the scope lets of a view's files be read."""
    from pyiceberg.expressions import AlwaysFalse, AlwaysTrue

    from ashiato.lake.predicates import any_of

    column = _ACCOUNT.get(VIEWS[view][0])
    if scope.accounts is None:
        return AlwaysTrue()
    return any_of(column, scope.accounts) if column and scope.accounts else AlwaysFalse()


def view_sql(
    view: str, plan: TablePlan, superseded: Sequence[str], scope: AccountScope = EVERY_ACCOUNT
) -> str:
    """CREATE VIEW of `view` over the planned files; without files it is empty, with the same types.

    A limited scope shows its accounts' rows alone. A statement's own conditions may be tried before the view's,
    and an error that they raise tells of the row that they met: so in rows of other accounts every column is null.
    """
    fields = plan.iceberg_schema.fields
    account = _ACCOUNT.get(VIEWS[view][0])
    columns = ", ".join(quote(f.name) for f in fields)
    conditions = []
    if scope.accounts is not None and account is not None and scope.accounts:
        mine = f"{quote(account)} IN ({', '.join(literal(a) for a in sorted(scope.accounts))})"
        columns = ", ".join(f"CASE WHEN {mine} THEN {quote(f.name)} END AS {quote(f.name)}" for f in fields)
        conditions.append(mine)
    if not plan.files or (scope.limited and not conditions):
        empty = ", ".join(f"NULL::{duckdb_type(f.field_type)} AS {quote(f.name)}" for f in fields)
        return f"CREATE VIEW {quote(view)} AS SELECT {empty} WHERE false"
    types = [literal(duckdb_type(f.field_type)) for f in fields]
    schema = ", ".join(
        f"{f.field_id}: {{name: {literal(f.name)}, type: {type_}, default_value: NULL}}"
        for f, type_ in zip(fields, types, strict=True)
    )
    files = ", ".join(literal(p) for p in plan.files)
    sql = (  # names and paths are quoted; no part of the typed statement comes here
        f"CREATE VIEW {quote(view)} AS SELECT {columns} FROM "  # noqa: S608
        f"read_parquet([{files}], hive_partitioning=false, schema=MAP {{{schema}}})"
    )
    if VIEWS[view][1]:
        conditions.append("variant = 0")
    if view == "cloudtrail" and superseded:
        ids = ", ".join(literal(e) for e in superseded)
        conditions.append(f'("eventID" IS NULL OR "eventID" NOT IN ({ids}))')
    return f"{sql} WHERE {' AND '.join(conditions)}" if conditions else sql
