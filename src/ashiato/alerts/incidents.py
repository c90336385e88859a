"""Incidents: alerts that name the same access key, principal, address or resource within `incident_within`.

What is common relates nothing, or it would glue everything into one: informational alerts; a value that very many
share (the address of an office, a bucket that everybody uses); and, but for access keys, one that is there all the
time (a person who works every day). Which alerts are one incident depends on the alerts alone, not on the order in
which they came: so a change is followed through everything that it reaches, and incidents merge and split.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.entities import is_key
from ashiato.alerts.grouping import UnionFind, chains, earlier, later
from ashiato.alerts.history import History
from ashiato.alerts.placing import sliced
from ashiato.ledger.alert_tables import alert_findings, alerts, finding_entities, incidents
from ashiato.ledger.findings import LEVELS

#: More principals than this that share a value within reach of one another: it relates nothing.
MOST_PRINCIPALS = 5
#: More alerts than this that do: neither.
MOST_ALERTS = 200
#: Alerts one after the other for longer than so many times `incident_within`: it is habit. Not of access keys.
MOST_SPANS = 2

#: The least level of an alert in an incident (its place in LEVELS).
LEAST_LEVEL = LEVELS.index("low")

#: Alerts that may be part of an incident; what is expected or was contradicted is not.
_RELATED = ("open", "acknowledged", "closed")


@dataclass(frozen=True)
class _Alert:
    id: int
    first: datetime
    last: datetime
    principal: str | None
    incident: int | None


@dataclass
class Formerly:
    """What changed findings named before, and the time that they reached over, before and now."""

    values: set[bytes] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None

    def reach(self, first: datetime, last: datetime) -> None:
        self.first = first if self.first is None else min(first, self.first)
        self.last = last if self.last is None else max(last, self.last)


def relate(
    connection: Connection,
    touched: Collection[int],
    within: timedelta | None,
    history: History,
    now: datetime,
    formerly: Formerly | None = None,
) -> None:
    """Bring incidents in line with alerts that changed. `formerly`: what they have lost, if anything."""
    if not touched:
        return
    region = _Region(connection, within, touched)
    region.reach(formerly or Formerly())
    together = UnionFind(region.alerts)
    for value, sharing in region.sharing.items():
        for chain in _chains(sharing.values(), within):
            # A chain that relates is in the region as a whole, or not at all: another chain of the same value.
            if chain[0].id in region.alerts and not _is_common(chain, value, within):
                together.unite([a.id for a in chain])
    _Assignment(connection, region, touched, history, now).run(together.sets())


def _chains(sharing: Iterable[_Alert], within: timedelta | None) -> list[list[_Alert]]:
    return [
        [alert for *_, alert in chain] for chain in chains(((a.first, a.last, a) for a in sharing), within)
    ]


def _is_common(sharing: Collection[_Alert], value: bytes, within: timedelta | None) -> bool:
    """Whether alerts that share a value are too many, or go on for too long, for it to tell anything. What is added
    to common ones leaves them common."""
    principals = {a.principal for a in sharing if a.principal is not None}
    if len(principals) > MOST_PRINCIPALS or len(sharing) > MOST_ALERTS:
        return True
    if within is None or is_key(value):
        return False
    lasting = max(a.last for a in sharing) - min(a.first for a in sharing)
    return lasting > within * MOST_SPANS


class _Region:
    """Everything that touched alerts reach: `alerts` by number, and `sharing`: alerts by the value they name."""

    def __init__(self, connection: Connection, within: timedelta | None, touched: Collection[int]) -> None:
        self.connection = connection
        self.within = within
        self.touched = frozenset(touched)
        self.alerts: dict[int, _Alert] = {}
        self.sharing: dict[bytes, dict[int, _Alert]] = {}

    def reach(self, formerly: Formerly) -> None:
        """Follow shared values, and the incidents that alerts are in now, until nothing is added."""
        for part in sliced(self.touched):
            c = alerts.c
            for row in self.connection.execute(sa.select(c.first, c.last).where(c.id.in_(part))):
                formerly.reach(row.first, row.last)
        if formerly.first is None or formerly.last is None:
            return
        frontier = self._load(self.touched, self.incidents_of(self.touched))
        times = [formerly.first, formerly.last]
        named = self._values(self.touched, standing=False) | formerly.values
        changed = True
        while frontier or changed:
            self.alerts |= frontier
            named |= self._values(frontier)
            times += [t for a in frontier.values() for t in (a.first, a.last)]
            self._share(named, earlier(min(times), self.within), later(max(times), self.within))
            near: dict[int, _Alert] = {}
            for value in named:
                for chain in _chains(self.sharing.get(value, {}).values(), self.within):
                    if changed or any(a.id in frontier for a in chain):
                        near |= {a.id: a for part in self._relating(chain, value) for a in part}
            new = {number: alert for number, alert in near.items() if number not in self.alerts}
            inside = self._load((), {a.incident for a in new.values() if a.incident is not None})
            frontier = new | {n: a for n, a in inside.items() if n not in self.alerts}
            named, times, changed = set(), [], False

    def _relating(self, chain: list[_Alert], value: bytes) -> list[list[_Alert]]:
        """The chain, if it relates; if it is common, those parts of it that were not before alerts changed."""
        if not _is_common(chain, value, self.within):
            return [chain]
        without = [a for a in chain if a.id not in self.touched]
        if len(without) == len(chain):
            return []
        return [
            part
            for part in _chains(without, self.within)
            if len(part) > 1 and not _is_common(part, value, self.within)
        ]

    def _rows(self, numbers: Collection[int]) -> Iterable[Any]:
        for part in sliced(numbers):
            yield from self.connection.execute(
                sa.select(alerts.c.first, alerts.c.last).where(alerts.c.id.in_(part))
            )

    def incidents_of(self, numbers: Collection[int]) -> set[int]:
        """Incidents that alerts are in, whether they still may be or not."""
        found: set[int] = set()
        for part in sliced(numbers):
            asked = sa.select(alerts.c.incident).where(alerts.c.id.in_(part), alerts.c.incident.is_not(None))
            found |= {row.incident for row in self.connection.execute(asked)}
        return found

    def _load(self, numbers: Collection[int], inside: Collection[int]) -> dict[int, _Alert]:
        """Related alerts by number, and all of some incidents."""
        c = alerts.c
        found: dict[int, _Alert] = {}
        for column, values in ((c.id, numbers), (c.incident, inside)):
            for part in sliced(values):
                asked = sa.select(c.id, c.first, c.last, c.principal, c.incident).where(
                    column.in_(part), c.state.in_(_RELATED), c.level >= LEAST_LEVEL
                )
                for row in self.connection.execute(asked):
                    found[row.id] = _Alert(row.id, row.first, row.last, row.principal, row.incident)
        return found

    def _values(self, numbers: Collection[int], *, standing: bool = True) -> set[bytes]:
        """What alerts name, by the findings that stand, or by all."""
        e, f = finding_entities.c, alert_findings.c
        found: set[bytes] = set()
        for part in sliced(numbers):
            asked = (
                sa.select(e.hash)
                .join_from(alert_findings, finding_entities, e.uid == f.uid)
                .where(f.alert.in_(part))
                .distinct()
            )
            if standing:
                asked = asked.where(f.standing == 1)
            found |= {row.hash for row in self.connection.execute(asked)}
        return found

    def _share(self, values: Iterable[bytes], low: datetime, high: datetime) -> None:
        """Read which alerts name these values in this time."""
        e, f, c = finding_entities.c, alert_findings.c, alerts.c
        for part in sliced(values):
            asked = (
                sa.select(e.hash, c.id, c.first, c.last, c.principal, c.incident)
                .join_from(finding_entities, alert_findings, e.uid == f.uid)
                .join(alerts, c.id == f.alert)
                .where(
                    e.hash.in_(part),
                    f.standing == 1,
                    c.state.in_(_RELATED),
                    c.level >= LEAST_LEVEL,
                    c.last >= low,
                    c.first <= high,
                )
                .distinct()
            )
            for row in self.connection.execute(asked):
                alert = _Alert(row.id, row.first, row.last, row.principal, row.incident)
                self.sharing.setdefault(row.hash, {})[row.id] = alert


class _Assignment:
    """Gives sets of alerts their incidents: the oldest that one of them is in already survives."""

    def __init__(
        self,
        connection: Connection,
        region: _Region,
        touched: Collection[int],
        history: History,
        now: datetime,
    ) -> None:
        self.connection = connection
        self.region = region
        self.touched = touched
        self.history = history
        self.now = now

    def run(self, sets: list[list[int]]) -> None:
        alerts_ = self.region.alerts
        before = {a.incident for a in alerts_.values()} | self.region.incidents_of(self.touched)
        taken: dict[int, list[int]] = {}
        ordered = sorted(sets, key=lambda s: min((alerts_[n].first, n) for n in s))
        owner_of: dict[int, int | None] = {}
        for members in ordered:
            if len(members) == 1:
                owner_of[members[0]] = None
                continue
            inside = sorted({i for n in members if (i := alerts_[n].incident) is not None})
            free = [i for i in inside if i not in taken]
            owner = free[0] if free else self._make(members, inside[0] if inside else None)
            taken[owner] = members
            owner_of |= dict.fromkeys(members, owner)
        self._move(owner_of)
        for number, members in taken.items():
            self._describe(number, members)
        for gone in sorted(i for i in before if i is not None and i not in taken):
            self._end(gone, owner_of)

    def _make(self, members: list[int], origin: int | None) -> int:
        first = min(self.region.alerts[n].first for n in members)
        made = self.connection.execute(
            sa.insert(incidents).values(
                level=0,
                first=first,
                last=first,
                alerts=0,
                split_from=origin,
                raised_at=self.now,
                changed_at=self.now,
            )
        ).inserted_primary_key
        assert made is not None
        return int(made[0])

    def _move(self, owner_of: dict[int, int | None]) -> None:
        c = alerts.c
        for number, owner in owner_of.items():
            was = self.region.alerts[number].incident
            if was != owner:
                self.connection.execute(sa.update(alerts).where(c.id == number).values(incident=owner))
                if owner is not None:
                    self.history.add(number, "related", incident=owner)
        out = [n for n in self.touched if n not in owner_of]
        for part in sliced(out):
            self.connection.execute(
                sa.update(alerts).where(c.id.in_(part), c.incident.is_not(None)).values(incident=None)
            )

    def _describe(self, number: int, members: list[int]) -> None:
        level = 0
        for part in sliced(members):
            found = self.connection.scalar(
                sa.select(sa.func.max(alerts.c.level)).where(alerts.c.id.in_(part))
            )
            level = max(level, found or 0)
        of = [self.region.alerts[n] for n in members]
        self.connection.execute(
            sa.update(incidents)
            .where(incidents.c.id == number)
            .values(
                level=level,
                first=min(a.first for a in of),
                last=max(a.last for a in of),
                alerts=len(members),
                dissolved_at=None,
                merged_into=None,
                changed_at=self.now,
            )
        )

    def _end(self, number: int, owner_of: dict[int, int | None]) -> None:
        """An incident that no set has any more: merged into where its first alert went, or dissolved."""
        members = sorted((a.first, a.id) for a in self.region.alerts.values() if a.incident == number)
        into = next((o for _, n in members if (o := owner_of.get(n)) is not None), None)
        values: dict[str, Any] = {"merged_into": into} if into else {"dissolved_at": self.now}
        c = incidents.c
        self.connection.execute(
            sa.update(incidents).where(c.id == number).values(alerts=0, changed_at=self.now, **values)
        )
        if into:
            self.connection.execute(
                sa.update(incidents).where(c.merged_into == number).values(merged_into=into)
            )
