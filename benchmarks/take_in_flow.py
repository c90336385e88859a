"""Taking in flow records: against inflate + pyarrow.csv + Parquet write, and flowlogs-reader."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.baselines import FLOWLOGS_READER, Floor, flow_floor, rewrite, some
from benchmarks.bench import Bench, Taken, median, per_second
from benchmarks.load import Load
from benchmarks.processes import run as run_command
from benchmarks.report import Row

ORDER = 20
FAMILY = "take in flow records"
HOW = (
    "not measured: flowlogs_reader is not here. It is no part of the project: python3 -m venv /tmp/v-flr &&"
    " /tmp/v-flr/bin/pip install flowlogs_reader; BENCH_FLOWLOGS_READER=/tmp/v-flr/bin/python names another place"
)


def reader_python() -> str | None:
    """An interpreter that has flowlogs_reader."""
    if importlib.util.find_spec("flowlogs_reader") is not None:
        return sys.executable
    named = os.environ.get("BENCH_FLOWLOGS_READER", "/tmp/v-flr/bin/python")
    return named if Path(named).exists() else None


def run(bench: Bench) -> Iterator[Row]:
    """Rows of the family, for AWS's default format and a custom one."""
    sizes = bench.sizes
    for shape, fields in (("default", 14), ("custom", 29)):
        load = bench.loads.flows(shape, sizes.flow_base, sizes.flow_records)
        yield from _against(bench, load, f"{shape} format, {fields} fields")


def _against(bench: Bench, load: Load, name: str) -> Iterator[Row]:
    out = bench.work / "baseline.parquet"
    files = load.files
    python = reader_python()
    few = some(files, bench.sizes.slow_records * 2, load.records)
    walls: list[float] = []
    cpus: list[float] = []
    floors: list[Floor] = []
    rows_written: list[float] = []
    readers: list[float] = []
    taken: Taken | None = None
    for turn in range(bench.sizes.repeats):
        bench.say(f"{name}, turn {turn + 1} of {bench.sizes.repeats}: {load.records:,} records")
        bench.measure_start_up(load)
        taken = bench.collect(load)
        walls.append(bench.working(taken, load))
        cpus.append(taken.cpu - bench.start_up_cpu(load))
        floors.append(flow_floor(files, out))
        rows_written.append(rewrite(taken.lake_files("vpc_flow_logs"), out)[0])
        bench.drop(taken)
        if python is not None:
            ran = run_command([python, "-W", "ignore", "-c", FLOWLOGS_READER, *map(str, few)])
            records, seconds = ran.stdout.split()
            readers.append(float(seconds) / int(records))
    assert taken is not None
    count, wall = taken.offered, median(walls)
    floor = sorted(floors, key=lambda f: f.seconds)[len(floors) // 2]
    measured = f"{per_second(count, wall)} ({count:,} in {wall:.1f} s)"
    yield Row(
        FAMILY,
        f"whole machine, {name}",
        measured,
        f"one core, inflate + pyarrow.csv + Parquet write: {per_second(count, floor.seconds)}",
        median([f.seconds / w for f, w in zip(floors, walls, strict=True)]),
        "%",
        "≥",
        0.60,
        f"start-up of {bench.start_up(load):.2f} s subtracted; objects of {load.records // max(1, load.objects):,} records;"
        f" floor: {floor}, its own columns only",
    )
    cpu, floor_cpu = median(cpus), median([f.cpu for f in floors])
    yield Row(
        FAMILY, "the same, CPU of all processes", f"{cpu / count * 1e6:.1f} µs a record",
        f"the floor's CPU: {floor_cpu / count * 1e6:.1f} µs", floor_cpu / cpu, "%",
    )  # fmt: skip
    same = median(
        [(f.inflate + f.parse + w) / t for f, w, t in zip(floors, rows_written, walls, strict=True)]
    )
    yield Row(
        FAMILY,
        "the same",
        measured,
        f"the same with the rows that the lake holds: write {median(rows_written):.1f} s",
        same,
        "%",
    )
    if readers:
        each = median(readers)
        yield Row(
            FAMILY,
            "the same",
            measured,
            f"flowlogs-reader, reading alone: {1e-3 / each:,.1f} k/s",
            each * count / wall,
            "×",
            "≥",
            20.0,
        )
    else:
        yield Row(FAMILY, "the same", measured, "flowlogs-reader", None, "×", "≥", 20.0, HOW)
