"""Following an API that is asked by time: what is new first, what lies behind and what came late after it.

Events become visible later than they happened, and not in order. So each look at what is new begins an *overlap*
before the end of the last one, as long as events were lately seen to be late; further back, *sweeps* look again.
What was read before is known by its id. Whatever the source was not there for, and what was before its first start,
is a *range behind*, read from its newer end in windows, between the looks at what is new. Positions are kept when
all before them is committed (sources/cursors.py).
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ashiato.sources.cursors import Cursors, Step, Steps
from ashiato.sources.live import Arrival, Sink, SourceState
from ashiato.sources.objects import ObjectRef
from ashiato.sources.positions import Positions
from ashiato.sources.time_api import Api, Habits, Happened, KnownIds, Stopped, Throttled, span
from ashiato.sources.trouble import Trouble, count

#: Pages that a window of a range behind should have.
WINDOW_PAGES: Final = 40
#: Events may show up a little later than their ingestion time says.
MARGIN: Final = timedelta(seconds=30)


@dataclass
class _Sweep:
    """A look further back: `since` is when the last one began that came to its end.

    `least` is the least overlap of looks since then, `least_then` that since the one under way began.
    """

    number: int
    every: timedelta
    back: timedelta
    since: datetime
    least: timedelta
    least_then: timedelta


@dataclass
class _Reading:
    """A window that is being read page by page, beside the looks at what is new."""

    pages: Iterator[list[Happened]]
    step: Step
    start: datetime
    end: datetime
    at: datetime
    range_id: str | None = None
    sweep: _Sweep | None = None
    count: int = 0
    began: float = field(default_factory=time.monotonic)


class Follower:
    """Follows one `api` for the source `name`; `run` in a thread of its own.

    `back_to`: where the first start begins to read. `trouble` tells the source's state of failures, `show` how
    much lies behind.
    """

    def __init__(
        self,
        name: str,
        api: Api,
        cursors: Cursors,
        *,
        state: SourceState,
        trouble: Trouble,
        habits: Habits,
        back_to: datetime,
        clock: Callable[[], datetime],
        flow_format: str | None = None,
        linger: float = 3.0,
        show: Callable[[str | None], None] | None = None,
    ) -> None:
        self.name = name
        self.api = api
        self.state = state
        self.overlap = habits.least
        self.requests = 0
        self._show = show or self._show_alone
        self._trouble = trouble
        self._habits = habits
        self._back_to = back_to
        self._clock = clock
        self._flow_format = flow_format
        self._linger = linger
        self._ids = KnownIds()
        self._new = Steps()
        self._behind = Steps()
        self._sweeping = Steps()
        self._positions = Positions(cursors, name, api.where)
        self._reading: _Reading | None = None
        self._sweeps: list[_Sweep] = []
        self._window = habits.window
        self._looked = False
        self._broken_off = False
        self._pace: tuple[float, float, float] = (0.0, 0.0, 0.0)

    # -- the loop -----------------------------------------------------------------------------------

    def run(self, sink: Sink, stop: threading.Event) -> None:
        """Until `stop`. Raises only defects."""
        due = 0.0
        self._drop_reading()
        while not stop.is_set():
            try:
                if self._positions.front is None:
                    self._begin()
                if time.monotonic() >= due:
                    self._look(sink, stop)
                    due = time.monotonic() + self.pause()
                if not self._step_behind(sink, stop):
                    stop.wait(min(max(due - time.monotonic(), 0.0), 0.5 if self._open() else 5.0))
                self._keep()
                self._trouble.well()
            except Stopped:
                break
            except Exception as error:
                self._drop_reading()
                pause = self._trouble.failed(_expected(error), counted=_counted(error))
                self._wait(stop, pause)
        self._end()

    def pause(self) -> float:
        """Seconds between looks: the longer the overlap, the rarer, lest each event be read too often."""
        return max(self._habits.every, self.overlap.total_seconds() / self._habits.rereads)

    def _wait(self, stop: threading.Event, seconds: float) -> None:
        """Wait, and go on keeping what is committed meanwhile."""
        until = time.monotonic() + seconds
        while not stop.wait(min(1.0, max(0.0, until - time.monotonic()))) and time.monotonic() < until:
            try:
                self._keep()
            except Exception as error:
                _expected(error)

    def _open(self) -> int:
        return self._new.waiting() + self._behind.waiting() + self._sweeping.waiting()

    def _end(self) -> None:
        self._drop_reading()
        until = time.monotonic() + self._linger
        while True:
            try:
                self._keep()
            except Exception as error:
                # The position is asked for again by the next process.
                _expected(error)
                return
            if not self._open() or time.monotonic() >= until:
                return
            time.sleep(0.02)

    # -- what is new --------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.overlap = self._positions.load(
            self._clock(), self.overlap, self._back_to, len(self._habits.sweeps)
        )
        self._plan_sweeps()

    def _plan_sweeps(self) -> None:
        least = self._habits.least
        self._sweeps = [
            _Sweep(n, every, back, self._positions.swept(n) or self._clock(), least, least)
            for n, (every, back) in enumerate(self._habits.sweeps)
        ]

    def _look(self, sink: Sink, stop: threading.Event) -> None:
        now = self._clock()
        positions = self._positions
        assert positions.front is not None
        jumped = now - positions.front > self._habits.jump
        if jumped:
            if self._new.waiting():
                # What earlier looks handed over and is not committed belongs to the range from now on: it must be
                # handed over with it again, or a kill would lose it.
                self._ids.clear()
            positions.jump(now - self.overlap, self.overlap)
        step = self._new.begin()
        latest = timedelta(0)
        position = None
        try:
            for page in self._pages(positions.front - self.overlap, now, stop):
                fresh = self._fresh(page)
                latest = max([latest, *(_lateness(event, now) for event in fresh)])
                self._offer(fresh, step, sink)
            position = now.isoformat()
        finally:
            step.close(position)
        if self._looked and not jumped:
            self._learn(latest)
        self._looked = True
        self.state.last_poll = now
        positions.front = now

    def _learn(self, latest: timedelta) -> None:
        """How late events are: at once when they are later, slowly when they are not any more."""
        habits = self._habits
        wanted = latest + MARGIN * 2
        if wanted < self.overlap:
            wanted = max(wanted, self.overlap * 0.98)
        self.overlap = min(max(wanted, habits.least), habits.most)
        for sweep in self._sweeps:
            sweep.least = min(sweep.least, self.overlap)
            sweep.least_then = min(sweep.least_then, self.overlap)

    # -- what lies behind ---------------------------------------------------------------------------

    def _step_behind(self, sink: Sink, stop: threading.Event) -> bool:
        """Read one page of a sweep or of a range behind. False: there is nothing to read."""
        reading = self._reading or self._next_reading(stop)
        if reading is None:
            return False
        self._reading = reading
        page = next(reading.pages, None)
        if page is None:
            self._window_done(reading)
            return True
        reading.count += 1
        fresh = self._fresh(page)
        if reading.sweep is not None:
            # Those that AWS had within the overlap of every look were seen by one of them.
            least = reading.sweep.least
            fresh = [e for e in fresh if e.had is None or e.had - e.at + MARGIN >= least]
        self._offer(fresh, reading.step, sink)
        return True

    def _next_reading(self, stop: threading.Event) -> _Reading | None:
        now = self._clock()
        # A sweep that was broken off lets the ranges go first.
        waiting = self._broken_off and bool(self._positions.ranges)
        self._broken_off = False
        for sweep in () if waiting else self._sweeps:
            # From where nothing so late can be that the last one did not see.
            start, end = max(sweep.since - sweep.back, self._oldest(now)), now - self.overlap
            if now >= sweep.since + sweep.every and start < end:
                sweep.least_then = self.overlap
                return _Reading(
                    self._pages(start, end, stop), self._sweeping.begin(), start, end, now, sweep=sweep
                )
        ranges = self._positions.ranges
        while ranges:
            # The newest first: what happened lately is asked for more often.
            id_, (start, end) = max(ranges.items(), key=lambda held: held[1][1])
            start = max(start, self._oldest(now))
            if start >= end:
                del ranges[id_]
                self._behind.begin().close([id_, None])
                continue
            begin = max(start, end - self._window)
            self._show(self.forecast())
            return _Reading(
                self._pages(begin, end, stop), self._behind.begin(), begin, end, now, range_id=id_
            )
        self._show(None)
        return None

    def _window_done(self, reading: _Reading) -> None:
        self._reading = None
        sweep = reading.sweep
        if sweep is not None:
            count(self.state, "sweeps")
            sweep.since, sweep.least = reading.at, sweep.least_then
            reading.step.close([sweep.number, reading.at.isoformat()])
            return
        id_, ranges = reading.range_id, self._positions.ranges
        assert id_ is not None
        first = ranges[id_][0]
        if reading.start <= max(first, self._oldest(self._clock())):
            del ranges[id_]
            reading.step.close([id_, None])
        else:
            ranges[id_] = (first, reading.start)
            reading.step.close([id_, reading.start.isoformat()])
        pages, history, wall = self._pace
        took = (reading.end - reading.start).total_seconds()
        self._pace = (pages + reading.count, history + took, wall + time.monotonic() - reading.began)
        wanted = self._window * min(4.0, max(0.25, WINDOW_PAGES / max(1, reading.count)))
        self._window = min(max(wanted, timedelta(minutes=1)), timedelta(days=1))

    def _drop_reading(self) -> None:
        if self._reading is not None:
            self._broken_off = self._reading.sweep is not None
            # The window is read again, but for what was handed over.
            self._reading.step.close()
            self._reading = None

    def _oldest(self, now: datetime) -> datetime:
        back = self.api.most_back
        return self._back_to if back is None else max(self._back_to, now - back)

    def forecast(self) -> str | None:
        """How much lies behind, and how long it takes at the density and pace measured so far."""
        now = self._clock()
        left = sum(
            max(0.0, (b - max(a, self._oldest(now))).total_seconds())
            for a, b in self._positions.ranges.values()
        )
        if not left:
            return None
        pages, history, wall = self._pace
        told = f"{self.api.where}: {span(left)} of history to read"
        if not pages or not history or not wall:
            return f"{told}; how long it takes is not known yet"
        a_day = pages / history * 86_400
        seconds = left / history * wall
        return (
            f"{told}, about {span(seconds)} to go: {a_day:,.0f} pages a day of history so far,"
            f" {pages / wall:.1f} pages a second"
        )

    # -- events -------------------------------------------------------------------------------------

    def _pages(self, start: datetime, end: datetime, stop: threading.Event) -> Iterator[list[Happened]]:
        for page in self.api.pages(start, end, stop):
            self.requests += 1
            count(self.state, "requests")
            if not page:
                count(self.state, "empty pages")
            yield page

    def _fresh(self, page: list[Happened]) -> list[Happened]:
        fresh = [event for event in page if event.id not in self._ids]
        if len(fresh) < len(page):
            count(self.state, "seen again", len(page) - len(fresh))
        return fresh

    def _show_alone(self, forecast: str | None) -> None:
        self.state.forecast = forecast

    def _offer(self, events: list[Happened], step: Step, sink: Sink) -> None:
        if not events:
            return
        content = self.api.content(events)
        digest = hashlib.sha256(content).hexdigest()
        at = max(event.had or event.at for event in events)
        ref = ObjectRef(self.name, f"{self.api.where}/{digest}", digest, len(content), at)
        step.begun()
        if not sink.offer(Arrival(ref, content, flow_format=self._flow_format, done=step.done)):
            step.done("failed")
            raise Stopped
        # Only now: what was not taken over must not be known when it comes again.
        for event in events:
            self._ids.add(event.id)
        self.state.last_arrival = self._clock()
        count(self.state, "events", len(events))

    def _keep(self) -> None:
        """Keep what is settled; after a failure begin again where it was kept."""
        positions = self._positions
        fronts, failed = self._new.settled()
        ranges, behind_failed = self._behind.settled()
        sweeps, sweep_failed = self._sweeping.settled()
        if fronts:
            positions.committed(fronts[-1], self.overlap)
        for id_, end in ranges:
            positions.cut(id_, end)
        for which, at in sweeps:
            positions.swept(which, at)
        if fronts or ranges or sweeps:
            positions.put()
        if failed or behind_failed or sweep_failed:
            # Which events did not arrive is not known: all that comes is news again.
            self._ids.clear()
            self._drop_reading()
            positions.reset()
            self._plan_sweeps()


def _lateness(event: Happened, now: datetime) -> timedelta:
    return (event.had or now) - event.at


def _counted(error: Exception) -> str | None:
    return "throttled" if isinstance(error, Throttled) else None


def _expected(error: Exception) -> Exception:
    """The error, where AWS, the network or the control database may answer so; a defect goes on."""
    from sqlalchemy.exc import SQLAlchemyError

    from ashiato.core.errors import AshiatoError

    if isinstance(error, AshiatoError | SQLAlchemyError | OSError):
        return error
    raise error
