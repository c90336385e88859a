"""Bytes at rest per event, after compaction: all fields, keys, footprints, ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.lake.maintain import MaintainReport, maintain
from benchmarks.bench import Bench
from benchmarks.load import Load
from benchmarks.report import Row

ORDER = 60
FAMILY = "bytes at rest"


def run(bench: Bench) -> Iterator[Row]:
    """The generated load as taken in, and real events where the corpora are here."""
    sizes = bench.sizes
    load = bench.loads.cloudtrail(sizes.events, sizes.copies, sizes.days)
    taken = bench.kept("cloudtrail", lambda: bench.collect(load))
    yield from _measured(bench, "generated", load, taken.home, taken.report["records"]["cloudtrail"])
    real = bench.loads.real_cloudtrail(sizes.real_copies)
    if real is not None:
        taken = bench.collect(real)
        yield from _measured(bench, "real", real, taken.home, taken.report["records"]["cloudtrail"])
        bench.drop(taken)


def _measured(bench: Bench, name: str, load: Load, folder: Path, rows: int) -> Iterator[Row]:
    before = _size(folder / "lake" / "warehouse", "cloudtrail/data")
    bench.say(f"maintenance of {rows:,} {name} events")
    with Home.open_for_writing(folder, "benchmark") as home:
        # Tomorrow, so that each day is over; no reader is there that old files would have to stay for.
        report = maintain(
            home,
            Settings(home=folder, settle_after=timedelta(0)),
            grace=0,
            keep_snapshots=timedelta(0),
            moment=datetime.now(UTC) + timedelta(days=2),
        )
    parts = {
        "events": _size(folder / "lake" / "warehouse", "cloudtrail/data"),
        "footprints": _size(folder / "lake" / "warehouse", "footprints/data"),
        "keys": sum(p.stat().st_size for p in folder.glob("keys.db*")),
        "ledger": sum(p.stat().st_size for p in folder.glob("ledger.db*")),
    }
    everything = _size(folder, "")
    parts["the rest"] = everything - sum(parts.values())
    split = ", ".join(f"{part} {size / rows:.1f}" for part, size in parts.items())
    yield Row(
        FAMILY,
        f"{rows:,} {name} events, the whole home",
        f"{everything / (1 << 20):,.1f} MiB",
        f"as delivered, gzip: {load.bytes / rows:,.0f} B an event",
        everything / rows,
        "B an event",
        "≤",
        100.0,
        f"{split} B an event; before compaction events {before / rows:.1f} B; {_times(report, rows)}",
    )


def _times(report: MaintainReport, rows: int) -> str:
    told = [
        f"{step.name} {step.seconds:.1f} s ({rows / step.seconds / 1000:,.0f} k events/s)"
        for step in report.steps
        if step.seconds >= 0.05
    ]
    return "maintenance: " + (", ".join(told) or "nothing to speak of")


def _size(folder: Path, below: str) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and below in p.as_posix())
