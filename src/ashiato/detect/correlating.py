"""Correlations over the hits of the rules that they count: from records to counted hits, to windows, to findings.

Everything here is a function of hits in a span of event time; where they come from (what has just arrived, or the
lake) is the caller's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from ashiato.detect.conditions import Scalar, text_of
from ashiato.detect.facts import Facts, event_id, example, facts
from ashiato.detect.gathering import HOUR, MOST_LOOKED_AT, Draft, actors_of, group_rows
from ashiato.detect.record_view import RecordView, Rows
from ashiato.detect.rule import Correlation, Rule
from ashiato.detect.windows import CountedHit, Window, matched_windows
from ashiato.ledger.findings import MOST_EXAMPLES, Actor

#: A group's values, lower case: Sigma compares text without regard to case.
Key = tuple[str, ...]
_NUMERIC = frozenset({"value_sum", "value_avg", "value_percentile", "value_median"})


#: Records of a group of which it is remembered what they say: those that came last.
MOST_REMEMBERED = 300


@dataclass(frozen=True)
class LookedAt:
    """What one record says, and the record where it is to be shown."""

    time: int
    facts: Facts
    example: Mapping[str, object] | None


@dataclass
class GroupHits:
    """Counted hits of one group: `spelt` are its values as written, `looked_at` what some of its records say."""

    spelt: tuple[str, ...]
    hits: set[CountedHit] = field(default_factory=set)
    looked_at: dict[str, LookedAt] = field(default_factory=dict)
    _sorted: list[CountedHit] | None = None

    def take(self, other: GroupHits) -> None:
        """Take over what another has of the same group."""
        self.add(other.hits)
        self.spelt = min(self.spelt, other.spelt)
        self.look(other.looked_at)

    def look(self, found: Mapping[str, LookedAt]) -> None:
        """Remember what records say."""
        self.looked_at.update(found)
        for event in list(self.looked_at)[: max(len(self.looked_at) - MOST_REMEMBERED, 0)]:
            del self.looked_at[event]

    def add(self, hits: Iterable[CountedHit]) -> bool:
        """Add hits; whether there was a new one."""
        before = len(self.hits)
        self.hits.update(hits)
        if len(self.hits) != before:
            self._sorted = None
            return True
        return False

    def sorted(self) -> list[CountedHit]:
        """The hits by time, then id."""
        if self._sorted is None:
            self._sorted = sorted(self.hits, key=lambda h: (h.time, h.event, h.slot))
        return self._sorted

    def remove(self, gone: AbstractSet[CountedHit]) -> None:
        """Take hits out."""
        if self.hits & gone:
            self.hits = self.hits - gone
            self._sorted = None

    def forget_before(self, time: int) -> None:
        """Let go of what is older."""
        kept = {h for h in self.hits if h.time >= time}
        if len(kept) != len(self.hits):
            self.hits = kept
            self._sorted = None


#: Correlation → group → hits.
Counted = dict[str, dict[Key, GroupHits]]


class Correlations:
    """The correlations of a rule set in the order in which they build on one another."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules = rules
        self.ordered = [r for r in rules.values() if r.correlation is not None]
        heights: dict[str, int] = {}
        self.ordered.sort(key=lambda r: self._height(r.id, heights))
        #: Plain rule → correlations that count it, with their slots.
        self.counting: dict[str, list[tuple[Rule, int]]] = {}
        for rule in self.ordered:
            assert rule.correlation is not None
            for slot, reference in enumerate(rule.correlation.references):
                self.counting.setdefault(reference, []).append((rule, slot))

    def _height(self, id_: str, known: dict[str, int]) -> int:
        if id_ not in known:
            correlation = self.rules[id_].correlation
            inner = () if correlation is None else correlation.references
            known[id_] = max((1 + self._height(r, known) for r in inner), default=0)
        return known[id_]

    def depth(self, rule: Rule) -> int:
        """Microseconds before a window's anchor in which hits bear on it, through correlations that it counts."""
        assert rule.correlation is not None
        inner = [self.rules[r] for r in rule.correlation.references]
        return rule.correlation.span + max(
            (self.depth(r) for r in inner if r.correlation is not None), default=0
        )

    def waits(self, rule: Rule) -> bool:
        """Whether a correlation, or one that it counts, holds by what did not come."""
        assert rule.correlation is not None
        inner = [self.rules[r] for r in rule.correlation.references]
        return rule.correlation.waits or any(self.waits(r) for r in inner if r.correlation is not None)

    def plain(self, rule: Rule) -> set[str]:
        """Ids of the plain rules that a correlation rests on."""
        assert rule.correlation is not None
        found: set[str] = set()
        for reference in rule.correlation.references:
            inner = self.rules[reference]
            found |= self.plain(inner) if inner.correlation is not None else {reference}
        return found

    def needing(self, rule: Rule) -> list[Rule]:
        """A correlation and those that it counts, the innermost first."""
        wanted = {rule.id}
        for other in reversed(self.ordered):
            if other.id in wanted and other.correlation is not None:
                wanted.update(
                    r for r in other.correlation.references if self.rules[r].correlation is not None
                )
        return [r for r in self.ordered if r.id in wanted]


