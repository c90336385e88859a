"""Hits become findings: by rule, group and hour. The same hits give the same finding in whatever order they come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from heapq import merge
from typing import Any

import numpy as np

from ashiato.detect.facts import Facts, event_id, example, facts, order_of
from ashiato.detect.history import at
from ashiato.detect.record_view import NO_TIME, RecordView, Rows
from ashiato.detect.rule import DEFAULT_ACTORS, Rule
from ashiato.ledger.finding_rows import finding_uid
from ashiato.ledger.findings import LEVELS, MOST_EVENT_IDS, MOST_EXAMPLES, Actor, Finding, Level

HOUR = 3_600_000_000
#: Records of a group that a batch looks at closely; the rest is counted.
MOST_LOOKED_AT = 30
#: Addresses, keys and resources that a finding names.
MOST_NAMED = 20
#: The actor that a finding with several is ascribed to.
_TELLING: tuple[Actor, ...] = ("person", "unknown", "automation", "service_for_user", "service")

Group = tuple[str | None, ...]


@dataclass
class Draft:
    """A finding in the making. `events`: (time, id) of those that come first, as many as a finding names."""

    rule: Rule
    group: Mapping[str, str]
    hour: int
    hits: int = 0
    first: int | None = None
    last: int | None = None
    window_start: int | None = None
    events: list[tuple[int, str]] = field(default_factory=list)
    account: str | None = None
    region: str | None = None
    principal: str | None = None
    actors: set[Actor] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    access_keys: set[str] = field(default_factory=set)
    resources: set[str] = field(default_factory=set)
    examples: list[Mapping[str, Any]] = field(default_factory=list)
    explanation: dict[str, Any] = field(default_factory=dict)
    rarity: float | None = None
    delivered_at: datetime | None = None
    ingested_at: datetime | None = None

    @cached_property
    def uid(self) -> str:
        """The uid of the finding."""
        normal = {k: v.lower() for k, v in self.group.items()}
        return finding_uid(self.rule.id, normal, at(self.hour * HOUR))

    def count(self, time: int, start: int | None = None, hits: int = 1) -> None:
        """Count a hit (or several of one time)."""
        self.hits += hits
        self.first = time if self.first is None else min(self.first, time)
        self.last = time if self.last is None else max(self.last, time)
        begin = time if start is None else start
        self.window_start = begin if self.window_start is None else min(self.window_start, begin)

    def add_events(self, events: Iterable[tuple[int, str]]) -> None:
        """Name events; those that come first by time and id are kept."""
        self.events = _firsts(self.events, sorted(events))

    def look_at(self, view: RecordView, rows: Sequence[int]) -> None:
        """Take what some records say about themselves."""
        view.prepare_records(rows[:MOST_EXAMPLES])
        for place, row in enumerate(rows[:MOST_LOOKED_AT]):
            self.take(facts(view, row, closely=place < MOST_EXAMPLES))
        self.examples = _examples(
            [*self.examples, *(example(view, r) for r in rows[:MOST_EXAMPLES])], self.rule.table
        )

    def take(self, found: Facts) -> None:
        """Take a record's facts."""
        self.account = self.account or found.account
        self.region = self.region or found.region
        self.principal = self.principal or found.principal
        self.addresses.update(found.addresses)
        self.resources.update(found.resources)
        if found.access_key:
            self.access_keys.add(found.access_key)

    def arrived(self, view: RecordView, rows: Rows) -> None:
        """Note when the newest of the records came."""
        for name in ("delivered_at", "ingested_at"):
            newest = newest_of(view, name, rows)
            before = getattr(self, name)
            if newest is not None and (before is None or newest > before):
                setattr(self, name, newest)

    def merge(self, other: Draft) -> None:
        """Take over the hits of another draft of the same finding."""
        self.hits += other.hits
        for name, choose in (("first", min), ("window_start", min), ("last", max)):
            both = [v for v in (getattr(self, name), getattr(other, name)) if v is not None]
            setattr(self, name, choose(both) if both else None)
        self.add_events(other.events)
        self.actors |= other.actors
        self.addresses |= other.addresses
        self.access_keys |= other.access_keys
        self.resources |= other.resources
        self.examples = _examples([*self.examples, *other.examples], self.rule.table)
        self.group = {k: min(v, other.group.get(k, v)) for k, v in self.group.items()}
        for name in ("account", "region", "principal"):
            setattr(self, name, getattr(self, name) or getattr(other, name))
        for name in ("delivered_at", "ingested_at"):
            setattr(self, name, _newest(getattr(self, name), getattr(other, name)))

    def finding(self) -> Finding:
        """The finding as it is now."""
        assert self.first is not None
        assert self.last is not None
        assert self.window_start is not None
        actor = telling_actor(self.actors)
        texts = dict(self.rule.texts)
        if self.rule.description:
            texts["description"] = self.rule.description
        return Finding(
            uid=self.uid,
            rule=self.rule.id,
            title=self.rule.title,
            level=level_for(self.rule, actor if self.actors else None, self.rarity),
            kind=self.rule.kind,
            table=self.rule.table,
            group=dict(self.group),
            hour=at(self.hour * HOUR),
            first=at(self.first),
            last=at(self.last),
            window_start=at(self.window_start),
            hits=self.hits,
            event_ids=tuple(e for _, e in self.events),
            event_times=tuple(t for t, _ in self.events),
            account=self.account,
            region=self.region,
            principal=self.principal,
            actor=actor,
            addresses=tuple(sorted(self.addresses)[:MOST_NAMED]),
            access_keys=tuple(sorted(self.access_keys)[:MOST_NAMED]),
            resources=tuple(sorted(self.resources)[:MOST_NAMED]),
            examples=tuple(self.examples),
            explanation={**texts, **self.explanation, "actors": sorted(self.actors)},
            rarity=self.rarity,
            tags=self.rule.tags,
            delivered_at=self.delivered_at,
            ingested_at=self.ingested_at,
        )


