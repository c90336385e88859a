"""Casts: to addresses, out of JSON, and out of text that may not hold what is asked."""

from __future__ import annotations

import json
from typing import Any

from sqlglot import exp

from ashiato.engine.dialect import call, text
from ashiato.engine.inference import type_of
from ashiato.engine.rules import Context, node
from ashiato.engine.rules.addresses import address
from ashiato.engine.rules.strings import as_string
from ashiato.engine.types import JSON, TEXTUAL, VARCHAR, from_sql, set_type

_NUMBERS = ("bigint", "double", "date", "timestamp", "boolean")


@node(exp.Cast, exp.TryCast)
def cast(current: exp.Expr, _: Context) -> exp.Expr | None:
    value, to = current.this, current.args["to"]
    name = to.this.name if hasattr(to.this, "name") else str(to.this)
    wanted, kind = from_sql(to), type_of(value).kind
    if name in ("IPADDRESS", "INET"):
        return address(value)
    if name == "IPPREFIX":
        return None
    if wanted == VARCHAR:
        return _to_text(value, to)
    if wanted == JSON:
        made = call("ax_json_parse", value) if kind == "jsontext" else call("to_json", value)
        return set_type(made, JSON)
    if wanted.kind in ("array", "map", "row") and kind in ("json", "jsontext", "varchar"):
        document = value if kind == "json" else call("ax_json_parse", value)
        fields = [field.name for field in to.find_all(exp.ColumnDef)]
        if any(field.islower() for field in fields):
            return from_json(document, to)
        if fields:
            return call("json_transform", document, text(json.dumps(structure(to))))
        return exp.TryCast(this=document, to=to)
    if name.startswith("TIMESTAMP"):
        to = exp.DataType.build("TIMESTAMPTZ" if name in ("TIMESTAMPTZ", "TIMESTAMPLTZ") else "TIMESTAMP")
    lenient = isinstance(current, exp.TryCast) or (
        kind in (*TEXTUAL, "unknown", "json") and wanted.kind in _NUMBERS
    )
    if isinstance(value, exp.Literal):
        lenient = isinstance(current, exp.TryCast)
    return exp.TryCast(this=value, to=to) if lenient else exp.Cast(this=value, to=to)


def _to_text(value: exp.Expr, to: exp.DataType) -> exp.Expr:
    """Texts as Trino writes them; `varchar(3)` cuts them off."""
    made = as_string(value)
    if made is value:
        made = exp.cast(value, "VARCHAR")
    length = to.expressions[0].this if to.expressions else None
    if isinstance(length, exp.Literal):
        made = exp.Left(this=made, expression=length.copy())
    return set_type(made, VARCHAR)


def from_json(document: exp.Expr, to: exp.Expr | None, depth: int = 0) -> exp.Expr:
    """A document as rows whose fields are found without regard to case, as Trino finds them.

    Slower than json_transform, which knows one spelling of a field.
    """
    kind = to.this.name if isinstance(to, exp.DataType) else "VARCHAR"
    if kind in ("ARRAY", "LIST") and isinstance(to, exp.DataType):
        item = exp.to_identifier(f"ax_item{depth}", quoted=True)
        step = exp.Lambda(this=from_json(item.copy(), to.expressions[0], depth + 1), expressions=[item])
        return call("list_transform", call("ax_json_items", document), step)
    if kind == "STRUCT" and isinstance(to, exp.DataType):
        fields = [
            exp.PropertyEQ(
                this=exp.to_identifier(field.name, quoted=True),
                expression=from_json(
                    call("ax_json_member", document.copy(), text(field.name.lower())),
                    field.args.get("kind"),
                    depth,
                ),
            )
            for field in to.expressions
        ]
        is_object = exp.EQ(this=call("json_type", document.copy()), expression=text("OBJECT"))
        return exp.Case(ifs=[exp.If(this=is_object, true=exp.Struct(expressions=fields))])
    if kind == "JSON":
        return document
    if kind == "MAP":
        return exp.TryCast(this=document, to=to)
    value = call("json_extract_string", document, text("$"))
    return value if kind in ("VARCHAR", "TEXT") else exp.TryCast(this=value, to=to)


def structure(to: exp.Expr | None) -> Any:
    """A type as json_transform reads it; keys of the document that it does not name are left out."""
    if not isinstance(to, exp.DataType):
        return "VARCHAR"
    name = to.this.name
    if name in ("ARRAY", "LIST"):
        return [structure(to.expressions[0])]
    if name == "STRUCT":
        return {e.name: structure(e.args.get("kind")) for e in to.expressions if isinstance(e, exp.ColumnDef)}
    if name == "MAP":
        return f"MAP(VARCHAR, {to.expressions[1].sql('duckdb')})"
    return str(to.sql("duckdb"))
