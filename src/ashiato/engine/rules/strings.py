"""Text functions, applied to columns that AWS's tables hold as text and ours do not."""

from __future__ import annotations

import re

from sqlglot import exp

from ashiato.core.errors import QueryRefused
from ashiato.engine.dialect import call, text
from ashiato.engine.inference import type_of
from ashiato.engine.rules import Context, function, node
from ashiato.engine.rules.comparisons import iso
from ashiato.engine.rules.json_documents import as_text
from ashiato.engine.types import VARCHAR, set_type


def as_string(value: exp.Expr) -> exp.Expr:
    """`value` as text: times in ISO 8601, JSON strings without quotes."""
    kind = type_of(value).kind
    if kind == "time":
        return iso(value)
    if kind == "json":
        return as_text(value)
    if kind == "ip":
        return set_type(call("ax_ip_text", value), VARCHAR)
    if kind == "timestamp":
        return set_type(_time_text(value), VARCHAR)
    return exp.cast(value, "VARCHAR") if kind in ("boolean", "bigint", "double", "date") else value


def _time_text(value: exp.Expr) -> exp.Expr:
    """`2020-01-02 03:04:05.000`, and the zone where there is one; a literal shows the digits it has."""
    zone = type_of(value).note
    if zone:
        return exp.DPipe(this=call("ax_time_text", value), expression=text(" " + zone), safe=False)
    plain = isinstance(value, exp.Cast) and value.to.this.name == "TIMESTAMP"
    if plain and isinstance(value.this, exp.Literal) and "." not in value.this.this:
        return exp.cast(value, "VARCHAR")
    return call("ax_time_text", value)


_FIRST = (
    exp.Like,
    exp.ILike,
    exp.Substring,
    exp.Lower,
    exp.Upper,
    exp.Length,
    exp.Trim,
    exp.Replace,
    exp.Left,
)


@node(*_FIRST)
def first_argument(current: exp.Expr, _: Context) -> exp.Expr | None:
    value = as_string(current.this)
    if value is current.this:
        return None
    current.set("this", value)
    return current


@node(exp.Concat)
def concat(current: exp.Expr, _: Context) -> exp.Expr | None:
    """Trino's concat is NULL where a part is; arrays are joined by it as well."""
    parts = [as_string(e) for e in current.expressions]
    made = parts[0]
    for item in parts[1:]:
        made = exp.DPipe(this=made, expression=item, safe=False)
    return exp.paren(made, copy=False)


@node(exp.DPipe)
def pipes(current: exp.Expr, _: Context) -> exp.Expr | None:
    left, right = current.this, current.args["expression"]
    kinds = (type_of(left).kind, type_of(right).kind)
    if "array" in kinds:
        if "unknown" in kinds or kinds[0] == kinds[1]:
            return None
        return call("list_append" if kinds[0] == "array" else "list_prepend", left, right)
    new = as_string(left), as_string(right)
    return None if new == (left, right) else exp.DPipe(this=new[0], expression=new[1], safe=False)


@function("concat_ws")
def concat_ws(current: exp.Anonymous, _: Context) -> exp.Expr:
    """NULLs are left out; one array instead of texts is joined."""
    separator, *parts = current.expressions
    if len(parts) == 1 and type_of(parts[0]).kind == "array":
        return call("array_to_string", parts[0], separator)
    return call("concat_ws", separator, *map(as_string, parts))


@function("split_part")
def split_part(current: exp.Anonymous, _: Context) -> exp.Expr:
    first, *rest = current.expressions
    return call("ax_split_part", as_string(first), *rest)


@function("split")
def split(current: exp.Anonymous, _: Context) -> exp.Expr:
    first, delimiter, *limit = current.expressions
    if limit:
        return call("ax_split_limit", as_string(first), delimiter, limit[0])
    return call("string_split", as_string(first), delimiter)


