"""Athena's SELECT as sqlglot reads it; functions that our rules translate are left as they are written."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.parsers.trino import TrinoParser

#: sqlglot's own translation of these loses something (a JSON path's text, a pattern's dialect, whole units).
OURS = frozenset({
    "APPROX_PERCENTILE", "ARRAYS_OVERLAP", "ARRAY_DISTINCT", "ARRAY_EXCEPT", "ARRAY_INTERSECT",
    "ARRAY_JOIN", "ARRAY_MAX", "ARRAY_MIN", "ARRAY_POSITION", "ARRAY_REMOVE", "ARRAY_SORT",
    "ARRAY_UNION", "AT_TIMEZONE", "CARDINALITY", "CONCAT_WS", "CONTAINS", "CONTAINS_SEQUENCE", "DATE_ADD",
    "DATE_DIFF", "DATE_FORMAT", "DATE_PARSE", "DAY_OF_WEEK", "DOW", "ELEMENT_AT", "ENDS_WITH", "FILTER",
    "FLATTEN", "FORMAT", "FORMAT_DATETIME", "FROM_BASE64", "FROM_HEX", "FROM_ISO8601_DATE",
    "FROM_ISO8601_TIMESTAMP", "FROM_UNIXTIME", "FROM_UTF8", "JSON_ARRAY_CONTAINS", "JSON_ARRAY_GET",
    "JSON_ARRAY_LENGTH", "JSON_EXISTS", "JSON_EXTRACT", "JSON_EXTRACT_SCALAR", "JSON_FORMAT",
    "JSON_PARSE", "JSON_QUERY", "JSON_SIZE", "JSON_VALUE", "LAST_DAY_OF_MONTH", "LEVENSHTEIN_DISTANCE",
    "LISTAGG", "MAP_AGG", "MAP_CONCAT", "MAP_KEYS", "MAP_FROM_ENTRIES", "MAX_BY", "MD5", "MIN_BY", "PARSE_DATETIME",
    "NORMALIZE", "RAND", "RANDOM", "REDUCE", "REGEXP_EXTRACT", "REGEXP_EXTRACT_ALL", "REGEXP_LIKE", "REGEXP_REPLACE",
    "REPEAT", "REVERSE", "SEQUENCE", "SHA1", "SHA256", "SHUFFLE", "SLICE", "SPLIT", "SPLIT_PART", "SPLIT_TO_MAP",
    "STARTS_WITH", "STRPOS", "TO_BASE64", "TO_HEX", "TO_ISO8601", "TO_UNIXTIME", "TO_UTF8", "TRANSFORM",
    "TRUNCATE", "TYPEOF", "URL_DECODE", "URL_ENCODE", "WITH_TIMEZONE", "ZIP", "ZIP_WITH",
})  # fmt: skip

#: The comparison that says the same with its sides exchanged.
MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
}


class AthenaSelect(Trino):
    """Trino's grammar; `OURS` become plain calls that the rules see with their arguments untouched."""

    class Parser(TrinoParser):
        FUNCTIONS = {k: v for k, v in TrinoParser.FUNCTIONS.items() if k not in OURS}  # noqa: RUF012
        FUNCTION_PARSERS = {  # noqa: RUF012
            **{k: v for k, v in TrinoParser.FUNCTION_PARSERS.items() if k not in OURS},
            "JSON_VALUE": lambda self: _json_value(self._parse_json_value(json_path=False)),
            "JSON_QUERY": lambda self: _json_query(self._parse_json_query()),
        }


def _json_value(found: exp.Expr) -> exp.Expr:
    """`json_value(x, path RETURNING type DEFAULT y ON EMPTY)` as a call, a cast and a COALESCE."""
    made: exp.Expr = call("json_value", found.this, found.args["path"])
    returning, handling = found.args.get("returning"), found.args.get("on_condition")
    if isinstance(returning, exp.DataType):
        made = exp.Cast(this=made, to=returning)
    default = handling.args.get("empty") if handling is not None else None
    return exp.Coalesce(this=made, expressions=[default]) if isinstance(default, exp.Expr) else made


def _json_query(found: exp.Expr) -> exp.Expr:
    """`json_query(x, path WITH WRAPPER)` as a call of two or three arguments."""
    made = call("json_query", found.this, found.expression)
    if found.args.get("option") is not None:
        made.append("expressions", text(found.text("option").lower()))
    return made


def call(name: str, *args: exp.Expr) -> exp.Anonymous:
    """A call of a DuckDB function or of one of our macros."""
    return exp.Anonymous(this=name, expressions=list(args))


def text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def timestamp_literal(iso: str) -> exp.Cast:
    return exp.Cast(this=text(iso), to=exp.DataType.build("TIMESTAMPTZ"))
