"""Commit and plan time after 1, 100 and 1,000 commits: do they stay flat as days pass?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.lake.maintain import maintain
from ashiato.lake.plans import PinnedLake
from ashiato.lake.spans import between
from ashiato.lake.writer import LakeWriter
from benchmarks.batches import Batch, read_rows, spool
from benchmarks.bench import Bench, median, timed
from benchmarks.report import Row

ORDER = 40
FAMILY = "commits"
#: The design says flat and no number; what "flat" is taken to be here.
FLAT = 1.5
#: Maintenance is due after so many commits (ashiato.lake.maintain.COMMITS).
MAINTAIN_EVERY = 64


def run(bench: Bench) -> Iterator[Row]:
    """Small commits straight into LakeWriter, with maintenance when it is due."""
    sizes = bench.sizes
    load = bench.loads.cloudtrail(sizes.events, sizes.copies, sizes.days)
    batch = Batch(*read_rows(load.files, sizes.commit_rows))
    last = max(sizes.commits)
    today = int(datetime.now(UTC).timestamp() // 86_400)
    commits: list[float] = []
    cpus: list[float] = []
    plans: dict[int, tuple[float, float, int]] = {}
    maintenance = 0.0
    with Home.open_for_writing(bench.new_folder(), "benchmark") as home:
        writer = LakeWriter(home)
        for n in range(1, last + 1):
            day = today - (last - n) // sizes.commits_a_day
            facts, file = spool(home, batch.keyed(day, n), day)
            cpu = time.process_time()
            commits.append(timed(lambda: writer.commit([facts], [file])))  # noqa: B023 - called at once
            cpus.append(time.process_time() - cpu)
            file.discard()
            if n in sizes.commits:
                plans[n] = _plans(home, day)
                bench.say(f"{n:,} commits: {_near(commits, n, sizes.commits) * 1000:.0f} ms a commit")
            if n % MAINTAIN_EVERY == 0:
                began = time.perf_counter()
                maintain(home, Settings(home=home.folder), only=("compact", "expire"))
                maintenance += time.perf_counter() - began
        writer.close()
    yield from _rows(bench, commits, cpus, plans, maintenance)


def _near(values: list[float], n: int, points: tuple[int, ...]) -> float:
    """Median of the commits around the n-th: those after it at the beginning, else those before it."""
    width = max(1, min(20, points[1] // 2))
    return median(values[n - 1 : n - 1 + width] if n < width else values[n - width : n])


def _plans(home: Home, day: int) -> tuple[float, float, int]:
    """Seconds to open the lake at its snapshots and plan one day, and all; files of all."""
    date = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date()
    first = datetime(1970, 1, 1, tzinfo=UTC).date()
    one: list[float] = []
    every: list[float] = []
    files = 0
    for _ in range(5):
        began = time.perf_counter()
        with PinnedLake(home) as lake:
            lake.plan("cloudtrail", between("cloudtrail", date, date))
            one.append(time.perf_counter() - began)
            began = time.perf_counter()
            files = len(lake.plan("cloudtrail", between("cloudtrail", first, date)).files)
            every.append(time.perf_counter() - began)
    return median(one), median(every), files


def _rows(
    bench: Bench,
    commits: list[float],
    cpus: list[float],
    plans: dict[int, tuple[float, float, int]],
    maintenance: float,
) -> Iterator[Row]:
    sizes = bench.sizes
    points = sizes.commits
    base = points[1]
    seconds = {n: _near(commits, n, points) for n in points}
    for n in points:
        yield Row(
            FAMILY,
            f"a commit of {sizes.commit_rows} rows, after {n:,}",
            f"{seconds[n] * 1000:.0f} ms",
            f"after {base:,}: {seconds[base] * 1000:.0f} ms",
            seconds[n] / seconds[base],
            "×",
            "≤",
            FLAT if n > base else None,
            f"CPU {_near(cpus, n, points) * 1000:.0f} ms; medians of the 20 around it"
            + ("; `flat` is taken as 1.5 ×" if n > base else ""),
        )
    for n in points:
        one, every, files = plans[n]
        yield Row(
            FAMILY,
            f"open and plan one day, after {n:,} commits",
            f"{one * 1000:.0f} ms",
            f"after {base:,}: {plans[base][0] * 1000:.0f} ms",
            one / plans[base][0],
            "×",
            "≤",
            FLAT if n > base else None,
            f"planning all {files} files takes {every * 1000:.0f} ms more",
        )
    yield Row(
        FAMILY,
        "maintenance that this asked for",
        f"{maintenance / len(commits) * 1000:.0f} ms a commit",
        "the commits themselves",
        maintenance / sum(commits),
        "×",
        note=f"{len(commits):,} commits over {-(-len(commits) // sizes.commits_a_day)} days;"
        f" slowest commit {max(commits) * 1000:.0f} ms",
    )
