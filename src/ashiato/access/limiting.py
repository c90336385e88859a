"""How often somebody may try to sign in.

A count for a user and an address together locks out whoever guesses, and nobody else. A slower count for a user
from anywhere meets those who guess from many addresses; it leaves out addresses that the user signed in from
before, so that nobody can lock an admin out from everywhere. Counts are of this process: there is one that serves.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from typing import TYPE_CHECKING

from ashiato.core.access_settings import Access
from ashiato.core.errors import AshiatoError
from ashiato.core.text import printable

if TYPE_CHECKING:
    from limits import RateLimitItem

#: Counts that are kept; `limits` keeps each for ever, also when it is over. Then all are forgotten: whoever makes so
#: many, from hundreds of addresses, has a few more tries for it.
MOST_COUNTS = 50_000


class LockedOut(AshiatoError):  # noqa: N818 - named like the errors of core/errors.py
    """Too many tries. `seconds`: until there is another; `first`: it was not said before in this window."""

    def __init__(self, seconds: int, *, first: bool) -> None:
        super().__init__(
            "there were too many tries to sign in",
            remedy=f"Try again in {max(1, math.ceil(seconds / 60))} minutes; an admin can send a link meanwhile.",
        )
        self.seconds = seconds
        self.first = first


def address_kept(address: str) -> str:
    """An address as it is kept and counted: an IPv6 network of 64 bits is one place.

    >>> address_kept("::ffff:192.0.2.7"), address_kept("2001:db8::1")
    ('192.0.2.7', '2001:db8::/64')
    """
    try:
        parsed = ipaddress.ip_address(address[:64].partition("%")[0])
    except ValueError:
        return printable(address, 64)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Gate:
    """Counts of tries. One for the process that serves."""

    def __init__(self, settings: Access) -> None:
        from limits import RateLimitItemPerSecond

        window = max(1, round(settings.lock_out.total_seconds()))
        self._forget()
        self._pair = RateLimitItemPerSecond(settings.tries, window, namespace="pair")
        self._address = RateLimitItemPerSecond(settings.tries_by_address, window, namespace="address")
        self._user = RateLimitItemPerSecond(settings.tries_by_user, 3600, namespace="user")
        self._told = RateLimitItemPerSecond(1, window, namespace="told")

    def admit(self, name: str, address: str, *, known: bool) -> None:
        """Count a try before it is made, so that many at once are no way round. `known`: the user came from this
        address before. Raises LockedOut."""
        user, place = _key(name), address_kept(address)
        # The address first: whoever goes through names makes no further counts then.
        self._count(self._address, place)
        self._count(self._pair, user, place)
        if not known:
            self._count(self._user, user)

    def forgive(self, name: str, address: str) -> None:
        """It was the user: earlier slips from there count no more."""
        self._counts.clear(self._pair, _key(name), address_kept(address))

    def _forget(self) -> None:
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        self._kept = MemoryStorage()
        self._counts = MovingWindowRateLimiter(self._kept)

    def _count(self, item: RateLimitItem, *keys: str) -> None:
        if len(self._kept.events) >= MOST_COUNTS:
            self._forget()
        if self._counts.hit(item, *keys):
            return
        until = self._counts.get_window_stats(item, *keys).reset_time
        first = self._counts.hit(self._told, item.namespace, *keys)
        raise LockedOut(max(1, math.ceil(until - time.time())), first=first)


def _key(name: str) -> str:
    """However long a name is that somebody tries, its count is short."""
    return hashlib.sha256(name.lower().encode("utf-8", "surrogatepass")).hexdigest()[:32]
