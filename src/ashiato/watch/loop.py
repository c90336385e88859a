"""`ashiato watch`: sources → pipeline → hooks, with maintenance, health and heartbeat beside them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.memory import expect_much
from ashiato.core.settings import Settings
from ashiato.intake.lags import LagBook, Place
from ashiato.intake.taken import failed_earlier
from ashiato.intake.watched import WRITE_SECONDS, ProcessState, write_watched
from ashiato.lake.home import Home
from ashiato.lake.maintain import due, maintain
from ashiato.ledger.cursors import LedgerCursors
from ashiato.ledger.findings import Finding
from ashiato.ledger.listings import LedgerListings
from ashiato.sources.live import LiveSource
from ashiato.sources.live_kinds import LiveContext, make_live
from ashiato.watch import health as healths
from ashiato.watch.habits import Habits
from ashiato.watch.pipeline import Committed, Pipeline
from ashiato.watch.runners import Service, ServiceRunner, SourceRunner
from ashiato.watch.silence import PUSHED, silent
from ashiato.watch.telling import CommitTeller

if TYPE_CHECKING:
    from ashiato.watch.evaluating import LiveEvaluation

#: How often it is looked at whether maintenance is due, and who is silent.
MAINTAIN_SECONDS = 15.0
SILENCE_SECONDS = 60.0
#: How long the end of a source or service is waited for: their threads are daemons.
END_SECONDS = 5.0
#: And that of the merge of one partition.
MERGE_SECONDS = 60.0

Say = Callable[[str], None]


class Watch:
    """The loop. Build it, add hooks and services, then `run` until `stop` is set, or `once`.

    `after_commit`: called with each Committed, in the committing thread, in order; exceptions are contained.
    `add_service`: callables that are run in threads until the event they get is set. `on_silence`: called with
    the findings of each look at who is silent (the same silence again and again, with the same uid).
    `lags`: where the lags of later stages (evaluated, alerted) are noted.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        *,
        say: Say = lambda _text: None,
        clock: Callable[[], datetime] = now,
        lives: Sequence[LiveSource] | None = None,
    ) -> None:
        expect_much()
        self.home = home
        self.settings = settings
        self.say = say
        self.clock = clock
        self.since = clock()
        self.stop = threading.Event()
        self.error_long = healths.ERROR_LONG
        lives = list(lives) if lives is not None else self._lives()
        self.pipeline = Pipeline(
            home, settings.watch, keep_objects=settings.archive == "copy", flow_format=settings.flow_format,
            say=say, clock=clock,
        )  # fmt: skip
        self.lags = LagBook()
        self.evaluation: LiveEvaluation | None = None
        self.on_silence: list[Callable[[Sequence[Finding]], None]] = []
        self.silences: list[Finding] = []
        self._teller = CommitTeller(say)
        self.pipeline.after_commit.append(self._teller)
        self._habits = Habits()
        self.runners = [
            SourceRunner(live, self.pipeline.sink(live.name), self.stop, say, self.pipeline.metrics, clock)
            for live in lives
        ]
        self._services_stop = threading.Event()
        self._services: list[ServiceRunner] = []
        self._beside: list[threading.Thread] = []

    @property
    def after_commit(self) -> list[Callable[[Committed], None]]:
        return self.pipeline.after_commit

    def add_service(self, name: str, service: Service) -> None:
        """Before `run`; a service ends when its event is set, after the last commit."""
        self._services.append(ServiceRunner(name, service, self._services_stop, self.say))

    def observe(self, place: Place, stage: str, seconds: float, count: int) -> None:
        """Note the lag of a later stage, for `ashiato sources` and for /metrics."""
        self.lags.observe(place, stage, seconds, self.clock(), count)
        self.pipeline.metrics.lags(place, stage, np.full(count, seconds))

    def health(self) -> healths.Health:
        return healths.health(self, error_long=self.error_long)

    def _lives(self) -> list[LiveSource]:
        settings = self.settings
        wanted = [source for source in settings.sources if source.enabled]
        names = [source.name for source in settings.sources]
        doubled = next((name for name in names if names.count(name) > 1), None)
        if doubled is not None:
            raise WrongUse(f"two sources are called {doubled}", where="sources", remedy="Rename one of them.")
        if not wanted:
            raise WrongUse(
                "there is no source to watch",
                where="sources",
                remedy="Add a [[sources]] entry to ashiato.toml; `ashiato watch --help` has an example.",
            )
        context = LiveContext(
            listings=LedgerListings(self.home.ledger),
            ledger=self.home.ledger,
            cursors=LedgerCursors(self.home.ledger),
            poll_seconds=settings.watch.poll_seconds,
            failed=lambda source, begin: failed_earlier(self.home.ledger, source, begin),
            clock=self.clock,
        )
        return [live for source in wanted for live in make_live(source, context)]

    # -- running ------------------------------------------------------------------------------------

    def run(self) -> None:
        """Watch until `stop` is set. Raises AshiatoError when committing ended for good."""
        self._begin()
        try:
            self._beside = [
                threading.Thread(target=self._maintenance, name="ashiato-maintain", daemon=True),
                threading.Thread(target=self._look, name="ashiato-look", daemon=True),
            ]
            for thread in self._beside:
                thread.start()
            while not self.stop.wait(0.5):
                if not self.pipeline.alive:
                    raise AshiatoError(
                        "committing ended for good: " + (self.pipeline.state.error or "a defect of Ashiato"),
                        remedy="Start it again; what was kept is taken in then.",
                    )
        finally:
            self._end()

    def once(self) -> None:
        """One round of everything that is due, then the end: each source is looked at whole once.

        Sources that are pushed to have no round; they are left out.
        """
        pushed = [r for r in self.runners if r.live.state.type in PUSHED]
        for runner in pushed:
            self.say(
                f"{runner.live.name} ({runner.live.state.type}): is pushed to and has no round; left out"
            )
        self.runners = [r for r in self.runners if r not in pushed]
        self._begin()
        try:
            rounds = [_Round(runner, self.since) for runner in self.runners]
            while not self.stop.wait(0.05):
                self._tell_sources()
                unfinished = [r for r in rounds if not r.over()]
                if not unfinished and self.pipeline.idle():
                    break
            if not self.stop.is_set():
                self._silence()
        finally:
            self._end()
        if not self.stopped_early:
            steps = due(self.home, self.settings)
            if steps:
                maintain(self.home, self.settings, only=steps)

    def _begin(self) -> None:
        self.stopped_early = False
        if self.evaluation is not None:
            self.evaluation.begin()
        self.pipeline.start()
        for runner in self.runners:
            runner.start()
            self.say(f"{runner.live.name} ({runner.live.state.type}): watching")
        for service in self._services:
            service.start()
        self._write(running=True)

    def _end(self) -> None:
        self.stopped_early = self.stop.is_set()
        self.stop.set()
        self.pipeline.stop()
        self._join([r.thread for r in self.runners])
        self._tell_sources()
        self._teller.flush(now=True)
        self._services_stop.set()
        self._join([s.thread for s in self._services])
        # The writer's lock is let go of after this: nothing may go on writing.
        self._join(self._beside, MERGE_SECONDS)
        self._write(running=False)

    def _join(self, threads: Sequence[threading.Thread], seconds: float = END_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    # -- beside -------------------------------------------------------------------------------------

    def _look(self) -> None:
        """States to the ledger, errors to the log, who is silent to whom it concerns."""
        last_written = last_silence = 0.0
        while not self.stop.wait(0.5):
            moment = time.monotonic()
            self._tell_sources()
            self._teller.flush()
            try:
                if moment - last_written >= WRITE_SECONDS:
                    last_written = moment
                    self._write(running=True)
                if moment - last_silence >= SILENCE_SECONDS:
                    last_silence = moment
                    self._silence()
            except Exception as error:
                self.say(f"The ledger could not be written: {type(error).__name__}: {error}")

    def _tell_sources(self) -> None:
        for runner in self.runners:
            runner.tell()

    def _silence(self) -> None:
        found = silent(self.home, self.settings, self.clock(), self._habits)
        before = {f.uid for f in self.silences}
        for finding in found:
            if finding.uid not in before:
                where = " ".join(str(v) for v in finding.group.values() if v)
                self.say(
                    f"Silent since {finding.first:%Y-%m-%d %H:%M:%SZ}: {where}"
                    f" (by {finding.explanation['rests_on']})"
                )
        self.silences = found
        for hook in self.on_silence:
            try:
                hook(found)
            except Exception as error:
                self.say(f"A look at who is silent failed: {type(error).__name__}: {error}")

    def _maintenance(self) -> None:
        while not self.stop.wait(MAINTAIN_SECONDS):
            try:
                steps = due(self.home, self.settings)
                if steps:
                    began = time.monotonic()
                    maintain(self.home, self.settings, only=steps, progress=self._go_on)
                    self.pipeline.metrics.maintenance_seconds.inc(time.monotonic() - began)
            except _Stopped:
                return
            except Exception as error:
                what = str(error) if isinstance(error, AshiatoError) else f"{type(error).__name__}: {error}"
                self.say(f"Maintenance failed, and is tried again later: {what}")
                self.stop.wait(300)

    def _go_on(self, step: str, done: int, total: int) -> None:
        """Between two merges: maintenance can be left at any time, and goes on the next time."""
        del step, done, total
        if self.stop.is_set():
            raise _Stopped

    def _write(self, *, running: bool) -> None:
        state = self.pipeline.state
        held = self.pipeline.waiting.held()
        moment = self.clock()
        process = ProcessState(
            running=running,
            since=self.since,
            last_commit=state.last_commit,
            commit_error=state.error,
            commit_error_since=state.error_since,
            waiting_objects=sum(objects for objects, _ in held.values()),
            waiting_bytes=sum(size for _, size in held.values()),
            oldest_waiting=self.pipeline.waiting.oldest(),
        )
        sources = [(r.live.state, self._origins(r.live)) for r in self.runners]
        write_watched(self.home.ledger, moment, process, sources)
        self.lags.flush(self.home.ledger, moment)

    def _origins(self, live: LiveSource) -> list[str]:
        origins = set(self.pipeline.origins.get(live.name, ()))
        listed = getattr(getattr(live, "source", None), "name", None)
        return sorted({*origins, listed} if listed else origins)

    def set_gauges(self) -> None:
        """Figures that are looked at when they are asked for."""
        metrics = self.pipeline.metrics
        for name, (objects, size) in self.pipeline.waiting.held().items():
            metrics.waiting_objects.labels(name).set(objects)
            metrics.waiting_bytes.labels(name).set(size)
        oldest = self.pipeline.waiting.oldest()
        metrics.oldest.set(0 if oldest is None else (self.clock() - oldest).total_seconds())
        for runner in self.runners:
            state = runner.live.state
            labels = (state.name, state.type)
            metrics.source_error.labels(*labels).set(state.error is not None)
            metrics.source_errors.labels(*labels).set(state.counts.get("errors", 0))
            metrics.source_backlog.labels(*labels).set(state.backlog or 0)
            if state.last_poll is not None:
                metrics.source_poll.labels(*labels).set(state.last_poll.timestamp())


class _Stopped(Exception):  # noqa: N818
    """Maintenance is left because the loop ends."""


class _Round:
    """Whether a source has been looked at whole once: a poll was complete after its last arrival, or it failed."""

    #: A source that shows nothing for so long has nothing.
    NOTHING_SECONDS = 120.0

    def __init__(self, runner: SourceRunner, since: datetime) -> None:
        self.state = runner.live.state
        self.since = since
        self._seen: object = None
        self._changed = time.monotonic()

    def over(self) -> bool:
        state = self.state
        seen = (state.last_poll, state.last_arrival, tuple(sorted(state.counts.items())))
        if seen != self._seen:
            self._seen, self._changed = seen, time.monotonic()
        if state.error is not None:
            return True
        if state.last_poll is not None and state.last_poll >= self.since:
            return state.last_arrival is None or state.last_poll >= state.last_arrival
        return time.monotonic() - self._changed > self.NOTHING_SECONDS