@function("strpos", "position")
def strpos(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("strpos", as_string(current.expressions[0]), *current.expressions[1:2])


@function("starts_with", "ends_with")
def starts_with(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call(str(current.this).lower(), as_string(current.expressions[0]), *current.expressions[1:])


@function("reverse")
def reverse(current: exp.Anonymous, _: Context) -> exp.Expr:
    value = current.expressions[0]
    return (
        call("list_reverse", value) if type_of(value).kind == "array" else call("reverse", as_string(value))
    )


@function("regexp_like")
def regexp_like(current: exp.Anonymous, _: Context) -> exp.Expr:
    value, pattern = current.expressions[:2]
    return call("regexp_matches", as_string(value), _pattern(pattern))


def _pattern(pattern: exp.Expr) -> exp.Expr:
    """Java's named groups in RE2's words."""
    if isinstance(pattern, exp.Literal) and "(?<" in pattern.this:
        return text(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern.this))
    return pattern


@function("regexp_extract")
def regexp_extract(current: exp.Anonymous, _: Context) -> exp.Expr:
    """NULL, not an empty text, where nothing matches."""
    value, pattern, *group = current.expressions
    return call("ax_regexp_extract", as_string(value), _pattern(pattern), *(group or [exp.Literal.number(0)]))


@function("regexp_extract_all")
def regexp_extract_all(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("regexp_extract_all", as_string(current.expressions[0]), *current.expressions[1:])


@function("regexp_replace")
def regexp_replace(current: exp.Anonymous, _: Context) -> exp.Expr:
    value, pattern, *replacement = current.expressions
    new = replacement[0] if replacement else text("")
    if isinstance(new, exp.Lambda):
        raise QueryRefused(
            "regexp_replace with a lambda is not translated", remedy="Give the replacement as a text: '$1'"
        )
    if isinstance(new, exp.Literal):
        names = re.findall(r"\(\?<([A-Za-z]\w*)>|(?<!\\)\((?!\?)", pattern.name)
        place = {name: number for number, name in enumerate(names, 1) if name}
        named = re.sub(r"\$\{(\w+)\}", lambda m: f"${place.get(m[1], 0)}", new.this)
        new = text(re.sub(r"\\(.)|\$(\d)", lambda m: m[1] or f"\\{m[2]}", named))
    return call("regexp_replace", as_string(value), _pattern(pattern), new, text("g"))


@function("listagg")
def listagg(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("string_agg", *current.expressions)


@function(
    "url_extract_host", "url_extract_path", "url_extract_query", "url_extract_protocol", "url_extract_port",
    "url_extract_parameter", "url_extract_fragment", "url_decode", "url_encode"
)  # fmt: skip
def url_part(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("ax_" + str(current.this).lower(), *current.expressions)


@function("format")
def format_(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("printf", *[as_string(e) if type_of(e).kind == "time" else e for e in current.expressions])


@function("typeof")
def typeof(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("lower", call("typeof", *current.expressions))


@function("to_base")
def to_base(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call("lower", call("to_base", *current.expressions))


_RENAMED = {
    "from_utf8": "ax_from_utf8", "to_utf8": "encode", "to_hex": "hex", "from_hex": "unhex", "md5": "ax_md5",
    "sha256": "ax_sha256", "sha1": "ax_sha1", "to_base64": "to_base64", "from_base64": "from_base64",
    "levenshtein_distance": "levenshtein", "bitwise_and": "ax_bitwise_and", "bitwise_or": "ax_bitwise_or",
    "bitwise_xor": "xor", "bitwise_not": "ax_bitwise_not", "bitwise_left_shift": "ax_shift_left",
    "bitwise_right_shift": "ax_shift_right", "bitwise_right_shift_arithmetic": "ax_shift_right",
    "hamming_distance": "hamming",
    "truncate": "trunc", "codepoint": "ascii", "chr": "chr", "normalize": "nfc_normalize",
}  # fmt: skip


@function(*_RENAMED)
def renamed(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    new = _RENAMED[str(current.this).lower()]
    return None if new == current.this else call(new, *current.expressions)
