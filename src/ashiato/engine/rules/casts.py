"""Casts: to addresses, out of JSON, and out of text that may not hold what is asked."""

from __future__ import annotations

from sqlglot import exp

from ashiato.engine.dialect import call
from ashiato.engine.inference import type_of
from ashiato.engine.rules import Context, node
from ashiato.engine.rules.addresses import address
from ashiato.engine.rules.comparisons import iso
from ashiato.engine.rules.json_documents import as_text
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
        if kind == "json":
            return as_text(value)
        if kind == "time":
            return iso(value)
        if kind == "ip":
            return set_type(call("ax_ip_text", value), VARCHAR)
        return exp.cast(value, "VARCHAR") if kind != "varchar" or name != "VARCHAR" else None
    if wanted == JSON:
        made = call("ax_json_parse", value) if kind == "jsontext" else call("to_json", value)
        return set_type(made, JSON)
    if wanted.kind in ("array", "map", "row") and kind in ("jsontext", "varchar"):
        return exp.TryCast(this=call("ax_json_parse", value), to=to)
    if name.startswith("TIMESTAMP"):
        to = exp.DataType.build("TIMESTAMPTZ" if name in ("TIMESTAMPTZ", "TIMESTAMPLTZ") else "TIMESTAMP")
    lenient = isinstance(current, exp.TryCast) or (kind in (*TEXTUAL, "unknown", "json") and wanted.kind in _NUMBERS)
    if isinstance(value, exp.Literal):
        lenient = isinstance(current, exp.TryCast)
    return exp.TryCast(this=value, to=to) if lenient else exp.Cast(this=value, to=to)
