"""Runs long jobs: takes what waits, tells how far it is, ends what is cancelled, and finds what died."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ashiato.access import audit
from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError, HomeBusy
from ashiato.core.text import printable
from ashiato.ledger.job_tables import jobs
from ashiato.watch.job_child import run_apart
from ashiato.watch.job_kinds import Cancelled, JobKind, Work, failure, kinds
from ashiato.watch.job_writing import Taking
from ashiato.watch.jobs import MOST_RESULT, Job, job_id, job_of, settle_dead, this_process

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home
    from ashiato.watch.loop import Watch

#: Jobs that run at once: those that keep a core busy, and those that write.
MOST_READING = 2
MOST_WRITING = 1
#: How often it is looked for jobs, and progress is written.
LOOK_SECONDS = 0.5
BEAT_SECONDS = 1.0
#: How often it is looked for jobs whose process died.
DEAD_SECONDS = 5.0
#: How long the end of jobs is waited for.
END_SECONDS = 10.0
#: How long a process that serves pages leaves jobs that write to whoever writes to the home.
YIELD_SECONDS = 5.0


@dataclass
class _Running:
    job: Job
    kind: JobKind
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    #: step, fraction, counted, unit, as last told.
    told: tuple[str, float | None, int | None, str | None] | None = None
    #: The process ends: it is interrupted, nobody cancelled it.
    ending: bool = False


class JobRunner:
    """Runs the jobs of a home until told to end; a service of `Watch`, or of whatever serves pages.

    In a process that has the home open for reading only, jobs that write wait for one that writes; with `borrow` it
    opens the home for writing itself for the time of such a job, where nobody else has it. `watch`: the loop of this
    process, where there is one: then what is taken in goes through its pipeline.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        *,
        watch: Watch | None = None,
        borrow: bool = False,
        say: Callable[[str], None] = lambda _text: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.home = home
        self.settings = settings
        self.watch = watch
        self.borrow = borrow
        self.say = say
        self.clock = clock
        self.owner = this_process()
        self._running: dict[int, _Running] = {}
        self._asked = threading.Event()
        self._yielding_until = float("-inf")

    def look(self) -> None:
        """Somebody asked for a job: do not wait for the next look."""
        self._asked.set()

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; then what runs is interrupted, and may be started again."""
        last_dead = last_beat = float("-inf")
        try:
            while not stop.is_set():
                moment = time.monotonic()
                try:
                    if moment - last_dead >= DEAD_SECONDS:
                        last_dead = moment
                        self._settle_dead()
                    if moment - last_beat >= BEAT_SECONDS:
                        last_beat = moment
                        self._beat()
                    self._take()
                except sa.exc.SQLAlchemyError as error:
                    self.say(f"Jobs: the control database cannot be reached: {error}")
                self._asked.wait(LOOK_SECONDS)
                self._asked.clear()
        finally:
            self._end()

    # -- taking jobs --------------------------------------------------------------------------------

    def _take(self) -> None:
        self._running = {n: r for n, r in self._running.items() if r.thread and r.thread.is_alive()}
        while (names := self._free()) and (taken := self._claim(names)) is not None:
            running = _Running(taken, kinds()[taken.kind])
            running.thread = threading.Thread(
                target=self._work, args=(running,), name=f"ashiato-job-{taken.id}", daemon=True
            )
            self._running[taken.id] = running
            running.thread.start()

    def _free(self) -> list[str]:
        """Kinds that another job may be run of."""
        writing = sum(r.kind.writes for r in self._running.values())
        reading = len(self._running) - writing
        borrowing = self.borrow and time.monotonic() >= self._yielding_until
        writer = self.home.writer is not None or borrowing
        return [
            name
            for name, kind in kinds().items()
            if (writer and writing < MOST_WRITING if kind.writes else reading < MOST_READING)
        ]

    def _claim(self, names: list[str]) -> Job | None:
        """The oldest job that waits, now this process's; None where none does."""
        c = jobs.c
        waiting = sa.select(c.id).where(c.state == "queued", c.kind.in_(names)).order_by(c.id).limit(5)
        for row in self.home.ledger.rows(waiting):
            moment = self.clock()
            with self.home.ledger.begin() as connection:
                claimed = connection.execute(
                    sa.update(jobs)
                    .where(c.id == row.id, c.state == "queued")
                    .values(state="running", owner=self.owner, started_at=moment, beat_at=moment)
                )
                if claimed.rowcount:
                    return job_of(connection.execute(sa.select(jobs).where(c.id == row.id)).one())
        return None

    def _settle_dead(self) -> None:
        c = jobs.c
        others = sa.select(sa.func.count()).where(c.state == "running", c.id.not_in(list(self._running)))
        if self.home.ledger.scalar(others):
            with self.home.ledger.begin() as connection:
                for number in settle_dead(connection, self.clock(), self.owner, self._running):
                    self.say(f"{job_id(number)} was interrupted: what ran it ended")

    # -- running ------------------------------------------------------------------------------------

    def _work(self, running: _Running) -> None:
        job = running.job

        def progress(step: str, fraction: float | None, counted: int | None, unit: str | None) -> None:
            running.told = (step, fraction, counted, unit)

        home = self.home
        if running.kind.writes and home.writer is None:
            try:
                home = self._borrowed(job)
            except HomeBusy:
                self._give_back(job)
                return
            except AshiatoError as failed:
                self._finish(running, "failed", None, failure(failed))
                return
        work = Work(home, self.settings, job.parameters, job.scope, job.by, progress, running.stop)
        result: dict[str, Any] | None = None
        error: dict[str, Any] | None = None
        try:
            if running.kind.writes and not running.kind.apart:
                work.taking = Taking(work, self.watch)
            result = run_apart(running.kind.name, work) if running.kind.apart else running.kind.run(work)
            state = "done"
        except Cancelled:
            state = "interrupted" if running.ending else "cancelled"
        except Exception as failed:
            state, error = "failed", failure(failed)
        finally:
            if home is not self.home:
                home.close()
        self._finish(running, state, result, error)

    def _borrowed(self, job: Job) -> Home:
        """The home, open for writing for one job. Raises HomeBusy."""
        from ashiato.lake.home import Home

        return Home.open_for_writing(self.home.folder, f"job {job.name}", ledger_url=self.settings.ledger_url)

    def _give_back(self, job: Job) -> None:
        """Somebody else writes to the home: the job waits for them."""
        self._yielding_until = time.monotonic() + YIELD_SECONDS
        with self.home.ledger.begin() as connection:
            connection.execute(
                sa.update(jobs)
                .where(jobs.c.id == job.id, jobs.c.state == "running")
                .values(state="queued", owner=None, started_at=None, beat_at=None)
            )

    def _finish(
        self, running: _Running, state: str, result: dict[str, Any] | None, error: dict[str, Any] | None
    ) -> None:
        text = None if result is None else json.dumps(result, default=_plain)
        if text is not None and len(text) > MOST_RESULT:
            text, state = None, "failed"
            error = {"what": "its result is too large to be kept", "where": None, "remedy": "Ask for less."}
        job, moment = running.job, self.clock()
        values = {
            "state": state,
            "ended_at": moment,
            "result": text and printable(text, len(text)),
            "error": None if error is None else printable(json.dumps(error), 20_000),
            **_progress_values(running),
        }
        if state == "done":
            values["fraction"] = 1.0
        try:
            with self.home.ledger.begin() as connection:
                connection.execute(sa.update(jobs).where(jobs.c.id == job.id).values(values))
                audit.record(connection, job.by, f"job {state}", job.name, {"kind": job.kind}, moment)
        except sa.exc.SQLAlchemyError as failed:
            # It stays `running` and is run by nobody: found as interrupted.
            self.say(f"{job.name}: what became of it could not be written: {failed}")
        self._asked.set()

    def _beat(self) -> None:
        """Write signs of life and progress, and read which jobs were cancelled."""
        alive = [r for r in self._running.values() if r.thread and r.thread.is_alive()]
        if not alive:
            return
        c = jobs.c
        with self.home.ledger.begin() as connection:
            for running in alive:
                connection.execute(
                    sa.update(jobs)
                    .where(c.id == running.job.id, c.state == "running")
                    .values(beat_at=self.clock(), **_progress_values(running))
                )
            asked = sa.select(c.id).where(c.id.in_([r.job.id for r in alive]), c.cancelled_by.is_not(None))
            for row in connection.execute(asked):
                self._running[row.id].stop.set()

    def _end(self) -> None:
        for running in self._running.values():
            running.ending = not running.stop.is_set()
            running.stop.set()
        for running in self._running.values():
            if running.thread is not None:
                running.thread.join(END_SECONDS)


@contextmanager
def running_jobs(home: Home, settings: Settings, say: Callable[[str], None]) -> Iterator[JobRunner]:
    """A runner in a thread beside something else that goes on, such as serving pages; it ends with it."""
    stop = threading.Event()
    runner = JobRunner(home, settings, borrow=True, say=say)
    thread = threading.Thread(target=runner.run, args=(stop,), name="ashiato-jobs", daemon=True)
    thread.start()
    try:
        yield runner
    finally:
        stop.set()
        runner.look()
        thread.join(END_SECONDS + 5)


def _progress_values(running: _Running) -> dict[str, Any]:
    if running.told is None:
        return {}
    step, fraction, counted, unit = running.told
    return {
        "step": step[:40],
        "fraction": None if fraction is None else min(max(fraction, 0.0), 1.0),
        "counted": counted,
        "unit": unit,
    }


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
