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

#: What is made anew beside an older answer took at most a so manyth of the time since.
_SHARE = 20


@dataclass(frozen=True)
class _Answer:
    """`made`: when, `took`: for how many seconds it was made."""

    made: float
    took: float
    value: Any


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
        """The answer under `key`, at most so old. Up to `bear` seconds an older one is given at once, and a new one made
        beside it; more seldom where that takes long."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
            known = self._found.get(key)
        if known is not None and seconds <= (age := self._clock() - known.made) < bear:
            if age >= _SHARE * known.took and not making.locked():
                # No daemon: native code that is cut off at the interpreter's end aborts the process.
                threading.Thread(target=self._renew, args=(key, seconds, make)).start()
            old: T = known.value
            return old
        with making:
            with self._lock:
                known = self._found.get(key)
            if known is not None and self._clock() - known.made < seconds:
                value: T = known.value
                return value
            begun = self._clock()
            try:
                value = make()
            except BaseException:
                with self._lock:
                    if key not in self._found:
                        self._making.pop(key, None)
                raise
            with self._lock:
                made = self._clock()
                self._found[key] = _Answer(made, made - begun, value)
                self._found.move_to_end(key)
                while len(self._found) > self._most:
                    gone, _ = self._found.popitem(last=False)
                    if gone != key:
                        self._making.pop(gone, None)
            return value

    def _renew(self, key: Hashable, seconds: float, make: Callable[[], Any]) -> None:
        # An error is for whoever asks when the old answer is past bearing.
        with contextlib.suppress(Exception):
            self.get(key, seconds, make)
