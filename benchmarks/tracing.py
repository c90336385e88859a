"""The trace of one entity among many events: exact counts, first and last seen, newest 50 rows in words; and all of it.

`opened` is what a page shows first: counts and lanes. `whole` adds related things out of up to 10,000 records, the
five answers, who is behind it, links and gaps. The homes are those of the look-ups.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ashiato.core.scope import EVERY_ACCOUNT
from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.trace.tracing import PARTS, Wanted, trace
from benchmarks.bench import Bench, median
from benchmarks.lookup_load import HOT, Needle, needles
from benchmarks.lookups import home_of
from benchmarks.processes import BenchmarkError
from benchmarks.report import Row

ORDER = 52
FAMILY = "trace"
NEWEST = 50
_OPENED = Wanted(limit=NEWEST, parts=frozenset())
_WHOLE = Wanted(limit=NEWEST, fold=True, parts=PARTS)


def run(bench: Bench) -> Iterator[Row]:
    """The same traces at each size; the smaller size is the baseline of the larger."""
    sizes = bench.sizes
    homes = {rows: home_of(bench, rows) for rows in sizes.lookup_rows}
    hot, _ = json.loads((homes[min(homes)] / HOT).read_text())
    subjects: list[tuple[str, str, Needle | None]] = [(n.name, n.key, n) for n in needles(sizes.lookup_days)]
    subjects.append(("in most rows", hot, None))
    for name, value, needle in subjects:
        medians = {rows: _opened(folder, value, needle, bench) for rows, folder in homes.items()}
        for rows, seconds in medians.items():
            budget = 2000.0 if needle is not None and needle.each == 1 else 500.0
            yield Row(
                FAMILY, f"opened: {name}, among {rows:,}", f"{seconds * 1000:.0f} ms", "the budget in milliseconds",
                seconds * 1000, "ms", "≤", budget if sizes.full else None,
            )  # fmt: skip
        few, many = min(medians), max(medians)
        yield Row(
            FAMILY, f"opened: {name}, grown to {many:,}", f"{medians[many] * 1000:.0f} ms",
            f"among {few:,}: {medians[few] * 1000:.0f} ms", medians[many] / medians[few], "×", "≤",
            1.5 if many >= 100_000_000 else None,
        )  # fmt: skip
    yield from _whole(homes[max(homes)], max(homes), subjects)


def _opened(folder: Path, value: str, needle: Needle | None, bench: Bench) -> float:
    taken = []
    for turn in range(bench.sizes.lookup_repeats + 1):
        seconds, document = _timed(folder, value, _OPENED)
        _check(document, needle, bench.sizes.lookup_days)
        # The first turn warms the files.
        if turn:
            taken.append(seconds)
    return median(taken)


def _whole(folder: Path, rows: int, subjects: list[tuple[str, str, Needle | None]]) -> Iterator[Row]:
    for name, value, _ in subjects:
        _timed(folder, value, _WHOLE)
        seconds, document = _timed(folder, value, _WHOLE)
        yield Row(
            FAMILY, f"whole: {name}, among {rows:,}", f"{document['entity']['count']:,} counted",
            f"{len(document['related']):,} related, sampled: {document['sampled']}", seconds * 1000, "ms",
        )  # fmt: skip


def _timed(folder: Path, value: str, wanted: Wanted) -> tuple[float, dict[str, Any]]:
    with Home.open_for_reading(folder) as home:
        began = time.perf_counter()
        with PinnedLake(home) as lake:
            document = trace(lake, value, EVERY_ACCOUNT, Settings(), wanted).as_json()
        return time.perf_counter() - began, document


def _check(document: dict[str, Any], needle: Needle | None, days: int) -> None:
    count, shown = document["entity"]["count"], len(document["operations"])
    if needle is None:
        if shown != NEWEST:
            raise BenchmarkError(f"trace of what is in most rows: {shown} rows")
        return
    expected = sum(needle.on(age) for age in range(days))
    if count != expected or shown != min(expected, NEWEST):
        raise BenchmarkError(
            f"trace of {needle.name}: {count} counted, {shown} rows; {expected} were planted"
        )
