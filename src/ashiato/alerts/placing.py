"""Which alert a finding belongs to.

Findings of one rule and subject whose times are no further apart than `join_within` are one alert, whatever
order they come in. So a finding may connect two alerts: the older survives, the other is kept as merged. And
one that is withdrawn, or shrinks, may have been all that connected the rest: then a part gets an alert of its
own. Alerts that a person closed take nothing more in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.alerts.grouping import chains, earlier, later
from ashiato.alerts.holds import Held
from ashiato.core.text import printable
from ashiato.ledger.alert_tables import alert_findings, alerts
from ashiato.ledger.findings import LEVELS, Finding

#: Alerts that take findings in.
ACTIVE = ("open", "acknowledged", "planned", "suppressed")
#: Least to most human: an alert shows the most human actor of its findings.
ACTORS = ("service", "service_for_user", "automation", "unknown", "person")
#: Values that a statement may name at once on every database.
SLICE = 400

Value = TypeVar("Value")


def sliced(values: Iterable[Value]) -> Iterator[list[Value]]:
    """The values, in lists that one statement may name."""
    listed = list(values)
    for start in range(0, len(listed), SLICE):
        yield listed[start : start + SLICE]


def subject_of(finding: Finding) -> str:
    """A short name of rule, account and principal; of the group where there is no principal."""
    who: Any = finding.principal or sorted(finding.group.items())
    text = json.dumps([finding.rule, finding.account, who], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Placed:
    """A changed finding on its way into an alert. `live`: this or an earlier change of it was news."""

    finding: Finding
    subject: str
    live: bool
    held: Held | None


@dataclass
class Places:
    """What placing did: alerts by number. `merged`: into which; `split`: new ones, from which; `of`: finding →
    alert, of those that changed or moved."""

    touched: set[int] = field(default_factory=set)
    raised: list[int] = field(default_factory=list)
    merged: dict[int, int] = field(default_factory=dict)
    split: dict[int, int] = field(default_factory=dict)
    of: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Piece:
    """A part of an alert, or a finding that has none yet (`alert` None). `uid`: None for all of an alert."""

    alert: int | None
    uid: str | None


_Span = tuple[datetime, datetime, _Piece]


def begin_of(finding: Finding) -> datetime:
    """Begin of a finding: of its first window, which is before its first event only for correlations."""
    return min(finding.window_start, finding.first)


def place(
    connection: Connection,
    changed: Sequence[Placed],
    before: dict[str, Any],
    within: timedelta | None,
    now: datetime,
) -> Places:
    """Give each changed finding its alert; merge and split alerts as that makes necessary.

    `before`: rows of `alert_findings` of those that have an alert already.
    """
    return _Placing(connection, changed, before, within, now).run()


class _Placing:
    def __init__(
        self,
        connection: Connection,
        changed: Sequence[Placed],
        before: dict[str, Any],
        within: timedelta | None,
        now: datetime,
    ) -> None:
        self.connection = connection
        self.changed = {p.finding.uid: p for p in changed}
        self.before = before
        self.within = within
        self.now = now
        self.places = Places()
        #: finding → alert, where it changes. `made`: subject and origin of new alerts, -1, -2 … until inserted.
        self.moved: dict[str, int] = {}
        self.made: list[tuple[str, int | None]] = []
        self.known: dict[int, Any] = {}
        self.closed: dict[str, list[Any]] = {}

    def run(self) -> Places:
        homes = {row.alert for row in self.before.values()}
        self._load(homes)
        contracted = self._contracted()
        pieces = self._pieces(contracted)
        survivors: set[int] = set()
        owners: list[tuple[int, list[_Span]]] = []
        for subject in dict.fromkeys(p.subject for p in self.changed.values()):
            for chain in chains(pieces.get(subject, []), self.within):
                owner = self._owner(chain, subject, survivors)
                owners.append((owner, chain))
        self._make(owners)
        self._merge(owners, survivors)
        self._write()
        self.places.of = self.moved
        self.places.touched |= {
            *homes,
            *self.moved.values(),
            *self.places.merged,
            *self.places.merged.values(),
        }
        return self.places

    def _load(self, homes: Collection[int]) -> None:
        """The alerts of the changed findings, and those of their subjects that may be near."""
        for part in sliced(homes):
            for row in self.connection.execute(sa.select(alerts).where(alerts.c.id.in_(part))):
                self.known[row.id] = row
        if not self.changed:
            return
        low = earlier(min(begin_of(p.finding) for p in self.changed.values()), self.within)
        high = later(max(p.finding.last for p in self.changed.values()), self.within)
        subjects = list(dict.fromkeys(p.subject for p in self.changed.values()))
        near = (alerts.c.last >= low, alerts.c.first <= high, alerts.c.state.in_([*ACTIVE, "closed"]))
        for subjects_ in sliced(subjects):
            asked = sa.select(alerts).where(alerts.c.subject.in_(subjects_), *near)
            for row in self.connection.execute(asked):
                self.known[row.id] = row

        for row in self.known.values():
            if row.state == "closed":
                self.closed.setdefault(row.subject, []).append(row)

    def _contracted(self) -> set[int]:
        """Alerts of which a finding was withdrawn, or became shorter, or turned out to be another subject's."""
        found = set()
        for uid, row in self.before.items():
            placed = self.changed[uid]
            finding = placed.finding
            if row.standing and (
                not finding.standing
                or begin_of(finding) > row.first
                or finding.last < row.last
                or self.known[row.alert].subject != placed.subject
            ):
                found.add(row.alert)
        return {a for a in found if self.known[a].state in ACTIVE}

    def _pieces(self, contracted: set[int]) -> dict[str, list[_Span]]:
        """What is to be chained, by subject: whole alerts, findings of those that contracted, changed findings."""
        pieces: dict[str, list[_Span]] = {}
        for row in self.known.values():
            if row.state in ACTIVE and row.id not in contracted:
                pieces.setdefault(row.subject, []).append((row.first, row.last, _Piece(row.id, None)))
        c = alert_findings.c
        for part in sliced(contracted):
            asked = sa.select(c.uid, c.alert, c.first, c.last).where(c.alert.in_(part), c.standing == 1)
            for row in self.connection.execute(asked):
                if row.uid not in self.changed:
                    subject = self.known[row.alert].subject
                    span = (row.first, row.last, _Piece(row.alert, row.uid))
                    pieces.setdefault(subject, []).append(span)
        for uid, placed in self.changed.items():
            if placed.finding.standing:
                home = self._home(uid, placed)
                if home is None or self.known[home].state != "closed":
                    span = (begin_of(placed.finding), placed.finding.last, _Piece(home, uid))
                    pieces.setdefault(placed.subject, []).append(span)
        return pieces

    def _home(self, uid: str, placed: Placed) -> int | None:
        """The alert that a changed finding is in and stays in, unless others draw it elsewhere."""
        row = self.before.get(uid)
        if row is None or self.known[row.alert].subject != placed.subject:
            return None
        number: int = row.alert
        return number

    def _owner(self, chain: list[_Span], subject: str, survivors: set[int]) -> int:
        """The alert that a chain is from now on: its oldest that no earlier chain took, or a new one."""
        involved = sorted(
            {piece.alert for *_, piece in chain if piece.alert is not None},
            key=lambda a: (self.known[a].state not in ACTIVE, a),
        )
        free = [a for a in involved if a not in survivors]
        if free:
            survivors.add(free[0])
            return free[0]
        self.made.append((subject, involved[0] if involved else None))
        return -len(self.made)

    def _make(self, owners: list[tuple[int, list[_Span]]]) -> None:
        """Insert the new alerts, and put their numbers in place."""
        if not self.made:
            return
        chain_of = {owner: chain for owner, chain in owners if owner < 0}
        rows = []
        for number, (subject, origin) in enumerate(self.made, 1):
            chain = chain_of[-number]
            named = next((p.uid for *_, p in chain if p.uid in self.changed), None)
            finding = None if named is None else self.changed[named].finding
            rows.append(self._new_row(subject, finding, origin, chain))
        made = self.connection.execute(
            sa.insert(alerts).returning(alerts.c.id, sort_by_parameter_order=True), rows
        )
        numbers = [row.id for row in made]
        for at, (owner, chain) in enumerate(owners):
            if owner < 0:
                owners[at] = (numbers[-owner - 1], chain)
        for number, (_, origin) in zip(numbers, self.made, strict=True):
            if origin is None:
                self.places.raised.append(number)
            else:
                self.places.split[number] = origin

    def _new_row(
        self, subject: str, finding: Finding | None, origin: int | None, chain: list[_Span]
    ) -> dict[str, Any]:
        first, last = chain[0][0], max(c[1] for c in chain)
        row: dict[str, Any] = {
            "subject": subject,
            "state": "open",
            "level": 0,
            "first": first,
            "last": last,
            "hits": 0,
            "findings": 0,
            "split_from": origin,
            "follows": self._follows(subject, first, last),
            "told_version": 0,
            "told_level": None,
            "told_at": None,
            "raised_at": self.now,
            "changed_at": self.now,
        }
        if origin is not None:
            of = self.known[origin]
            row |= {"told_level": of.told_level, "told_at": of.told_at}
        if finding is not None:
            return row | described(finding)
        assert origin is not None
        return row | {name: getattr(self.known[origin], name) for name in _DESCRIBED}

    def _follows(self, subject: str, first: datetime, last: datetime) -> int | None:
        """The last alert of the subject that a person closed, where this one would else have joined it."""
        low, high = earlier(first, self.within), later(last, self.within)
        closed = self.closed.get(subject, ())
        return max((row.id for row in closed if row.last >= low and row.first <= high), default=None)

    def _merge(self, owners: list[tuple[int, list[_Span]]], survivors: set[int]) -> None:
        merged = self.places.merged
        for owner, chain in owners:
            for *_, piece in chain:
                if piece.alert is not None and piece.alert not in survivors:
                    merged.setdefault(piece.alert, owner)
        c = alert_findings.c
        for loser, survivor in merged.items():
            self.connection.execute(sa.update(alert_findings).where(c.alert == loser).values(alert=survivor))
        for owner, chain in owners:
            for *_, piece in chain:
                is_in = None if piece.alert is None else merged.get(piece.alert, piece.alert)
                if piece.uid is not None and (piece.uid in self.changed or is_in != owner):
                    self.moved[piece.uid] = owner

    def _write(self) -> None:
        """Rows of the changed findings, and of those that went elsewhere."""
        c = alert_findings.c
        elsewhere = {u: a for u, a in self.moved.items() if u not in self.changed}
        for uid, alert in elsewhere.items():
            self.connection.execute(sa.update(alert_findings).where(c.uid == uid).values(alert=alert))
        rows = []
        for uid, placed in self.changed.items():
            if uid not in self.moved and uid in self.before:
                home: int = self.before[uid].alert
                self.moved[uid] = self.places.merged.get(home, home)
            # Without an alert it was withdrawn before it was ever raised.
            if uid in self.moved:
                rows.append(_row(placed, self.moved[uid]))
        for part in sliced(self.changed):
            self.connection.execute(sa.delete(alert_findings).where(c.uid.in_(part)))
        if rows:
            self.connection.execute(sa.insert(alert_findings), rows)


