"""Maintenance of a home: one function that runs what is due, step by step, each step resumable.

Steps, in order: `retention` drops old partitions, `compact` merges files, `footprints` counts settled days,
`expire` forgets old snapshots, `sweep` removes files that nothing names.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.settings import Settings
from ashiato.formats.tables import TABLES
from ashiato.lake import expiry
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.child import MaintenanceChild
from ashiato.lake.compaction import Merge, compact, plan_merges
from ashiato.lake.day_states import settled_dirty_days, unsettled_months
from ashiato.lake.footprints import build
from ashiato.lake.home import Home
from ashiato.lake.retention import apply_retention, plan_retention
from ashiato.ledger import tables as t

STEPS = ("retention", "compact", "footprints", "expire", "sweep")
#: How often a step is due by itself.
EVERY = {
    "retention": timedelta(days=1),
    "compact": timedelta(hours=20),
    "footprints": timedelta(hours=1),
    "expire": timedelta(hours=1),
    "sweep": timedelta(days=1),
}
#: Commits since the last compaction after which some partition may have more files than it should.
COMMITS = 64

#: (step, done, total): total is 0 where it is not known.
Progress = Callable[[str, int, int], None]


@dataclass
class StepReport:
    """One step: what it changed (or would), in counts; what it left for another time, in words."""

    name: str
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    details: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class MaintainReport:
    """What maintenance did; `peak_rss` is the child's largest resident set in bytes, 0 without a child."""

    dry_run: bool = False
    seconds: float = 0.0
    peak_rss: int = 0
    steps: list[StepReport] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run,
            "seconds": round(self.seconds, 3),
            "peak_rss": self.peak_rss,
            "steps": [asdict(s) | {"seconds": round(s.seconds, 3)} for s in self.steps],
        }

    def step(self, name: str) -> StepReport | None:
        return next((s for s in self.steps if s.name == name), None)


def maintain(
    home: Home,
    settings: Settings,
    *,
    only: Collection[str] | None = None,
    dry_run: bool = False,
    grace: timedelta | float = expiry.GRACE,
    keep_snapshots: timedelta = expiry.KEEP_SNAPSHOTS,
    moment: datetime | None = None,
    progress: Progress | None = None,
) -> MaintainReport:
    """Run the steps (all, or `only` these); those with nothing to do cost little.

    Needs the home's writer lock, unless `dry_run`, which says what would be done and changes nothing. Taking
    in may go on in another thread of this process. `grace` (seconds or a span) is how long a file that
    nothing names stays. Where this process has no LakeWriter yet, open one first: that settles what a killed
    process left. Raises AshiatoError; a step that ended stays done and the next run goes on.
    """
    if home.writer is None and not dry_run:
        raise AshiatoError("the home is open for reading only")
    unknown = sorted(set(only or ()) - set(STEPS))
    if unknown:
        raise WrongUse(f"there is no step {unknown[0]}", remedy=f"Steps are {', '.join(STEPS)}.")
    run = _Run(home, settings, dry_run, _span(grace), keep_snapshots, moment or now(), progress or _silent)
    began = time.monotonic()
    try:
        for name in STEPS:
            if only is None or name in only:
                run.step(name)
    except (OSError, pa.ArrowException, sa.exc.DBAPIError, sqlite3.Error) as error:
        raise AshiatoError(
            f"maintenance could not write: {error}",
            where=str(home.folder),
            remedy="Free disk space or repair the folder's permissions and run `ashiato maintain` again;"
            " no record was touched.",
        ) from error
    finally:
        run.child.close()
    run.report.peak_rss = run.child.peak_rss
    run.report.seconds = time.monotonic() - began
    return run.report


def _span(grace: timedelta | float) -> timedelta:
    return grace if isinstance(grace, timedelta) else timedelta(seconds=grace)


def _silent(step: str, done: int, total: int) -> None:
    del step, done, total


