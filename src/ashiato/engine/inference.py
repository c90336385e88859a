"""The type of an expression, as far as rewriting has to know it."""

from __future__ import annotations

from sqlglot import exp

from ashiato.engine.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    IP,
    JSON,
    JSONTEXT,
    META,
    TEXT_MAP,
    TIMESTAMP,
    UNKNOWN,
    VARCHAR,
    Type,
    array,
    from_sql,
)

_OF_KIND = {
    JSON: "json_extract json_parse json_array_get json_query",
    VARCHAR: """json_extract_scalar json_format split_part to_iso8601 date_format format_datetime
        regexp_extract regexp_replace array_join url_extract_host url_extract_path url_extract_query
        url_extract_protocol url_extract_parameter url_extract_fragment url_decode url_encode json_value listagg from_utf8 to_hex to_base64 reverse
        lower upper trim format concat_ws ashiato_day ashiato_part ax_iso ax_iso_ms typeof""",
    TIMESTAMP: "from_iso8601_timestamp date_parse parse_datetime from_unixtime with_timezone",
    DATE: "from_iso8601_date last_day_of_month",
    BIGINT: """cardinality length strpos position json_array_length json_size date_diff day_of_week dow
        day_of_year doy week week_of_year year_of_week yow bitwise_and bitwise_or levenshtein_distance
        array_position url_extract_port count_if bit_count""",
    DOUBLE: "to_unixtime",
    BOOLEAN: """regexp_like contains any_match all_match none_match json_array_contains starts_with
        ends_with arrays_overlap is_json_scalar json_exists is_subnet_of every""",
    array(VARCHAR): "split regexp_extract_all",
    IP: "ax_ip ip_subnet_min ip_subnet_max",
    JSONTEXT: "ax_json_field",
}
_CALLS = {name: type_ for type_, names in _OF_KIND.items() for name in names.split()}
_NODES: tuple[tuple[tuple[type[exp.Expr], ...], Type], ...] = (
    (
        (exp.Substring, exp.Lower, exp.Upper, exp.Concat, exp.DPipe, exp.Replace, exp.Trim, exp.TimeToStr),
        VARCHAR,
    ),
    (
        (exp.Count, exp.Length, exp.RowNumber, exp.ApproxDistinct, exp.Extract, exp.Year, exp.Month, exp.Day),
        BIGINT,
    ),
    (
        (exp.CountIf, exp.Hour, exp.Minute, exp.Second, exp.DayOfWeekIso, exp.DayOfYear, exp.WeekOfYear),
        BIGINT,
    ),
    ((exp.Predicate, exp.Not, exp.And, exp.Or, exp.Boolean), BOOLEAN),
    ((exp.CurrentTimestamp, exp.UnixToTime, exp.StrToTime, exp.Localtimestamp), TIMESTAMP),
    ((exp.CurrentDate, exp.Date, exp.LastDay), DATE),
    ((exp.ParseJSON,), JSON),
    ((exp.Avg, exp.Stddev, exp.Variance, exp.Sqrt, exp.Ln), DOUBLE),
)
#: Calls whose type is that of their argument at this place.
_LIKE_ARGUMENT = {"date_add": 2, "max_by": 0, "min_by": 0, "filter": 0, "array_distinct": 0, "array_sort": 0,
                  "slice": 0, "array_remove": 0, "array_union": 0, "array_intersect": 0, "array_except": 0,
                  "shuffle": 0, "trim_array": 0}  # fmt: skip


def type_of(node: exp.Expr | None) -> Type:
    """Type of `node`: the noted one, else worked out from its parts; `unknown` where that is not possible."""
    if node is None:
        return UNKNOWN
    noted = node.meta.get(META) if node._meta else None
    if isinstance(noted, Type):
        return noted
    if isinstance(node, exp.Literal):
        return VARCHAR if node.is_string else BIGINT if str(node.this).isdigit() else DOUBLE
    if isinstance(node, exp.Cast | exp.TryCast):
        return from_sql(node.args["to"])
    if isinstance(node, exp.Anonymous):
        return _call(node)
    if isinstance(node, exp.Alias | exp.Paren | exp.Neg | exp.Distinct | exp.Filter | exp.Window | exp.Order):
        inner = node.expressions[0] if isinstance(node, exp.Distinct) and node.expressions else node.this
        return type_of(inner)
    if isinstance(node, exp.Try):
        return type_of(node.this)
    if isinstance(node, exp.AtTimeZone):
        return at_zone(node.args["zone"])
    for classes, type_ in _NODES:
        if isinstance(node, classes):
            return type_
    return _node(node)


