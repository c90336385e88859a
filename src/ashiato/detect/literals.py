"""What a rule needs a record to say: the literals by which rules are indexed and records picked from the lake."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ashiato.detect.conditions import (
    Condition,
    Every,
    FieldTest,
    OneOf,
    Some,
    TextPattern,
    ValueTest,
    text_of,
)


@dataclass(frozen=True)
class Needed:
    """A record matches only if the field is one of `values` (lower case) or passes one of `patterns`."""

    values: frozenset[str] = frozenset()
    patterns: frozenset[ValueTest] = frozenset()

    def admits(self, value: str) -> bool:
        """Whether this value of the field may belong to a match."""
        return value.lower() in self.values or any(p(value) for p in self.patterns)

    @property
    def cost(self) -> int:
        """Less is more telling."""
        return len(self.values) + 1000 * len(self.patterns)


def needed(condition: Condition, field: str) -> Needed | None:
    """What `field` has to be for the condition to hold; None where it may hold whatever it is.

    An over-approximation: it may admit what the condition then refuses, never the other way round.
    """
    match condition:
        case FieldTest(name=name, test=test) if name == field:
            return _of_test(test)
        case Every(parts=parts):
            found = [n for n in (needed(p, field) for p in parts) if n is not None]
            return min(found, key=lambda n: n.cost) if found else None
        case Some(parts=parts):
            values: set[str] = set()
            patterns: set[ValueTest] = set()
            for part in parts:
                n = needed(part, field)
                if n is None:
                    return None
                values |= n.values
                patterns |= n.patterns
            return Needed(frozenset(values), frozenset(patterns))
        case _:
            return None


def _of_test(test: ValueTest) -> Needed:
    if isinstance(test, OneOf):
        found = [_of_test(t) for t in test.tests]
        return Needed(
            frozenset().union(*(n.values for n in found)), frozenset().union(*(n.patterns for n in found))
        )
    if isinstance(test, TextPattern) and test.literal is not None:
        return Needed(values=frozenset([test.literal.lower()]))
    return Needed(patterns=frozenset([test]))


class LiteralIndex:
    """Which of many rules may match, by the value of one field. Its cost grows with what matches: each distinct
    value is looked at once and remembered."""

    def __init__(self, wanted: Iterable[tuple[int, Needed]], most_remembered: int = 50_000) -> None:
        self._literal: dict[str, list[int]] = {}
        self._patterns: list[tuple[int, Callable[[str], bool]]] = []
        self._known: dict[str, tuple[int, ...]] = {}
        self._most = most_remembered
        wanted = list(wanted)
        self.numbers = [number for number, _ in wanted]
        for number, need in wanted:
            for value in need.values:
                self._literal.setdefault(value, []).append(number)
            if need.patterns:
                self._patterns.append((number, need.admits))

    def rules(self, value: str) -> tuple[int, ...]:
        """Numbers of the rules that a record with this value may match."""
        found = self._known.get(value)
        if found is None:
            numbers = set(self._literal.get(value.lower(), ()))
            numbers.update(number for number, admits in self._patterns if admits(value))
            found = tuple(sorted(numbers))
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[value] = found
        return found


def sql_filter(
    needs: Iterable[dict[str, Needed]], columns: dict[str, str]
) -> tuple[str, dict[str, list[str]]] | None:
    """SQL that holds for every record that may match one of several rules, with its parameters.

    `needs`: for each rule, what fields must be; `columns`: field → SQL of its column. None: all records may.
    """
    clauses: list[str] = []
    parameters: dict[str, list[str]] = {}
    grouped: dict[str, set[str]] = {}
    for need in needs:
        usable = {f: n for f, n in need.items() if f in columns and not n.patterns}
        if not usable:
            return None
        field, chosen = min(usable.items(), key=lambda item: item[1].cost)
        grouped.setdefault(field, set()).update(chosen.values)
    for number, (field, values) in enumerate(sorted(grouped.items())):
        name = f"literals{number}"
        column = columns[field]
        clauses.append(f"lower({column}) IN (SELECT unnest(${name}))")
        # A value that does not fit the column (a number where AWS has text) is kept beside it.
        clauses.append(f"({column} IS NULL AND contains(extra, '\"{field.split('.')[0]}'))")
        parameters[name] = sorted(values)
    return (" OR ".join(clauses) or "false", parameters)


__all__ = ["LiteralIndex", "Needed", "needed", "sql_filter", "text_of"]
