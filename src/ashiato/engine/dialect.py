"""Athena's SELECT as sqlglot reads it, with the functions that our rules translate left as they are written."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.trino import Trino

#: sqlglot's own translation of these loses something (a JSON path's text, a pattern's dialect, whole units).
OURS = {
    "ARRAY_JOIN", "CARDINALITY", "CONTAINS", "DATE_ADD", "DATE_DIFF", "DATE_FORMAT", "DATE_PARSE",
    "ELEMENT_AT", "FORMAT_DATETIME", "FROM_ISO8601_DATE", "FROM_ISO8601_TIMESTAMP", "FROM_UNIXTIME",
    "JSON_ARRAY_CONTAINS", "JSON_ARRAY_GET", "JSON_ARRAY_LENGTH", "JSON_EXTRACT", "JSON_EXTRACT_SCALAR",
    "JSON_FORMAT", "JSON_PARSE", "JSON_SIZE", "LAST_DAY_OF_MONTH", "MAP_AGG", "PARSE_DATETIME",
    "REGEXP_EXTRACT", "REGEXP_EXTRACT_ALL", "REGEXP_LIKE", "REGEXP_REPLACE", "SEQUENCE", "SLICE",
    "SPLIT", "SPLIT_PART", "TO_UNIXTIME", "TO_ISO8601", "STRPOS", "POSITION", "MAX_BY", "MIN_BY", "DAY_OF_WEEK",
    "DOW", "MAP_FROM_ENTRIES", "MAP_CONCAT", "TYPEOF", "WITH_TIMEZONE", "AT_TIMEZONE", "LEVENSHTEIN_DISTANCE",
    "URL_DECODE", "URL_ENCODE", "FORMAT", "LISTAGG", "JSON_QUERY", "JSON_VALUE", "JSON_EXISTS", "APPROX_PERCENTILE",
    "TO_UTF8", "FROM_UTF8", "TO_HEX", "FROM_HEX", "MD5", "SHA1", "SHA256", "TO_BASE64", "FROM_BASE64", "REDUCE",
    "ZIP_WITH", "ZIP", "ARRAYS_OVERLAP", "ARRAY_POSITION", "ARRAY_REMOVE", "ARRAY_MAX", "ARRAY_MIN", "ARRAY_SORT",
    "ARRAY_DISTINCT", "ARRAY_INTERSECT", "ARRAY_UNION", "ARRAY_EXCEPT", "FLATTEN", "REPEAT", "SHUFFLE",
    "TRANSFORM", "FILTER", "TRUNCATE", "RAND", "RANDOM", "STARTS_WITH", "ENDS_WITH", "REVERSE", "CONTAINS_SEQUENCE",
}  # fmt: skip


class AthenaSelect(Trino):
    """Trino's grammar; `OURS` become plain calls that the rules see with their arguments untouched."""

    class Parser(Trino.Parser):
        FUNCTIONS = {k: v for k, v in Trino.Parser.FUNCTIONS.items() if k not in OURS}  # noqa: RUF012
        FUNCTION_PARSERS = {  # noqa: RUF012
            k: v for k, v in Trino.Parser.FUNCTION_PARSERS.items() if k not in OURS
        }


def call(name: str, *args: exp.Expr) -> exp.Anonymous:
    """A call of a DuckDB function or of one of our macros."""
    return exp.Anonymous(this=name, expressions=list(args))


def text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def number(value: int | float) -> exp.Literal:
    return exp.Literal.number(value)


def timestamp_literal(iso: str) -> exp.Cast:
    return exp.Cast(this=text(iso), to=exp.DataType.build("TIMESTAMPTZ"))
