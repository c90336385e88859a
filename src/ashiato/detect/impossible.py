"""Conditions that no record can meet: "never matches".

A condition is written out as alternatives of conjunctions. One is impossible when its tests of one field exclude one
another; the rule never matches when all are. Only what is sure is told: fields whose values may be many (lists in
JSON) can meet two tests at once, so for them only a test and its own negation count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final, TypeAlias

from ashiato.detect.conditions import (
    Compared,
    Condition,
    Every,
    FieldPresence,
    FieldsCompared,
    FieldTest,
    Keyword,
    NumberIs,
    OneOf,
    Some,
    TextPattern,
    ValueTest,
    Without,
    describe,
)

#: Conjunctions that are looked at; a condition with more is taken to be possible.
MOST_ALTERNATIVES: Final = 4096

Atom: TypeAlias = FieldTest | FieldPresence | FieldsCompared | Keyword


@dataclass(frozen=True)
class Literal:
    """A test, or its negation."""

    atom: Atom
    holds: bool


Conjunction: TypeAlias = tuple[Literal, ...]


def conjunctions(condition: Condition) -> list[Conjunction] | None:
    """The condition as alternatives of conjunctions; None where there are too many."""
    try:
        return list(_expanded(condition, holds=True))
    except _TooManyError:
        return None


class _TooManyError(Exception):
    pass


def _expanded(condition: Condition, *, holds: bool) -> Iterator[Conjunction]:
    match condition:
        case Without(part=part):
            yield from _expanded(part, holds=not holds)
        case Every(parts=parts) | Some(parts=parts):
            if isinstance(condition, Every) == holds:
                yield from _products(parts, holds=holds)
            else:
                for part in parts:
                    yield from _expanded(part, holds=holds)
        case _:
            yield (Literal(condition, holds),)


def _products(parts: Iterable[Condition], *, holds: bool) -> Iterator[Conjunction]:
    alternatives = [list(_expanded(p, holds=holds)) for p in parts]
    amount = 1
    for options in alternatives:
        amount *= len(options)
        if amount > MOST_ALTERNATIVES:
            raise _TooManyError
    for chosen in product(*alternatives):
        yield tuple(literal for part in chosen for literal in part)


def why_never(condition: Condition, is_single: Callable[[str], bool]) -> str | None:
    """Why no record can meet the condition, or None where one may. `is_single`: whether a field has one value."""
    found = conjunctions(condition)
    if found is None:
        return None
    reasons = [_contradiction(c, is_single) for c in found]
    if not reasons:
        return "it asks for one of no alternatives"
    return reasons[0] if all(reasons) else None


def _contradiction(conjunction: Conjunction, is_single: Callable[[str], bool]) -> str | None:
    told = [(str(describe(x.atom)), x) for x in conjunction]
    positive = {text for text, x in told if x.holds}
    for text, literal in told:
        if not literal.holds and text in positive:
            return f"the same test of {_field(literal.atom)} is required and excluded"
    by_field: dict[str, list[Literal]] = {}
    for literal in conjunction:
        if isinstance(literal.atom, FieldTest | FieldPresence):
            by_field.setdefault(literal.atom.name, []).append(literal)
    for name, literals in by_field.items():
        reason = _of_field(name, literals, single=is_single(name))
        if reason:
            return reason
    return None


def _of_field(name: str, literals: list[Literal], *, single: bool) -> str | None:
    required = [x.atom.test for x in literals if isinstance(x.atom, FieldTest) and x.holds]
    presence = {x.atom.present == x.holds for x in literals if isinstance(x.atom, FieldPresence)}
    if presence == {True, False}:
        return f"{name} has to be there and not to be there"
    if False in presence and required:
        return f"{name} has to be missing and to have a value"
    if not single or not required:
        return None
    excluded = [x.atom.test for x in literals if isinstance(x.atom, FieldTest) and not x.holds]
    values = next((v for t in required if (v := exact_values(t)) is not None), None)
    if values is not None:
        left = [v for v in values if all(t(v) for t in required)]
        if not left:
            return f"{name} cannot meet all tests at once: {_listed(values)} fails another"
        if not [v for v in left if not any(t(v) for t in excluded)]:
            return f"{name} is to be {_listed(left)}, which is excluded as well"
    return _of_numbers(name, required)


def _of_numbers(name: str, required: list[ValueTest]) -> str | None:
    low, high, low_open, high_open = float("-inf"), float("inf"), False, False
    for test in required:
        if not isinstance(test, Compared):
            continue
        if test.operator in (">", ">=") and test.number >= low:
            low_open = test.operator == ">" or (low_open and test.number == low)
            low = test.number
        elif test.operator in ("<", "<=") and test.number <= high:
            high_open = test.operator == "<" or (high_open and test.number == high)
            high = test.number
    if low > high or (low == high and (low_open or high_open)):
        return f"{name} cannot be above {low:g} and below {high:g}"
    return None


def exact_values(test: ValueTest) -> list[str] | None:
    """The only values that pass the test, where they can be listed."""
    match test:
        case TextPattern(cased=False) if test.literal is not None:
            return [test.literal]
        case NumberIs(number=number):
            return [f"{number:g}" if isinstance(number, float) else str(number)]
        case OneOf(tests=tests):
            found: list[str] = []
            for one in tests:
                values = exact_values(one)
                if values is None:
                    return None
                found += values
            return found
        case _:
            return None


def _field(atom: Atom) -> str:
    return "a keyword" if isinstance(atom, Keyword) else atom.name


def _listed(values: list[str]) -> str:
    shown = ", ".join(values[:3])
    return shown if len(values) <= 3 else f"{shown} …"