class _Run:
    def __init__(
        self,
        home: Home,
        settings: Settings,
        dry_run: bool,
        grace: timedelta,
        keep: timedelta,
        moment: datetime,
        progress: Progress,
    ) -> None:
        self.home = home
        self.settings = settings
        self.dry_run = dry_run
        self.grace = grace
        self.keep = keep
        self.moment = moment
        self.progress = progress
        self.child = MaintenanceChild(home.tmp)
        self.report = MaintainReport(dry_run)

    def step(self, name: str) -> None:
        report = StepReport(name)
        began = time.monotonic()
        if self.home.writer is not None:
            self.home.writer.step(f"maintain: {name}")
        getattr(self, f"_{name}")(report)
        report.seconds = time.monotonic() - began
        self.report.steps.append(report)
        if not self.dry_run:
            _note_done(self.home, name, self.moment)

    def _retention(self, report: StepReport) -> None:
        drops = plan_retention(self.home, self.settings.retention, self.moment)
        report.details = [d.as_json() for d in drops if d.files]
        report.counts = {
            "partitions": sum(len(d.partitions) for d in drops),
            "rows": sum(f.record_count for d in drops for f in d.files),
        }
        if not self.dry_run:
            dropped = apply_retention(self.home, drops, self.child)
            if dropped != report.counts["partitions"]:
                report.notes.append("files changed meanwhile; the rest is dropped at the next run")

    def _compact(self, report: StepReport) -> None:
        catalog = open_catalog(self.home.lake)
        unsettled = unsettled_months(self.home.ledger)
        plans = []
        for name, description in TABLES.items():
            table = open_table(catalog, name)
            # A month of footprints is finished when no day of it is expected to be built again.
            ripe = (lambda month: month not in unsettled) if name == "footprints" else None
            plans.append((table, plan_merges(table, description, self.moment, ripe=ripe)))
        total = sum(len(merges) for _, merges in plans)
        totals: dict[str, int] = {"partitions": 0, "files_before": 0, "files_after": 0, "rows": 0}
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            self.progress("compact", done, total)

        for table, merges in plans:
            report.details.extend(_merge_json(m) for m in merges if self.dry_run)
            if self.dry_run or not merges:
                continue
            result = compact(table, merges, self.child, progress=advance)
            for key, value in asdict(result).items():
                totals[key] = totals.get(key, 0) + value
        report.counts = {"partitions": total} if self.dry_run else totals
        if totals.get("given_up"):
            report.notes.append(
                f"{totals['given_up']} partitions changed meanwhile; the next run merges them"
            )

    def _footprints(self, report: StepReport) -> None:
        days = settled_dirty_days(self.home.ledger, self.moment, self.settings.settle_after or timedelta(0))
        if self.dry_run:
            report.counts = {"days": len(days)}
            report.details = [{"table": d.table, "day": d.day.isoformat()} for d in days]
            return
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            self.progress("footprints", done, len(days))

        report.counts = asdict(build(self.home, days, self.child, progress=advance))

    def _expire(self, report: StepReport) -> None:
        count = expiry.expire(self.home, self.moment, self.keep, dry_run=self.dry_run)
        report.counts = {"snapshots": count}

    def _sweep(self, report: StepReport) -> None:
        report.counts = asdict(expiry.sweep(self.home, self.moment, self.grace, dry_run=self.dry_run))


def _merge_json(merge: Merge) -> dict[str, Any]:
    return {
        "table": merge.table,
        "partition": merge.partition,
        "files": len(merge.files),
        "rows": merge.rows,
        "bytes": merge.bytes,
    }


# -- when it is due -----------------------------------------------------------------------------------


def due(home: Home, settings: Settings, moment: datetime | None = None) -> set[str]:
    """Steps that should run now; cheap: some look-ups in the ledger, no file of the lake is touched."""
    moment = moment or now()
    last = last_runs(home)
    late = {name for name in STEPS if name not in last or moment - last[name] >= EVERY[name]}
    b = t.batches.c
    since = last.get("compact")
    fresh = sa.select(sa.func.count()).where(b.state == "committed", b.rows > 0)
    commits = home.ledger.scalar(fresh if since is None else fresh.where(b.committed_at > since))
    wanted = set()
    if commits >= COMMITS or (commits and "compact" in late and since is not None):
        wanted.add("compact")
    # The first footprints wait for the first maintenance: until then every day is scanned, which is exact too.
    if (
        last
        and "footprints" in late
        and settled_dirty_days(home.ledger, moment, settings.settle_after or timedelta(0))
    ):
        wanted.add("footprints")
    limits = settings.retention
    if "retention" in late and any(getattr(limits, name) for name in type(limits).model_fields):
        wanted.add("retention")
    # A home that was just made has nothing to expire; its first hours count from its first maintenance.
    wanted |= {name for name in ("expire", "sweep") if name in late and (last or wanted)}
    return wanted


def last_runs(home: Home) -> dict[str, datetime]:
    """When each step last ended; empty where maintenance never ran."""
    try:
        kept = json.loads(_record(home).read_text())
        return {name: datetime.fromisoformat(kept[name]) for name in STEPS if name in kept}
    except (OSError, ValueError, TypeError):
        # Only a hint: without it, steps run earlier than they must.
        return {}


def _note_done(home: Home, name: str, moment: datetime) -> None:
    kept = {step: at.isoformat() for step, at in last_runs(home).items()} | {name: moment.isoformat()}
    temporary = _record(home).with_suffix(".new")
    temporary.write_text(json.dumps(kept))
    temporary.replace(_record(home))


def _record(home: Home) -> Path:
    return home.folder / "maintenance.json"
