"""Windows of correlations: a pure function of the hits that are counted, whatever order they came in.

A window ends at a hit and reaches back over the rule's timespan (both ends belong to it); it *matches* when what lies
in it meets the condition. Hits of one time are one step: eventTime has a resolution of a second, so that order within
it means nothing, and `temporal_ordered` accepts equal times. Conditions with `not` are judged over the timespan that
*follows* a hit, once it is over.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ashiato.detect.rule import Correlation, Expression
from ashiato.ledger.findings import Actor


@dataclass(frozen=True, slots=True)
class CountedHit:
    """A hit of a referenced rule. `time` in microseconds; `slot`: place of the rule among the references; `value`: of
    the correlation's field (a tuple where it names several)."""

    time: int
    event: str
    slot: int
    value: str | float | tuple[str, ...] | None = None
    #: Events behind it: of a hit that is itself a window.
    evidence: tuple[str, ...] = ()
    #: Values that correlations above group by.
    carried: tuple[str | None, ...] = ()
    actor: Actor = "unknown"


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
    """Matched windows of one group whose anchor (the hit that a window ends or begins at) lies in first … last.

    `hits`: sorted, all of the group's from `first` minus the span to `last` (plus the span where the rule waits).
    `now`: how far records have come: windows that are not over by then are not judged.
    """
    times = [h.time for h in hits]
    judge = _Judge(rule, hits)
    for anchor in sorted({t for t in times if first <= t <= last}):
        start, end = (anchor, anchor + rule.span) if rule.waits else (anchor - rule.span, anchor)
        if rule.waits and end > now:
            break
        low, high = bisect_left(times, start), bisect_right(times, end)
        found = judge.window(low, high, anchor)
        if found is not None:
            metric, chosen = found
            yield Window(start, end, metric, low, high, chosen)


class _Judge:
    """Judges windows of ascending ends: what it counts, it counts as hits come in and go out."""

    def __init__(self, rule: Correlation, hits: Sequence[CountedHit]) -> None:
        self.rule = rule
        self.hits = hits
        self.low = self.high = 0
        self.counts: Counter[object] = Counter()
        if rule.expression is not None:
            self.positive, self.negative = rule.expression.slots()

    def window(self, low: int, high: int, anchor: int) -> tuple[float, tuple[CountedHit, ...] | None] | None:
        """Metric and, where it is not all that lies there, evidence of hits[low:high], where the condition holds."""
        rule = self.rule
        self._slide(low, high)
        if rule.expression is not None:
            return self._extended(rule.expression, self.hits[low:high], anchor)
        if rule.type == "temporal_ordered":
            return self._ordered(self.hits[low:high])
        if rule.type in ("event_count", "value_count", "temporal"):
            metric: float = len(self.counts)
            return (metric, None) if self._holds(metric) else None
        inside = [h for h in _once(self.hits[low:high]) if isinstance(h.value, float)]
        if not inside:
            return None
        metric = self._aggregate(sorted(h.value for h in inside if isinstance(h.value, float)))
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
        """As many of the rules as the condition asks, one after the other in the order they are named."""
        present = len(self.counts)
        if not self._holds(present):
            return None
        needs = math.ceil(self.rule.count) if self.rule.operator == ">=" else math.floor(self.rule.count) + 1
        if self.rule.operator not in (">=", ">"):
            needs = present
        chain = longest_chain(inside, range(len(self.rule.references)))
        return (present, tuple(chain)) if len(chain) >= needs else None

    def _extended(
        self, expression: Expression, inside: Sequence[CountedHit], anchor: int
    ) -> tuple[float, tuple[CountedHit, ...]] | None:
        there = {slot for slot in self.counts if isinstance(slot, int)}
        if not _true(expression, there):
            return None
        if (
            self.rule.waits
            and self.positive
            and not any(h.time == anchor and h.slot in self.positive for h in inside)
        ):
            return None
        kept = [h for h in inside if not self.positive or h.slot in self.positive]
        if self.rule.type == "temporal_ordered":
            order = sorted(self.positive & there)
            chain = longest_chain(inside, order)
            if len(chain) < len(order):
                return None
            kept = chain
        return len(there), tuple(kept)


def _true(expression: Expression, there: set[int]) -> bool:
    match expression.kind:
        case "slot":
            return expression.slot in there
        case "and":
            return all(_true(p, there) for p in expression.parts)
        case "or":
            return any(_true(p, there) for p in expression.parts)
        case _:
            return not _true(expression.parts[0], there)


def _once(hits: Sequence[CountedHit]) -> Iterator[CountedHit]:
    """Each event once, though several rules may have hit it."""
    seen: set[str] = set()
    for hit in hits:
        if hit.event not in seen:
            seen.add(hit.event)
            yield hit


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
