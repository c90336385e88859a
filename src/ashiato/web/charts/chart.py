"""What every chart is, and the time axis that those along time share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from ashiato.core.spans import shifted
from ashiato.web.charts.svg import el, percent
from ashiato.web.filters import local

#: Bins of a chart; more would be thinner than a line.
MOST_BINS = 1500


def around(start: datetime, end: datetime, least: timedelta) -> tuple[datetime, datetime]:
    """The span with some room at both ends: a fortieth of it, `least` at least."""
    room = max((end - start) / 40, least)
    return shifted(start, -room), shifted(end, room)


def steps(first: datetime, last: datetime, step: timedelta) -> list[tuple[datetime, datetime]]:
    """Spans of a length from `first` to the one that `last` is in: of many the newest MOST_BINS, for one record of long
    ago must not take the room of all others."""
    count = (last - first) // step + 1
    starts = [first + number * step for number in range(max(0, count - MOST_BINS), count)]
    return [(start, shifted(start, step)) for start in starts]


@dataclass(frozen=True)
class Chart:
    """A picture and the table behind it: `head` and `rows` of cells (text, figures, times, or Markup with links).

    `kind` is a class of its figure; `label` names it for those who do not see it.
    """

    svg: Markup
    label: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    kind: str = ""


@dataclass(frozen=True)
class Gap:
    """A span without evidence, drawn hatched; `why` in words. `lane`: of the timeline; None: every lane."""

    start: datetime
    end: datetime
    why: str
    lane: str | None = None


@dataclass(frozen=True)
class TimeAxis:
    """From `start` to `end` (later), in the zone that ticks are told in."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    def share(self, moment: datetime) -> float:
        """Where a moment lies, 0 … 1; moments outside at the edge."""
        whole = (self.end - self.start).total_seconds() or 1.0
        return min(1.0, max(0.0, (moment - self.start).total_seconds() / whole))

    def ticks(self, most: int = 8) -> list[tuple[datetime, str]]:
        """At most so many round moments of the zone, with what to write there."""
        length = self.end - self.start
        step = next((s for s in _STEPS if length / s <= most), timedelta(days=max(1, length.days // most)))
        first = local(self.start, self.zone)
        midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
        found = []
        for number in range((first - midnight) // step, (self.end - midnight) // step + 1):
            # By the clock on the wall, so that midnight stays midnight where clocks are changed.
            moment = (midnight.replace(tzinfo=None) + number * step).replace(tzinfo=self.zone)
            if moment >= self.end:
                break
            if moment >= self.start:
                found.append((moment, _told(moment, step)))
        return found

    def drawn(self, top: float, bottom: float) -> list[Markup]:
        """Lines and labels of the ticks; every second one is left out where it is narrow."""
        parts = []
        for number, (moment, text) in enumerate(self.ticks()):
            x = percent(self.share(moment))
            kind = "tick" if number % 2 == 0 else "tick odd"
            parts.append(el("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
            anchor = "start" if self.share(moment) < 0.96 else "end"
            parts.append(el("text", text, x=x, y=bottom + 13, dx=2, class_=kind, text_anchor=anchor))
        return parts

    def hatched(self, gap: Gap, top: float, height: float, pattern: str) -> Markup | None:
        left, right = self.share(gap.start), self.share(gap.end)
        if gap.end <= self.start or gap.start >= self.end:
            return None
        return el(
            "rect", el("title", gap.why), x=percent(left), y=top, height=height,
            width=percent(max(right - left, 0.002)), fill=f"url(#{pattern})", class_="gap",
        )  # fmt: skip


_STEPS = [
    timedelta(seconds=s)
    for s in (1, 5, 15, 60, 300, 900, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2419200)
]


def _told(moment: datetime, step: timedelta) -> str:
    if step >= timedelta(days=1) or (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return f"{moment:%m-%d}"
    return f"{moment:%H:%M}" if step >= timedelta(minutes=1) else f"{moment:%H:%M:%S}"


def hatch(pattern: str) -> Markup:
    """The hatching of gaps, once a picture; `pattern` is its id, unique on the page."""
    line = el("path", d="M0 6 6 0", class_="hatch")
    return el("defs", el("pattern", line, id=pattern, width=6, height=6, patternUnits="userSpaceOnUse"))
