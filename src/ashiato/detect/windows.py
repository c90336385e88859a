"""Windows of correlations: a pure function of the hits that are counted, whatever order they came in.

A window ends at a hit and reaches back over the rule's timespan (both ends belong to it); it *matches* when what lies
in it meets the condition. Hits of one time are one step: eventTime has a resolution of a second, so that order within
it means nothing, and `temporal_ordered` accepts equal times. What a condition asks with `not` is judged over the
timespan that *follows* a hit of the rules that it asks without, once it is over; alternatives are judged each for itself.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ashiato.detect.rule import Correlation

#: Choices of rules that are looked at for evidence of an order of some of them.
_MOST_CHOICES = 200


@dataclass(frozen=True, slots=True)
class CountedHit:
    """A hit of a referenced rule. `time` in microseconds; `slot`: place of the rule among the references; `value`: of
    the correlation's field (a tuple where it names several)."""

    time: int
    event: str
    slot: int
    value: str | float | tuple[str, ...] | None = None
    #: Events behind it, with their times: of a hit that is itself a window.
    evidence: tuple[tuple[int, str], ...] = ()
    #: Values that correlations above group by.
    carried: tuple[str | None, ...] = ()
    #: Its group as it is spelt there, and who acted.
    spelt: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()

    @property
    def events(self) -> tuple[tuple[int, str], ...]:
        """Times and ids of the events that it stands for."""
        return self.evidence or ((self.time, self.event),)


@dataclass(frozen=True, slots=True)
class Window:
    """A matched window. Its evidence is `hits[low:high]` of the sequence it was found in, or `chosen` of them."""

    start: int
    end: int
    metric: float
    low: int
    high: int
    chosen: tuple[CountedHit, ...] | None = None


def matched_windows(
    rule: Correlation, hits: Sequence[CountedHit], *, first: int, last: int, now: int
) -> Iterator[Window]:
    """Matched windows of one group that end at first … last, in the order of their ends.

    `hits`: sorted, all of the group's from `first` minus the span to `last`.
    `now`: how far records have come: windows that are not over by then are not judged.
    """
    times = [h.time for h in hits]
    if rule.expression is not None:
        yield from _alternatives(rule, hits, times, first, min(last, now))
        return
    judge = _Judge(rule, hits)
    for end in sorted({t for t in times if first <= t <= last}):
        low, high = bisect_left(times, end - rule.span), bisect_right(times, end)
        found = judge.window(low, high)
        if found is not None:
            metric, chosen = found
            yield Window(end - rule.span, end, metric, low, high, chosen)


def _alternatives(
    rule: Correlation, hits: Sequence[CountedHit], times: Sequence[int], first: int, last: int
) -> Iterator[Window]:
    """Windows of an extended condition: of each of its alternatives, those of one span taken together."""
    found: dict[tuple[int, int], tuple[float, set[CountedHit]]] = {}
    for wanted, unwanted in rule.alternatives:
        after = rule.span if unwanted else 0
        ends = {
            h.time + after
            for h in hits
            if (not unwanted or h.slot in wanted) and first <= h.time + after <= last
        }
        for end in ends:
            start = end - rule.span
            inside = hits[bisect_left(times, start) : bisect_right(times, end)]
            there = {h.slot for h in inside}
            if not wanted <= there or unwanted & there:
                continue
            kept: Sequence[CountedHit] = [h for h in inside if h.slot in wanted]
            if rule.type == "temporal_ordered":
                kept = longest_chain(kept, sorted(wanted))
                if len(kept) < len(wanted):
                    continue
            metric, evidence = found.setdefault((end, start), (float(len(there)), set()))
            evidence.update(kept)
            found[end, start] = max(metric, float(len(there))), evidence
    for (end, start), (metric, evidence) in sorted(found.items(), key=lambda f: f[0]):
        chosen = tuple(sorted(evidence, key=lambda h: (h.time, h.event, h.slot)))
        yield Window(start, end, metric, 0, 0, chosen)