def telling_actor(actors: AbstractSet[Actor]) -> Actor:
    """The one of several actors that a finding is ascribed to."""
    return next((a for a in _TELLING if a in actors), "unknown")


def level_for(rule: Rule, actor: Actor | None, rarity: float | None) -> Level:
    """The level of a finding: the rule's, unless it was an actor whom the rule does not mean, or what others in the
    account do all the time."""
    place = LEVELS.index(rule.level)
    if actor is not None:
        if actor not in rule.actors:
            return "informational"
        if rule.actors == DEFAULT_ACTORS and actor in ("automation", "service_for_user"):
            place -= 1
    if rarity is not None and rarity < 1:
        place -= 1
    return LEVELS[max(place, 0)]


def joined(before: Finding, more: Draft) -> Finding:
    """A finding and further hits of the same rule, group and hour."""
    draft = replace(more)
    draft.actors = {*more.actors, *before.explanation.get("actors", ())}
    draft.hits = before.hits + more.hits
    draft.events = _firsts(list(zip(before.event_times, before.event_ids, strict=True)), more.events)
    draft.addresses = {*before.addresses, *more.addresses}
    draft.access_keys = {*before.access_keys, *more.access_keys}
    draft.resources = {*before.resources, *more.resources}
    draft.examples = _examples([*before.examples, *more.examples], more.rule.table)
    draft.account = before.account or more.account
    draft.region = before.region or more.region
    draft.principal = before.principal or more.principal
    # The spelling that sorts first: group values that differ in case are one group.
    draft.group = {k: min(v, before.group.get(k, v)) for k, v in more.group.items()}
    made = draft.finding()
    return replace(
        made,
        first=min(before.first, made.first),
        last=max(before.last, made.last),
        window_start=min(before.window_start, made.window_start),
        delivered_at=_newest(before.delivered_at, made.delivered_at),
        ingested_at=_newest(before.ingested_at, made.ingested_at),
    )


def _newest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one is not None and other is not None else one or other


