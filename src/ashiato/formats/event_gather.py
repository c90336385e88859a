"""CloudTrail files of many objects, read as one: what a column costs is paid once for hundreds of events.

What reads without a fault as one is counted by object; anything else is read object by object.
"""

from __future__ import annotations

from collections.abc import Iterator

from ashiato.formats.cloudtrail import EventRows, is_utf8
from ashiato.formats.cloudtrail_record import is_tight
from ashiato.formats.documents import DocumentReader
from ashiato.formats.reading import Gathered, ObjectOrigin, defect

#: Larger files are many by themselves; what is gathered should be in the processor's cache still.
MOST_BYTES = 512 << 10
ENOUGH = 1 << 20


class EventGather:
    """Small CloudTrail files on their way into `events`."""

    def __init__(self, events: EventRows) -> None:
        self.events = events
        self._bodies: list[bytes] = []
        self._origins: list[ObjectOrigin] = []
        self._bytes = 0

    def add(self, content: bytes, origin: ObjectOrigin) -> bool:
        """Take a whole decompressed file; False where it must be read by itself."""
        if len(content) > MOST_BYTES:
            return False
        body = content.rstrip()
        if not is_tight(body) or not is_utf8(body):
            return False
        self._bodies.append(body)
        self._origins.append(origin)
        self._bytes += len(body)
        return True

    @property
    def full(self) -> bool:
        return self._bytes >= ENOUGH

    def take(self) -> Iterator[Gathered]:
        """Read everything gathered so far."""
        bodies, origins = self._bodies, self._origins
        self._bodies, self._origins, self._bytes = [], [], 0
        if not bodies:
            return
        try:
            counts = self.events.add_files(bodies, origins)
        except Exception:
            # Each by itself, the one that it is due to shows.
            counts = None
        if counts is not None:
            yield Gathered(None, tuple(zip(origins, counts, strict=True)))
            for rows in self.events.overflow():
                yield Gathered(rows, ())
            return
        for body, origin in zip(bodies, origins, strict=True):
            before = self.events.added
            try:
                for part in DocumentReader(self.events, origin).whole(body):
                    yield Gathered(part, ((origin, 0),))
            except Exception as error:
                yield Gathered(defect(error), ((origin, 0),))
            yield Gathered(None, ((origin, self.events.added - before),))
