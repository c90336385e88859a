"""Thousands of objects of eight events: limited by bytes, not by objects."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.bench import Bench, median
from benchmarks.load import Load
from benchmarks.report import Row

ORDER = 30
FAMILY = "small objects"
EACH = 8


def run(bench: Bench) -> Iterator[Row]:
    """Rows of the family: generated events, and real ones where the corpora are here."""
    sizes = bench.sizes
    yield from _compare(bench, "generated", bench.loads.small(sizes.small_objects, EACH, sizes.large_objects))
    real = bench.loads.real_small(sizes.small_objects, EACH, sizes.large_objects)
    if real is not None:
        yield from _compare(bench, "real", real)


def _compare(bench: Bench, name: str, loads: tuple[Load, Load]) -> Iterator[Row]:
    many, few = loads
    bench.say(f"{name}: {many.objects:,} objects and {few.objects:,}")
    seconds: dict[int, list[float]] = {0: [], 1: []}
    walls: dict[int, list[float]] = {0: [], 1: []}
    alone: list[float] = []
    for _ in range(bench.sizes.repeats):
        for side, load in enumerate(loads):
            taken = bench.collect(load)
            seconds[side].append(taken.seconds)
            walls[side].append(taken.wall)
            bench.drop(taken)
        taken = bench.collect(many, processes=1)
        alone.append(taken.seconds)
        bench.drop(taken)
    a, b = median(seconds[0]), median(seconds[1])
    bytes_each = f"{many.bytes / (1 << 20):.1f} MiB against {few.bytes / (1 << 20):.1f} MiB compressed"
    yield Row(
        FAMILY,
        f"{many.objects:,} {name} objects of {EACH} events",
        f"{a:.2f} s",
        f"the same {few.records:,} events in {few.objects} objects: {b:.2f} s",
        a / b,
        "×",
        "≤",
        2.0,
        f"the command's own seconds (with the start of its workers); whole command {median(walls[0]):.2f} and"
        f" {median(walls[1]):.2f} s; {bytes_each}",
    )
    yield Row(
        FAMILY,
        "the same in one process",
        f"{median(alone):.2f} s",
        f"in {few.objects} objects: {b:.2f} s",
        median(alone) / b,
        "×",
    )
