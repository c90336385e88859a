"""What a person reads of the commits: the first after a quiet time at once, many as one line a minute."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

from ashiato.watch.pipeline import Committed

EVERY_SECONDS = 60.0


class CommitTeller:
    """A hook of `Pipeline.after_commit`; call `flush` now and then."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._lock = threading.Lock()
        self._told_at = float("-inf")
        self._clear()

    def _clear(self) -> None:
        self._commits = self._objects = self._second = 0
        self._records: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._sources: set[str] = set()
        self._longest = 0.0

    def __call__(self, committed: Committed) -> None:
        with self._lock:
            self._commits += 1
            self._objects += len(committed.objects)
            self._sources |= committed.sources
            self._longest = max(self._longest, (committed.at - committed.began).total_seconds())
            for name in committed.report.tables:
                tally = committed.report.whole(name)
                self._records[name] += tally.taken + tally.variants
                self._second += tally.duplicates
            self._outcomes.update(o.outcome for o in committed.objects)
        self.flush()

    def flush(self, *, now: bool = False) -> None:
        """Say what has gathered, when it is time."""
        with self._lock:
            due = now or time.monotonic() - self._told_at >= EVERY_SECONDS
            if not self._commits or not due:
                return
            self._told_at = time.monotonic()
            text = self._text()
            self._clear()
        self.say(text)

    def _text(self) -> str:
        parts = [f"{count:,} {name}" for name, count in sorted(self._records.items()) if name != "quarantine"]
        if not any(self._records.values()):
            parts = ["no new records"]
        if self._second:
            parts.append(f"{self._second:,} second copies")
        if bad := self._outcomes["quarantined"]:
            parts.append(f"{bad:,} unreadable objects (`ashiato quarantine`)")
        if skipped := self._outcomes["skipped"]:
            parts.append(f"{skipped:,} objects of another kind")
        commits = "" if self._commits == 1 else f" in {self._commits:,} commits"
        return (
            f"{', '.join(sorted(self._sources))}: {self._objects:,} objects{commits}:"
            f" {', '.join(parts)} (longest commit {self._longest:.1f} s)"
        )
