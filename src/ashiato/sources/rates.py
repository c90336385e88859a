"""Requests within a rate that AWS allows an account and region, whoever of this process sends them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

_shared: dict[Hashable, TokenBucket] = {}
_lock = threading.Lock()


class TokenBucket:
    """`rate` requests a second, `burst` of them at once. `monotonic` gives seconds."""

    def __init__(
        self, rate: float, burst: float = 1.0, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self.burst = burst
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._tokens = burst
        self._at = monotonic()

    def reserve(self) -> float:
        """Take the next turn; returns the seconds to wait for it."""
        with self._lock:
            now = self._monotonic()
            self._tokens = min(self.burst, self._tokens + max(0.0, now - self._at) * self.rate) - 1.0
            self._at = now
            return max(0.0, -self._tokens / self.rate)

    def wait(self, stop: threading.Event) -> bool:
        """Wait for a turn. False: it is time to stop."""
        return not stop.wait(self.reserve())


def shared(key: Hashable, rate: float) -> TokenBucket:
    """The bucket of all sources with the same key: who asks, what, and in which region."""
    with _lock:
        if key not in _shared:
            _shared[key] = TokenBucket(rate)
        return _shared[key]
