"""What a live source does when something fails: it says so in its state and waits, longer each time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from ashiato.core.clock import now
from ashiato.core.text import printable
from ashiato.sources.live import SourceState
from ashiato.sources.pauses import pause_after

MOST_SHOWN = 500
_counting = threading.Lock()


class Trouble:
    """The failures of one road of a source; several roads may share a `state`, each has its own Trouble.

    The first pause is `least` seconds, each following one twice as long, up to `most` (pauses.pause_after). Every
    failure counts under "errors"; `counted` names what it counts under besides.
    """

    def __init__(
        self,
        state: SourceState,
        *,
        least: float = 1.0,
        most: float = 300.0,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.state = state
        self.times = 0
        self._least = least
        self._most = most
        self._clock = clock
        self._said: str | None = None

    def failed(self, error: Exception | str, *, counted: str | None = None) -> float:
        """Note a failure; returns the seconds to wait before the next try."""
        self.times += 1
        pause = pause_after(
            self.times, first=timedelta(seconds=self._least), longest=timedelta(seconds=self._most)
        )
        at = self._clock()
        state = self.state
        self._said = printable(str(error), MOST_SHOWN)
        if state.error is None:
            state.error_since = at
        state.error = self._said
        state.retry_at = at + timedelta(seconds=pause)
        count(state, "errors")
        if counted is not None:
            count(state, counted)
        return pause

    def well(self) -> None:
        """It works (again)."""
        self.times = 0
        if self._said is not None:
            if self.state.error == self._said:
                self.state.error = self.state.error_since = self.state.retry_at = None
            self._said = None


def count(state: SourceState, name: str, by: int = 1) -> None:
    """Add to one of a state's counts; from any thread."""
    with _counting:
        state.counts[name] = state.counts.get(name, 0) + by
