"""`collect`: take in everything a source has now. Reading runs in worker processes or threads, committing here."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from ashiato.core.errors import AshiatoError, SourceUnavailable
from ashiato.core.memory import expect_much
from ashiato.formats.tables import LOG_TABLES
from ashiato.intake.spool import Spool, SpoolEntry, SpoolSource
from ashiato.intake.taken import SLICE, failed_earlier, known, note_failures
from ashiato.intake.units import (
    UNIT_BYTES,
    UNIT_OBJECTS,
    Failure,
    ReadingNote,
    ReadingPlan,
    SourceSpec,
    UnitResult,
)
from ashiato.intake.worker import read_unit, read_unit_in_worker, start_worker
from ashiato.lake.handover import ObjectFacts, ReadRows
from ashiato.lake.home import Home
from ashiato.lake.writer import GroupReport, LakeWriter
from ashiato.ledger.listings import LedgerListings
from ashiato.sources.addresses import open_source
from ashiato.sources.layout import day_in
from ashiato.sources.objects import ObjectRef, Source
from ashiato.sources.options import SourceOptions

#: So many units are read by threads.
FEW_UNITS = 8
#: A group is committed when it holds so much, or when nothing more comes.
GROUP_ROWS = 400_000
GROUP_BYTES = 128 << 20


@dataclass
class CollectReport:
    """Counts of one run; `as_json` is what `ashiato collect --json` prints, and its keys are a promise.

    Objects seen = taken + already + skipped + quarantined; records offered = taken + duplicates + variants +
    quarantined. Objects that could not be fetched are in `failures` and in none of the counts.
    """

    seen: int = 0
    taken: int = 0
    already: int = 0
    skipped: int = 0
    quarantined: int = 0
    records: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LOG_TABLES, 0))
    duplicates: int = 0
    variants: int = 0
    quarantined_records: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False
    #: What rules made of it, where they were evaluated.
    evaluated: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "objects": {
                "seen": self.seen,
                "taken": self.taken,
                "already": self.already,
                "skipped": self.skipped,
                "quarantined": self.quarantined,
            },
            "records": dict(self.records),
            "duplicates": self.duplicates,
            "variants": self.variants,
            "quarantined_records": self.quarantined_records,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "evaluated": self.evaluated,
        }

    @property
    def needs_a_person(self) -> bool:
        return bool(self.quarantined_records or self.failures or self.problems)


@dataclass
class CollectProgress:
    """What a progress display shows; `total` is None until the source is listed."""

    objects: int = 0
    records: int = 0
    bytes: int = 0
    total: int | None = None


@dataclass
class _Group:
    objects: list[ObjectFacts] = field(default_factory=list)
    rows: list[ReadRows] = field(default_factory=list)

    @property
    def full(self) -> bool:
        rows = sum(r.rows for r in self.rows)
        size = sum(r.size for r in self.rows)
        return rows >= GROUP_ROWS or size >= GROUP_BYTES


class Collector:
    """One run over a list of addresses. `stop` ends it cleanly: what was read is committed."""

    def __init__(
        self,
        home: Home,
        *,
        keep_objects: bool = False,
        processes: int | None = None,
        flow_format: str | None = None,
        on_progress: Callable[[CollectProgress], None] | None = None,
    ) -> None:
        self.home = home
        self.writer = LakeWriter(home)
        self.keep_objects = keep_objects
        self.processes = processes or min(os.cpu_count() or 1, 8)
        self.flow_format = flow_format
        self.on_progress = on_progress or (lambda _: None)
        self.report = CollectReport()
        self.spool = Spool(home.folder / "spool")
        self.progress = CollectProgress()
        self.stop = threading.Event()

    def run(self, addresses: Sequence[str], options: SourceOptions | None = None) -> CollectReport:
        """Take in every address. Raises SourceUnavailable, WrongUse; the lake then holds what was taken."""
        began = time.monotonic()
        expect_much()
        listings = LedgerListings(self.home.ledger)
        sources = [
            (address, open_source(address, options=options, listings=listings)) for address in addresses
        ]
        try:
            # What an earlier process kept and could not commit any more comes first.
            self._spooled(self.spool.entries(self._damaged))
            unavailable: list[SourceUnavailable] = []
            for address, source in sources:
                if self.stop.is_set():
                    break
                try:
                    if not _reopens(address):
                        self._spooled(self._spool(source))
                        continue
                    self._source(source, SourceSpec(address, source.name, options or SourceOptions()))
                except SourceUnavailable as error:
                    # One wrong name among several must not keep the others from being taken in.
                    unavailable.append(error)
                    self.report.problems.append(str(error))
            if unavailable and len(unavailable) == len(sources):
                raise unavailable[0]
        finally:
            self.report.seconds = time.monotonic() - began
            self.writer.close()
        self.report.interrupted = self.stop.is_set()
        return self.report

    def _spool(self, source: Source) -> list[SpoolEntry]:
        """Keep what cannot be read twice before anything is made of it."""
        self.writer.step("spool")
        return [self.spool.put(ref, source.fetch(ref)) for ref in source.objects()]

    def _spooled(self, entries: Sequence[SpoolEntry]) -> None:
        if entries:
            source = SpoolSource(self.spool, entries)
            self._source(source, SourceSpec(SPOOL, source.name, SourceOptions()), notes=source.note)

    def _damaged(self, path: Path, why: str) -> None:
        self.report.problems.append(f"{path} cannot be read, and stays there: {why}")

    def _source(
        self,
        source: Source,
        spec: SourceSpec,
        *,
        notes: Callable[[ObjectRef], ReadingNote | None] | None = None,
    ) -> None:
        plan = ReadingPlan(
            spec, self.home.tmp, self.home.archive, self.keep_objects, self.flow_format, notes=notes
        )
        group = _Group()
        self.writer.step("read")
        lost: SourceUnavailable | None = None
        try:
            for result in self._results(source, plan):
                self._count(result)
                group.objects.extend(result.objects)
                group.rows.extend(result.rows)
                self.report.failures.extend(result.failures)
                note_failures(self.home.ledger, result.failures)
                if group.full or len(group.objects) >= 20_000:
                    self._commit(group)
                    group = _Group()
                    self.writer.step("read")
        except SourceUnavailable as error:
            # What was read until then is as good as any.
            lost = error
        except (OSError, pa.ArrowException) as error:
            raise AshiatoError(
                f"what was read cannot be written: {error}",
                where=str(self.home.folder),
                remedy="Free disk space or repair the folder's permissions and run again; what was committed stays.",
            ) from error
        self._commit(group)
        if lost is not None:
            raise lost
        for problem in source.progress.problems:
            self.report.problems.append(f"{problem.where}: {problem.what}. {problem.remedy}")
        if not self.stop.is_set():
            source.confirm()

    def _results(self, source: Source, plan: ReadingPlan) -> Iterator[UnitResult]:
        """Read units: few of them by threads, for starting processes takes longer than reading so little."""
        units = self._units(source, plan.spec)
        first = list(islice(units, FEW_UNITS + 1))
        if len(first) > FEW_UNITS and self.processes > 1 and _reopens(plan.spec.address):
            yield from self._by_processes(chain(first, units), plan)
        else:
            yield from self._by_threads(chain(first, units), source, replace(plan, to_files=False))

    def _by_threads(
        self, units: Iterator[list[ObjectRef]], source: Source, plan: ReadingPlan
    ) -> Iterator[UnitResult]:
        """What takes longest of flow records lets other threads go on; the next units are read while the
        last ones are committed."""
        with ThreadPoolExecutor(self.processes) as pool:
            waiting: deque[Future[UnitResult]] = deque()
            try:
                for unit in units:
                    waiting.append(pool.submit(read_unit, plan, source, unit))
                    if len(waiting) > self.processes:
                        yield waiting.popleft().result()
                    if self.stop.is_set():
                        break
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _by_processes(self, units: Iterator[list[ObjectRef]], plan: ReadingPlan) -> Iterator[UnitResult]:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            self.processes, mp_context=context, initializer=start_worker, initargs=(plan, os.getpid())
        ) as pool:
            running: set[Future[UnitResult]] = set()
            try:
                for unit in units:
                    with _interrupts_held():
                        running.add(pool.submit(read_unit_in_worker, unit))
                    while len(running) >= self.processes + 2:
                        done, running = wait(running, return_when=FIRST_COMPLETED)
                        yield from (f.result() for f in done)
                    if self.stop.is_set():
                        break
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (f.result() for f in done)
            except BrokenProcessPool as error:
                raise AshiatoError(
                    "a reading process was ended from outside (out of memory?)",
                    remedy="What was committed stays; run again to go on, with --processes 1 if memory is short.",
                ) from error
            finally:
                for future in running:
                    future.cancel()

    def _units(self, source: Source, spec: SourceSpec) -> Iterator[list[ObjectRef]]:
        unit: list[ObjectRef] = []
        size = 0
        for ref in self._new_objects(source, spec):
            unit.append(ref)
            size += ref.size
            if len(unit) >= UNIT_OBJECTS or size >= UNIT_BYTES:
                yield unit
                unit, size = [], 0
        if unit:
            yield unit

    def _new_objects(self, source: Source, spec: SourceSpec) -> Iterator[ObjectRef]:
        """Objects that the ledger does not know as done, asked for in slices; last those that failed earlier
        and that this listing did not come by."""
        waiting = self._failed_earlier(spec)
        part: list[ObjectRef] = []
        for ref in source.objects():
            if self.stop.is_set():
                return
            waiting.pop(ref.name, None)
            part.append(ref)
            if len(part) == SLICE:
                yield from self._unknown(part)
                part = []
                self.progress.total = source.progress.total
                self.on_progress(self.progress)
        yield from self._unknown(part)
        self.progress.total = source.progress.total
        yield from waiting.values()

    def _failed_earlier(self, spec: SourceSpec) -> dict[str, ObjectRef]:
        """Objects of a bucket that an earlier run could not fetch: what was listed is not always listed again."""
        if not spec.address.startswith("s3://"):
            return {}
        failed = failed_earlier(self.home.ledger, spec.name, spec.address)
        return {ref.name: ref for ref in failed if spec.options.wants(day_in(ref.name))}

    def _unknown(self, refs: Sequence[ObjectRef]) -> Iterator[ObjectRef]:
        done = known(self.home.ledger, refs)
        for ref in refs:
            if ref in done:
                self.report.seen += 1
                self.report.already += 1
                self.progress.objects += 1
            else:
                yield ref

    def _commit(self, group: _Group) -> None:
        if not group.objects:
            return
        report: GroupReport = self.writer.commit(group.objects, group.rows)
        for rows in group.rows:
            rows.discard()
        for facts in group.objects:
            self.report.seen += 1
            setattr(self.report, facts.outcome, getattr(self.report, facts.outcome) + 1)
        for name in self.report.records:
            if name in report.tables:
                tally = report.whole(name)
                self.report.records[name] += tally.taken
                self.report.duplicates += tally.duplicates
                self.report.variants += tally.variants

    def _count(self, result: UnitResult) -> None:
        self.report.quarantined_records += result.quarantined_records
        self.report.bytes += result.bytes
        self.progress.objects += len(result.objects) + len(result.failures)
        self.progress.records += sum(r.rows for r in result.rows)
        self.progress.bytes += result.bytes
        self.on_progress(self.progress)


#: Not an address that a person can write: the spool is read in this process.
SPOOL = "\0spool"


def _reopens(address: str) -> bool:
    """Whether another process can open the address again; a pipe cannot."""
    if address == SPOOL:
        return False
    path = Path(address)
    return address != "-" and not (path.exists() and not path.is_file() and not path.is_dir())


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """A process that is started here begins with SIGINT blocked: Ctrl-C goes to the whole terminal, and one
    that is still importing would die of it. This process gets the signal at the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class stop_on_interrupt:  # noqa: N801 (reads as a statement)
    """Ctrl-C once: end cleanly after what is being read; twice: at once."""

    def __init__(self, stop: threading.Event, say: Callable[[str], None]) -> None:
        self.stop = stop
        self.say = say

    def __enter__(self) -> None:
        self._before = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, _number: int, _frame: object) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt
        self.stop.set()
        self.say("Stopping: what was read is being committed. Ctrl-C again stops at once; nothing is lost.")

    def __exit__(self, *exc: object) -> None:
        signal.signal(signal.SIGINT, self._before)
