"""Comparing answers with expectations that were worked out in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from engine.conftest import published

Ask = Callable[..., pa.Table]
Rows = list[tuple[Any, ...]]


def plain(value: Any) -> Any:
    """Times as ISO text, lists as tuples: values that can be counted."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return tuple(plain(v) for v in value)
    if isinstance(value, dict):
        return tuple(sorted((k, plain(v)) for k, v in value.items()))
    return value


def rows_of(answer: pa.Table) -> Rows:
    return [tuple(plain(v) for v in row.values()) for row in answer.to_pylist()]


def check(ask: Ask, statement: str, expected: Iterable[tuple[Any, ...]], *, ordered: bool = False) -> None:
    """The published statement gives exactly these rows; `ordered` where its ORDER BY leaves no ties."""
    wanted = [tuple(plain(v) for v in row) for row in expected]
    assert wanted, "an expectation must not be empty"
    got = rows_of(ask(published()[statement]))
    if ordered:
        assert got == wanted
    else:
        assert Counter(got) == Counter(wanted)


def check_ids(
    ask: Ask, statement: str, records: Iterable[dict[str, Any]], key: str, limit: int | None = None
) -> None:
    """A `SELECT *` gives exactly these records, or `limit` of them."""
    wanted = [r[key] for r in records]
    assert wanted, "an expectation must not be empty"
    got = ask(published()[statement]).column(key).to_pylist()
    if limit is None or len(wanted) <= limit:
        assert Counter(got) == Counter(wanted)
    else:
        assert len(got) == limit
        assert set(got) <= set(wanted)
        assert len(set(got)) == limit


def sorted_by(rows: Iterable[Any], *keys: Callable[[Any], Any]) -> list[Any]:
    """Rows sorted by several keys, the first one the strongest; negate numbers to sort them downwards."""
    return sorted(rows, key=lambda r: tuple(k(r) for k in keys))


cases = pytest.mark.parametrize
