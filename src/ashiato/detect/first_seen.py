"""First seen: what a principal (or whatever a rule names) does for the first time.

A *term* is the tuple of values of a rule's fields. It is a hit on a day when no record of the rule's `history` days
before had it; the hit is the term's first record of that day, by time, then id. That is a function of the records
alone: sightings of a term form *runs* of days that are no further apart than the history, and the hit is the first
record of a run. A late record may begin a run earlier, join two, or begin one; the findings follow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from ashiato.detect.conditions import text_of
from ashiato.detect.facts import Facts, event_id, example, facts
from ashiato.detect.gathering import HOUR, Draft, Group, group_rows, newest_of
from ashiato.detect.history import at
from ashiato.detect.record_view import RecordView, Rows
from ashiato.detect.rule import FirstSeen, Rule

DAY = 24 * HOUR
#: Days without any record after which a scope is learnt anew.
GAP = 180


@dataclass(frozen=True, slots=True)
class Run:
    """A run of sightings: time (microseconds) and id of its first record, the last day it was seen (since 1970).

    `scope`: of the cold start; `detail`: what a finding says of it, empty while the rule only learns.
    """

    first: int
    first_event: str
    last_day: int
    scope: bytes = b""
    detail: str = ""

    @property
    def first_day(self) -> int:
        return self.first // DAY


class Runs(Protocol):
    """Where runs are kept, by rule and term."""

    def read(self, rule: str, terms: Iterable[bytes]) -> dict[bytes, tuple[Run, ...]]:
        """Runs of these terms, by first; terms without any are left out."""
        ...

    def write(self, rule: str, changed: Mapping[bytes, tuple[Run, ...]]) -> None:
        """Replace the runs of these terms."""
        ...

    def between(self, rule: str, first: int, last: int) -> list[tuple[bytes, Run]]:
        """Runs that begin at `first` <= time < `last`."""
        ...


@dataclass
class Shift:
    """What a batch changed: hours whose findings have to be made anew."""

    hours: set[int]


@dataclass(frozen=True, slots=True)
class _Sighting:
    time: int
    event: str
    row: int
    scope: bytes

    @property
    def day(self) -> int:
        return self.time // DAY


@lru_cache(200_000)
def digest(values: tuple[str | None, ...]) -> bytes:
    """Sixteen bytes that stand for a tuple of values."""
    text = json.dumps(values, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def scope_key(rule: Rule) -> str:
    """Under which the days of a rule's scopes are kept: the same for all rules of a table that learn by the same."""
    assert rule.first_seen is not None
    return f"#scope {rule.table} {' '.join(rule.first_seen.learning_by)}"


def peers_key(rule: Rule) -> str:
    """Under which the terms of a rule's peers are kept."""
    return f"{rule.id}#peers"


def take_sightings(rule: Rule, view: RecordView, rows: Rows, runs: Runs) -> Shift:
    """Put the sightings of a batch (records that meet the rule's condition) into the runs."""
    told = rule.first_seen
    assert told is not None
    shift = Shift(set())
    if told.peers:
        _put(peers_key(rule), told, _by_term(view, told.peers, rows, None), runs, shift, None)

    def detail(sighting: _Sighting) -> str:
        if is_learning(
            told, sighting.day, runs.read(scope_key(rule), [sighting.scope]).get(sighting.scope, ())
        ):
            return ""
        return _detail(rule, told, view, sighting)

    _put(rule.id, told, _by_term(view, told.fields, rows, told.learning_by), runs, shift, detail)
    return shift


def _scope_of(view: RecordView, fields: Sequence[str], row: int) -> bytes:
    return digest(tuple(text_of(v[0]) if (v := view.values_of(f, row)) else None for f in fields))


