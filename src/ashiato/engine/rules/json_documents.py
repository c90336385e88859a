"""JSON: subscripts of JSON text, JSON paths, scalars, casts."""

from __future__ import annotations

import json
import re

from sqlglot import exp

from ashiato.core.errors import QueryRefused
from ashiato.engine.dialect import call, text
from ashiato.engine.inference import type_of
from ashiato.engine.rules import Context, function, node
from ashiato.engine.types import JSON, JSONTEXT, VARCHAR, set_type

_STEP = re.compile(
    r"""\.\.?(?P<any>\*)|\.(?P<plain>[^.\[\]"']+)|\."(?P<dotted>[^"]*)"
    |\[\s*(?P<index>\d+)\s*\]|\[\s*(?P<all>\*)\s*\]|\[\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')\s*\]""",
    re.VERBOSE,
)


def duckdb_path(path: str) -> tuple[str, bool] | None:
    """A Trino JSON path as DuckDB writes it, every key quoted, and whether it has wildcards; None if neither.

    >>> duckdb_path("$.configuration.AWS:x[0]")
    ('$."configuration"."AWS:x"[0]', False)
    """
    path = path.strip()
    path = re.sub(r"^(lax|strict)\s+", "", path)
    if not path.startswith("$"):
        path = "$." + path
    out, at, wild = "$", 1, False
    while at < len(path):
        match = _STEP.match(path, at)
        if not match:
            return None
        at = match.end()
        key = next((match[n] for n in ("plain", "dotted", "double", "single") if match[n] is not None), None)
        if key is not None:
            out += '."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        elif match["index"] is not None:
            out += f"[{match['index']}]"
        else:
            wild = True
            out += ".*" if match["any"] else "[*]"
    return out, wild


def _path(argument: exp.Expr) -> tuple[exp.Expr, bool]:
    if isinstance(argument, exp.Literal) and argument.is_string:
        converted = duckdb_path(argument.this)
        if converted is not None:
            return text(converted[0]), converted[1]
    return argument, False


@function("json_extract", "json_query")
def extract(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    if len(current.expressions) < 2:
        return None
    document, (path, wild) = current.expressions[0], _path(current.expressions[1])
    made = call("ax_json_extract_all" if wild else "ax_json_extract", document, path)
    if len(current.expressions) == 3 and current.expressions[2].name.startswith("with ") and not wild:
        made = call("to_json", exp.Array(expressions=[made]))
    return set_type(made, JSON)


@function("json_extract_scalar", "json_value")
def extract_scalar(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    if len(current.expressions) < 2:
        return None
    document, (path, wild) = current.expressions[0], _path(current.expressions[1])
    if wild:
        return set_type(exp.cast(exp.Null(), "VARCHAR"), VARCHAR)
    return set_type(call("ax_json_scalar", document, path), VARCHAR)


@function("json_exists")
def exists(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    document, (path, _wild) = current.expressions[0], _path(current.expressions[1])
    return call("ax_json_exists", document, path)


@function("json_size")
def size(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    document, (path, _wild) = current.expressions[0], _path(current.expressions[1])
    return call("ax_json_size", document, path)


@function("json_array_get")
def array_get(current: exp.Anonymous, _: Context) -> exp.Expr:
    return set_type(call("ax_json_array_get", *current.expressions), JSON)


@function("json_array_length")
def array_length(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("ax_json_array_length", *current.expressions)


@function("json_array_contains")
def array_contains(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("ax_json_array_contains", *current.expressions)


@function("is_json_scalar")
def is_scalar(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("ax_is_json_scalar", *current.expressions)


@function("json_parse")
def parse(current: exp.Anonymous, _: Context) -> exp.Expr:
    return set_type(call("ax_json_parse", *current.expressions), JSON)


@node(exp.ParseJSON)
def literal(current: exp.Expr, _: Context) -> exp.Expr | None:
    """`JSON '{"a": 1}'`, without the blanks that would make it differ from a document's part."""
    if not isinstance(current.this, exp.Literal):
        return None
    try:
        compact = json.dumps(json.loads(current.this.this), separators=(",", ":"), ensure_ascii=False)
    except ValueError:
        raise QueryRefused(
            "the text after JSON is no JSON document",
            where=current.this.this[:80],
            remedy="""Texts inside it stand in double quotes: JSON '{"a": "b"}'""",
        ) from None
    return set_type(exp.Cast(this=text(compact), to=exp.DataType.build("JSON")), JSON)


@function("json_format")
def format_(current: exp.Anonymous, _: Context) -> exp.Expr:
    return set_type(exp.cast(current.expressions[0], "VARCHAR"), VARCHAR)


@function("element_at")
def element_at(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    if len(current.expressions) != 2:
        return None
    return _subscript(current.expressions[0], current.expressions[1], lenient=True)


@node(exp.Bracket)
def bracket(current: exp.Expr, _: Context) -> exp.Expr | None:
    key = current.expressions[0] if len(current.expressions) == 1 else None
    row = type_of(current.this)
    if key is not None and row.kind == "row" and isinstance(key, exp.Literal) and str(key.this).isdigit():
        return call("struct_extract_at", current.this, key)
    if key is None or row.kind not in ("jsontext", "json"):
        return None
    return _subscript(current.this, key, lenient=False)


def _subscript(document: exp.Expr, key: exp.Expr, lenient: bool) -> exp.Expr | None:
    kind = type_of(document).kind
    if kind in ("jsontext", "json") or (
        kind in ("varchar", "unknown")
        and isinstance(key, exp.Literal)
        and key.is_string
        and kind == "varchar"
    ):
        if isinstance(key, exp.Literal) and not key.is_string:
            return set_type(call("ax_json_array_get", document, key), JSON)
        return set_type(call("ax_json_field", document, key), JSONTEXT)
    if not lenient:
        return None
    if kind == "array" or (isinstance(key, exp.Literal | exp.Neg) and not key.is_string):
        return call("list_extract", document, key)
    return call("ax_map_get", document, key) if kind != "map" else _map_get(document, key)


def _map_get(document: exp.Expr, key: exp.Expr) -> exp.Expr:
    return call("list_extract", call("map_extract", document, key), exp.Literal.number(1))


def as_text(value: exp.Expr) -> exp.Expr:
    """A JSON value as Trino's CAST to VARCHAR gives it: strings without their quotes."""
    return set_type(call("json_extract_string", value, text("$")), VARCHAR)
