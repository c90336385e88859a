"""UNNEST as Trino means it: several arrays side by side, rows and maps spread into columns, ordinality.

https://trino.io/docs/current/sql/select.html#unnest
"""

from __future__ import annotations

from sqlglot import exp

from ashiato.engine.dialect import call, number
from ashiato.engine.inference import type_of
from ashiato.engine.types import BIGINT, TEXT_MAP, UNKNOWN, Type


def lateral(node: exp.Unnest, default_name: str) -> tuple[exp.Lateral, list[tuple[str, Type]]]:
    """A lateral subquery in the place of `node`, and its columns.

    An array of rows is spread into one column a field, unless the alias names fewer columns: AWS's samples
    write `UNNEST(t.resources) unnested (resources_entry)` and then `resources_entry.arn`.
    """
    arguments = node.expressions
    types = [type_of(a) for a in arguments]
    names_given = len(node.args["alias"].args.get("columns") or []) if node.args.get("alias") else 0
    if len(types) == 1 and types[0].kind == "jsontext" and names_given != 1:
        arguments, types = [call("ax_json_map", arguments[0].copy())], [TEXT_MAP]
    alias = node.args.get("alias")
    named = [i.name for i in (alias.args.get("columns") or [])] if alias else []
    offset = node.args.get("offset")
    if isinstance(offset, exp.Identifier):
        named.append(offset.name)
    plain = sum(2 if t.kind == "map" else 1 for t in types) + bool(offset)
    spread = not named or len(named) > plain
    projections: list[exp.Expr] = []
    outputs: list[tuple[str, Type]] = []
    for argument, type_ in zip(arguments, types, strict=True):
        inner = type_.of[0] if type_.kind == "array" else UNKNOWN
        if type_.kind == "map":
            entries = call("map_entries", argument.copy())
            projections.append(_unnest(entries, deep=True))
            outputs += [("key", type_.of[0]), ("value", type_.of[1])]
        elif inner.kind == "row" and spread:
            projections.append(_unnest(argument.copy(), deep=True))
            outputs += list(zip(inner.names, inner.of, strict=True))
        else:
            projections.append(_unnest(argument.copy(), deep=False))
            outputs.append((f"col{len(outputs)}", inner))
    if offset:
        lengths: list[exp.Expr] = [
            call("cardinality" if t.kind == "map" else "len", a.copy())
            for a, t in zip(arguments, types, strict=True)
        ]
        most = lengths[0] if len(lengths) == 1 else call("greatest", *lengths)
        last = exp.Add(this=most, expression=number(1))
        projections.append(_unnest(call("range", number(1), last), deep=False))
        outputs.append(("ordinality", BIGINT))
    outputs = [(named[i] if i < len(named) else name, t) for i, (name, t) in enumerate(outputs)]
    table_alias = exp.TableAlias(
        this=exp.to_identifier((alias.name if alias else "") or default_name, quoted=True),
        columns=[exp.to_identifier(name, quoted=True) for name, _ in outputs],
    )
    select = exp.Select(expressions=projections)
    return exp.Lateral(this=exp.Subquery(this=select), alias=table_alias), outputs


def _unnest(argument: exp.Expr, deep: bool) -> exp.Expr:
    if not deep:
        return call("unnest", argument)
    return call("unnest", argument, exp.PropertyEQ(this=exp.to_identifier("max_depth"), expression=number(2)))
