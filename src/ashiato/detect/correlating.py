"""Correlations over the hits of the rules that they count: from records to counted hits, to windows, to findings.

Everything here is a function of hits in a span of event time; where they come from (what has just arrived, or the
lake) is the caller's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np

from ashiato.detect.conditions import Scalar, text_of
from ashiato.detect.facts import Facts, actor_of, event_id, example, facts
from ashiato.detect.gathering import HOUR, MOST_LOOKED_AT, Draft, group_rows, telling_actor
from ashiato.detect.record_view import RecordView, Rows
from ashiato.detect.rule import Correlation, Rule
from ashiato.detect.windows import CountedHit, Window, matched_windows
from ashiato.ledger.findings import MOST_EXAMPLES

#: A group's values, lower case: Sigma compares text without regard to case.
Key = tuple[str, ...]
_NUMERIC = frozenset({"value_sum", "value_avg", "value_percentile", "value_median"})


@dataclass
class GroupHits:
    """Counted hits of one group: `spelt` are its values as written (the spelling that sorts first), `looked_at` what
    some of its records say."""

    spelt: tuple[str, ...]
    hits: set[CountedHit] = field(default_factory=set)
    facts: list[Facts] = field(default_factory=list)
    examples: list[Mapping[str, object]] = field(default_factory=list)
    _sorted: list[CountedHit] | None = None

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
        self.ordered.sort(key=lambda r: self._height(r.id))
        #: Plain rule → correlations that count it, with their slots.
        self.counting: dict[str, list[tuple[Rule, int]]] = {}
        for rule in self.ordered:
            assert rule.correlation is not None
            for slot, reference in enumerate(rule.correlation.references):
                self.counting.setdefault(reference, []).append((rule, slot))

    def _height(self, id_: str) -> int:
        correlation = self.rules[id_].correlation
        return 0 if correlation is None else 1 + max(map(self._height, correlation.references))

    def depth(self, rule: Rule) -> int:
        """Microseconds before a window's anchor in which hits bear on it, through correlations that it counts."""
        assert rule.correlation is not None
        inner = [self.rules[r] for r in rule.correlation.references]
        return rule.correlation.span + max(
            (self.depth(r) for r in inner if r.correlation is not None), default=0
        )

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
        into.add(
            CountedHit(
                int(time),
                event_id(view, row),
                slot,
                _value(correlation, view, values, row),
                carried=_carried(view, carried, row),
                actor=actor_of(view, row),
            )
            for time, row in zip(times.tolist(), group.tolist(), strict=True)
        )
        order = np.argsort(times, kind="stable")[:MOST_LOOKED_AT]
        looked_at.append((into, group[order].tolist()))
    view.prepare_records(row for _, some in looked_at for row in some[:MOST_EXAMPLES])
    for into, some in looked_at:
        into.facts += [facts(view, row, closely=place < MOST_EXAMPLES) for place, row in enumerate(some)]
        into.examples += [example(view, row) for row in some[:MOST_EXAMPLES]]
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
        evidence = tuple(sorted({e for h in inside for e in (h.evidence or (h.event,))}))
        for combination in {h.carried for h in inside} or {()}:
            known = dict(zip(source.group_by, key.spelt, strict=True))
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
            event = f"{inner.id}:{'|'.join(key.spelt).lower()}:{window.start}:{window.end}"
            into.add(
                [
                    CountedHit(
                        window.end, event, slot, value, evidence,
                        tuple(known.get(told.field_in(f, inner.id)) for f in above),
                        telling_actor({h.actor for h in inside}),
                    )
                ]
            )  # fmt: skip
            into.facts = key.facts[:MOST_LOOKED_AT]
            into.examples = list(key.examples[:3])
    return found


def drafts_of_windows(
    rule: Rule, group: GroupHits, hours: Iterable[int] | None, *, first: int, last: int, now: int
) -> dict[int, Draft]:
    """Findings of one group of a correlation: its matched windows anchored in first … last, by the hour of their end.
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
        draft = made.get(hour)
        if draft is None:
            names = rule.correlation.group_by
            draft = made[hour] = Draft(rule, dict(zip(names, group.spelt, strict=True)), hour)
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
        evidence = [h for low, high in spans.get(hour, ()) for h in hits[low:high]] + list(
            chosen.get(hour, ())
        )
        draft.add_events({(h.time, e) for h in evidence for e in (h.evidence or (h.event,))})
        for found in group.facts[:MOST_LOOKED_AT]:
            draft.take(found)
        # The level rests on the actors of all that was counted, not of those looked at.
        draft.actors = {h.actor for h in evidence}
        draft.examples = list(group.examples[:3])
        draft.explanation.update(
            {
                "threshold": f"{rule.correlation.operator} {rule.correlation.count:g}",
                "within_seconds": rule.correlation.span // 1_000_000,
                "type": rule.correlation.type,
            }
        )
    return made
