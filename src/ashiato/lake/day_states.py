"""Days of a log whose footprints stand, and those that must be counted: the ledger's table `dirty_days`.

`dirty`: 0 the footprints stand since `settled_at`; 1 rows came since; 2 being built (a row that comes
meanwhile makes it 1 again, so that the build does not clear it); 3 being dropped by retention.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from ashiato.core.clock import now
from ashiato.formats.tables import LOG_TABLES
from ashiato.lake.spans import day_at
from ashiato.ledger import Ledger
from ashiato.ledger import tables as t
from ashiato.ledger.database import utc

CLEAN, DIRTY, BUILDING, DROPPING = range(4)
_COUNTED = frozenset(LOG_TABLES)
_SLICE = 400


@dataclass(frozen=True, order=True)
class LogDay:
    """A UTC day of one log."""

    table: str
    day: date


def settled_dirty_days(ledger: Ledger, moment: datetime, settle_after: timedelta) -> list[LogDay]:
    """Days that are over for `settle_after` and whose footprints do not stand, newest first."""
    c = t.dirty_days.c
    last = (moment.astimezone(UTC) - settle_after).date() - timedelta(days=1)
    rows = ledger.rows(
        sa.select(c.table_name, c.day)
        .where(c.dirty.in_((DIRTY, BUILDING)), c.day <= last.isoformat())
        .order_by(c.day.desc(), c.table_name)
    )
    return [LogDay(table, date.fromisoformat(day)) for table, day in rows if table in _COUNTED]


def unsettled_months(ledger: Ledger) -> set[int]:
    """Months (since 1970-01) with a day whose footprints do not stand."""
    c = t.dirty_days.c
    rows = ledger.rows(
        sa.select(sa.func.substr(c.day, 1, 7)).where(c.dirty != CLEAN, c.table_name.in_(_COUNTED)).distinct()
    )
    return {(int(month[:4]) - 1970) * 12 + int(month[5:]) - 1 for (month,) in rows}


def standing_days(ledger: Ledger, pinned_at: datetime) -> tuple[set[LogDay], set[LogDay]]:
    """(days whose footprints stand, days to count) for a reader whose snapshots were pinned at `pinned_at`."""
    c, b = t.dirty_days.c, t.batches.c
    with ledger.engine.connect() as connection:
        # Rows of a batch can be in the lake before it is confirmed, and its days marked: these days too.
        writing = connection.execute(sa.select(b.table_name, b.days).where(b.state == "writing")).all()
        known = connection.execute(sa.select(c.table_name, c.day, c.dirty, c.settled_at)).all()
    standing: set[LogDay] = set()
    counted: set[LogDay] = set()
    for table, day, dirty, settled_at in known:
        if table not in _COUNTED:
            continue
        settled = utc(settled_at)
        # Footprints built after the pin are not in the pinned snapshot.
        stands = dirty == CLEAN and settled is not None and settled < pinned_at
        (standing if stands else counted).add(LogDay(table, date.fromisoformat(day)))
    for table, days in writing:
        if table in _COUNTED:
            counted |= {LogDay(table, day_at(d)) for d in json.loads(days)}
    return standing - counted, counted


def begin_building(ledger: Ledger, days: Sequence[LogDay]) -> None:
    """Mark days as being built; the snapshots to build from are to be read after this."""
    _set(ledger, days, (DIRTY, BUILDING), dirty=BUILDING)


def finish_building(ledger: Ledger, days: Sequence[LogDay]) -> None:
    """The footprints of these days are committed: they stand, unless a row came meanwhile."""
    _set(ledger, days, (BUILDING,), dirty=CLEAN, settled_at=now())


def begin_dropping(ledger: Ledger, table: str, before: date) -> list[LogDay]:
    """Mark the days of `table` before a day as being dropped; those days."""
    c = t.dirty_days.c
    key = (c.table_name == table) & (c.day < before.isoformat())
    with ledger.begin() as connection:
        connection.execute(sa.update(t.dirty_days).where(key).values(dirty=DROPPING))
        rows = connection.execute(sa.select(c.day).where(key)).all()
    return [LogDay(table, date.fromisoformat(day)) for (day,) in rows]


def finish_dropping(ledger: Ledger, table: str, before: date) -> None:
    """Forget dropped days; one that rows came for meanwhile stays, dirty."""
    c = t.dirty_days.c
    with ledger.begin() as connection:
        connection.execute(
            sa.delete(t.dirty_days).where(
                c.table_name == table, c.day < before.isoformat(), c.dirty == DROPPING
            )
        )


def _set(ledger: Ledger, days: Iterable[LogDay], when: Sequence[int], **values: object) -> None:
    by_table: dict[str, list[str]] = {}
    for d in days:
        by_table.setdefault(d.table, []).append(d.day.isoformat())
    c = t.dirty_days.c
    with ledger.begin() as connection:
        for table, names in by_table.items():
            for i in range(0, len(names), _SLICE):
                connection.execute(
                    sa.update(t.dirty_days)
                    .where(c.table_name == table, c.day.in_(names[i : i + _SLICE]), c.dirty.in_(when))
                    .values(**values)
                )
