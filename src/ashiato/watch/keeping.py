"""The spool as the pipeline uses it: kept before anybody is told, forgotten after the commit."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from ashiato.intake.spool import Spool, SpoolEntry
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Progress
from ashiato.sources.pauses import pause_after
from ashiato.watch.waiting import Item

#: So many are kept at once; what comes meanwhile is kept next.
MOST_AT_ONCE = 256


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
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ashiato-keep", daemon=True)

    def earlier(self) -> list[SpoolEntry]:
        """What an earlier process kept; it counts as waiting from here on."""
        self.spool.tidy()
        entries = list(self.spool.entries())
        with self._lock:
            self._counts.update(entry.path.name for entry in entries)
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
            while len(items) < MOST_AT_ONCE:
                try:
                    items.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            ended = None in items
            self._keep([item for item in items if item is not None])

    def _keep(self, items: list[Item]) -> None:
        if not items:
            return
        names = [hashlib.sha256(item.content or b"").hexdigest() for item in items]
        with self._lock:
            self._counts.update(names)
        failures = 0
        while True:
            try:
                paths = self.spool.put_many([(item.ref, item.content or b"", item.note) for item in items])
                break
            except OSError as error:
                failures += 1
                self._troubled(f"what arrived cannot be kept: {error.strerror or error}")
                if self._stop.wait(pause_after(failures)):
                    with self._lock:
                        self._counts.subtract(names)
                    for item in items:
                        self._dropped(item)
                    return
        for item, path in zip(items, paths, strict=True):
            item.spooled = path
            self._kept(item)

    def forget(self, path: Path, times: int) -> None:
        """So many arrivals of this content are committed: it goes, unless it arrived once more and waits.

        Raises OSError."""
        with self._lock:
            self._counts[path.name] -= times
            if self._counts[path.name] > 0:
                return
            del self._counts[path.name]
            self.spool.forget(path)


class KeptSource:
    """Entries of the spool that an earlier process left, as a source that they are fetched from."""

    name = "spool"
    at_once = 1

    def __init__(self, entries: list[SpoolEntry]) -> None:
        self.progress = Progress()
        self._paths = {entry.ref: entry.path for entry in entries}

    def objects(self) -> Iterator[ObjectRef]:
        return iter(self._paths)

    def fetch(self, ref: ObjectRef) -> bytes:
        try:
            return self._paths[ref].read_bytes()
        except OSError as error:
            what = f"the spooled bytes cannot be read: {error.strerror}"
            raise ObjectUnavailable(ref.name, "gone", what, "Check the home's disk.") from error

    def confirm(self) -> None:
        """The pipeline forgets each entry after its commit."""
