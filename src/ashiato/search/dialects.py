"""The two ways in which a condition is written: DuckDB's with bound values, Athena's as text to read and paste.

Both give the same answer for the same record: a property test holds them together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from itertools import product
from typing import Protocol

from ashiato.engine.views import literal, quote
from ashiato.lake.naming import naming
from ashiato.search.fields import Place

#: Lists inside JSON are looked through at this many places of a path.
MOST_LISTS = 3

Test = Callable[[str], str]


class Dialect(Protocol):
    """How parts of a condition are written. Each returns SQL."""

    def text(self, value: str) -> str: ...

    def number(self, value: float) -> str: ...

    def moment(self, value: datetime) -> str: ...

    def place(self, place: Place) -> str: ...

    def any_of(self, list_: str, test: Test) -> str: ...

    def json_scalar(self, column: str, path: str) -> str: ...

    def json_value(self, column: str, path: str) -> str: ...

    def json_list(self, column: str, path: str) -> str: ...

    def within(self, value: str, network: IPv4Network | IPv6Network) -> str: ...

    def entities(self, hashes: Sequence[int]) -> str: ...


def paths(keys: Sequence[str]) -> tuple[str, list[str]]:
    """The JSON path of nested members, and those that go through lists on the way or at its end."""
    members = ["." + json_key(k) for k in keys]
    plain = "$" + "".join(members)
    listed = [
        "$" + "".join(m + ("[*]" if is_list else "") for m, is_list in zip(members, lists, strict=True))
        for lists in product((False, True), repeat=len(members))
        if 0 < sum(lists) <= MOST_LISTS
    ]
    return plain, listed if len(members) <= 6 else []


def json_key(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Bound:
    """DuckDB's words; every value is a parameter in `values`. Those that come together in one statement have each a
    `prefix` of their own."""

    def __init__(self, prefix: str = "v") -> None:
        self.prefix = prefix
        self.values: dict[str, object] = {}

    def bind(self, value: object) -> str:
        name = f"{self.prefix}{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def text(self, value: str) -> str:
        return f"{self.bind(value)}::VARCHAR"

    def number(self, value: float) -> str:
        return f"{self.bind(value)}::{'BIGINT' if isinstance(value, int) else 'DOUBLE'}"

    def moment(self, value: datetime) -> str:
        return f"{self.bind(value.isoformat())}::TIMESTAMPTZ"

    def place(self, place: Place) -> str:
        if not place.listed:
            return ".".join(quote(part) for part in (place.column, *place.inside))
        if not place.inside:
            return quote(place.column)
        inner = ".".join(quote(part) for part in place.inside)
        return f"list_transform({quote(place.column)}, lambda e: e.{inner})"

    def any_of(self, list_: str, test: Test) -> str:
        return f"len(list_filter({list_}, lambda x: {test('x')})) > 0"

    def json_scalar(self, column: str, path: str) -> str:
        return f"ax_json_scalar({quote(column)}, {literal(path)})"

    def json_value(self, column: str, path: str) -> str:
        return f"ax_json_extract({quote(column)}, {literal(path)})"

    def json_list(self, column: str, path: str) -> str:
        # A list of JSON values; of objects and lists inside it the text, as a comparison with text has it.
        return (
            f"(CASE WHEN json_valid({quote(column)}) THEN"
            f" json_extract_string({quote(column)}, {literal(path)}) END)"
        )

    def within(self, value: str, network: IPv4Network | IPv6Network) -> str:
        if isinstance(network, IPv4Network):
            # An expression for the four numbers is many times as fast as reading them.
            return f"regexp_full_match({value}, {self.text(_of_network(network))})"
        first, last = (f"{int(a):032x}" for a in (network[0], network[-1]))
        return f"(search_ip6({value}) BETWEEN {self.text(first)} AND {self.text(last)})"

    def entities(self, hashes: Sequence[int]) -> str:
        return naming(hashes)


_OCTET = "(25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})"
#: How an IPv4 address begins that is written as an IPv6 one.
_MAPPED = "((::|(0{1,4}:){5})(?i:ffff):)?"


def _of_network(network: IPv4Network) -> str:
    """A regular expression for the addresses of a network.

    >>> _of_network(IPv4Network("198.51.100.0/24")).startswith(_MAPPED + "0{0,0}198[.]0{0,1}51[.]0{0,0}100[.]")
    True
    """
    parts = []
    for place, (low, high) in enumerate(zip(network[0].packed, network[-1].packed, strict=True)):
        whole = network.prefixlen <= 8 * place
        some = "|".join(f"0{{0,{3 - len(str(n))}}}{n}" for n in range(low, high + 1))
        parts.append(_OCTET if whole else some if low == high else f"({some})")
    return _MAPPED + "[.]".join(parts)


class Athena:
    """Athena's words, as `ashiato query` and the SQL tab take them."""

    def text(self, value: str) -> str:
        return literal(value)

    def number(self, value: float) -> str:
        return str(value)

    def moment(self, value: datetime) -> str:
        spec = "microseconds" if value.microsecond else "seconds"
        return literal(value.replace(tzinfo=None).isoformat(timespec=spec) + "Z")

    def place(self, place: Place) -> str:
        if not place.listed:
            return ".".join(athena_name(part) for part in (place.column, *place.inside))
        if not place.inside:
            return athena_name(place.column)
        inner = ".".join(athena_name(part) for part in place.inside)
        return f"transform({athena_name(place.column)}, e -> e.{inner})"

    def any_of(self, list_: str, test: Test) -> str:
        return f"any_match({list_}, x -> {test('x')})"

    def json_scalar(self, column: str, path: str) -> str:
        return f"json_extract_scalar({athena_name(column)}, {literal(path)})"

    def json_value(self, column: str, path: str) -> str:
        return f"json_extract({athena_name(column)}, {literal(path)})"

    def json_list(self, column: str, path: str) -> str:
        return f"CAST(json_extract({athena_name(column)}, {literal(path)}) AS array(varchar))"

    def within(self, value: str, network: IPv4Network | IPv6Network) -> str:
        return f"is_subnet_of({literal(str(network))}, TRY_CAST({value} AS IPADDRESS))"

    def entities(self, hashes: Sequence[int]) -> str:
        return f"arrays_overlap(entities, ARRAY[{', '.join(str(h) for h in hashes)}])"


_RESERVED = frozenset(("end", "start", "type", "version", "action", "protocol", "bytes", "object", "source"))


def athena_name(name: str) -> str:
    """A column's name; those that SQL has a meaning for in quotes."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is not None and name.lower() not in _RESERVED
    return name if plain else quote(name)