def carried_fields(correlations: Correlations, rule: Rule) -> tuple[str, ...]:
    """Fields of a correlation's records that correlations above it group or count by, and that it does not group by."""
    assert rule.correlation is not None
    wanted: set[str] = set()
    for outer, _ in correlations.counting.get(rule.id, ()):
        assert outer.correlation is not None
        told = {*outer.correlation.group_by, *outer.correlation.fields, *carried_fields(correlations, outer)}
        wanted |= {outer.correlation.field_in(f, rule.id) for f in told}
    return tuple(sorted(wanted - set(rule.correlation.group_by) - _METRICS))


_METRICS = frozenset(
    {"sigma_metric", "event_count", "value_count", "temporal", "temporal_ordered", *_NUMERIC}
)


def count_rows(
    correlations: Correlations, rule: Rule, slot: int, reference: str, view: RecordView, rows: Rows
) -> dict[Key, GroupHits]:
    """Hits of a plain rule as a correlation counts them, by group. Records without a group field do not count."""
    correlation = rule.correlation
    assert correlation is not None
    fields = [correlation.field_in(f, reference) for f in correlation.group_by]
    values = [correlation.field_in(f, reference) for f in correlation.fields]
    carried = [correlation.field_in(f, reference) for f in carried_fields(correlations, rule)]
    found: dict[Key, GroupHits] = {}
    looked_at: list[tuple[GroupHits, list[int]]] = []
    for spelt, group in group_rows(view, fields, rows).items():
        if any(v is None for v in spelt):
            continue
        known = tuple(str(v) for v in spelt)
        key = tuple(v.lower() for v in known)
        into = found.setdefault(key, GroupHits(known))
        into.spelt = min(into.spelt, known)
        times = view.times[group]
        acting = actors_of(view, group)
        into.add(
            CountedHit(
                int(time),
                event_id(view, row),
                slot,
                _value(correlation, view, values, row),
                carried=_carried(view, carried, row),
                spelt=known,
                actors=acted,
            )
            for time, row, acted in zip(times.tolist(), group.tolist(), acting, strict=True)
        )
        order = np.argsort(times, kind="stable")[:MOST_LOOKED_AT]
        looked_at.append((into, group[order].tolist()))
    view.prepare_records(row for _, some in looked_at for row in some[:MOST_EXAMPLES])
    for into, some in looked_at:
        for place, row in enumerate(some):
            closely = place < MOST_EXAMPLES
            said = facts(view, row, closely=closely)
            shown = example(view, row) if closely else None
            into.looked_at[event_id(view, row)] = LookedAt(int(view.times[row]), said, shown)
    return found


def _value(
    correlation: Correlation, view: RecordView, fields: Sequence[str], row: int
) -> str | float | tuple[str, ...] | None:
    if not fields:
        return None
    found = [view.values_of(f, row) for f in fields]
    if any(not f for f in found):
        return None
    firsts = [f[0] for f in found]
    if correlation.type in _NUMERIC:
        return _number(firsts[0])
    texts = tuple(text_of(v).lower() for v in firsts)
    return texts[0] if len(texts) == 1 else texts


def _number(value: Scalar) -> float | None:
    from ashiato.detect.conditions import number_of

    number = number_of(value)
    return None if number is None else float(number)


def _carried(view: RecordView, fields: Sequence[str], row: int) -> tuple[str | None, ...]:
    return tuple(text_of(v[0]) if (v := view.values_of(f, row)) else None for f in fields)


