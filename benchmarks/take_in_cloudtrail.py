"""Taking in CloudTrail: against one core's floor, a `json` loop, DuckDB; and what each part of it costs."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.baselines import Floor, cloudtrail_floor, duckdb_json, json_loop, some
from benchmarks.bench import Bench, Taken, median, per_second
from benchmarks.collecting import SWITCHES
from benchmarks.load import Load
from benchmarks.processes import BenchmarkError
from benchmarks.report import Row

ORDER = 10
FAMILY = "take in CloudTrail"


def run(bench: Bench) -> Iterator[Row]:
    """Rows of the family."""
    sizes = bench.sizes
    load = bench.loads.cloudtrail(sizes.events, sizes.copies, sizes.days)
    yield from _against(bench, load)
    yield from _parts(bench, bench.loads.first_copy(load))
    real = bench.loads.real_cloudtrail(sizes.real_copies)
    if real is not None:
        yield _real(bench, real)


def _against(bench: Bench, load: Load) -> Iterator[Row]:
    sizes = bench.sizes
    files = load.files
    out = bench.work / "baseline.parquet"
    slow = some(files, sizes.slow_records, load.records)
    middling = some(files, 4 * sizes.slow_records, load.records)
    walls: list[float] = []
    cpus: list[float] = []
    floors: list[Floor] = []
    loops: list[float] = []
    ducks: list[float] = []
    taken: Taken | None = None
    for turn in range(sizes.long_repeats):
        bench.say(
            f"turn {turn + 1} of {sizes.long_repeats}: {load.records:,} records in {load.objects:,} objects"
        )
        bench.measure_start_up(load)
        taken = bench.collect(load)
        bench.keep("cloudtrail", taken)
        walls.append(bench.working(taken, load))
        cpus.append(taken.cpu - bench.start_up_cpu(load))
        floors.append(cloudtrail_floor(files, taken.lake_files("cloudtrail"), out))
        records, seconds = json_loop(slow, out)
        loops.append(seconds / records)
        records, seconds = duckdb_json(middling, out, bench.threads)
        ducks.append(seconds / records)
    assert taken is not None
    wall, floor = median(walls), sorted(floors, key=lambda f: f.seconds)[len(floors) // 2]
    # The floor has no start-up and no idle core; pairs of one turn share the machine's mood.
    ratio = median([f.seconds / w for f, w in zip(floors, walls, strict=True)])
    count = taken.offered
    measured = f"{per_second(count, wall)} ({count:,} in {wall:.1f} s)"
    note = (
        f"start-up of {bench.start_up(load):.2f} s subtracted; {taken.report['records']['cloudtrail']:,} rows,"
        f" {taken.report['duplicates']:,} second copies, {taken.report['variants']:,} variants;"
        f" floor: {floor}"
    )
    yield Row(
        FAMILY,
        "whole machine, all parts",
        measured,
        f"one-core floor: {per_second(count, floor.seconds)}",
        ratio,
        "%",
        "≥",
        0.30,
        note,
    )
    cpu, floor_cpu = median(cpus), median([f.cpu for f in floors])
    yield Row(
        FAMILY, "the same, CPU of all processes", f"{cpu / count * 1e6:.0f} µs an event",
        f"the floor's CPU: {floor_cpu / count * 1e6:.0f} µs", floor_cpu / cpu, "%",
        note="core for core: less moved by what else runs on the machine",
    )  # fmt: skip
    each = wall / count
    loop, duck = median(loops), median(ducks)
    yield Row(
        FAMILY,
        "the same",
        measured,
        f"`json` loop into Parquet: {1e-3 / loop:,.1f} k/s",
        loop / each,
        "×",
        "≥",
        5.0,
    )
    yield Row(
        FAMILY,
        "the same",
        measured,
        f"DuckDB read_json, explicit schema, {bench.threads} threads: {1e-3 / duck:,.1f} k/s",
        duck / each,
        "×",
        "≥",
        2.5,
    )


def _parts(bench: Bench, load: Load) -> Iterator[Row]:
    """The same machine with parts switched off, on a part of the load; and in one process."""
    variants: list[tuple[str, ...]] = [(), *((s,) for s in SWITCHES), SWITCHES]
    walls: dict[tuple[str, ...], list[float]] = {v: [] for v in variants}
    failed: dict[tuple[str, ...], str] = {}
    alone: list[float] = []
    floors: list[float] = []
    count = 0
    for turn in range(bench.sizes.switch_repeats):
        bench.say(f"parts, turn {turn + 1} of {bench.sizes.switch_repeats}: {load.records:,} records")
        bench.measure_start_up(load)
        for variant in variants:
            try:
                taken = bench.collect(load, without=variant)
            except BenchmarkError as error:
                # A switch reaches into the product; when that has moved on, the others still tell.
                failed[variant] = f"the switch does not work any more: {str(error)[-200:]}"
                continue
            walls[variant].append(bench.working(taken, load))
            if not variant:
                count = taken.offered
                files = taken.lake_files("cloudtrail")
                floors.append(cloudtrail_floor(load.files, files, bench.work / "baseline.parquet").seconds)
            bench.drop(taken)
        taken = bench.collect(load, processes=1)
        alone.append(taken.seconds)
        bench.drop(taken)
    floor = median(floors)
    baseline = f"one-core floor: {per_second(count, floor)}"
    whole = median(walls[()])
    for variant in variants:
        name = "without " + ", ".join(variant) if variant else f"all parts, {count:,} records"
        if variant in failed:
            yield Row(FAMILY, name, "not measured", baseline, note=failed[variant])
            continue
        wall = median(walls[variant])
        saved = f"({(whole - wall) / whole:.0%} of the time)" if variant else ""
        yield Row(FAMILY, name, f"{per_second(count, wall)} {saved}".strip(), baseline, floor / wall, "%")
    yield Row(FAMILY, "one process", per_second(count, median(alone)), baseline, floor / median(alone), "%")


def _real(bench: Bench, load: Load) -> Row:
    bench.say(f"real events: {load.records:,} records")
    pairs = []
    for _ in range(bench.sizes.switch_repeats):
        bench.measure_start_up(load)
        taken = bench.collect(load)
        floor = cloudtrail_floor(load.files, taken.lake_files("cloudtrail"), bench.work / "baseline.parquet")
        pairs.append((floor.seconds, bench.working(taken, load)))
        bench.drop(taken)
    wall, floor_seconds = median([w for _, w in pairs]), median([f for f, _ in pairs])
    return Row(
        FAMILY,
        "real events (corpora), repeated",
        per_second(taken.offered, wall),
        f"one-core floor: {per_second(taken.offered, floor_seconds)}",
        median([f / w for f, w in pairs]),
        "%",
        "≥",
        0.30,
        f"{taken.offered:,} records in {load.objects:,} objects over ten days",
    )
