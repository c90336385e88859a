"""Terms → a condition in SQL, true for the records that match."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final

from ashiato.formats.entities import KINDS, entity_hash
from ashiato.search import fields
from ashiato.search.dialects import Bound, Dialect, paths
from ashiato.search.fields import Field, Place
from ashiato.search.moments import parse_absolute
from ashiato.search.terms import Term, Value, network

#: Kinds of entity that a word without a form of its own may be the value of.
_NAME_KINDS: Final = ("user", "session", "source_identity", "resource")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_IDENTIFIERS: Final = re.compile(r"A[KS]IA[A-Z0-9]{12,124}|arn:aws[\w-]*:.+|(i|eni)-[0-9a-f]{8,17}|\d{12}")
_ADDRESS_FIELDS: Final = {
    "cloudtrail": ("sourceIPAddress",),
    "config_items": (),
    "vpc_flow_logs": ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr"),
}
_ID_FIELDS: Final = ("eventID", "requestID", "sharedEventID")


def condition(terms: Sequence[Term], table: str, dialect: Dialect) -> str:
    """SQL that is true for the records where all terms hold, and never NULL inside a negation."""
    parts = [_term(t, table, dialect) for t in terms]
    return " AND ".join(parts) if parts else "true"


def _term(term: Term, table: str, dialect: Dialect) -> str:
    parts = [_value(term.field, v, table, dialect) for v in term.values]
    made = parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"
    return f"NOT coalesce({made}, false)" if term.negated else made


def _value(field: Field | None, value: Value, table: str, dialect: Dialect) -> str:
    if field is None:
        return _anywhere(value, table, dialect)
    if field.first:
        return _test(field, value, dialect)(expression(field, dialect))
    parts = [_at(field, place, value, dialect) for place in field.places]
    return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"


def expression(field: Field, dialect: Dialect) -> str:
    """The value of a field that has one."""
    place = field.places[0]
    if field.first:
        return f"coalesce({', '.join(dialect.place(p) for p in field.places)})"
    return dialect.json_scalar(place.column, paths(place.keys)[0]) if place.keys else dialect.place(place)


def _at(field: Field, place: Place, value: Value, dialect: Dialect) -> str:
    test = _test(field, value, dialect)
    if place.listed:
        return dialect.any_of(dialect.place(place), test)
    if not place.keys:
        return test(dialect.place(place))
    plain, listed = paths(place.keys)
    if value.anything:
        made = _exists(place, plain, listed, dialect)
    else:
        parts = [test(dialect.json_scalar(place.column, plain))]
        parts += [dialect.any_of(dialect.json_list(place.column, path), test) for path in listed]
        made = "(" + " OR ".join(parts) + ")"
    key = place.keys[-1]
    if isinstance(dialect, Bound) and re.fullmatch(r"[\w@$-]+", key, re.ASCII):
        # Few records have the member at all; that is cheap to see in the text.
        return f"""(contains({dialect.place(Place(place.column))}, {dialect.text(f'"{key}"')}) AND {made})"""
    return made


def _exists(place: Place, plain: str, listed: Sequence[str], dialect: Dialect) -> str:
    parts = [f"{dialect.json_value(place.column, plain)} IS NOT NULL"]
    parts += [
        dialect.any_of(dialect.json_list(place.column, p), lambda x: f"{x} IS NOT NULL") for p in listed
    ]
    return "(" + " OR ".join(parts) + ")"


def _test(field: Field, value: Value, dialect: Dialect) -> Callable[[str], str]:
    """How one value of the field is tested."""
    if value.anything:
        return lambda x: f"{x} IS NOT NULL"
    if field.kind == "number":
        return _of_number(value, dialect)
    if field.kind == "boolean":
        word = "" if value.text.lower() == "true" else "NOT "
        return lambda x: f"{word}{x}"
    if field.kind == "time":
        return _of_time(value, dialect)
    if field.open and value.sign is not None:
        number = dialect.number(float(value.text))
        return lambda x: f"TRY_CAST({x} AS DOUBLE) {value.sign} {number}"
    if field.open and value.upper is not None and re.fullmatch(r"-?\d{1,15}", value.text + value.upper):
        low, high = dialect.number(float(value.text)), dialect.number(float(value.upper))
        return lambda x: f"TRY_CAST({x} AS DOUBLE) BETWEEN {low} AND {high}"
    if field.kind == "address" and not value.quoted:
        inside = network(value.text)
        if inside is not None:
            return lambda x: dialect.within(x, inside)
        if ":" in value.text and not value.pattern:
            return _of_texts({value.text.lower(), identifier(value.text) or value.text}, dialect)
    return _of_text(value, dialect, field.suffix)


def _of_number(value: Value, dialect: Dialect) -> Callable[[str], str]:
    low = dialect.number(int(value.text))
    if value.upper is not None:
        high = dialect.number(int(value.upper))
        return lambda x: f"{x} BETWEEN {low} AND {high}"
    return lambda x: f"{x} {value.sign or '='} {low}"


def _of_time(value: Value, dialect: Dialect) -> Callable[[str], str]:
    found = parse_absolute(value.text)
    last = parse_absolute(value.upper) if value.upper is not None else found
    assert found is not None
    assert last is not None
    if value.sign in (">", "<="):
        # A minute or a day is meant whole: after it, or up to its end.
        after = dialect.moment(found[1])
        return lambda x: f"{x} {'>=' if value.sign == '>' else '<'} {after}"
    first = dialect.moment(found[0])
    if value.sign in (">=", "<"):
        return lambda x: f"{x} {value.sign} {first}"
    end = dialect.moment(last[1])
    return lambda x: f"({x} >= {first} AND {x} < {end})"


def _of_text(value: Value, dialect: Dialect, suffix: str = "") -> Callable[[str], str]:
    text = value.text if value.upper is None else f"{value.text}..{value.upper}"
    if value.pattern:
        pattern = _lowered(re.sub(r"([\\%_])", r"\\\1", text).replace("*", "%"), dialect)
        return lambda x: f"lower({x}) LIKE {pattern} ESCAPE '\\'"
    if suffix and "." not in text:
        text += suffix
    wanted = _lowered(text, dialect)
    return lambda x: f"lower({x}) = {wanted}"


def _of_texts(texts: set[str], dialect: Dialect) -> Callable[[str], str]:
    listed = ", ".join(_lowered(t, dialect) for t in sorted(texts))
    return lambda x: f"lower({x}) IN ({listed})"


def _lowered(text: str, dialect: Dialect) -> str:
    """The text in small letters; beyond ASCII the database's own small letters."""
    return dialect.text(text.lower()) if text.isascii() else f"lower({dialect.text(text)})"


