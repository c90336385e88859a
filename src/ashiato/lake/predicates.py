"""Row filters for plans. PyIceberg's classes take positional arguments that their types do not show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyiceberg import expressions
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression

_make: Any = expressions


def everything() -> BooleanExpression:
    """Every row."""
    return AlwaysTrue()


def at_least(column: str, value: object) -> BooleanExpression:
    """column >= value; times as ISO 8601 text."""
    found: BooleanExpression = _make.GreaterThanOrEqual(column, value)
    return found


def at_most(column: str, value: object) -> BooleanExpression:
    """column <= value."""
    found: BooleanExpression = _make.LessThanOrEqual(column, value)
    return found


def below(column: str, value: object) -> BooleanExpression:
    """column < value."""
    found: BooleanExpression = _make.LessThan(column, value)
    return found


def equal(column: str, value: object) -> BooleanExpression:
    """column = value."""
    found: BooleanExpression = _make.EqualTo(column, value)
    return found


def any_of(column: str, values: Iterable[object]) -> BooleanExpression:
    """column IN values."""
    found: BooleanExpression = _make.In(column, list(values))
    return found


def within(column: str, start: object, end: object) -> BooleanExpression:
    """start <= column < end."""
    return And(at_least(column, start), below(column, end))
