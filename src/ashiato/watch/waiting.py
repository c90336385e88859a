"""What waits between arrival and commit: bounded by bytes, fair between sources, one object of a name at a time."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from ashiato.intake.spool import SpoolEntry
from ashiato.intake.units import ReadingNote
from ashiato.sources.live import Arrival
from ashiato.sources.objects import ObjectRef

#: What an object costs besides its bytes, so that a million empty ones do not wait at once either.
OBJECT_BYTES = 1024


@dataclass(eq=False)
class Item:
    """An arrival on its way. `offered` and `ready` are monotonic times; `content` comes when it is fetched."""

    source: str
    ref: ObjectRef
    arrivals: list[Arrival]
    size: int
    offered_at: datetime
    offered: float
    content: bytes | None = None
    note: ReadingNote = field(default_factory=ReadingNote)
    spooled: SpoolEntry | None = None
    ready: float = 0.0
    tries: int = 0
    #: Commits that there had been when it failed first.
    failed_at: int = 0


@dataclass
class _Line:
    """One source's share: what it holds, and what is ready to be committed, in order."""

    held: int = 0
    objects: int = 0
    ready: deque[Item] = field(default_factory=deque)


class Waiting:
    """Admission, and the lines of ready items. Thread-safe.

    `most_bytes` is divided among the sources, so that one that is slow or fails does not fill the room of the
    others; a source that holds nothing may always hand over one object, however large.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.changed = threading.Condition()
        self.stopping = False
        self._lines: dict[str, _Line] = {}
        self._active: dict[str, Item] = {}
        self._behind: dict[str, deque[Item]] = {}
        self._turn = 0
        #: Somebody waits to be admitted: waiting longer for more would be in vain.
        self._blocked = 0

    def join(self, source: str) -> None:
        """A source that will offer: it gets its share."""
        with self.changed:
            self._lines.setdefault(source, _Line())

    @property
    def share(self) -> int:
        return self.most_bytes // max(len(self._lines), 1)

    def admit(self, item: Item) -> bool:
        """Wait for room; False when stopping. True: the item counts from here on."""
        with self.changed:
            line = self._lines.setdefault(item.source, _Line())
            self._blocked += 1
            try:
                while not self.stopping and line.objects and line.held + item.size > self.share:
                    self.changed.notify_all()
                    self.changed.wait(1.0)
            finally:
                self._blocked -= 1
            if self.stopping:
                return False
            line.held += item.size
            line.objects += 1
            return True

    def enter(self, item: Item) -> bool:
        """Whether the item is to be worked on now. Else it joined the same object that is on its way already
        (and is told of its outcome), or stands behind another version of it (`finish` brings it out)."""
        with self.changed:
            active = self._active.setdefault(item.ref.name, item)
            if active is item:
                return True
            same = (active.ref.source, active.ref.etag) == (item.ref.source, item.ref.etag)
            if same and active.spooled == item.spooled:
                active.arrivals += item.arrivals
                self._release(item)
            else:
                self._behind.setdefault(item.ref.name, deque()).append(item)
            return False

    def put(self, item: Item) -> None:
        """Its content is there."""
        with self.changed:
            item.ready = time.monotonic()
            self._lines[item.source].ready.append(item)
            self.changed.notify_all()

    def put_back(self, items: list[Item]) -> None:
        """They could not be committed: they come first again; a single one comes last, others may do better."""
        with self.changed:
            if len(items) == 1:
                self._lines[items[0].source].ready.append(items[0])
                return
            for item in reversed(items):
                self._lines[item.source].ready.appendleft(item)

    def take(self, most_objects: int, most_bytes: int) -> list[Item]:
        """Ready items, of each source in turn; at least one where there is any."""
        with self.changed:
            taken: list[Item] = []
            size = 0
            lines = [line for line in self._lines.values() if line.ready]
            self._turn += 1
            while lines and len(taken) < most_objects:
                for line in lines[self._turn % len(lines) :] + lines[: self._turn % len(lines)]:
                    if len(taken) >= most_objects:
                        break
                    bytes_ = len(line.ready[0].content or b"")
                    if taken and size + bytes_ > most_bytes:
                        return taken
                    taken.append(line.ready.popleft())
                    size += bytes_
                lines = [line for line in lines if line.ready]
            return taken

    def finish(self, item: Item) -> tuple[list[Arrival], Item | None]:
        """It is done with: the arrivals to tell, and the next version of the object, which is to be worked on."""
        with self.changed:
            self._active.pop(item.ref.name, None)
            self._release(item)
            behind = self._behind.get(item.ref.name)
            following = behind.popleft() if behind else None
            if behind is not None and not behind:
                del self._behind[item.ref.name]
            if following is not None:
                self._active[following.ref.name] = following
            return item.arrivals, following

    def leave(self, item: Item) -> None:
        """It was admitted and will not be worked on."""
        with self.changed:
            self._release(item)

    def _release(self, item: Item) -> None:
        line = self._lines[item.source]
        line.held -= item.size
        line.objects -= 1
        self.changed.notify_all()

    def stop(self) -> None:
        """Admit nothing more."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()

    # -- figures ------------------------------------------------------------------------------------

    def ready_bytes(self) -> int:
        """Bytes of content that is ready. Call it with `changed` held."""
        return sum(len(item.content or b"") for line in self._lines.values() for item in line.ready)

    def any_ready(self) -> bool:
        """Call it with `changed` held."""
        return any(line.ready for line in self._lines.values())

    @property
    def blocked(self) -> bool:
        return self._blocked > 0

    def held(self) -> dict[str, tuple[int, int]]:
        """Of each source: objects and bytes that wait."""
        with self.changed:
            return {name: (line.objects, line.held) for name, line in self._lines.items()}

    def oldest(self) -> datetime | None:
        """When the oldest arrival that waits was offered."""
        with self.changed:
            return min((item.offered_at for item in self._active.values()), default=None)
