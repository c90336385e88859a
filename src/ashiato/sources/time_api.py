"""An API that is asked for events by time, as `sources/windows.py` follows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from ashiato.core.errors import SourceUnavailable

#: Ids of events read lately; more are known by the lake alone.
MOST_IDS: Final = 200_000


class Happened(NamedTuple):
    """One event of a page: its id, when it happened, when AWS had it (None: it does not say), its JSON."""

    id: str
    at: datetime
    had: datetime | None
    raw: bytes


class Stopped(Exception):  # noqa: N818 - it is no error
    """It is time to stop."""


class Api(Protocol):
    """What is asked. `where` names it in the ledger, `most_back` how far back it answers at all."""

    where: str
    most_back: timedelta | None

    def pages(self, start: datetime, end: datetime, stop: threading.Event) -> Iterator[list[Happened]]:
        """Events from `start` to `end`, both inclusive, page by page, empty pages too.

        Raises SourceUnavailable (`Throttled` where AWS asks to slow down), Stopped.
        """
        ...

    def content(self, events: list[Happened]) -> bytes:
        """Events in a shape that `LogReader` reads, with their ids."""
        ...


class Throttled(SourceUnavailable):
    """AWS asks to slow down."""


@dataclass(frozen=True)
class Habits:
    """How a follower looks. `every`: seconds between looks at what is new; `least` and `most`: the overlap.

    `sweeps`: how often, and how far back. `jump`: after so long without a look, what is new comes first and the
    time between becomes a range behind. `window`: the first window of a range; `rereads`: how often an event may
    be read by looks that overlap.
    """

    every: float
    least: timedelta
    most: timedelta
    sweeps: tuple[tuple[timedelta, timedelta], ...] = ()
    jump: timedelta = timedelta(minutes=30)
    window: timedelta = timedelta(hours=1)
    rereads: float = 10.0


class KnownIds:
    """Ids of events read lately, the newest `most` / 2 at least; as hashes, for they are long and many."""

    def __init__(self, most: int = MOST_IDS) -> None:
        self._most = most
        self._new: set[int] = set()
        self._old: set[int] = set()

    def __contains__(self, id_: str) -> bool:
        key = hash(id_)
        return key in self._new or key in self._old

    def add(self, id_: str) -> None:
        """Know it from here on."""
        self._new.add(hash(id_))
        if len(self._new) > self._most // 2:
            self._old, self._new = self._new, set()

    def clear(self) -> None:
        """Know none."""
        self._new, self._old = set(), set()


def span(seconds: float) -> str:
    """A length of time for people.

    >>> span(93_600), span(5_400), span(40)
    ('26 h', '90 min', '1 min')
    """
    if seconds >= 72 * 3600:
        return f"{seconds / 86_400:.0f} days"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{max(1, round(seconds / 60))} min"
