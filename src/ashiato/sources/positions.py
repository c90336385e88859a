"""Where a follower of an API by time stands, as kept: the end of the last look, ranges behind, the last sweeps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ashiato.sources.cursors import Cursors

Range = tuple[datetime, datetime]


class Positions:
    """The kept state of `source` under `key`, and beside it how far reading is ahead of it (`front`, `ranges`)."""

    def __init__(self, cursors: Cursors, source: str, key: str) -> None:
        self._cursors = cursors
        self._source = source
        self._key = key
        self._kept: dict[str, Any] = {}
        self.front: datetime | None = None
        self.ranges: dict[str, Range] = {}

    def load(self, now: datetime, overlap: timedelta, back_to: datetime, sweeps: int) -> timedelta:
        """Where the last process stopped, or the first start: then all from `back_to` is a range behind.

        Returns the overlap: at least the one of the last process.
        """
        kept = self._cursors.get(self._source, self._key)
        if isinstance(kept, dict):
            self._kept = kept
            self.reset()
            return max(overlap, timedelta(seconds=float(kept["overlap"])))
        front = now - overlap
        self._kept = {"front": front.isoformat(), "overlap": 0.0, "ranges": {}, "last_id": 0, "swept": {}}
        if back_to < front:
            self.add_range(back_to, front)
        for which in range(sweeps):
            self.swept(which, now.isoformat())
        self.put()
        self.reset()
        return overlap

    def reset(self) -> None:
        """Reading begins again where it is kept."""
        self.front = datetime.fromisoformat(self._kept["front"])
        self.reset_ranges()

    def reset_ranges(self) -> None:
        """The same for what lies behind."""
        self.ranges = {
            id_: (datetime.fromisoformat(a), datetime.fromisoformat(b))
            for id_, (a, b) in self._kept["ranges"].items()
        }

    def add_range(self, start: datetime, end: datetime) -> None:
        """One more range to read; to be kept by `put` before `front` moves beyond it."""
        number = int(self._kept["last_id"]) + 1
        self._kept["last_id"] = number
        self._kept["ranges"][str(number)] = [start.isoformat(), end.isoformat()]
        self.ranges[str(number)] = (start, end)

    def committed(self, front: str, overlap: timedelta) -> None:
        """All before `front` is committed."""
        self._kept["front"] = front
        self._kept["overlap"] = overlap.total_seconds()

    def jump(self, front: datetime, overlap: timedelta) -> None:
        """Go on from `front`: what lies before and is not committed is a range behind."""
        self.add_range(datetime.fromisoformat(self._kept["front"]) - overlap, front)
        self.front = front
        self._kept["front"] = front.isoformat()
        self.put()

    def cut(self, id_: str, end: str | None) -> None:
        """A range is committed down to `end`; None: all of it."""
        if end is None:
            self._kept["ranges"].pop(id_, None)
        elif id_ in self._kept["ranges"]:
            self._kept["ranges"][id_][1] = end

    def swept(self, which: int, at: str | None = None) -> datetime | None:
        """When a sweep last began whose events are all committed (at first: the first start); `at` notes it."""
        if at is not None:
            self._kept["swept"][str(which)] = at
        kept = self._kept["swept"].get(str(which))
        return None if kept is None else datetime.fromisoformat(kept)

    def put(self) -> None:
        """Keep it for good."""
        self._cursors.put(self._source, self._key, self._kept)
