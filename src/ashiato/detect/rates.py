"""Rates: more in an hour than in the same hours of the weeks before, holidays counted as Sundays.

What CloudTrail Insights compares is an hour with its week; a group's hour is a hit when it holds at least `at_least`
events and more than `factor` times the most that any comparable hour (the same hour of the week, one hour more or
less) of the last `weeks` weeks held. A group that has no comparable hour in at least two of the weeks, or is younger
than that, is learnt silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from ashiato.detect.gathering import HOUR, group_rows
from ashiato.detect.history import at
from ashiato.detect.record_view import RecordView, Rows
from ashiato.detect.rule import Rate, Rule

if TYPE_CHECKING:
    from ashiato.network.working_hours import WorkingHours

HOURS_A_WEEK = 168

#: Group (values as spelt, by field) and its counts by hour since 1970.
Counts = dict[tuple[str | None, ...], dict[int, int]]


def counts_of(rule: Rule, view: RecordView, rows: Rows) -> Counts:
    """Events by group and hour."""
    assert rule.rate is not None
    found: Counts = {}
    for key, group in group_rows(view, rule.rate.group_by, rows).items():
        hours, counts = np.unique(view.times[group] // HOUR, return_counts=True)
        found[key] = dict(zip(hours.tolist(), counts.tolist(), strict=True))
    return found


def usual(rate: Rate, hour: int, counts: Mapping[int, int], hours: WorkingHours) -> int | None:
    """The most in comparable hours before; None while there is too little to compare with."""
    wanted = _hour_of_week(hours, hour)
    begin = hour - rate.weeks * HOURS_A_WEEK
    if not any(h <= hour - 2 * HOURS_A_WEEK for h in counts):
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
    """Hours whose judgement may change when the counts of some hours did."""
    changed = set(changed)
    first = min(changed)
    last = max(changed) + rate.weeks * HOURS_A_WEEK + 1
    return {h for h in known if first <= h <= last} | changed


def _hour_of_week(hours: WorkingHours, hour: int) -> int:
    return hours.hour_of_week(at(hour * HOUR) + timedelta(0))


def _near(one: int, other: int) -> bool:
    return min((one - other) % HOURS_A_WEEK, (other - one) % HOURS_A_WEEK) <= 1
