"""How many records name something, exactly, and when the first and the last: footprints, and a look at the rows
only where these may count a record twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.tables import LOG_TABLES, TABLES
from ashiato.trace.reading import Asked, counted


@dataclass(frozen=True)
class Count:
    """Records, in all and by table; the times of the first and the last."""

    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    by_table: tuple[tuple[str, int], ...] = ()

    def of(self, table: str) -> int:
        return dict(self.by_table).get(table, 0)


def count(asked: Asked, found: pa.Table, whole: Mapping[str, pa.Table]) -> Count:
    """Records that name one of the keys within the window. `found`: the keys' footprints; `whole`: all of these
    records, by log, of logs where they are at hand.

    A record in which something is both actor and target has a footprint of each: days on which that may be are
    counted by their rows, as are days that the window cuts.
    """
    by_table: dict[str, int] = {}
    firsts: list[datetime] = []
    lasts: list[datetime] = []
    for table in LOG_TABLES:
        if table in whole:
            if whole[table].num_rows:
                times = pc.min_max(whole[table][TABLES[table].time_column])
                by_table[table] = whole[table].num_rows
                firsts.append(times["min"].as_py())
                lasts.append(times["max"].as_py())
            continue
        total, doubtful = 0, {}
        for day, rows in _by_day(found, table).items():
            first, last = min(r["first"] for r in rows), max(r["last"] for r in rows)
            if asked.window.misses(first, last):
                continue
            if asked.window.holds(first, last) and _apart(rows, table):
                total += sum(r["count"] for r in rows)
                firsts.append(first)
                lasts.append(last)
            else:
                doubtful[day] = asked.window.cut(first, last)
        for more, first, last in counted(asked, table, doubtful):
            total += more
            firsts.append(first)
            lasts.append(last)
        if total:
            by_table[table] = total
    return Count(
        sum(by_table.values()), min(firsts, default=None), max(lasts, default=None), tuple(by_table.items())
    )


def _by_day(found: pa.Table, table: str) -> dict[date, list[dict[str, Any]]]:
    days: dict[date, list[dict[str, Any]]] = {}
    columns = ("table", "day", "account", "kind", "entity", "role", "first", "last", "hours", "count")
    for row in found.select(columns).to_pylist():
        if row["table"] == table:
            days.setdefault(row["day"], []).append(row)
    return days


def _apart(rows: Sequence[dict[str, Any]], table: str) -> bool:
    """Whether no record can have two of these footprints of one day."""
    if (
        table == "vpc_flow_logs"
        and {r["kind"] for r in rows} == {"address"}
        and len({r["entity"] for r in rows}) == 1
    ):
        # What an interface sends to itself never leaves it: no record has one address at both ends.
        return True
    taken: dict[str | None, int] = {}
    for row in rows:
        if taken.get(row["account"], 0) & row["hours"]:
            return False
        taken[row["account"]] = taken.get(row["account"], 0) | row["hours"]
    return True
