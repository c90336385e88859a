"""How a job brings records into the lake: through the pipeline of the loop where it runs, else by a collection."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ashiato.core.errors import AshiatoError
from ashiato.ledger.listings import LedgerListings
from ashiato.ledger.tables import objects
from ashiato.sources.live import Arrival, Outcome
from ashiato.sources.objects import ObjectRef
from ashiato.watch.job_kinds import Cancelled, Work

if TYPE_CHECKING:
    from ashiato.sources.options import SourceOptions
    from ashiato.watch.loop import Watch
    from ashiato.watch.pipeline import SourceSink

#: The name under which jobs wait in the pipeline.
LINE = "jobs"
#: Objects that are asked for in the ledger at once.
SLICE = 256
#: Problems that a result names.
MOST_PROBLEMS = 50


@dataclass(frozen=True)
class Kept:
    """Bytes to take in, what they are called, and the fields of headerless flow records."""

    ref: ObjectRef
    content: bytes
    flow_format: str | None = None


@dataclass
class _Tally:
    """What became of objects. Told from the pipeline's thread. `ended`: those not looked up in the ledger yet;
    `records`, `problems`: of those that were."""

    outcomes: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    ended: list[ObjectRef] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def offered(self, ref: ObjectRef) -> Callable[[Outcome], None]:
        with self.changed:
            self.waiting += 1

        def done(outcome: Outcome) -> None:
            with self.changed:
                self.waiting -= 1
                self.outcomes[outcome] += 1
                self.ended.append(ref)
                self.changed.notify_all()

        return done


class Taking:
    """The way into the lake of one job."""

    def __init__(self, work: Work, watch: Watch | None) -> None:
        self.work = work
        self.watch = watch if watch is not None and watch.pipeline.alive else None

    def take_in(self, address: str, options: SourceOptions) -> dict[str, Any]:
        """Take in everything at an address that the lake has not, as `ashiato collect` does: counts of objects and
        records, problems. Raises SourceUnavailable, WrongUse, Cancelled (what was read is committed)."""
        if self.watch is not None:
            return self._through(self.watch, address, options)
        return self._collect([address], options)

    def take_bytes(self, kept: Sequence[Kept]) -> dict[str, Any]:
        """Take in bytes that are at hand; the same counts."""
        if self.watch is not None:
            return self._offer_all(self.watch.pipeline.sink(LINE), iter(kept), lambda: len(kept))
        from ashiato.intake.spool import Spool
        from ashiato.intake.units import ReadingNote

        spool = Spool(self.work.home.folder / "spool")
        spool.put_many([(k.ref, k.content, ReadingNote(flow_format=k.flow_format)) for k in kept])
        return self._collect([], None)

    def evaluate(self) -> dict[str, Any] | None:
        """The rules over what was taken in. What they find is history: listed, not sent, but for what happened
        since this home is watched."""
        self.work.progress("evaluating", None, None, None)
        if self.watch is not None:
            if self.watch.evaluation is not None:
                self.watch.evaluation.catch_up()
            return None
        from ashiato.lake.maintain import due, maintain
        from ashiato.watch.evaluating import evaluate

        done = evaluate(
            self.work.home,
            self.work.settings,
            on_progress=lambda _step, share: self.work.progress("evaluating", share, None, None),
            stop=self.work.stop.is_set,
        )
        steps = due(self.work.home, self.work.settings)
        if steps and not self.work.stop.is_set():
            self.work.progress("maintaining", None, None, None)
            maintain(self.work.home, self.work.settings, only=steps)
        return done.as_json()

    # -- by a collection ----------------------------------------------------------------------------

    def _collect(self, addresses: list[str], options: SourceOptions | None) -> dict[str, Any]:
        from ashiato.intake.collect import Collector, CollectProgress

        def tell(progress: CollectProgress) -> None:
            share = progress.objects / progress.total if progress.total else None
            self.work.progress("reading", share, progress.records, "records")

        settings = self.work.settings
        collector = Collector(
            self.work.home,
            keep_objects=settings.archive == "copy",
            flow_format=settings.flow_format,
            on_progress=tell,
        )
        collector.stop = self.work.stop
        report = collector.run(addresses, options)
        if report.interrupted:
            raise Cancelled
        told = report.as_json()
        failures = [f"{f.ref.name}: {f.reason}. {f.remedy}" for f in report.failures]
        return {
            "objects": {**told["objects"], "failed": len(report.failures)},
            "records": told["records"],
            "quarantined_records": report.quarantined_records,
            "problems": [*report.problems, *failures][:MOST_PROBLEMS],
        }

    # -- through the pipeline -----------------------------------------------------------------------

    def _through(self, watch: Watch, address: str, options: SourceOptions) -> dict[str, Any]:
        from ashiato.sources.addresses import open_source

        source = open_source(address, options=options, listings=LedgerListings(self.work.home.ledger))
        found = self._offer_all(
            watch.pipeline.sink(LINE), source.objects(), lambda: source.progress.total, source
        )
        source.confirm()
        problems = [f"{p.where}: {p.what}. {p.remedy}" for p in source.progress.problems]
        return {**found, "problems": [*problems, *found["problems"]][:MOST_PROBLEMS]}

    def _offer_all(
        self,
        sink: SourceSink,
        what: Iterator[Any],
        total: Callable[[], int | None],
        reader: Any = None,
    ) -> dict[str, Any]:
        """Offer objects (references, or kept bytes) as far as the lake has none of them, and wait for them."""
        tally = _Tally()
        seen = already = 0
        while part := list(islice(what, SLICE)):
            refs = [p.ref if isinstance(p, Kept) else p for p in part]
            known = sink.known(refs)
            for one, ref in zip(part, refs, strict=True):
                if self.work.stop.is_set():
                    break
                seen += 1
                if ref in known:
                    already += 1
                    continue
                if not sink.offer(_arrival(one, ref, reader, tally)):
                    raise _ending()
                self._tell(tally, already, total())
            self._became(tally)
            if self.work.stop.is_set():
                break
        with tally.changed:
            while tally.waiting and sink.pipeline.alive:
                tally.changed.wait(0.2)
                self._tell(tally, already, total() or seen)
        if self.work.stop.is_set():
            raise Cancelled
        if tally.waiting:
            raise _ending()
        self._became(tally)
        return {
            "objects": {
                "seen": seen,
                "already": already,
                "taken": tally.outcomes["committed"],
                "quarantined": tally.outcomes["quarantined"],
                "failed": tally.outcomes["failed"],
            },
            "records": {name: n for name, n in tally.records.items() if n},
            "problems": tally.problems,
        }

    def _tell(self, tally: _Tally, already: int, total: int | None) -> None:
        done = already + sum(tally.outcomes.values())
        self.work.progress("reading", done / total if total else None, done, "objects")

    def _became(self, tally: _Tally) -> None:
        """Note records by table, and what went wrong, as the ledger has it, of what ended since the last time."""
        o = objects.c
        with tally.changed:
            ended, tally.ended = tally.ended, []
        for start in range(0, len(ended), SLICE):
            part = ended[start : start + SLICE]
            wanted = {(r.source, r.name, r.etag) for r in part}
            asked = sa.select(o.source, o.name, o.etag, o.log, o.records, o.state, o.reason).where(
                o.source.in_({r.source for r in part}), o.name.in_([r.name for r in part])
            )
            for row in self.work.home.ledger.rows(asked):
                if (row.source, row.name, row.etag) in wanted:
                    tally.records[row.log or "other"] += row.records
                    if row.state in ("failed", "quarantined") and len(tally.problems) < MOST_PROBLEMS:
                        tally.problems.append(f"{row.name}: {row.reason}")


def _ending() -> AshiatoError:
    return AshiatoError("Ashiato is ending", remedy="Start the job again.")


def _arrival(one: Any, ref: ObjectRef, reader: Any, tally: _Tally) -> Arrival:
    done = tally.offered(ref)
    if isinstance(one, Kept):
        return Arrival(ref, content=one.content, flow_format=one.flow_format, done=done)
    return Arrival(ref, reader=reader, done=done)