def take_scopes(rules: Iterable[Rule], view: RecordView, runs: Runs) -> dict[str, list[tuple[int, int]]]:
    """Note the days on which scopes had records of any kind. Gives, by rule, spans of time that are learnt no longer.

    A scope's days form runs as sightings do; learning begins with each, for after a gap nothing is known again.
    """
    opened: dict[str, list[tuple[int, int]]] = {}
    by_key: dict[str, list[Rule]] = {}
    for rule in rules:
        by_key.setdefault(scope_key(rule), []).append(rule)
    everything = np.arange(len(view), dtype=np.int64)
    for key, several in by_key.items():
        assert several[0].first_seen is not None
        days: dict[bytes, list[int]] = {}
        for values, group in group_rows(view, several[0].first_seen.learning_by, everything).items():
            days.setdefault(digest(values), []).extend(np.unique(view.times[group] // DAY).tolist())
        known = runs.read(key, days)
        changed: dict[bytes, tuple[Run, ...]] = {}
        for scope, seen in days.items():
            before = known.get(scope, ())
            after = before
            for day in seen:
                after = with_sighting(after, day * DAY, "", GAP)
            if after == before:
                continue
            changed[scope] = after
            for run in before:
                if run.first not in {r.first for r in after}:
                    # It began earlier than was known: what was silent in its first days may be a hit.
                    for rule in several:
                        assert rule.first_seen is not None
                        end = run.first + rule.first_seen.learning * DAY
                        opened.setdefault(rule.id, []).append((run.first, end))
        runs.write(key, changed)
    return opened


def is_learning(told: FirstSeen, day: int, scope: Sequence[Run]) -> bool:
    """Whether the scope was known for too short a time on this day."""
    begun = next((r.first_day for r in scope if r.first_day <= day <= r.last_day), day)
    return day < begun + told.learning


def _by_term(
    view: RecordView, fields: Sequence[str], rows: Rows, scope_by: Sequence[str] | None
) -> dict[bytes, list[_Sighting]]:
    """For each term, the first record of each day that it was seen on."""
    found: dict[bytes, list[_Sighting]] = {}
    for key, group in group_rows(view, fields, rows).items():
        if any(v is None or v == "" for v in key):
            # What a record does not say is not seen for the first time.
            continue
        times = view.times[group]
        days = times // DAY
        for day in np.unique(days).tolist():
            there = group[days == day]
            earliest = int(view.times[there].min())
            tied = [int(r) for r in there[view.times[there] == earliest].tolist()]
            event, row = min((event_id(view, r), r) for r in tied)
            scope = b"" if scope_by is None else _scope_of(view, scope_by, row)
            found.setdefault(digest(key), []).append(_Sighting(earliest, event, row, scope))
    return found


def _put(
    key: str,
    told: FirstSeen,
    sightings: Mapping[bytes, Sequence[_Sighting]],
    runs: Runs,
    shift: Shift,
    detail: Any,
) -> None:
    known = runs.read(key, sightings)
    changed: dict[bytes, tuple[Run, ...]] = {}
    for term, seen in sightings.items():
        before = known.get(term, ())
        after = before
        for sighting in seen:
            after = with_sighting(after, sighting.time, sighting.event, told.history, sighting.scope)
        if after == before:
            continue
        rows = {(s.time, s.event): s for s in seen}
        if detail is not None:
            after = tuple(
                replace(run, detail=detail(rows[run.first, run.first_event]))
                if (run.first, run.first_event) in rows and not run.detail
                else run
                for run in after
            )
        changed[term] = after
        firsts = {(r.first, r.first_event) for r in before} ^ {(r.first, r.first_event) for r in after}
        shift.hours.update(time // HOUR for time, _ in firsts)
    runs.write(key, changed)


def with_sighting(
    runs: tuple[Run, ...], time: int, event: str, history: int, scope: bytes = b""
) -> tuple[Run, ...]:
    """The runs of a term with one more sighting; a function of all sightings, whatever their order."""
    day = time // DAY
    touching = [r for r in runs if r.first_day - history <= day <= r.last_day + history]
    if not touching:
        return tuple(sorted((*runs, Run(time, event, day, scope)), key=lambda r: r.first))
    earliest = min(touching, key=lambda r: (r.first, r.first_event))
    last = max(day, *(r.last_day for r in touching))
    if (time, event) < (earliest.first, earliest.first_event):
        joined = Run(time, event, last, scope)
    else:
        joined = replace(earliest, last_day=last)
    if len(touching) == 1 and joined == earliest:
        return runs
    return tuple(sorted((*(r for r in runs if r not in touching), joined), key=lambda r: r.first))


# -- findings -----------------------------------------------------------------------------------------------


def _detail(rule: Rule, told: FirstSeen, view: RecordView, sighting: _Sighting) -> str:
    """What a finding says of a hit, as JSON."""
    row = sighting.row
    found = facts(view, row)
    fields = rule.grouping
    group = {f: str(v[0]) for f in fields if (v := view.values_of(f, row))}
    delivered = newest_of(view, "delivered_at", np.array([row], np.int64))
    peers: Group = tuple(str(v[0]) if (v := view.values_of(f, row)) else None for f in told.peers)
    return json.dumps(
        {
            "group": group,
            "terms": {f: str(v[0])[:500] for f in told.fields if (v := view.values_of(f, row))},
            "peers": digest(peers).hex() if told.peers else None,
            "facts": [
                found.account, found.region, found.principal, found.actor,
                found.addresses, found.access_key, found.resources,
            ],
            "example": example(view, row),
            "delivered": None if delivered is None else delivered.isoformat(),
        },
        default=str,
    )  # fmt: skip


def drafts_of_hours(rule: Rule, hours: Iterable[int], runs: Runs) -> dict[int, list[Draft]]:
    """Findings of a first-seen rule in these hours, made of the runs; an hour without any has an empty list."""
    told = rule.first_seen
    assert told is not None
    made: dict[int, list[Draft]] = {}
    for hour in hours:
        by_group: dict[str, Draft] = {}
        hits = [
            (r, json.loads(r.detail))
            for _, r in runs.between(rule.id, hour * HOUR, (hour + 1) * HOUR)
            if r.detail
        ]
        known = _peers(rule, [d["peers"] for _, d in hits if d["peers"]], runs)
        for run, detail in sorted(hits, key=lambda h: (h[0].first, h[0].first_event)):
            key = json.dumps({k: v.lower() for k, v in detail["group"].items()}, sort_keys=True)
            draft = by_group.setdefault(key, Draft(rule, detail["group"], hour))
            _add(draft, run, detail, told, known)
        made[hour] = list(by_group.values())
    return made


def _peers(rule: Rule, terms: Sequence[str], runs: Runs) -> dict[str, tuple[Run, ...]]:
    read = runs.read(peers_key(rule), {bytes.fromhex(t) for t in terms}) if terms else {}
    return {term.hex(): found for term, found in read.items()}


def _add(
    draft: Draft, run: Run, detail: Mapping[str, Any], told: FirstSeen, known: Mapping[str, tuple[Run, ...]]
) -> None:
    draft.count(run.first)
    draft.add_events([(run.first, run.first_event)])
    account, region, principal, actor, addresses, access_key, resources = detail["facts"]
    draft.actors.add(actor)
    draft.take(Facts(account, region, principal, actor, tuple(addresses), access_key, tuple(resources)))
    if len(draft.examples) < 3:
        draft.examples = [*draft.examples, detail["example"]]
    rarity = 1.0
    if detail["peers"]:
        firsts = {(r.first, r.first_event) for r in known.get(detail["peers"], ())}
        rarity = 1.0 if (run.first, run.first_event) in firsts else 0.5
    draft.rarity = max(rarity, draft.rarity or 0.0)
    terms = draft.explanation.setdefault("terms", [])
    if len(terms) < 20:
        terms.append(detail["terms"])
    draft.explanation["history_days"] = told.history
    if detail["delivered"]:
        from datetime import datetime

        delivered = datetime.fromisoformat(detail["delivered"])
        if draft.delivered_at is None or delivered > draft.delivered_at:
            draft.delivered_at = delivered


def details_missing(rule: Rule, first: int, last: int, runs: Runs) -> list[tuple[bytes, Run]]:
    """Runs of a span that begin after what is now known as the learning, and that were silent until now."""
    told = rule.first_seen
    assert told is not None
    found = [(t, r) for t, r in runs.between(rule.id, first, last) if not r.detail]
    scopes = runs.read(scope_key(rule), {r.scope for _, r in found})
    return [(t, r) for t, r in found if not is_learning(told, r.first_day, scopes.get(r.scope, ()))]


def fill_details(
    rule: Rule, missing: Sequence[tuple[bytes, Run]], view: RecordView, rows: Rows, runs: Runs
) -> set[int]:
    """Write the details of silent runs whose first records are among these; hours whose findings change."""
    told = rule.first_seen
    assert told is not None
    wanted: dict[tuple[int, str], list[tuple[bytes, Run]]] = {}
    for term, run in missing:
        wanted.setdefault((run.first, run.first_event), []).append((term, run))
    hours: set[int] = set()
    times = {t for t, _ in wanted}
    for row in rows.tolist():
        time = int(view.times[row])
        if time not in times:
            continue
        event = event_id(view, row)
        for term, run in wanted.get((time, event), ()):
            detail = _detail(rule, told, view, _Sighting(time, event, row, run.scope))
            kept = runs.read(rule.id, [term]).get(term, ())
            runs.write(
                rule.id,
                {
                    term: tuple(
                        replace(r, detail=detail) if r.first == time and r.first_event == event else r
                        for r in kept
                    )
                },
            )
            hours.add(time // HOUR)
    return hours


class MemoryRuns:
    """Runs in memory: for history that is looked at once."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[bytes, tuple[Run, ...]]] = {}

    def read(self, rule: str, terms: Iterable[bytes]) -> dict[bytes, tuple[Run, ...]]:
        known = self._runs.get(rule, {})
        return {t: known[t] for t in terms if t in known}

    def write(self, rule: str, changed: Mapping[bytes, tuple[Run, ...]]) -> None:
        self._runs.setdefault(rule, {}).update(changed)

    def between(self, rule: str, first: int, last: int) -> list[tuple[bytes, Run]]:
        return [
            (term, run)
            for term, runs in self._runs.get(rule, {}).items()
            for run in runs
            if first <= run.first < last
        ]

    def all(self, rule: str) -> list[tuple[bytes, Run]]:
        """Every run of a rule."""
        return [(term, run) for term, runs in self._runs.get(rule, {}).items() for run in runs]


def hour_of(time: int) -> int:
    """Hours since 1970 of a time."""
    return time // HOUR


__all__ = ["DAY", "MemoryRuns", "Run", "Runs", "Shift", "at", "take_sightings"]
