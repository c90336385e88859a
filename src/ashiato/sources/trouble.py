"""What a live source does when something fails: it says so in its state and waits, longer each time."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from ashiato.core.clock import now
from ashiato.core.text import printable
from ashiato.sources.live import SourceState

MOST_SHOWN = 500
_counting = threading.Lock()


class Trouble:
    """The failures of one road of a source; several roads may share a `state`, each has its own Trouble.

    The first pause is `least` seconds, each following one twice as long, up to `most`, and up to a tenth less
    by chance, so that many sources do not come back at once.
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

    def failed(self, error: Exception | str, *, counted: str = "failures") -> float:
        """Note a failure; returns the seconds to wait before the next try."""
        pause = min(self._most, self._least * 2.0 ** min(self.times, 30)) * random.uniform(0.9, 1.0)
        self.times += 1
        at = self._clock()
        state = self.state
        self._said = printable(str(error), MOST_SHOWN)
        if state.error is None:
            state.error_since = at
        state.error = self._said
        state.retry_at = at + timedelta(seconds=pause)
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
