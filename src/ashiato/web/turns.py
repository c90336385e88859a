"""How many requests one visitor may make: a moving window, per user, or per address before there is one."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ashiato.access.limiting import address_kept

if TYPE_CHECKING:
    from ashiato.access.identity import Identity
    from ashiato.core.web_settings import Web


class Turns:
    """Counts are of this process: there is one that serves."""

    def __init__(self, settings: Web) -> None:
        from limits import RateLimitItemPerMinute
        from limits.storage import MemoryStorage
        from limits.strategies import SlidingWindowCounterRateLimiter

        self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._item = RateLimitItemPerMinute(settings.requests_a_minute)

    def over(self, identity: Identity | None, address: str) -> int:
        """Seconds until there is another turn; 0: this is one."""
        # The demo's visitors are all one identity.
        user = identity.user if identity is not None else None
        key = f"user {user}" if user is not None else address_kept(address)
        if self._counts.hit(self._item, key):
            return 0
        until = self._counts.get_window_stats(self._item, key).reset_time
        return max(1, math.ceil(until - time.time()))