def _node(node: exp.Expr) -> Type:
    if isinstance(node, exp.Dot):
        return type_of(node.this).field(node.expression.name) or UNKNOWN
    if isinstance(node, exp.Bracket):
        return element(type_of(node.this))
    if isinstance(node, exp.Subquery):
        return type_of(node.this)
    if isinstance(node, exp.Select):
        return type_of(node.expressions[0]) if len(node.expressions) == 1 else UNKNOWN
    if isinstance(node, exp.Max | exp.Min | exp.AnyValue | exp.First | exp.Last | exp.Lag | exp.Lead):
        return type_of(node.this)
    if isinstance(node, exp.FirstValue | exp.LastValue | exp.NthValue):
        return type_of(node.this)
    if isinstance(node, exp.Sum):
        return type_of(node.this) if type_of(node.this).kind in ("bigint", "double") else UNKNOWN
    if isinstance(node, exp.ArrayAgg | exp.ArrayUniqueAgg):
        return array(type_of(node.this))
    if isinstance(node, exp.Array):
        return array(type_of(node.expressions[0]) if node.expressions else UNKNOWN)
    if isinstance(node, exp.MapFromEntries | exp.Map):
        return Type("map", (VARCHAR, UNKNOWN))
    if isinstance(node, exp.Coalesce | exp.Nullif | exp.Greatest | exp.Least):
        return next((t for t in map(type_of, [node.this, *node.expressions]) if t != UNKNOWN), UNKNOWN)
    if isinstance(node, exp.Case):
        return next((t for i in node.args["ifs"] if (t := type_of(i.args["true"])) != UNKNOWN), UNKNOWN)
    if isinstance(node, exp.If):
        return type_of(node.args.get("true"))
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        return _arithmetic(type_of(node.this), type_of(node.args.get("expression")))
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
        inner = type_of(node.this)
        return inner if inner == DATE or inner.kind == "timestamp" else TIMESTAMP
    return UNKNOWN


def at_zone(zone: exp.Expr | None) -> Type:
    """A moment shown in a zone: the wall clock there, and a note of the zone where it is a constant."""
    known = isinstance(zone, exp.Literal) and zone.is_string
    return Type("timestamp", note=str(zone.this)) if known and zone is not None else TIMESTAMP


def _arithmetic(left: Type, right: Type) -> Type:
    for temporal in ("date", "timestamp", "time"):
        if temporal in (left.kind, right.kind):
            one = left if left.kind == temporal else right
            return UNKNOWN if left.kind == right.kind else TIMESTAMP if temporal == "time" else one
    if left == right == BIGINT:
        return BIGINT
    return DOUBLE if {left.kind, right.kind} <= {"bigint", "double"} else UNKNOWN


def as_map(type_: Type) -> Type:
    """What functions of maps see: JSON text is a map of texts to them."""
    return TEXT_MAP if type_.kind == "jsontext" else type_


def element(type_: Type) -> Type:
    """Type of a subscript of an array, a map or a JSON document."""
    if type_.kind == "array":
        return type_.of[0]
    if type_.kind == "map":
        return type_.of[1]
    return type_ if type_.kind in ("jsontext", "json") else UNKNOWN


def _call(node: exp.Anonymous) -> Type:
    name = str(node.this).lower()
    arguments = node.expressions
    if name in ("at_timezone", "from_unixtime") and len(arguments) == 2:
        return at_zone(arguments[1])
    if name in _CALLS:
        return _CALLS[name]
    place = _LIKE_ARGUMENT.get(name)
    if place is not None and place < len(arguments):
        inner = type_of(arguments[place])
        return TIMESTAMP if inner.kind == "time" else inner
    if name == "element_at" and arguments:
        return element(type_of(arguments[0]))
    if name == "transform" and len(arguments) == 2 and isinstance(arguments[1], exp.Lambda):
        return array(type_of(arguments[1].this))
    if name in ("map_values", "map_keys") and arguments:
        of = as_map(type_of(arguments[0])).of
        return array(of[name == "map_values"]) if len(of) == 2 else array(UNKNOWN)
    if name in ("map_filter", "map_concat", "map_entries") and arguments:
        made = as_map(type_of(arguments[0]))
        return array(Type("row", made.of, ("key", "value"))) if name == "map_entries" and made.of else made
    if name == "ip_subnet_range":
        return array(VARCHAR)
    if name in ("map_agg", "map_from_entries", "multimap_agg", "histogram", "map"):
        first = type_of(arguments[0]) if arguments else UNKNOWN
        return Type("map", (first, type_of(arguments[1]) if len(arguments) > 1 else UNKNOWN))
    if name in ("sequence", "repeat") and arguments:
        return array(type_of(arguments[0]))
    if name in ("flatten", "array_max", "array_min") and arguments:
        return element(type_of(arguments[0]))
    return UNKNOWN
