"""What a rule asks of a record: a tree of and, or, not over tests of fields.

The meaning is Sigma's (https://sigmahq.io/sigma-specification/): text is compared without regard to case, a
list matches when any of its elements does, a field that a record does not have fails every test but `null` and
`exists: false`, and negation is two-valued.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias

Scalar: TypeAlias = str | int | float | bool


def text_of(value: Scalar) -> str:
    """A value as the text that patterns are compared with: JSON's spelling of booleans and numbers."""
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    return repr(value)


@dataclass(frozen=True)
class TextPattern:
    """Text, perhaps with wildcards. `parts`: literal pieces with None for `*` and False for `?`."""

    parts: tuple[str | Literal[False] | None, ...]
    cased: bool = False
    _match: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_match", _matcher(self.parts, self.cased))

    def __call__(self, value: Scalar) -> bool:
        return self._match(text_of(value))

    @property
    def literal(self) -> str | None:
        """The whole text, where there are no wildcards."""
        if not self.parts:
            return ""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], str) else None


def _matcher(parts: Sequence[str | Literal[False] | None], cased: bool) -> Callable[[str], bool]:
    def fold(text: str) -> str:
        return text if cased else text.lower()

    literals = [fold(p) for p in parts if isinstance(p, str)]
    kinds = "".join("t" if isinstance(p, str) else ("*" if p is None else "?") for p in parts)
    if kinds in ("", "t"):
        whole = "".join(literals)
        return lambda value: fold(value) == whole
    if kinds == "*":
        return lambda _: True
    if kinds == "t*":
        start = literals[0]
        return lambda value: fold(value).startswith(start)
    if kinds == "*t":
        end = literals[0]
        return lambda value: fold(value).endswith(end)
    if kinds == "*t*":
        inside = literals[0]
        return lambda value: inside in fold(value)
    pattern = "".join(
        ".*" if p is None else "." if p is False else re.escape(p) for p in parts
    )  # linear in RE2: nested wildcards cannot make it slow
    compiled = _re2(pattern, "s" if cased else "is")
    return lambda value: compiled(value, True)


def check_expression(pattern: str, flags: str) -> None:
    """Raises ValueError with the reason where RE2 does not take a pattern (lookaround and references back need time
    that has no bound, https://github.com/google/re2/wiki/Syntax)."""
    import re2

    try:
        _re2(pattern, flags)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(
            f"the regular expression {pattern[:60]!r} is none that is evaluated (RE2): {text[:100]}"
        ) from error


@lru_cache(4096)
def _re2(pattern: str, flags: str) -> Callable[[str, bool], bool]:
    """A search (or full match) by RE2, whose time is linear in the text whatever the pattern."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 16 << 20
    compiled = re2.compile((f"(?{flags})" if flags else "") + pattern, options)

    def run(value: str, full: bool) -> bool:
        try:
            return (compiled.fullmatch(value) if full else compiled.search(value)) is not None
        except UnicodeEncodeError:
            text = value.encode("utf-8", "replace").decode()
            return (compiled.fullmatch(text) if full else compiled.search(text)) is not None

    return run


@dataclass(frozen=True)
class RegularExpression:
    """`|re`: found anywhere in the text, with regard to case unless its flags say otherwise."""

    pattern: str
    flags: str = ""

    def __call__(self, value: Scalar) -> bool:
        return _re2(self.pattern, self.flags)(text_of(value), False)


@dataclass(frozen=True)
class NumberIs:
    """Equality with a number; text that spells it counts."""

    number: int | float

    def __call__(self, value: Scalar) -> bool:
        number = number_of(value)
        return number is not None and number == self.number


@dataclass(frozen=True)
class Compared:
    """`|lt`, `|lte`, `|gt`, `|gte`."""

    operator: Literal["<", "<=", ">", ">="]
    number: int | float

    def __call__(self, value: Scalar) -> bool:
        number = number_of(value)
        if number is None:
            return False
        match self.operator:
            case "<":
                return number < self.number
            case "<=":
                return number <= self.number
            case ">":
                return number > self.number
            case _:
                return number >= self.number


_NUMBER = re.compile(r"\s*-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\s*")


def number_of(value: Scalar) -> int | float | None:
    """The number that a value is, or that its text spells as JSON does; None where it is none (true is not 1)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if len(value) > 40 or not _NUMBER.fullmatch(value):
        return None
    try:
        return int(value)
    except ValueError:
        return float(value)


@dataclass(frozen=True)
class InNetwork:
    """`|cidr`."""

    network: str

    def __call__(self, value: Scalar) -> bool:
        address = _address(value) if isinstance(value, str) else None
        network = _network(self.network)
        return address is not None and address.version == network.version and address in network


