"""When a dated prefix is listed again, and how many requests that may take.

CloudTrail and Config may deliver into a day's folder up to 30 days late, and key order is never arrival
order; so folders are listed again by age: today every poll, yesterday hourly, up to 7 days daily, up to
30 days weekly, and once more after that. One request with StartAfter lists a day and all after it.
Pure functions of the time given.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

_ALWAYS = timedelta(0)
_NEVER = timedelta.max
# (highest age in days of a folder when it was listed, time until it is listed again)
TIERS = ((0, _ALWAYS), (1, timedelta(hours=1)), (7, timedelta(days=1)), (30, timedelta(days=7)))


def wait_after(age: int) -> timedelta:
    """How long a day folder rests that was `age` days old when it was last listed."""
    return next((wait for highest, wait in TIERS if age <= highest), _NEVER)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a prefix was listed when: `(first day, or None for all; start of that listing)`.

    Entries are newest first and each reaches further back than the one before: a later listing that
    begins no later makes an earlier one worthless. `requests` is what the last whole listing took.
    """

    entries: tuple[tuple[date | None, datetime], ...] = ()
    requests: int | None = None

    def listed(self, day: date) -> datetime | None:
        """When `day`'s folder was last listed."""
        return next((at for first, at in self.entries if first is None or first <= day), None)

    def whole(self, floor: date | None = None) -> datetime | None:
        """When everything (from `floor` on) was last listed."""
        for first, at in self.entries:
            if first is None or (floor is not None and first <= floor):
                return at
        return None

    def with_listing(self, first: date | None, at: datetime, requests: int | None = None) -> Coverage:
        """After a listing from `first` on that began at `at`."""
        cost = self.requests if requests is None else requests
        if any(
            when >= at and (old is None or (first is not None and old <= first)) for old, when in self.entries
        ):
            return Coverage(self.entries, cost)
        kept = [
            (old, when)
            for old, when in self.entries
            if when > at or (first is not None and (old is None or old < first))
        ]
        entries = sorted([*kept, (first, at)], key=lambda entry: entry[1], reverse=True)
        return Coverage(tuple(entries), cost)

    def text(self) -> str:
        entries = [[first.isoformat() if first else None, at.isoformat()] for first, at in self.entries]
        return json.dumps({"listed": entries, "requests": self.requests}, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str | None) -> Coverage:
        """From `text()`. What cannot be read counts as never listed: that costs requests, no record."""
        try:
            held: dict[str, Any] = json.loads(text) if text else {}
            entries = tuple(
                (date.fromisoformat(first) if first else None, datetime.fromisoformat(at).astimezone(UTC))
                for first, at in held.get("listed", ())
            )
            requests = held.get("requests")
            return cls(entries, requests if isinstance(requests, int) else None)
        except (ValueError, TypeError, AttributeError):
            return cls()


def due(coverage: Coverage, now: datetime, floor: date | None = None) -> date | None:
    """The oldest day folder whose rest is over; all later ones are listed along with it.

    Today's is always due. A prefix never listed back to its beginning (or to `floor`) is due from there:
    None, or `floor`.
    """
    if coverage.whole(floor) is None or any(at > now for _, at in coverage.entries):
        return floor  # never, or the clock went back and nothing remembered can be trusted
    newest = now.date()
    found = newest
    for first, at in coverage.entries:
        rested = now - at
        # The highest age (at that listing) whose rest is over, then the oldest day of that age or less.
        oldest = at.date() - timedelta(days=max(highest for highest, wait in TIERS if wait <= rested))
        begin = oldest if first is None else max(first, oldest)
        if begin <= newest:
            found = min(found, begin)
        if first is not None:
            newest = first - timedelta(days=1)
    return found if floor is None else max(found, floor)


def flat_due(coverage: Coverage, now: datetime) -> bool:
    """Whether an undated prefix, which can only be listed whole, is due.

    Every poll while one request lists it; otherwise it costs a request a minute on average, and is
    listed at least once a day.
    """
    at = coverage.whole()
    if at is None or at > now or coverage.requests is None:
        return True
    return now - at >= timedelta(minutes=min(max(coverage.requests - 1, 0), 24 * 60))


def allowance(requests_a_day: int, now: datetime) -> int:
    """Repeated-listing requests that may have been sent since 00:00 UTC: an hour's share in advance."""
    passed = (now - datetime.combine(now.date(), time(), UTC)).total_seconds() / 86_400
    return min(requests_a_day, int(requests_a_day * (passed + 1 / 24)))
