"""Corrections of CloudTrail events (addenda) as the lake holds them, and the days of what they correct."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import duckdb
from pyiceberg.table import Table

from ashiato.lake.predicates import everything
from ashiato.lake.scan import planned_files, relation
from ashiato.lake.spans import between, day_at

_CONFIG: dict[str, Any] = {"threads": 2, "memory_limit": "256MB"}
_DAY = "(eventTime::TIMESTAMP::DATE - DATE '1970-01-01')::INTEGER"


def corrections_on(table: Table, days: Collection[int]) -> list[tuple[str, str]]:
    """(original, correction) of every addendum among the events of these days."""
    if not days:
        return []
    files = planned_files(table, between("cloudtrail", day_at(min(days)), day_at(max(days))))
    return _rows(
        table,
        files,
        "SELECT addendum.originalEventID, eventID FROM {events} WHERE addendum.originalEventID <> eventID"
        f" AND {_DAY} IN (SELECT unnest($days::INTEGER[]))",
        {"days": list(days)},
    )


def days_of_events(table: Table, ids: Sequence[str]) -> set[int]:
    """Days (since 1970) of the events with these ids. Reads one column of the whole table: addenda are rare."""
    if not ids:
        return set()
    rows = _rows(
        table,
        planned_files(table, everything()),
        f"SELECT DISTINCT {_DAY} FROM {{events}} WHERE eventID IN (SELECT unnest($ids::VARCHAR[]))",
        {"ids": list(ids)},
    )
    return {day for (day,) in rows}


def _rows(table: Table, files: Sequence[str], sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with duckdb.connect(config=_CONFIG) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(sql.replace("{events}", relation(files, table.schema())), values).fetchall()