class _Judge:
    """Judges windows of ascending ends: what it counts, it counts as hits come in and go out."""

    def __init__(self, rule: Correlation, hits: Sequence[CountedHit]) -> None:
        self.rule = rule
        self.hits = hits
        self.low = self.high = 0
        self.counts: Counter[object] = Counter()

    def window(self, low: int, high: int) -> tuple[float, tuple[CountedHit, ...] | None] | None:
        """Metric and, where it is not all that lies there, evidence of hits[low:high], where the condition holds."""
        rule = self.rule
        self._slide(low, high)
        if rule.type == "temporal_ordered":
            return self._ordered(self.hits[low:high])
        if rule.type in ("event_count", "value_count", "temporal"):
            metric: float = len(self.counts)
            return (metric, None) if self._holds(metric) else None
        inside = [h for h in self.hits[low:high] if isinstance(h.value, float)]
        if not inside:
            return None
        numbers = sorted(
            value for _, value in {(h.event, h.value) for h in inside if isinstance(h.value, float)}
        )
        metric = self._aggregate(numbers)
        return (metric, tuple(inside)) if self._holds(metric) else None

    def _slide(self, low: int, high: int) -> None:
        counts, key = self.counts, self._key
        for hit in self.hits[self.high : high]:
            if (of := key(hit)) is not None:
                counts[of] += 1
        for hit in self.hits[self.low : low]:
            if (of := key(hit)) is not None:
                counts[of] -= 1
                if not counts[of]:
                    del counts[of]
        self.low, self.high = low, high

    def _key(self, hit: CountedHit) -> object:
        """What of a hit is counted once."""
        match self.rule.type:
            case "event_count":
                return hit.event
            case "value_count":
                return hit.value
            case _:
                return hit.slot

    def _aggregate(self, numbers: Sequence[float]) -> float:
        match self.rule.type:
            case "value_sum":
                return math.fsum(numbers)
            case "value_avg":
                return math.fsum(numbers) / len(numbers)
            case "value_median":
                return percentile(numbers, 50)
            case _:
                return percentile(numbers, self.rule.percentile)

    def _holds(self, metric: float) -> bool:
        count = self.rule.count
        match self.rule.operator:
            case ">=":
                return metric >= count
            case ">":
                return metric > count
            case "<=":
                return metric <= count
            case "<":
                return metric < count
            case "==":
                return metric == count
            case _:
                return metric != count

    def _ordered(self, inside: Sequence[CountedHit]) -> tuple[float, tuple[CountedHit, ...]] | None:
        """As many of the rules as the condition asks, one after the other in the order they are named. Evidence are
        the earliest hits of every choice of rules that comes in order."""
        present = len(self.counts)
        if not self._holds(present):
            return None
        needs = math.ceil(self.rule.count) if self.rule.operator == ">=" else math.floor(self.rule.count) + 1
        if self.rule.operator not in (">=", ">"):
            needs = present
        if needs <= 0:
            return present, tuple(inside)
        slots = sorted({h.slot for h in inside})
        if len(longest_chain(inside, slots)) < needs:
            return None
        choices = combinations(slots, needs) if math.comb(len(slots), needs) <= _MOST_CHOICES else [slots]
        kept: set[CountedHit] = set()
        for choice in choices:
            chain = longest_chain(inside, choice)
            if len(chain) >= needs:
                kept.update(chain)
        return present, tuple(sorted(kept, key=lambda h: (h.time, h.event, h.slot)))


def longest_chain(hits: Sequence[CountedHit], slots: Sequence[int]) -> list[CountedHit]:
    """The longest choice of hits in the order of `slots` (some may be left out) with times that never fall."""
    place = {slot: i for i, slot in enumerate(slots)}
    #: For each slot: the longest chain that ends in it, with the earliest end.
    best: dict[int, list[CountedHit]] = {}
    ordered = sorted((h for h in hits if h.slot in place), key=lambda h: (h.time, place[h.slot], h.event))
    for hit in ordered:
        at = place[hit.slot]
        before: list[CountedHit] = []
        for earlier, chain in best.items():
            if earlier < at and len(chain) > len(before):
                before = chain
        if len(before) + 1 > len(best.get(at, ())):
            best[at] = [*before, hit]
    return max(best.values(), key=len, default=[])


def percentile(numbers: Sequence[float], percent: float) -> float:
    """The percentile by linear interpolation between the nearest ranks (type 7, as spreadsheets do).

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50)
    2.5
    """
    position = (len(numbers) - 1) * percent / 100
    low = math.floor(position)
    high = min(low + 1, len(numbers) - 1)
    return numbers[low] + (numbers[high] - numbers[low]) * (position - low)
