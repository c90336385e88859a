"""Pauses that grow while something fails, and objects that have to come again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ashiato.sources.objects import ObjectRef

FIRST = timedelta(seconds=5)
LONGEST = timedelta(minutes=2)


def pause_after(failures: int, *, first: timedelta = FIRST, longest: timedelta = LONGEST) -> float:
    """Seconds to wait after so many failures in a row: doubling, up to `longest`, a quarter of it by chance so
    that many do not come back at once."""
    doubled: int = 2 ** min(max(failures - 1, 0), 20)
    seconds = min(first.total_seconds() * doubled, longest.total_seconds())
    return seconds * (0.75 + random.random() / 4)


@dataclass
class _Again:
    ref: ObjectRef
    tries: int
    at: datetime


class Again:
    """Objects that could not be fetched: each comes again after a pause that doubles, a minute to six hours."""

    FIRST = timedelta(minutes=1)
    LONGEST = timedelta(hours=6)
    #: More are left to listings and to the ledger.
    MOST = 50_000

    def __init__(self, clock: Callable[[], datetime], earlier: Iterable[ObjectRef] = ()) -> None:
        self.clock = clock
        now = clock()
        self._waiting = {ref.name: _Again(ref, 0, now) for ref in earlier}

    def __len__(self) -> int:
        return len(self._waiting)

    def failed(self, ref: ObjectRef) -> None:
        """It could not be fetched (once more)."""
        before = self._waiting.get(ref.name)
        if before is None and len(self._waiting) >= self.MOST:
            return
        tries = (before.tries if before else 0) + 1
        pause = pause_after(tries, first=self.FIRST, longest=self.LONGEST)
        self._waiting[ref.name] = _Again(ref, tries, self.clock() + timedelta(seconds=pause))

    def done(self, ref: ObjectRef) -> None:
        """It came."""
        self._waiting.pop(ref.name, None)

    def due(self) -> list[ObjectRef]:
        """Those to offer now, newest delivery first; they stay until they are done."""
        now = self.clock()
        due = [a.ref for a in list(self._waiting.values()) if a.at <= now]
        return sorted(due, key=lambda ref: ref.delivered_at, reverse=True)

    def resting(self, ref: ObjectRef) -> bool:
        """Whether it failed and is not due yet: a listing that comes by it need not offer it."""
        again = self._waiting.get(ref.name)
        return again is not None and again.ref.etag == ref.etag and again.at > self.clock()
