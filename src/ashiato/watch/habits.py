"""When each account-region of each log usually delivers, learnt from the ledger's objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ashiato.formats.tables import LOG_TABLES
from ashiato.ledger import Ledger
from ashiato.ledger import tables as t

#: So far back habits are learnt, and how much of it there must be before anything is said.
WEEKS = 4
LEARNING = timedelta(days=14)
FEWEST = 20
#: Deliveries within this are one: shorter gaps are not told apart.
SLOT = timedelta(minutes=10)
#: What was not heard of for so long is over (an account that was closed), not silent.
FORGOTTEN = timedelta(days=14)
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)

#: (source as objects name it, log, account, region); account and region None: all of the source's.
Series = tuple[str, str, str | None, str | None]


@dataclass
class Habit:
    """Deliveries of one series over the newest weeks."""

    first: datetime
    last: datetime
    slots: int = 1
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)

    def add(self, first: datetime, last: datetime) -> None:
        """Deliveries from `first` to `last`, later than those before."""
        if first - self.last > SLOT:
            self.gaps.append((self.last, first))
        self.last = max(self.last, last)
        self.slots += 1

    @property
    def learnt(self) -> bool:
        return self.last - self.first >= LEARNING and self.slots >= FEWEST

    def usual_gap(self, at: datetime) -> timedelta:
        """The longest gap that reached into this hour of the week in the weeks before."""
        longest = SLOT
        hour = at.replace(minute=0, second=0, microsecond=0)
        for week in range(1, WEEKS + 1):
            begin = hour - week * WEEK
            for start, end in self.gaps:
                if start < begin + HOUR and end > begin:
                    longest = max(longest, end - start)
        return longest


class Habits:
    """Habits of all series. Learnt anew every hour: that reads all objects of the newest weeks."""

    RELEARN = timedelta(hours=1)

    def __init__(self) -> None:
        self.series: dict[Series, Habit] = {}
        self._learnt_at: datetime | None = None
        self._seen_until: datetime | None = None

    def refresh(self, ledger: Ledger, now: datetime) -> None:
        """Bring up to date: wholly when an hour has passed, else what was delivered since."""
        if self._learnt_at is None or not timedelta(0) <= now - self._learnt_at < self.RELEARN:
            self.series = {}
            self._add(_slots(ledger, now - WEEKS * WEEK - HOUR))
            self._learnt_at = now
        elif self._seen_until is not None:
            for key, first, last in _slots(ledger, self._seen_until - HOUR):
                habit = self.series.get(key)
                if habit is not None:
                    habit.last = max(habit.last, last)
                else:
                    self.series[key] = Habit(first, last)
        self._seen_until = now

    def _add(self, slots: Iterable[tuple[Series, datetime, datetime]]) -> None:
        for key, first, last in sorted(slots, key=lambda s: s[1]):
            habit = self.series.get(key)
            if habit is None:
                self.series[key] = Habit(first, last)
            else:
                habit.add(first, last)


def _slots(ledger: Ledger, since: datetime) -> list[tuple[Series, datetime, datetime]]:
    """Of each series and slot with deliveries: the first and the last."""
    o = t.objects.c
    sqlite = ledger.engine.dialect.name == "sqlite"
    epoch: sa.ColumnElement[Any] = (
        sa.cast(sa.func.strftime("%s", o.delivered_at), sa.BigInteger)
        if sqlite
        else sa.func.floor(sa.extract("epoch", o.delivered_at))
    )
    slot = sa.cast(sa.func.floor(epoch / int(SLOT.total_seconds())), sa.BigInteger)
    if sqlite:
        slot = sa.cast(epoch.op("/")(sa.literal(int(SLOT.total_seconds()))), sa.BigInteger)
    rows = ledger.rows(
        sa.select(o.source, o.log, o.account, o.region, sa.func.min(epoch), sa.func.max(epoch))
        .where(o.delivered_at >= since, o.state == "taken", o.log.in_((*LOG_TABLES, "digest")))
        .group_by(o.source, o.log, o.account, o.region, slot)
    )
    found: list[tuple[Series, datetime, datetime]] = []
    whole: dict[tuple[str, str, int], tuple[int, int]] = {}
    size = int(SLOT.total_seconds())
    for source, log, account, region, first, last in rows:
        first, last = int(first), int(last)
        found.append(((source, log, account or "", region or ""), _at(first), _at(last)))
        key = (source, log, first // size)
        low, high = whole.get(key, (first, last))
        whole[key] = min(low, first), max(high, last)
    found += [((source, log, None, None), _at(a), _at(b)) for (source, log, _), (a, b) in whole.items()]
    return found


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