def _firsts(one: Sequence[tuple[int, str]], other: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    kept: list[tuple[int, str]] = []
    for event in merge(one, other):
        if not kept or kept[-1] != event:
            kept.append(event)
            if len(kept) == MOST_EVENT_IDS:
                break
    return kept


def _examples(examples: Sequence[Mapping[str, Any]], table: str) -> list[Mapping[str, Any]]:
    distinct = {order_of(e, table): e for e in examples}
    return [distinct[k] for k in sorted(distinct)[:MOST_EXAMPLES]]


def newest_of(view: RecordView, column: str, rows: Rows) -> datetime | None:
    """The latest time of a column among some records."""
    times = view.moments(column)
    if times is None or not len(rows):
        return None
    latest = int(times[rows].max())
    return None if latest == NO_TIME else at(latest)


def group_rows(view: RecordView, fields: Sequence[str], rows: Rows) -> dict[Group, Rows]:
    """Records by the values of some fields (as they are spelt); a field that a record lacks is None, one inside a
    list the first of its values."""
    if not fields or not len(rows):
        return {(): rows} if len(rows) else {}
    codes = np.zeros(len(rows), np.int64)
    for name in fields:
        column = view.coded(name)
        if column is not None:
            own = column.codes[rows]
            many = len(column.distinct)
            if view.any_extra and name not in view.derived and (own < 0).any():
                column = None
        if column is None:
            known: dict[str | None, int] = {}
            own = np.empty(len(rows), np.int64)
            for place, row in enumerate(rows.tolist()):
                found = view.values_of(name, row)
                own[place] = known.setdefault(_text(found[0]) if found else None, len(known))
            many = len(known)
        codes = codes * (many + 1) + np.where(own < 0, many, own)
        codes = (
            np.unique(codes, return_inverse=True)[1].astype(np.int64)
            if codes.max(initial=0) > 1 << 40
            else codes
        )
    # Combined codes are opened again through one record of each.
    _, firsts, places = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(places, kind="stable")
    ends = np.cumsum(np.bincount(places, minlength=len(firsts)))
    grouped: dict[Group, list[Rows]] = {}
    start = 0
    for number, end in enumerate(ends.tolist()):
        row = int(rows[firsts[number]])
        key = tuple(_value(view, name, row) for name in fields)
        grouped.setdefault(key, []).append(rows[order[start:end]])
        start = end
    return {k: v[0] if len(v) == 1 else np.sort(np.concatenate(v)) for k, v in grouped.items()}


def _value(view: RecordView, name: str, row: int) -> str | None:
    found = view.values_of(name, row)
    return _text(found[0]) if found else None


def _text(value: Any) -> str:
    from ashiato.detect.conditions import text_of

    return text_of(value)


def drafts_of_matches(rule: Rule, view: RecordView, rows: Rows, *, closely: int | None = None) -> list[Draft]:
    """Findings of a plain rule in a batch: groups by hour. `closely`: how many of them get examples, addresses and the
    like; default: all."""
    made: list[tuple[Draft, list[int]]] = []
    fields = rule.grouping
    for key, group in group_rows(view, fields, rows).items():
        times = view.times[group]
        hours = times // HOUR
        named = {f: v for f, v in zip(fields, key, strict=True) if v is not None}
        for hour in np.unique(hours).tolist():
            there = group[hours == hour]
            draft = Draft(rule, named, int(hour))
            when = view.times[there]
            draft.count(int(when.min()))
            draft.count(int(when.max()), hits=len(there) - 1)
            draft.add_events(first_events(view, there))
            order = np.argsort(when, kind="stable")[:MOST_LOOKED_AT]
            draft.actors = actors_of(view, there)
            draft.arrived(view, there)
            made.append((draft, there[order].tolist()))
    chosen = made if closely is None else made[:closely]
    view.prepare_records(row for _, looked_at in chosen for row in looked_at[:MOST_EXAMPLES])
    for draft, looked_at in chosen:
        draft.look_at(view, looked_at)
    return [draft for draft, _ in made]


def actors_of(view: RecordView, rows: Rows) -> set[Actor]:
    """Actors of records, all of them: the level of a finding rests on it."""
    column = view.coded("ashiato.actor") if "ashiato.actor" in view.derived else None
    if column is None:
        return set()
    return {column.distinct[c] for c in np.unique(column.codes[rows]).tolist() if c >= 0}


def first_events(view: RecordView, rows: Rows) -> list[tuple[int, str]]:
    """Times and ids of the records that come first; no more than a finding names."""
    times = view.times[rows]
    if len(rows) > MOST_EVENT_IDS:
        # Events of one second are told apart by their ids: all of the last second stay in the choice.
        limit = np.partition(times, MOST_EVENT_IDS)[MOST_EVENT_IDS]
        kept = times <= limit
        rows, times = rows[kept], times[kept]
    found = sorted((int(t), event_id(view, int(r))) for t, r in zip(times, rows, strict=True))
    return found[:MOST_EVENT_IDS]


def hour_span(hour: int) -> tuple[datetime, datetime]:
    """Begin and end of an hour counted from 1970."""
    start = at(hour * HOUR)
    return start, start + timedelta(hours=1)
