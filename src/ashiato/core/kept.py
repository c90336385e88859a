"""Answers kept for a moment, so that many who ask the same at once cost one look."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

#: An answer that took long is kept so many times as long: looking must not be all that a machine does.
WORTH = 10


@dataclass(frozen=True)
class _Answer:
    value: Any
    at: float
    took: float


class Kept:
    """The newest `most` answers, each for the seconds that its asker bears. Whoever asks while one is made waits for
    it; an error is kept for nobody."""

    def __init__(self, most: int = 256, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, _Answer] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, seconds: float, make: Callable[[], T], bear: float = 0.0) -> T:
        """The answer under `key`, at most so old (or WORTH times what it took to make). Up to `bear` seconds beyond, an
        older one is given at once, and a new one made beside it."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        known = self._known(key, seconds + bear)
        if known is not None and self._known(key, seconds) is None:
            if not making.locked():
                # No daemon: native code that is cut off at the interpreter's end aborts the process.
                threading.Thread(target=self._renew, args=(key, seconds, make)).start()
            old: T = known.value
            return old
        with making:
            known = self._known(key, seconds)
            if known is not None:
                value: T = known.value
                return value
            began = self._clock()
            value = make()
            now = self._clock()
            with self._lock:
                self._found[key] = _Answer(value, now, now - began)
                self._found.move_to_end(key)
                while len(self._found) > self._most:
                    gone, _ = self._found.popitem(last=False)
                    if gone != key:
                        self._making.pop(gone, None)
            return value

    def _known(self, key: Hashable, seconds: float) -> _Answer | None:
        with self._lock:
            found = self._found.get(key)
        if found is None or self._clock() - found.at >= seconds + found.took * WORTH:
            return None
        return found

    def _renew(self, key: Hashable, seconds: float, make: Callable[[], Any]) -> None:
        # An error is for whoever asks when the old answer is past bearing.
        with contextlib.suppress(Exception):
            self.get(key, seconds, make)
