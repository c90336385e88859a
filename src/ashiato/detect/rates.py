"""Rates: more in an hour than in the same hours of the weeks before, holidays counted as Sundays.

What CloudTrail Insights compares is an hour with its week; a group's hour is a hit when it holds at least `at_least`
events and more than `factor` times the most that any comparable hour (the same hour of the week, one hour more or
less) of the last `weeks` weeks held. A group is learnt silently for the two weeks after its first event; after that, an
hour of the week in which it never did anything usually holds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ashiato.detect.gathering import HOUR, group_rows
from ashiato.detect.history import at
from ashiato.detect.record_view import RecordView, Rows
from ashiato.detect.rule import Rate, Rule

if TYPE_CHECKING:
    from ashiato.network.working_hours import WorkingHours

HOURS_A_WEEK = 168

#: How long a group is learnt, in hours.
LEARNT = 2 * HOURS_A_WEEK

Group = tuple[str | None, ...]


@dataclass
class GroupCounts:
    """Of one group, by hour since 1970: how many events, and its values as they are spelt there."""

    hours: dict[int, int] = field(default_factory=dict)
    spelt: dict[int, Group] = field(default_factory=dict)

    def add(self, hour: int, count: int, spelt: Group) -> None:
        """Count events."""
        self.hours[hour] = self.hours.get(hour, 0) + count
        self.spelt[hour] = min(self.spelt.get(hour, spelt), spelt)


#: By group; its values in lower case, for Sigma compares text without regard to case.
Counts = dict[Group, GroupCounts]


def counts_of(rule: Rule, view: RecordView, rows: Rows, into: Counts | None = None) -> Counts:
    """Events by group and hour."""
    assert rule.rate is not None
    found: Counts = {} if into is None else into
    for spelt, group in group_rows(view, rule.rate.group_by, rows).items():
        known = found.setdefault(tuple(v and v.lower() for v in spelt), GroupCounts())
        hours, counts = np.unique(view.times[group] // HOUR, return_counts=True)
        for hour, count in zip(hours.tolist(), counts.tolist(), strict=True):
            known.add(hour, count, spelt)
    return found


def usual(rate: Rate, hour: int, counts: Mapping[int, int], hours: WorkingHours) -> int | None:
    """The most in comparable hours before; None while there is too little to compare with."""
    wanted = _hour_of_week(hours, hour)
    begin = hour - rate.weeks * HOURS_A_WEEK
    if not any(h <= hour - LEARNT for h in counts):
        return None
    most = 0
    for h, n in counts.items():
        if begin - 1 <= h < hour - 1 and _near(_hour_of_week(hours, h), wanted):
            most = max(most, n)
    return most


def is_hit(rate: Rate, hour: int, counts: Mapping[int, int], hours: WorkingHours) -> tuple[bool, int | None]:
    """Whether the hour is one, and what would have been usual."""
    seen = counts.get(hour, 0)
    if seen < rate.at_least:
        return False, None
    known = usual(rate, hour, counts, hours)
    return (known is not None and seen > rate.factor * known), known


def dependents(rate: Rate, changed: Iterable[int], known: Iterable[int]) -> set[int]:
    """Hours whose judgement may change when the counts of some hours did; `known`: all hours that have any."""
    changed = set(changed)
    first = min(changed)
    last = max(changed) + rate.weeks * HOURS_A_WEEK + 1
    unchanged = [h for h in known if h not in changed]
    if unchanged and first < min(unchanged):
        # The group is known for longer than was thought.
        last = max(last, min(unchanged) + LEARNT)
    return {h for h in known if first <= h <= last} | changed


def _hour_of_week(hours: WorkingHours, hour: int) -> int:
    try:
        return hours.hour_of_week(at(hour * HOUR))
    except OverflowError:
        # At the ends of the calendar a zone may lead beyond it.
        return hour % HOURS_A_WEEK


def _near(one: int, other: int) -> bool:
    return min((one - other) % HOURS_A_WEEK, (other - one) % HOURS_A_WEEK) <= 1
