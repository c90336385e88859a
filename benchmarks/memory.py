"""Peak memory: taking in (each process, and all together), and the maintenance child."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.lake.maintain import maintain
from ashiato.lake.writer import LakeWriter
from benchmarks.batches import Batch, commit, read_rows
from benchmarks.bench import Bench, Taken, mib
from benchmarks.load import Load
from benchmarks.processes import can_watch
from benchmarks.report import Row

ORDER = 70
FAMILY = "memory"
MIB = float(1 << 20)
#: Rows of one commit, as `collect` makes them.
GROUP = 100_000


def run(bench: Bench) -> Iterator[Row]:
    """Rows of the family."""
    if can_watch():
        yield from _intake(bench)
    else:
        yield Row(FAMILY, "taking in", "not measured", "needs /proc", unit="MiB", sense="≤", budget=1024)
    yield from _child(bench)


def _intake(bench: Bench) -> Iterator[Row]:
    sizes = bench.sizes
    whole = bench.loads.cloudtrail(sizes.events, sizes.copies, sizes.days)
    part = bench.loads.first_copy(whole)
    peaks = {}
    for name, load in (("part", part), ("whole", whole)):
        bench.say(f"taking in {load.records:,} events, watched")
        taken = bench.collect(load, watch=True)
        bench.drop(taken)
        peaks[name] = taken.memory.together
        yield _peak(f"taking in {load.records:,} events", taken, bench)
    yield Row(
        FAMILY,
        "flat: the same peak for more",
        mib(peaks["whole"]),
        f"{part.records:,} instead of {whole.records:,} events: {mib(peaks['part'])}",
        peaks["whole"] / max(1, peaks["part"]),
        "×",
        "≤",
        1.25,
        "`flat` is taken as 1.25 ×",
    )
    load = bench.loads.flows("default", sizes.flow_base, sizes.flow_records, lines=sizes.flow_records)
    bench.say(f"taking in one object of {load.records:,} flow records, watched")
    taken = bench.collect(load, watch=True)
    bench.drop(taken)
    yield _peak(f"taking in one object of {load.records:,} flow records", taken, bench)


def _peak(work: str, taken: Taken, bench: Bench) -> Row:
    memory = taken.memory
    largest = sorted(memory.others.values(), reverse=True)[: bench.threads + 1]
    others = ", ".join(map(mib, largest))
    return Row(
        FAMILY,
        work,
        mib(memory.together),
        "all processes at one moment, shared pages counted in each",
        memory.together / MIB,
        "MiB",
        "≤",
        1024.0,
        f"parent {mib(memory.first)}" + (f"; its children {others}" if others else ""),
    )


def _child(bench: Bench) -> Iterator[Row]:
    """One large day in many files is compacted and counted."""
    sizes = bench.sizes
    load: Load = bench.loads.cloudtrail(sizes.events, sizes.copies, sizes.days)
    batch = Batch(*read_rows(load.files, min(GROUP, sizes.day_rows)))
    commits = max(2, sizes.day_rows // len(batch))
    day = int((datetime.now(UTC) - timedelta(days=30)).timestamp() // 86_400)
    with Home.open_for_writing(bench.new_folder(), "benchmark") as home:
        writer = LakeWriter(home)
        for n in range(commits):
            bench.say(f"a day of {commits * len(batch):,} events: commit {n + 1} of {commits}")
            commit(writer, home, batch.keyed(day, n + 1), day)
        for step, what in (("compact", "compacting"), ("footprints", "counting footprints of")):
            bench.say(f"{what} the day")
            report = maintain(home, Settings(home=home.folder), only=(step,))
            done = report.step(step)
            seconds = done.seconds if done is not None else 0.0
            yield Row(
                FAMILY,
                f"the child, {what} a day of {commits * len(batch):,} events",
                mib(report.peak_rss),
                "its own largest resident set",
                report.peak_rss / MIB,
                "MiB",
                "≤",
                1.2 * 1024,
                f"{seconds:.1f} s, {commits * len(batch) / max(seconds, 1e-9) / 1000:,.0f} k events/s",
            )
        writer.close()
