"""The spool as the pipeline uses it: kept before anybody is told, forgotten after the commit."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from ashiato.intake.spool import Spool, SpoolEntry
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Progress
from ashiato.sources.pauses import pause_after
from ashiato.watch.waiting import Item

#: So much is kept at once; what comes meanwhile is kept next.
MOST_AT_ONCE = 256
MOST_BYTES = 32 << 20
#: What comes so soon after the last is kept together with what else comes until then: each file costs.
GATHER_SECONDS = 0.02


class Keeper:
    """Keeps what is `put` in a thread of its own, many at once, and hands each to `kept` when it is synced.

    It counts how often each content waits: the same bytes may arrive again while they are being committed.
    While the disk is full it tries again and again, says so through `troubled`, and gives what it could not
    keep to `dropped` at the end.
    """

    def __init__(
        self,
        folder: Path,
        kept: Callable[[Item], None],
        dropped: Callable[[Item], None],
        troubled: Callable[[str], None],
    ) -> None:
        self.spool = Spool(folder)
        self._kept = kept
        self._dropped = dropped
        self._troubled = troubled
        self._counts: Counter[str] = Counter()
        self._entries: dict[str, list[SpoolEntry]] = {}
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ashiato-keep", daemon=True)

    def earlier(self) -> list[SpoolEntry]:
        """What an earlier process kept; it counts as waiting from here on."""
        self.spool.tidy()

        def damaged(path: Path, why: str) -> None:
            self._troubled(f"what an earlier run kept in {path} cannot be read, and stays there: {why}")

        entries = self.spool.entries(damaged)
        with self._lock:
            for entry in entries:
                self._counts[entry.sha256] += 1
                self._entries.setdefault(entry.sha256, []).append(entry)
        return entries

    def start(self) -> None:
        self._thread.start()

    def put(self, item: Item) -> None:
        """Keep the item's content."""
        self._queue.put(item)

    def stop(self) -> None:
        """Keep what was put, and end."""
        self._stop.set()
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            items = [self._queue.get()]
            began = time.monotonic()
            size = _size(items[0])
            while len(items) < MOST_AT_ONCE and size < MOST_BYTES:
                try:
                    items.append(self._queue.get_nowait())
                except queue.Empty:
                    break
                size += _size(items[-1])
            ended = None in items
            self._keep([item for item in items if item is not None])
            if (left := began + GATHER_SECONDS - time.monotonic()) > 0:
                self._stop.wait(left)

    def _keep(self, items: list[Item]) -> None:
        if not items:
            return
        named = [(hashlib.sha256(item.content or b"").hexdigest(), item) for item in items]
        with self._lock:
            self._counts.update(name for name, _ in named)
            # The same bytes that arrive again while they wait are kept already.
            new = {name: item for name, item in named if name not in self._entries}
        failures = 0
        while True:
            try:
                entries = self.spool.put_many([(i.ref, i.content or b"", i.note) for i in new.values()])
                break
            except OSError as error:
                failures += 1
                self._troubled(f"what arrived cannot be kept: {error.strerror or error}")
                if self._stop.wait(pause_after(failures)):
                    with self._lock:
                        self._counts.subtract(name for name, _ in named)
                    for item in items:
                        self._dropped(item)
                    return
        with self._lock:
            for entry in entries:
                self._entries[entry.sha256] = [entry]
            for name, item in named:
                item.spooled = self._entries[name][0]
        for item in items:
            self._kept(item)

    def forget(self, entry: SpoolEntry, times: int) -> None:
        """So many arrivals of this content are committed: it goes, unless it arrived once more and waits.

        Raises OSError."""
        with self._lock:
            self._counts[entry.sha256] -= times
            if self._counts[entry.sha256] > 0:
                return
            del self._counts[entry.sha256]
            for each in self._entries.pop(entry.sha256, ()):
                self.spool.forget(each)


def _size(item: Item | None) -> int:
    return 0 if item is None else len(item.content or b"")


class KeptSource:
    """Entries of the spool that an earlier process left, as a source that they are fetched from."""

    name = "spool"
    at_once = 1

    def __init__(self, spool: Spool, entries: list[SpoolEntry]) -> None:
        self.progress = Progress()
        self._spool = spool
        self._entries = {entry.ref: entry for entry in entries}

    def objects(self) -> Iterator[ObjectRef]:
        return iter(self._entries)

    def fetch(self, ref: ObjectRef) -> bytes:
        try:
            return self._spool.content(self._entries[ref])
        except OSError as error:
            what = f"the spooled bytes cannot be read: {error.strerror or error}"
            raise ObjectUnavailable(ref.name, "gone", what, "Check the home's disk.") from error

    def confirm(self) -> None:
        """The pipeline forgets each entry after its commit."""
