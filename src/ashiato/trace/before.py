"""The item before each item of some rows: what a change is a change of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pyiceberg.expressions import And

from ashiato.config.history import Change
from ashiato.config.item import COLUMNS, item_of
from ashiato.config.reading import as_rows
from ashiato.core.scope import AccountScope
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import any_of, at_most
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation

_TIME: Final = "configurationItemCaptureTime"
_IDENTITY: Final = ("awsAccountId", "awsRegion", "resourceType", "resourceId")


@dataclass(frozen=True, order=True)
class _Place:
    """An item's place in its resource's history: capture time, then state id, a number written as text."""

    time: datetime
    state: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> _Place:
        state = str(row.get("configurationStateId") or "")
        return cls(row[_TIME], int(state) if state.isascii() and state.isdigit() else -1)


def changes_of(lake: PinnedLake, rows: Sequence[Mapping[str, Any]], scope: AccountScope) -> list[Change]:
    """The change that each item is, in the order of the rows."""
    before = _before(lake, rows, scope)
    return [
        Change(None if (b := before.get(number)) is None else item_of(b), item_of(row))
        for number, row in enumerate(rows)
    ]


def _identity(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row.get(n) or "" for n in _IDENTITY)


def _before(
    lake: PinnedLake, rows: Sequence[Mapping[str, Any]], scope: AccountScope
) -> dict[int, Mapping[str, Any]]:
    """Number of a row → the item before it."""
    wanted = [n for n, row in enumerate(rows) if row.get(_TIME) is not None and row.get("resourceId")]
    if not wanted:
        return {}
    ids = sorted({rows[n]["resourceId"] for n in wanted})
    newest = max(rows[n][_TIME] for n in wanted)
    plan = lake.plan("config_items", And(any_of("resourceId", ids), at_most(_TIME, newest.isoformat())))
    if not plan.files:
        return {}
    source = relation(plan.files, plan.iceberg_schema)
    places = ", ".join(f"$id_{i}" for i in range(len(ids)))
    allowed, values = scope.sql('"awsAccountId"')
    bound: dict[str, Any] = {**values, **{f"id_{i}": text for i, text in enumerate(ids)}}
    where = f'"resourceId" IN ({places}) AND variant = 0 AND {allowed}'
    names = ", ".join(f'"{c}"' for c in (*_IDENTITY, _TIME, "configurationStateId"))
    with reading() as connection:
        found = connection.sql(
            f'SELECT {names} FROM {source} WHERE {where} AND "{_TIME}" <= $newest',
            params={**bound, "newest": newest},
        ).to_arrow_table()
        history: dict[tuple[str, ...], list[_Place]] = {}
        for row in as_rows(found):
            history.setdefault(_identity(row), []).append(_Place.of(row))
        chosen = {
            n: (_identity(rows[n]), place)
            for n in wanted
            if (place := _last(history.get(_identity(rows[n]), ()), _Place.of(rows[n]))) is not None
        }
        # A story is told of items that follow one another: most of those before are among the rows.
        by_place = {
            (_identity(row), _Place.of(row)): row
            for row in map(rows.__getitem__, wanted)
            if not row.get("variant")
        }
        times = sorted({place.time for at, place in chosen.values() if (at, place) not in by_place})
        if not times:
            return {n: by_place[key] for n, key in chosen.items()}
        at = ", ".join(f"$at_{i}" for i in range(len(times)))
        columns = ", ".join(f'"{c}"' for c in COLUMNS)
        wide = connection.sql(
            f'SELECT {columns} FROM {source} WHERE {where} AND "{_TIME}" IN ({at})',
            params={**bound, **{f"at_{i}": time for i, time in enumerate(times)}},
        ).to_arrow_table()
    by_place |= {(_identity(row), _Place.of(row)): row for row in as_rows(wide)}
    return {n: by_place[key] for n, key in chosen.items() if key in by_place}


def _last(history: Sequence[_Place], place: _Place) -> _Place | None:
    """The last place before this one."""
    return max((p for p in history if p < place), default=None)
