"""The spool as the pipeline uses it: kept before anybody is told, forgotten after the commit."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from ashiato.intake.spool import Spool, SpoolEntry
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Progress
from ashiato.sources.pauses import pause_after
from ashiato.watch.waiting import Item


class Keeper:
    """Counts how often each content waits: the same bytes may arrive again while they are being committed."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.spool = Spool(folder)
        self.say = say
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def earlier(self) -> list[SpoolEntry]:
        """What an earlier process kept; it counts as waiting from here on."""
        self.spool.tidy()
        entries = list(self.spool.entries())
        with self._lock:
            self._counts.update(entry.path.name for entry in entries)
        return entries

    def keep(self, item: Item, troubled: Callable[[str], None], stop: threading.Event) -> bool:
        """Into the spool, synced; while the disk is full, again and again. False where `stop` came first."""
        assert item.content is not None
        name = hashlib.sha256(item.content).hexdigest()
        with self._lock:
            self._counts[name] += 1
        failures = 0
        while True:
            try:
                item.spooled = self.spool.put(item.ref, item.content, item.note)
                return True
            except OSError as error:
                failures += 1
                troubled(f"what arrived cannot be kept: {error.strerror}")
                if stop.wait(pause_after(failures)):
                    with self._lock:
                        self._counts[name] -= 1
                    return False

    def forget(self, path: Path, times: int) -> None:
        """So many arrivals of this content are committed: it goes, unless it arrived once more and waits."""
        with self._lock:
            self._counts[path.name] -= times
            if self._counts[path.name] > 0:
                return
            del self._counts[path.name]
            try:
                self.spool.forget(path)
            except OSError as error:
                self.say(f"The spool could not be tidied: {error}")


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
