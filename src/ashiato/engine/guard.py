"""What a typed statement may not contain: anything that reads files, settings or other statements, or writes.

The child could not obey most of it anyway (see child.py); refusing here says so plainly, and earlier.
"""

from __future__ import annotations

import re

from sqlglot import exp

from ashiato.core.errors import QueryRefused

#: Table functions that make rows of their arguments alone.
TABLE_FUNCTIONS = {"unnest", "range", "generate_series", "sequence", "repeat_row"}

_DENIED = re.compile(
    r"read_.*|.*_scan(_\w+)?|scan_\w+|parquet_.*|glob|sniff_.*|duckdb_.*|pragma_.*|pg_.*|sqlite_.*|current_setting|"
    r"set_config|getvariable|getenv|query|query_table|json_execute_serialized_sql|json_serialize_\w+|"
    r"json_deserialize_sql|sql_auto_complete|from_substrait\w*|get_substrait\w*|summary|show_\w+|which_secret|"
    r"write_log|parse_duckdb_log_message|enable_\w+|disable_\w+|nextval|currval|checkpoint|force_checkpoint|"
    r"current_(version|query|database|schema|schemas|catalog|user|role|transaction_id|connection_id)|in_search_path|"
    r"user|session_user|txid_current|has_\w+_privilege|add_parquet_key|test_\w+|icu_\w+|seq_scan|storage_info|"
    r"table_info|database_size|version|has_.*_privilege|obj_description|col_description|shobj_description|"
    r"format_type|arrow_scan\w*|python_.*|pandas_.*|st_read\w*|load_\w+|copy_\w+|export_\w+|import_\w+|http_\w+|"
    r"get_block_size|get_current_time(stamp)?|last_profiling_\w+|profiling_\w+|setseed|sleep|sleep_ms|"
    r"columns_path|filename|file_\w+|hive_\w+|write_\w+|reload_\w+|remap_struct|internal_compress_\w+|"
    r"setval|stats|index_key|vector_type|\w*_external_resource\w*|truncate_duckdb_logs|current_query_id|"
    r"ashiato_\w+|internal_decompress_\w+|__internal\w*|getenv\w*|bind_parameters|error_on_\w+",
    re.IGNORECASE,
)
_REFUSED_NODES: tuple[tuple[type[exp.Expr], str], ...] = (
    (exp.Into, "SELECT … INTO writes"),
    (exp.Lock, "FOR UPDATE locks"),
    (exp.Command, "this command"),
    (exp.DDL, "a definition"),
    (exp.DML, "a change of data"),
    (exp.Pragma, "PRAGMA"),
    (exp.Set, "SET"),
    (exp.Copy, "COPY"),
    (exp.Attach, "ATTACH"),
    (exp.Detach, "DETACH"),
    (exp.Use, "USE"),
    (exp.Describe, "DESCRIBE"),
    (exp.Placeholder, "a parameter"),
    (exp.Parameter, "a parameter"),
    (exp.SessionParameter, "a session parameter"),
    (exp.ReadCSV, "read_csv"),
    (exp.ReadParquet, "read_parquet"),
)


_INSTEAD = {
    "SHOW": "`ashiato tables` lists the tables, `ashiato schema TABLE` the columns",
    "DESCRIBE": "`ashiato schema TABLE` lists the columns",
    "EXPLAIN": "`ashiato query --explain` shows what a SELECT would read",
}


def check(tree: exp.Expr) -> None:
    """Raise `QueryRefused` for the first thing in `tree` that is not run; it names the thing."""
    if not isinstance(tree, exp.Query):
        kind = _kind(tree)
        raise _refused(
            kind, _INSTEAD.get(kind, "Only one SELECT is run; `ashiato tables` lists what to read")
        )
    for node in tree.walk():
        if isinstance(node, exp.DDL | exp.DML) and isinstance(node, exp.Query):
            continue
        for class_, what in _REFUSED_NODES:
            if isinstance(node, class_):
                raise _refused(what, "Only one SELECT over Ashiato's tables is run")
        if isinstance(node, exp.Func):
            _function(node)
        if isinstance(node, exp.Table):
            _table(node)


def _function(node: exp.Func) -> None:
    names = [str(node.this)] if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc) else node.sql_names()
    if isinstance(node.parent, exp.Dot) and node.parent.expression is node:
        raise _refused(f"the call {node.parent.sql()[:60]}", "Call functions by their plain names")
    for name in names:
        if _DENIED.fullmatch(name.strip('"')) and not isinstance(node, exp.And | exp.Or):
            raise _refused(f"the function {name.lower()}", "It reads settings, files or other statements")


def _table(node: exp.Table) -> None:
    inner = node.this
    if isinstance(inner, exp.Func):
        name = str(inner.this) if isinstance(inner, exp.Anonymous) else inner.sql_name()
        if name.lower() not in TABLE_FUNCTIONS:
            raise _refused(
                f"the table function {name.lower()}", "Read the tables that `ashiato tables` lists"
            )
    elif isinstance(inner, exp.Literal) or (isinstance(inner, exp.Identifier) and _is_path(inner.name)):
        raise _refused(f"reading the file {node.name[:60]}", "Read the tables that `ashiato tables` lists")


def _is_path(name: str) -> bool:
    return (
        "/" in name or "\\" in name or bool(re.search(r"\.(parquet|csv|json|txt|db|gz|arrow)$", name, re.I))
    )


def _kind(tree: exp.Expr) -> str:
    if isinstance(tree, exp.Command):
        return str(tree.this).upper()
    return type(tree).__name__.upper()


def _refused(what: str, remedy: str) -> QueryRefused:
    return QueryRefused(f"{what} is not allowed in a query", remedy=remedy)