def _anywhere(value: Value, table: str, dialect: Dialect) -> str:
    """A word by itself: what a record names, or part of the text of its main fields."""
    text = value.text
    if not value.quoted:
        inside = network(text)
        if inside is not None:
            found = [fields.fields(table)[n] for n in _ADDRESS_FIELDS[table]]
            parts = [dialect.within(dialect.place(f.places[0]), inside) for f in found]
            if parts:
                return "(" + " OR ".join(parts) + ")"
        looked_up = identifier(text)
        if looked_up is not None:
            return dialect.entities([entity_hash(kind, looked_up) for kind in KINDS if kind != "event"])
        if table == "cloudtrail" and _UUID.fullmatch(text):
            parts = [f"{dialect.place(Place(n))} = {dialect.text(text.lower())}" for n in _ID_FIELDS]
            return "(" + " OR ".join(parts) + ")"
    if value.anything:
        return "true"
    parts = []
    if not value.pattern:
        if not value.quoted:
            parts.append(dialect.entities([entity_hash(kind, text) for kind in _NAME_KINDS]))
        if table == "vpc_flow_logs" and re.fullmatch(r"\d{1,5}", text):
            parts += [
                f"{dialect.place(Place(n))} = {dialect.number(int(text))}" for n in ("srcport", "dstport")
            ]
    part = re.sub(r"([\\%_])", r"\\\1", text)
    pattern = _lowered("%" + (part if value.quoted else part.strip("*").replace("*", "%")) + "%", dialect)
    for name in fields.MAIN[table]:
        whole = expression(fields.fields(table)[name], dialect)
        parts.append(f"lower({whole}) LIKE {pattern} ESCAPE '\\'")
    return "(" + " OR ".join(parts) + ")"


def identifier(text: str) -> str | None:
    """The value of an entity, where a word has the form of one: an address, key, ARN, id or account."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text if _IDENTIFIERS.fullmatch(text) else None
