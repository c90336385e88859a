"""Arrays, maps and the functions that take lambdas."""

from __future__ import annotations

from sqlglot import exp

from ashiato.core.errors import QueryRefused
from ashiato.engine.dialect import call, number, text
from ashiato.engine.inference import type_of
from ashiato.engine.rules import Context, function


@function("cardinality")
def cardinality(current: exp.Anonymous, _: Context) -> exp.Expr:
    value = current.expressions[0]
    kind = type_of(value).kind
    if kind == "map":
        return call("cardinality", value)
    return call("ax_json_length", value) if kind in ("jsontext", "json") else call("len", value)


@function("any_match", "all_match", "none_match")
def matches(current: exp.Anonymous, _: Context) -> exp.Expr:
    """Whether some, all or none of the elements match; NULL where an element's NULL leaves it open."""
    name = str(current.this).lower()
    value, test = current.expressions
    if name == "all_match" and isinstance(test, exp.Lambda):
        test = exp.Lambda(this=exp.Not(this=exp.paren(test.this, copy=False)), expressions=test.expressions)
    found = call("ax_any", call("list_transform", value, test))
    return found if name == "any_match" else exp.paren(exp.Not(this=found), copy=False)


_RENAMED = {
    "transform": "list_transform", "filter": "list_filter", "array_distinct": "list_distinct",
    "array_max": "ax_array_max", "array_min": "ax_array_min", "array_intersect": "list_intersect",
    "array_position": "ax_array_position", "arrays_overlap": "list_has_any", "flatten": "flatten",
    "array_except": "ax_array_except", "array_union": "ax_array_union",
    "array_remove": "ax_array_remove", "slice": "ax_slice", "zip": "list_zip",
    "map_from_entries": "map_from_entries", "map_agg": "ax_map_agg",
    "split_to_map": "ax_split_to_map", "array_join": "ax_array_join",
    "contains_sequence": "ax_contains_sequence", "set_agg": "ax_set_agg", "repeat": "ax_repeat",
    "multimap_agg": "ax_multimap_agg", "map_union": "ax_map_union", "trim_array": "ax_trim_array",
    "every": "bool_and",
}  # fmt: skip


def as_map(value: exp.Expr) -> exp.Expr:
    """JSON text as the map that CloudTrail Lake has in its place."""
    return call("ax_json_map", value) if type_of(value).kind == "jsontext" else value


@function("map_keys", "map_values", "map_entries", "map_concat")
def of_maps(current: exp.Anonymous, _: Context) -> exp.Expr:
    return call(str(current.this).lower(), *map(as_map, current.expressions))


@function("array_sort")
def array_sort(current: exp.Anonymous, _: Context) -> exp.Expr:
    if len(current.expressions) == 2:
        raise QueryRefused(
            "array_sort with a comparison of its own is not translated",
            remedy="Sort with array_sort(x), and reverse(…) for the other way round",
        )
    return call("ax_array_sort", *current.expressions)


@function(*_RENAMED)
def renamed(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    new = _RENAMED[str(current.this).lower()]
    return None if new == current.this else call(new, *current.expressions)


@function("sequence")
def sequence(current: exp.Anonymous, _: Context) -> exp.Expr:
    """Both ends belong to it; of dates it is one of dates, day by day unless a step is given."""
    ends = list(current.expressions)
    if type_of(ends[0]).kind != "date":
        return call("generate_series", *ends)
    if len(ends) == 2:
        ends.append(exp.Interval(this=text("1"), unit=exp.Var(this="DAY")))
    return exp.Cast(this=call("generate_series", *ends), to=exp.DataType.build("DATE[]", dialect="duckdb"))


@function("reduce")
def reduce(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    """reduce(array, start, step, output): DuckDB's list_reduce takes the start last."""
    if len(current.expressions) != 4:
        return None
    value, start, step, output = current.expressions
    folded = call("list_reduce", value, step, start)
    if isinstance(output, exp.Lambda):
        return call(
            "list_extract", call("list_transform", exp.Array(expressions=[folded]), output), number(1)
        )
    return folded


@function("zip_with")
def zip_with(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    left, right, step = current.expressions
    if not isinstance(step, exp.Lambda) or len(step.expressions) != 2:
        return None
    pair = exp.to_identifier("ax_pair")
    names = [p.name.lower() for p in step.expressions]
    body = step.this
    for found in list(body.find_all(exp.Identifier)):
        if found.name.lower() in names and not isinstance(found.parent, exp.Dot):
            place = names.index(found.name.lower()) + 1
            found.replace(exp.Anonymous(this="struct_extract_at", expressions=[pair.copy(), number(place)]))
    return call("list_transform", call("list_zip", left, right), exp.Lambda(this=body, expressions=[pair]))


@function("map_filter", "transform_values", "transform_keys")
def map_lambda(current: exp.Anonymous, _: Context) -> exp.Expr | None:
    value, step = current.expressions
    if not isinstance(step, exp.Lambda) or len(step.expressions) != 2:
        return None
    entry = exp.to_identifier("ax_entry")
    fields = dict(zip((p.name.lower() for p in step.expressions), ("key", "value"), strict=True))
    for found in list(step.this.find_all(exp.Identifier)):
        field_name = isinstance(found.parent, exp.Dot) and found.parent.expression is found
        if found.name.lower() in fields and not field_name:
            found.replace(
                exp.Dot(this=entry.copy(), expression=exp.to_identifier(fields[found.name.lower()]))
            )
    name = str(current.this).lower()
    entries = call("map_entries", as_map(value))
    if name == "map_filter":
        kept = call("list_filter", entries, exp.Lambda(this=step.this, expressions=[entry]))
        return call("map_from_entries", kept)
    key: exp.Expr = exp.Dot(this=entry.copy(), expression=exp.to_identifier("key"))
    kept_value: exp.Expr = exp.Dot(this=entry.copy(), expression=exp.to_identifier("value"))
    key, kept_value = (key, step.this) if name == "transform_values" else (step.this, kept_value)
    row = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier("key"), expression=key),
            exp.PropertyEQ(this=exp.to_identifier("value"), expression=kept_value),
        ]
    )
    made = call("list_transform", entries, exp.Lambda(this=row, expressions=[entry]))
    return call("map_from_entries", made)