def count_windows(
    correlations: Correlations, outer: Rule, slot: int, inner: Rule, key: GroupHits, windows: Iterable[Window]
) -> dict[Key, GroupHits]:
    """Matched windows of a correlation as another counts them: a window is a hit at its end."""
    assert outer.correlation is not None
    assert inner.correlation is not None
    told, source = outer.correlation, inner.correlation
    carried = carried_fields(correlations, inner)
    above = carried_fields(correlations, outer)
    found: dict[Key, GroupHits] = {}
    for window in windows:
        hits = key.sorted()
        inside = window.chosen if window.chosen is not None else hits[window.low : window.high]
        evidence = tuple(sorted({e for h in inside for e in h.events}))
        actors = tuple(sorted({a for h in inside for a in h.actors}))
        group = min((h.spelt for h in inside), default=key.spelt)
        ids = {e for _, e in evidence}
        looked_at = {e: said for e, said in key.looked_at.items() if e in ids}
        for combination in {h.carried for h in inside} or {()}:
            known = dict(zip(source.group_by, group, strict=True))
            known.update({f: v for f, v in zip(carried, combination, strict=False) if v is not None})
            known.update({source.type: f"{window.metric:g}", "sigma_metric": f"{window.metric:g}"})
            spelt = [known.get(told.field_in(f, inner.id)) for f in told.group_by]
            if any(v is None for v in spelt):
                continue
            whole = tuple(str(v) for v in spelt)
            into = found.setdefault(tuple(v.lower() for v in whole), GroupHits(whole))
            values = [known.get(told.field_in(f, inner.id)) for f in told.fields]
            value: str | float | tuple[str, ...] | None = None
            if values and all(v is not None for v in values):
                texts = tuple(str(v).lower() for v in values)
                value = _number(texts[0]) if told.type in _NUMERIC else texts[0] if len(texts) == 1 else texts
            event = f"{window_prefix(inner, key)}{window.start}:{window.end}"
            into.add(
                [
                    CountedHit(
                        window.end, event, slot, value, evidence,
                        tuple(known.get(told.field_in(f, inner.id)) for f in above), whole, actors,
                    )
                ]
            )  # fmt: skip
            into.look(looked_at)
    return found


def window_prefix(rule: Rule, group: GroupHits) -> str:
    """What the ids of a group's windows begin with, as those hits that other correlations count."""
    return f"{rule.id}:{json.dumps([v.lower() for v in group.spelt])}:"


def drafts_of_windows(
    rule: Rule, group: GroupHits, hours: Iterable[int] | None, *, first: int, last: int, now: int
) -> dict[int, Draft]:
    """Findings of one group of a correlation: its matched windows that end at first … last, by the hour of their end.
    `hours`: only these."""
    assert rule.correlation is not None
    wanted = None if hours is None else set(hours)
    hits = group.sorted()
    made: dict[int, Draft] = {}
    spans: dict[int, list[tuple[int, int]]] = {}
    chosen: dict[int, set[CountedHit]] = {}
    for window in matched_windows(rule.correlation, hits, first=first, last=last, now=now):
        hour = window.end // HOUR
        if wanted is not None and hour not in wanted:
            continue
        draft = made.setdefault(hour, Draft(rule, {}, hour))
        draft.count(window.end, window.start)
        most = draft.explanation.get("count")
        draft.explanation["count"] = window.metric if most is None else max(most, window.metric)
        if window.chosen is not None:
            chosen.setdefault(hour, set()).update(window.chosen)
        else:
            ranges = spans.setdefault(hour, [])
            if ranges and window.low <= ranges[-1][1]:
                ranges[-1] = (ranges[-1][0], max(ranges[-1][1], window.high))
            else:
                ranges.append((window.low, window.high))
    for hour, draft in made.items():
        evidence = [h for low, high in spans.get(hour, ()) for h in hits[low:high]]
        _explain(draft, rule.correlation, group, [*evidence, *chosen.get(hour, ())])
    return made


def _explain(draft: Draft, told: Correlation, group: GroupHits, evidence: Sequence[CountedHit]) -> None:
    """What a finding says of the hits in its windows, and of nothing else."""
    spelt = min((h.spelt for h in evidence), default=group.spelt)
    draft.group = dict(zip(told.group_by, spelt, strict=True))
    events = {e for h in evidence for e in h.events}
    draft.add_events(events)
    ids = {e for _, e in events}
    said = sorted((s for e, s in group.looked_at.items() if e in ids), key=lambda s: s.time)
    for one in (said or list(group.looked_at.values()))[:MOST_LOOKED_AT]:
        draft.take(one.facts)
    draft.examples = [s.example for s in said if s.example is not None][:MOST_EXAMPLES]
    draft.actors = {cast("Actor", a) for h in evidence for a in h.actors}
    draft.explanation.update(
        {
            "threshold": None if told.expression is not None else f"{told.operator} {told.count:g}",
            "within_seconds": told.span // 1_000_000,
            "type": told.type,
        }
    )
