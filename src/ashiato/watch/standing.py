"""How the whole estate stands, for many who look at once: coverage, silence, activity, origins, each kept a moment."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import Any, Final

from ashiato.config import write_index
from ashiato.core.clock import now
from ashiato.core.kept import Kept
from ashiato.core.memory import give_back
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.core.settings import Settings
from ashiato.intake.coverage import coverage
from ashiato.lake import footprint_rows, held, naming
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import everything
from ashiato.network.addresses import Networks
from ashiato.network.origins import Origins, origins
from ashiato.watch.activity import LOGS, WEEK, WEEKS, Hour, Log, activity, whole_hour
from ashiato.watch.habits import Habits
from ashiato.watch.silence import silent

#: Numbers older than this are made anew, and meanwhile shown for so long.
SECONDS = 15.0
BEAR_SECONDS = 300.0


#: What keeps anything of a table's files.
_LOOKED_INTO: Final = {
    "cloudtrail": (naming, held, write_index),
    "config_items": (naming, held),
    "vpc_flow_logs": (naming, held),
    "footprints": (footprint_rows,),
}
#: Rows of the files that are looked into before anybody asks.
_MOST_ROWS: Final = 2_000_000


@dataclass(frozen=True)
class Window:
    """Whole hours. `newest`: the newest record of all; `stale`: it is older than a day, and the window ends with it."""

    start: datetime
    end: datetime
    newest: datetime | None
    stale: bool


class Standing:
    """Of one home. Every answer but the window, which goes by the newest record of all, is of a scope's accounts only."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self.home = home
        self.settings = settings
        self._kept = Kept()
        self._habits = Habits()
        self._networks: Networks | None = None
        #: Set when somebody asks for a page: what nobody looks at takes no memory.
        self.visited = threading.Event()
        self._ending = threading.Event()

    def window(self, days: int) -> Window:
        """The newest `days`, to this hour or, where nothing comes any more, to the newest record's."""
        moment = now()
        with PinnedLake(self.home) as lake:
            found = [lake.newest(log) for log in LOGS]
        newest = max((m for m in found if m is not None), default=None)
        stale = newest is not None and newest < moment - timedelta(days=1)
        end = whole_hour(newest if stale and newest is not None else moment)
        return Window(end - timedelta(days=days), end, newest, stale)

    def activity(self, log: Log, window: Window, scope: AccountScope) -> list[Hour]:
        """Records of a log by hour."""

        def made() -> list[Hour]:
            with PinnedLake(self.home) as lake:
                return activity(lake, log, window.start, window.end, scope)

        return self._kept.get(("activity", log, window.start, window.end, scope), SECONDS, made, BEAR_SECONDS)

    def origins(self, window: Window, scope: AccountScope) -> Origins:
        """Networks and countries that calls came from."""

        def made() -> Origins:
            if self._networks is None:
                self._networks = Networks.of(self.settings)
            with PinnedLake(self.home) as lake:
                before = window.start - WEEKS * WEEK
                return origins(lake, self._networks, window.start, window.end, before, scope)

        return self._kept.get(("origins", window.start, window.end, scope), SECONDS, made, BEAR_SECONDS)

    def report(self, scope: AccountScope) -> dict[str, Any]:
        """The report of `ashiato sources` (intake.coverage) with `silent`, a list of findings. A limited scope sees
        its own accounts' rows, and nothing of what is told of no account in particular."""
        report = self._kept.get("report", SECONDS, self._report, BEAR_SECONDS)
        if not scope.limited:
            return report
        own = {name: [r for r in report[name] if scope.allows(r["account"])] for name in ("sources", "gaps")}
        own["silent"] = [f for f in report["silent"] if scope.allows(f.account)]
        nothing: dict[str, Any] = {"failed": [], "list_requests": [], "disk": None, "watched": []}
        return {**report, **own, **nothing}

    def attend(self) -> None:
        """Look at all once, so that the first who asks need not wait; when somebody came, look into the files that traces
        will ask of. Until `end`; errors are for those who ask."""
        with contextlib.suppress(Exception):
            window = self.window(7)
            self._look_at(
                lambda: self.report(EVERY_ACCOUNT),
                lambda: self.origins(window, EVERY_ACCOUNT),
                *(partial(self.activity, log, window, EVERY_ACCOUNT) for log in LOGS),
            )
        self.visited.wait()
        with contextlib.suppress(Exception):
            self._look_at(*(partial(self._files, table) for table in _LOOKED_INTO))

    def end(self) -> None:
        """The process ends: no further look is begun."""
        self._ending.set()
        self.visited.set()

    def _look_at(self, *looks: Callable[[], object]) -> None:
        for look in looks:
            if self._ending.is_set():
                return
            look()
            give_back()

    def _files(self, table: str) -> None:
        """Read what traces ask of a table's files, the newest as far as it would be kept."""
        with PinnedLake(self.home) as lake:
            plan = lake.plan(table, everything())
            newest = sorted(plan.live, key=lambda file: file.last, reverse=True)
            rows = accumulate(file.rows for file in newest)
            plan = held.only(
                plan, [file.path for file, n in zip(newest, rows, strict=True) if n <= _MOST_ROWS]
            )
            for module in _LOOKED_INTO[table]:
                module.look_into(plan)

    def _report(self) -> dict[str, Any]:
        found = coverage(self.home)
        found["silent"] = silent(self.home, self.settings, now(), self._habits)
        return found