@lru_cache(1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


@lru_cache(65536)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class TimePart:
    """`|minute`, `|hour`, `|day`, `|week`, `|month`, `|year` of an ISO 8601 time, in its own zone (AWS: UTC).

    Weeks as SQLite and C count them (`%W`): from the year's first Monday, the days before it are week 0.
    """

    part: Literal["minute", "hour", "day", "week", "month", "year"]
    number: int

    def __call__(self, value: Scalar) -> bool:
        if not isinstance(value, str):
            return False
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            return False
        found = int(time.strftime("%W")) if self.part == "week" else int(getattr(time, self.part))
        return found == self.number


@dataclass(frozen=True)
class OneOf:
    """One of several tests passes: literal texts are looked up, whatever their number."""

    tests: tuple[TextPattern | RegularExpression | NumberIs | Compared | InNetwork | TimePart, ...]
    literals: frozenset[str] = field(init=False, compare=False, repr=False)
    others: tuple[Callable[[Scalar], bool], ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        plain = [
            t for t in self.tests if isinstance(t, TextPattern) and t.literal is not None and not t.cased
        ]
        literals = frozenset(t.literal.lower() for t in plain if t.literal is not None)
        object.__setattr__(self, "literals", literals)
        object.__setattr__(self, "others", tuple(t for t in self.tests if t not in plain))

    def __call__(self, value: Scalar) -> bool:
        return text_of(value).lower() in self.literals or any(test(value) for test in self.others)


ValueTest: TypeAlias = TextPattern | RegularExpression | NumberIs | Compared | InNetwork | TimePart | OneOf


@dataclass(frozen=True)
class FieldTest:
    """Some value of the field passes the test. `name`: dotted path, lists stepped through."""

    name: str
    test: ValueTest


@dataclass(frozen=True)
class FieldPresence:
    """The field is there and not null (`exists: true`), or it is not (`exists: false`, `null`)."""

    name: str
    present: bool


@dataclass(frozen=True)
class FieldsCompared:
    """`|fieldref`: the field's text equals, begins with, ends with or contains that of another field."""

    name: str
    other: str
    how: Literal["equals", "startswith", "endswith", "contains"]

    def __call__(self, value: Scalar, other: Scalar) -> bool:
        a, b = text_of(value).lower(), text_of(other).lower()
        match self.how:
            case "equals":
                return a == b
            case "startswith":
                return a.startswith(b)
            case "endswith":
                return a.endswith(b)
            case _:
                return b in a


@dataclass(frozen=True)
class Keyword:
    """Some value of the record, whatever its field, contains the text."""

    test: ValueTest


@dataclass(frozen=True)
class Every:
    """And."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Some:
    """Or."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Without:
    """Not."""

    part: Condition


Condition: TypeAlias = "FieldTest | FieldPresence | FieldsCompared | Keyword | Every | Some | Without"

#: What `Every(())` and `Some(())` mean.
ALWAYS: Condition = Every(())
NEVER: Condition = Some(())


def fields_of(condition: Condition) -> set[str]:
    """Names of all fields that a condition looks at; "" stands for the whole record (keywords)."""
    match condition:
        case FieldTest(name=name) | FieldPresence(name=name):
            return {name}
        case FieldsCompared(name=name, other=other):
            return {name, other}
        case Keyword():
            return {""}
        case Without(part=part):
            return fields_of(part)
        case Every(parts=parts) | Some(parts=parts):
            return set().union(*map(fields_of, parts))


def describe(condition: Condition) -> Any:
    """The condition as JSON: for fingerprints and `detections show`; two that are equal print the same."""
    match condition:
        case FieldTest(name=name, test=test):
            return {"field": name, "test": _describe_test(test)}
        case FieldPresence(name=name, present=present):
            return {"field": name, "present": present}
        case FieldsCompared(name=name, other=other, how=how):
            return {"field": name, how: {"field": other}}
        case Keyword(test=test):
            return {"keyword": _describe_test(test)}
        case Without(part=part):
            return {"not": describe(part)}
        case Every(parts=parts):
            return {"all": [describe(p) for p in parts]}
        case Some(parts=parts):
            return {"any": [describe(p) for p in parts]}


def _describe_test(test: ValueTest) -> Any:
    match test:
        case TextPattern(parts=parts, cased=cased):
            text = [p if isinstance(p, str) else {"wildcard": "*" if p is None else "?"} for p in parts]
            value: Any = text[0] if len(text) == 1 and isinstance(text[0], str) else text
            return {"cased": value} if cased else value
        case RegularExpression(pattern=pattern, flags=flags):
            return {"re": pattern, "flags": flags}
        case NumberIs(number=number):
            return {"number": number}
        case Compared(operator=operator, number=number):
            return {operator: number}
        case InNetwork(network=network):
            return {"cidr": network}
        case OneOf(tests=tests):
            return {"one_of": [_describe_test(t) for t in tests]}
        case TimePart(part=part, number=number):
            return {part: number}
