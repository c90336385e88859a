"""Where a source that never stops remembers how far it got.

The ledger keeps this (`ledger/cursors.py`); only JSON crosses, so that it need not know what a source is. A
position is kept only when everything before it is committed: a process killed in between asks again for what it
had not finished, and records' own keys make that harmless.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from typing import Any, Protocol

from ashiato.sources.live import Outcome


class Cursors(Protocol):
    """The memory of positions. Safe to call from any thread."""

    def get(self, source: str, key: str) -> Any:
        """The JSON value kept under `key` for `source`; None if there is none."""
        ...

    def put(self, source: str, key: str, value: Any) -> None:
        """Keep a JSON value; returns when it is kept for good."""
        ...


class MemoryCursors:
    """Cursors for a process that forgets: tests, and a trial without a home."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], str] = {}

    def get(self, source: str, key: str) -> Any:
        text = self._kept.get((source, key))
        return None if text is None else json.loads(text)

    def put(self, source: str, key: str, value: Any) -> None:
        self._kept[source, key] = json.dumps(value)


class Step:
    """One stretch of a source's way: it is over when it is closed and every arrival of it is done."""

    def __init__(self, steps: Steps) -> None:
        self.position: Any = None
        self._steps = steps
        self._open = 1
        self.failed = False

    def begun(self) -> None:
        """One more arrival belongs to it."""
        with self._steps.lock:
            self._open += 1

    def done(self, outcome: Outcome) -> None:
        """An arrival of it is done; from any thread, never blocks."""
        with self._steps.lock:
            self._open -= 1
            self.failed = self.failed or outcome == "failed"

    def close(self, position: Any = None) -> None:
        """No more arrivals follow. `position`: where it ended; None where it did not come to its end."""
        with self._steps.lock:
            self._open -= 1
            self.position = position

    @property
    def over(self) -> bool:
        """Whether nothing of it is still on its way."""
        return self._open == 0


class Steps:
    """Stretches in their order, so that a position is given out only when all before it is committed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._steps: deque[Step] = deque()

    def begin(self) -> Step:
        """A new stretch behind all others."""
        step = Step(self)
        with self.lock:
            self._steps.append(step)
        return step

    def waiting(self) -> int:
        """Stretches that are not over."""
        with self.lock:
            return len(self._steps)

    def settled(self) -> tuple[list[Any], bool]:
        """Positions before which everything is over, in their order, each given once; and whether one failed.

        A stretch without a position gives none. After a failure all stretches behind it are forgotten: what they
        brought comes again, by their source's asking again from the last position kept.
        """
        positions: list[Any] = []
        with self.lock:
            while self._steps and self._steps[0].over:
                if self._steps[0].failed:
                    self._steps.clear()
                    return positions, True
                position = self._steps.popleft().position
                if position is not None:
                    positions.append(position)
        return positions, False
