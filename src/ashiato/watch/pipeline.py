"""The pipeline: what live sources offer is kept, fetched, read and committed, exactly once.

Sources' threads call `offer`, which blocks while too much waits. Bytes that exist nowhere else are in the
spool, synced, before anybody is told that they arrived. One thread reads what is ready, commits it, tells the
sources and then the hooks (`after_commit`); a kill at any moment leaves the objects either committed, or
spooled, or not told as done, and they come again.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError
from ashiato.core.settings import Watching
from ashiato.intake.spool import SpoolEntry
from ashiato.intake.taken import known, note_failures
from ashiato.intake.units import Failure, ReadingNote
from ashiato.lake.handover import ObjectFacts
from ashiato.lake.home import Home
from ashiato.lake.writer import GroupReport, LakeWriter
from ashiato.sources.live import Arrival, Outcome
from ashiato.sources.objects import ObjectRef
from ashiato.sources.pauses import pause_after
from ashiato.watch.fetchers import Fetchers
from ashiato.watch.groups import GroupReader, Lag
from ashiato.watch.keeping import Keeper, KeptSource
from ashiato.watch.metrics import Metrics
from ashiato.watch.waiting import OBJECT_BYTES, Item, Waiting

#: A commit holds at most so much: what waits behind a large one must not wait long.
GROUP_OBJECTS = 2_048
GROUP_BYTES = 4 << 20
#: A first arrival waits so long for those that come with it.
LINGER_SECONDS = 0.02
#: Failures of a single object, while others are committed, after which it goes to quarantine; and after which
#: it is given up in this process.
POISON_TRIES = 3
LAST_TRIES = 6
#: How long a stop waits for what is being fetched.
STOP_SECONDS = 5.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Committed:
    """One commit, as hooks get it: objects as read, what became of their records, and the lags of those.

    `began` and `at` in UTC; batches of it are in the ledger with `evaluated_at` null.
    """

    began: datetime
    at: datetime
    objects: Sequence[ObjectFacts]
    report: GroupReport
    lags: Sequence[Lag]
    sources: frozenset[str]


@dataclass
class PipelineState:
    """How committing fares. Times in UTC."""

    commits: int = 0
    last_commit: datetime | None = None
    error: str | None = None
    error_since: datetime | None = None
    records: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)


class SourceSink:
    """The pipeline as one source sees it (sources.live.Sink)."""

    def __init__(self, pipeline: Pipeline, name: str) -> None:
        self.pipeline = pipeline
        self.name = name

    def offer(self, arrival: Arrival) -> bool:
        return self.pipeline.offer(self.name, arrival)

    def known(self, refs: list[ObjectRef]) -> set[ObjectRef]:
        return known(self.pipeline.home.ledger, refs)

    def quarantine(self, ref: ObjectRef, content: bytes, reason: str) -> None:
        kept = threading.Event()
        arrival = Arrival(ref, content=content, kept=kept.set)
        taken = self.pipeline.offer(self.name, arrival, ReadingNote(quarantine=reason))
        while taken and not kept.wait(0.5):
            taken = self.pipeline.alive
        if not taken:
            raise AshiatoError("the pipeline is stopping; nothing was kept", where=ref.name)


class Pipeline:
    """Takes over `home`'s writing. `start`, then `sink(name)` for each source, then `stop`."""

    def __init__(
        self,
        home: Home,
        settings: Watching,
        *,
        keep_objects: bool = False,
        flow_format: str | None = None,
        metrics: Metrics | None = None,
        say: Say = lambda _text: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.home = home
        self.settings = settings
        self.metrics = metrics or Metrics()
        self.say = say
        self.clock = clock
        self.writer = LakeWriter(home)
        self.keeper = Keeper(home.folder / "spool", self._kept, self._dropped, self._note_error)
        self.waiting = Waiting(settings.waiting_mb << 20)
        self.fetchers = Fetchers(self._fetched, self._not_fetched)
        self.reader = GroupReader(home, keep_objects=keep_objects, flow_format=flow_format)
        self.state = PipelineState()
        #: Called in order, in the committing thread, after each commit; what they raise is said and goes no further.
        self.after_commit: list[Callable[[Committed], None]] = []
        #: Held from the begin of a commit to the end of its hooks: who holds it knows that nothing is committed.
        self.committing = threading.RLock()
        #: What the objects of each source are called in the ledger.
        self.origins: dict[str, set[str]] = {}
        self._most_objects = GROUP_OBJECTS
        self._rows_a_byte = 1 / 200
        self._began = 0.0
        self._failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ashiato-commit", daemon=True)

    def start(self) -> None:
        """Begin committing; first what an earlier process kept and could not commit any more."""
        earlier = self.keeper.earlier()
        self.keeper.start()
        self._thread.start()
        if earlier:
            self.say(f"Spool: {len(earlier):,} objects that an earlier run kept are taken in now")
            threading.Thread(
                target=self._offer_kept, args=(earlier,), name="ashiato-spool", daemon=True
            ).start()

    def _offer_kept(self, entries: list[SpoolEntry]) -> None:
        source = KeptSource(self.keeper.spool, entries)
        for entry in entries:
            item = self._item("spool", Arrival(entry.ref, reader=source), entry.note, entry.ref.size)
            item.spooled = entry
            if not self.waiting.admit(item):
                return
            self._dispatch(item)

    def sink(self, name: str) -> SourceSink:
        self.waiting.join(name)
        return SourceSink(self, name)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    # -- arrival ------------------------------------------------------------------------------------

    def offer(self, source: str, arrival: Arrival, note: ReadingNote | None = None) -> bool:
        """See sources.live.Sink."""
        if note is None:
            note = ReadingNote(flow_format=arrival.flow_format)
        item = self._item(source, arrival, note, arrival.size)
        if not self.waiting.admit(item):
            return False
        self.metrics.arrived(source, arrival.size)
        self.origins.setdefault(source, set()).add(arrival.ref.source)
        if arrival.content is not None:
            item.content = arrival.content
            self.keeper.put(item)
        else:
            self._dispatch(item)
            if arrival.kept is not None:
                self._tell(arrival.kept)
        return True

    def _kept(self, item: Item) -> None:
        kept = list(item.arrivals)
        self._dispatch(item)
        for arrival in kept:
            if arrival.kept is not None:
                self._tell(arrival.kept)

    def _dropped(self, item: Item) -> None:
        """The end came before the disk had room: nobody was told that it was kept, and it comes again."""
        self.waiting.leave(item)

    def _item(self, source: str, arrival: Arrival, note: ReadingNote, size: int) -> Item:
        return Item(
            source, arrival.ref, [arrival], size + OBJECT_BYTES, self.clock(), time.monotonic(), note=note
        )

    def _dispatch(self, item: Item) -> None:
        if self.waiting.enter(item):
            self._work_on(item)

    def _work_on(self, item: Item) -> None:
        if item.content is not None:
            self.waiting.put(item)
        else:
            self.fetchers.fetch(item)

    def _fetched(self, item: Item) -> None:
        self.waiting.put(item)

    def _not_fetched(self, item: Item, failure: Failure) -> None:
        try:
            note_failures(self.home.ledger, [failure])
        except Exception as error:
            self.say(f"The ledger could not note a failure: {error}")
        self.say(f"Not read: {failure.ref.name}: {failure.reason}. {failure.remedy}")
        self._finish(item, "failed")

    # -- committing ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            group = self._next_group()
            if group is None:
                return
            if not group:
                continue
            try:
                with self.committing:
                    self._commit(group)
                self._failures = 0
                self._most_objects = min(self._most_objects * 2, GROUP_OBJECTS)
            except Exception as error:
                self._failed(group, error)
                if self._stop.is_set() and self._failures > POISON_TRIES:
                    # What is in the spool is taken in by the next process, the rest comes again.
                    return

    def _next_group(self) -> list[Item] | None:
        """Wait until a commit is due; None at the end. An arrival after a quiet time is committed at once."""
        waiting = self.waiting
        with waiting.changed:
            while not waiting.any_ready():
                if self._stop.is_set():
                    return None
                waiting.changed.wait(0.5)
            due = max(self._began + self.settings.commit_seconds, time.monotonic() + LINGER_SECONDS)
            while (left := due - time.monotonic()) > 0 and not self._stop.is_set():
                ready = waiting.ready_bytes()
                enough = ready * self._rows_a_byte >= self.settings.commit_rows or ready >= GROUP_BYTES
                if enough or waiting.blocked:
                    break
                waiting.changed.wait(min(left, 0.1))
        self._began = time.monotonic()
        return waiting.take(self._most_objects, GROUP_BYTES)

    def _commit(self, group: list[Item]) -> None:
        began = self.clock()
        done = known(self.home.ledger, [item.ref for item in group])
        for item in [i for i in group if i.ref in done]:
            self._finish(item, "committed")
            group.remove(item)
        if not group:
            return
        start = time.monotonic()
        self.writer.step("read")
        read = self.reader.read(group)
        try:
            report = self.writer.commit(read.objects, read.rows)
        finally:
            for rows in read.rows:
                rows.discard()
        at = self.clock()
        self.state.commits += 1
        self.state.last_commit = at
        self._no_error()
        size = sum(len(item.content or b"") for item in group)
        rows_read = sum(o.records for o in read.objects)
        if size:
            self._rows_a_byte = 0.7 * self._rows_a_byte + 0.3 * (rows_read / size)
        facts = {o.name: o for o in read.objects}
        for item in group:
            quarantined = facts[item.ref.name].outcome == "quarantined"
            self._finish(item, "quarantined" if quarantined else "committed")
        lags = read.lags(at)
        self._count(report, read.quarantined_records)
        self.metrics.committed(report, read.quarantined_records, time.monotonic() - start, lags)
        committed = Committed(began, at, read.objects, report, lags, frozenset(item.source for item in group))
        for hook in self.after_commit:
            try:
                hook(committed)
            except Exception as error:
                name = getattr(hook, "__qualname__", repr(hook))
                self.metrics.hook_errors.labels(name).inc()
                self.say(f"After a commit, {name} failed: {type(error).__name__}: {error}")

    def _failed(self, group: list[Item], error: Exception) -> None:
        """Everything waits and is tried again, in smaller groups: one object must not hold up the others."""
        self._failures += 1
        self.metrics.commit_errors.inc()
        what = str(error) if isinstance(error, AshiatoError) else f"{type(error).__name__}: {error}"
        self._note_error(what)
        self._most_objects = max(1, len(group) // 2)
        if len(group) == 1:
            [item] = group
            if not item.tries:
                item.failed_at = self.state.commits
            item.tries += 1
            alone = self.state.commits > item.failed_at
            if alone and item.tries >= LAST_TRIES:
                note_failures(self.home.ledger, [Failure(item.ref, what, "", retry=True)])
                self._finish(item, "failed", forget=False)
                return
            if alone and item.tries >= POISON_TRIES:
                item.note = ReadingNote(quarantine=f"it could not be committed: {what}")
        self.waiting.put_back(group)
        # What stands between others and their commit is found by trying, without pauses.
        if len(group) == 1 or self._failures == 1:
            self._stop.wait(pause_after(self._failures, first=timedelta(seconds=0.5)))

    def _finish(self, item: Item, outcome: Outcome, *, forget: bool = True) -> None:
        arrivals, following = self.waiting.finish(item)
        if item.spooled is not None and forget and outcome != "failed":
            try:
                self.keeper.forget(item.spooled, len(arrivals))
            except OSError as error:
                self.say(f"The spool could not be tidied: {error}")
        self.state.outcomes[outcome] += 1
        self.metrics.finished(item.source, outcome, time.monotonic() - item.offered)
        for arrival in arrivals:
            done = arrival.done
            if done is not None:
                self._tell(lambda done=done: done(outcome))  # type: ignore[misc]
        if following is not None:
            self._work_on(following)

    def _tell(self, told: Callable[[], None]) -> None:
        try:
            told()
        except Exception as error:
            self.say(f"A source could not be told of its object: {type(error).__name__}: {error}")

    # -- figures ------------------------------------------------------------------------------------

    def _count(self, report: GroupReport, quarantined: int) -> None:
        for name in report.tables:
            if name != "quarantine":
                self.state.records[name] += report.whole(name).taken
        self.state.records["quarantine"] += quarantined

    def _note_error(self, what: str) -> None:
        if self.state.error != what:
            self.say(f"Committing fails: {what}")
        self.state.error = what
        self.state.error_since = self.state.error_since or self.clock()

    def _no_error(self) -> None:
        if self.state.error is not None:
            self.say("Committing works again")
        self.state.error = self.state.error_since = None

    # -- end ----------------------------------------------------------------------------------------

    def idle(self) -> bool:
        """Whether nothing waits."""
        return not any(objects for objects, _ in self.waiting.held().values())

    def stop(self) -> None:
        """Take over nothing more, commit what was read, and end. What was not fetched comes again."""
        self.waiting.stop()
        self.fetchers.stop(STOP_SECONDS)
        self.keeper.stop()
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.writer.close()