_DESCRIBED = (
    "rule",
    "title",
    "title_ja",
    "kind",
    "account",
    "region",
    "principal",
    "group_json",
    "actor",
    "tags",
)


def described(finding: Finding) -> dict[str, Any]:
    """What an alert says of itself, by one of its findings."""
    japanese = finding.explanation.get("title_ja")
    return {
        "rule": finding.rule,
        "title": printable(finding.title, 4000),
        "title_ja": printable(japanese, 4000) if isinstance(japanese, str) else None,
        "kind": finding.kind,
        "account": None if finding.account is None else printable(finding.account, 20),
        "region": None if finding.region is None else printable(finding.region, 40),
        "principal": None if finding.principal is None else printable(finding.principal, 4000),
        "group_json": json.dumps(dict(finding.group)),
        "actor": finding.actor,
        "tags": json.dumps(list(finding.tags)),
    }


def _row(placed: Placed, alert: int) -> dict[str, Any]:
    finding, held = placed.finding, placed.held
    return {
        "uid": finding.uid,
        "alert": alert,
        "first": begin_of(finding),
        "last": finding.last,
        "hits": finding.hits,
        "level": LEVELS.index(finding.level),
        "live": int(placed.live),
        "standing": int(finding.standing),
        "actor": ACTORS.index(finding.actor),
        "rarity": finding.rarity,
        "held_as": held.held_as if held else None,
        "held_by": held.ref if held else None,
    }
