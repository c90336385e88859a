"""Live sources that look at a whole place again and again: one pass after another, and what is new meanwhile.

A pass can take hours (the first one over years of logs). It runs in a thread of its own with a window of
objects on their way, so that what arrives now is taken beside it and does not wait behind it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import islice

from ashiato.core.errors import AshiatoError
from ashiato.sources.live import Arrival, Outcome, Sink, SourceState
from ashiato.sources.live_kinds import LiveContext
from ashiato.sources.objects import ObjectRef, Problem, Source
from ashiato.sources.pauses import Again
from ashiato.sources.trouble import Trouble

#: Objects that the ledger is asked about at once.
SLICE = 400
#: Objects of a pass that are on their way at once: enough to keep the pipeline busy, few enough to pass by.
WINDOW_OBJECTS = 2_000
WINDOW_BYTES = 32 << 20
#: How long the loop of a source waits for something to happen.
TICK = 0.25
#: How long the end of a pass is waited for; a request that hangs ends with the process.
END_SECONDS = 5.0


class Offering:
    """Objects on their way from one source into the pipeline."""

    def __init__(
        self, source: Source, state: SourceState, context: LiveContext, again: Again, flow_format: str | None
    ) -> None:
        self.source = source
        self.state = state
        self.context = context
        self.again = again
        self.flow_format = flow_format
        self._changed = threading.Condition()
        self.on_their_way = 0
        self._bytes = 0

    def offer_new(self, refs: Iterable[ObjectRef], sink: Sink, stop: threading.Event) -> bool:
        """Offer those that the ledger does not know as done; False where the pipeline or the source stops."""
        waiting = iter(refs)
        while part := list(islice(waiting, SLICE)):
            known = sink.known(part)
            for ref in part:
                if ref in known:
                    self.again.done(ref)
                elif not self.again.resting(ref) and not self._offer(ref, sink, stop):
                    return False
            if stop.is_set():
                return False
        return True

    def _offer(self, ref: ObjectRef, sink: Sink, stop: threading.Event) -> bool:
        with self._changed:
            while self.on_their_way >= WINDOW_OBJECTS or (self._bytes >= WINDOW_BYTES and self.on_their_way):
                if stop.is_set():
                    return False
                self._changed.wait(TICK)
            self.on_their_way += 1
            self._bytes += ref.size

        def done(outcome: Outcome) -> None:
            self._done(ref, outcome)

        arrival = Arrival(ref, reader=self.source, flow_format=self.flow_format, done=done)
        self.state.last_arrival = self.context.clock()
        if sink.offer(arrival):
            return True
        self._left(ref)
        return False

    def _done(self, ref: ObjectRef, outcome: Outcome) -> None:
        if outcome == "failed":
            self.again.failed(ref)
        else:
            self.again.done(ref)
        counts = self.state.counts
        counts[outcome] = counts.get(outcome, 0) + 1
        self._left(ref)

    def _left(self, ref: ObjectRef) -> None:
        with self._changed:
            self.on_their_way -= 1
            self._bytes -= ref.size
            self._changed.notify_all()

    def settled(self, stop: threading.Event) -> bool:
        """Wait until nothing is on its way; False where `stop` came first."""
        with self._changed:
            while self.on_their_way:
                if stop.is_set():
                    return False
                self._changed.wait(TICK)
        return True


class _Pass:
    """One pass in a thread of its own."""

    def __init__(self, live: PassingSource, sink: Sink, stop: threading.Event) -> None:
        self.error: BaseException | None = None
        self.complete = False
        #: Processor time that it took, in seconds.
        self.cost = 0.0
        self.began = time.monotonic()
        self._live, self._sink, self._stop = live, sink, stop
        self.thread = threading.Thread(target=self._run, name=f"ashiato-pass-{live.name}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        live, stop = self._live, self._stop
        try:
            source = live.source
            offering = live.offering(source)
            live.passing = offering
            if not offering.offer_new(live.again.due(), self._sink, stop):
                return
            if not offering.offer_new(live.listed(), self._sink, stop):
                return
            if offering.settled(stop):
                source.confirm()
                self.complete = True
        except BaseException as error:
            self.error = error
        finally:
            self.cost = time.thread_time()


class PassingSource:
    """Base of live sources that list: `source` is passed over whole, `meanwhile` takes what is new."""

    def __init__(
        self, name: str, type_: str, source: Source, context: LiveContext, flow_format: str | None
    ) -> None:
        self.name = name
        self.state = SourceState(name, type_)
        self.source = source
        self.context = context
        self.flow_format = flow_format
        self.again = Again(context.clock)
        self.trouble = Trouble(self.state, least=5.0, most=120.0, clock=context.clock)
        self.passing: Offering | None = None

    def offering(self, source: Source) -> Offering:
        return Offering(source, self.state, self.context, self.again, self.flow_format)

    def earlier(self) -> list[ObjectRef]:
        """Objects that could not be fetched before this process began."""
        return []

    def listed(self) -> Iterator[ObjectRef]:
        """What a pass finds."""
        return self.source.objects()

    def pause(self, cost: float) -> float:
        """Seconds from the begin of a pass that took `cost` seconds of the processor to the begin of the next."""
        del cost
        return self.context.poll_seconds

    def ended(self) -> None:
        """A pass was complete."""

    def meanwhile(self, sink: Sink, stop: threading.Event, *, during_pass: bool) -> None:
        """Take what is new, or wait TICK seconds."""
        del sink, during_pass
        stop.wait(TICK)

    def run(self, sink: Sink, stop: threading.Event) -> None:
        """See sources.live.LiveSource."""
        self.state.since = self.context.clock()
        self.again = Again(self.context.clock, self.earlier())
        current: _Pass | None = None
        due = time.monotonic()
        # A pass ends with this call, however it ends: the next call begins a pass of its own.
        ending = threading.Event()
        try:
            while not stop.is_set():
                if current is None and time.monotonic() >= due:
                    current = _Pass(self, sink, ending)
                if current is not None and not current.thread.is_alive():
                    due = self._ended(current)
                    current = None
                self._show(current)
                try:
                    self.meanwhile(sink, stop, during_pass=current is not None)
                except AshiatoError as error:
                    stop.wait(min(self.trouble.failed(error), self.context.poll_seconds))
        finally:
            ending.set()
            if current is not None:
                current.thread.join(END_SECONDS)

    def _ended(self, ended: _Pass) -> float:
        """When the next pass begins (monotonic)."""
        if ended.error is not None:
            if not isinstance(ended.error, AshiatoError):
                raise ended.error
            return time.monotonic() + self.trouble.failed(ended.error)
        if ended.complete:
            self.state.last_poll = self.context.clock()
            problems = self.source.progress.problems
            if problems:
                self.trouble.failed(_told(problems))
            else:
                self.trouble.well()
            self.ended()
        return max(time.monotonic(), ended.began + self.pause(ended.cost))

    def _show(self, current: _Pass | None) -> None:
        offering = self.passing
        on_their_way = offering.on_their_way if offering is not None and current is not None else 0
        self.state.backlog = on_their_way + len(self.again)


def _told(problems: list[Problem]) -> str:
    first = problems[0]
    more = f" (and {len(problems) - 1:,} more places)" if len(problems) > 1 else ""
    return f"{first.where}: {first.what}{more}. {first.remedy}"
