"""News for open pages: what needs a person, and how the watching fares, as it changes.

One look at the control database for everybody who listens, every other second; nobody listens, nobody looks.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from ashiato.core.clock import now

if TYPE_CHECKING:
    from ashiato.core.scope import AccountScope
    from ashiato.core.settings import Settings
    from ashiato.ledger import Ledger

LOOK_SECONDS = 2.0
PING_SECONDS = 15.0


def news(ledger: Ledger, scope: AccountScope) -> dict[str, Any]:
    """Alerts that need somebody by level, the newest open one, and the watching process: what `/events` sends."""
    from ashiato.alerts.reading import NEEDING
    from ashiato.alerts.standing import counts_by_level, newest_alert
    from ashiato.intake.watched import read_process

    with ledger.engine.connect() as connection:
        levels = counts_by_level(connection, scope, NEEDING)
        newest = newest_alert(connection, scope, ("open",))
    process = read_process(ledger, now())
    watching = None
    if process is not None:
        watching = {
            "running": process["running"],
            "failing": process["commit_error"] is not None,
            "last_commit": None if process["last_commit"] is None else process["last_commit"].isoformat(),
            "waiting": process["waiting_objects"],
        }
    return {"open": levels, "newest": newest, "watching": watching}


class Live:
    """Who listens. `close` ends every stream, so that the process can end."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self.ledger = ledger
        self.most = settings.web.streams
        self.listening = 0
        self._known: dict[frozenset[str] | None, str] = {}
        self._looked: dict[frozenset[str] | None, float] = {}
        self._locks: dict[frozenset[str] | None, asyncio.Lock] = {}
        self._closing: asyncio.Event | None = None
        self._closed = False

    @property
    def full(self) -> bool:
        return self.listening >= self.most

    def close(self) -> None:
        """From the loop's own thread, or before it runs."""
        self._closed = True
        if self._closing is not None:
            self._closing.set()

    async def look(self, scope: AccountScope) -> str:
        """The news as JSON; looked up at most once in LOOK_SECONDS for all with the same accounts."""
        lock = self._locks.setdefault(scope.accounts, asyncio.Lock())
        async with lock:
            moment = asyncio.get_running_loop().time()
            if moment - self._looked.get(scope.accounts, -LOOK_SECONDS) >= LOOK_SECONDS * 0.9:
                found = await run_in_threadpool(news, self.ledger, scope)
                self._known[scope.accounts] = json.dumps(found, separators=(",", ":"))
                self._looked[scope.accounts] = moment
            return self._known[scope.accounts]

    async def stream(self, scope: AccountScope, still_in: Callable[[], bool]) -> AsyncIterator[str]:
        """Events of one browser: the news when they change, a ping so that dead connections are found.

        `still_in()`: whether its session goes on, asked every PING_SECONDS, however often news come.
        """
        if self._closing is None:
            self._closing = asyncio.Event()
        if self._closed:
            return
        self.listening += 1
        sent, asked = "", asyncio.get_running_loop().time()
        try:
            yield "retry: 5000\n\n"
            while not self._closing.is_set():
                found = await self.look(scope)
                moment = asyncio.get_running_loop().time()
                due = moment - asked >= PING_SECONDS
                if due:
                    if not await run_in_threadpool(still_in):
                        return
                    asked = moment
                if found != sent:
                    sent = found
                    yield f"event: news\ndata: {found}\n\n"
                elif due:
                    yield ": ping\n\n"
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), LOOK_SECONDS)
        finally:
            self.listening -= 1
