"""Where a source remembers what it listed and when, and how many requests that took.

The ledger keeps this; only plain types cross, so that it need not know what a source is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol


class Listings(Protocol):
    """The memory of listings. Called from the thread that iterates `Source.objects()` or calls `confirm`.

    A prefix's state is a short JSON text written by `sources.cadence`; treat it as opaque.
    """

    def states(self, source: str, under: str) -> Mapping[str, str]:
        """The state of every remembered prefix of `source` that begins with `under`."""
        ...

    def save(self, source: str, states: Mapping[str, str]) -> None:
        """Remember these prefixes' states, all or none."""
        ...

    def requests(self, source: str, day: date) -> Mapping[str, int]:
        """List requests sent on a UTC day by kind: `first`, `again`, `discovery`, `asked`."""
        ...

    def add_requests(self, source: str, day: date, counts: Mapping[str, int]) -> None:
        """Add to the day's counts."""
        ...


class MemoryListings:
    """Listings for a process that forgets: tests, and a walk whose home remembers nothing."""

    def __init__(self) -> None:
        self._states: dict[str, dict[str, str]] = {}
        self._requests: dict[tuple[str, date], dict[str, int]] = {}

    def states(self, source: str, under: str) -> Mapping[str, str]:
        known = self._states.get(source, {})
        return {prefix: state for prefix, state in known.items() if prefix.startswith(under)}

    def save(self, source: str, states: Mapping[str, str]) -> None:
        self._states.setdefault(source, {}).update(states)

    def requests(self, source: str, day: date) -> Mapping[str, int]:
        return dict(self._requests.get((source, day), {}))

    def add_requests(self, source: str, day: date, counts: Mapping[str, int]) -> None:
        kept = self._requests.setdefault((source, day), {})
        for kind, count in counts.items():
            kept[kind] = kept.get(kind, 0) + count
