"""When things happen: people by working day and hour, machines all the time, with a swell by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from ashiato.demo.ids import moment

# The company works in Japan: the hours below are UTC+9.
OFFSET_HOURS = 9
PEOPLE = (0, 0, 0, 0, 0, 0, 0.1, 0.3, 1.2, 4, 5, 4.5, 2, 4.5, 5, 4.6, 4.2, 3.8, 2.4, 1.4, 0.9, 0.5, 0.3, 0.1)
WEEKEND_PEOPLE = 0.05
CUSTOMERS = (
    0.5,
    0.35,
    0.25,
    0.2,
    0.2,
    0.3,
    0.5,
    0.8,
    1.0,
    1.1,
    1.15,
    1.25,
    1.4,
    1.2,
    1.15,
    1.1,
    1.1,
    1.2,
    1.35,
    1.5,
    1.6,
    1.5,
    1.2,
    0.8,
)
WEEKEND_CUSTOMERS = 1.25


def people(second: float) -> float:
    """Weight of people's work in the hour of `second`: 0 at night, about 5 on a working forenoon."""
    local = moment(second + OFFSET_HOURS * 3600)
    weight = PEOPLE[local.hour] + 0.02
    return weight * WEEKEND_PEOPLE if local.weekday() >= 5 else weight


def customers(second: float) -> float:
    """Weight of the shop's load in the hour of `second`, about 1 on average."""
    local = moment(second + OFFSET_HOURS * 3600)
    weight = CUSTOMERS[local.hour]
    return weight * WEEKEND_CUSTOMERS if local.weekday() >= 5 else weight


def days_before(end: date, count: int) -> Iterator[date]:
    """The `count` days that end before `end`, oldest first."""
    for back in range(count, 0, -1):
        yield end - timedelta(days=back)


class Portions:
    """Hands out a total in whole numbers along weights, so that the sum is exact."""

    def __init__(self, total: int, weight_sum: float) -> None:
        self.total = total
        self.weight_sum = weight_sum
        self._seen = 0.0
        self._given = 0

    def next(self, weight: float) -> int:
        """The share of the next weight."""
        self._seen += weight
        due = round(self.total * min(1.0, self._seen / self.weight_sum)) if self.weight_sum else 0
        share = max(0, due - self._given)
        self._given += share
        return share
