"""Resources over time: the history of one among many items over three years, the state of a whole account."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from ashiato.config import history, states
from ashiato.config.item import ResourceKey
from ashiato.config.resources import the_one
from ashiato.core.scope import EVERY_ACCOUNT
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from benchmarks.bench import Bench, median
from benchmarks.change_load import DELETED, MONTHS, build, changed, month_start, resource_id
from benchmarks.processes import BenchmarkError
from benchmarks.report import Row

ORDER = 55
FAMILY = "resources over time"
#: Layout of a home; another number makes homes anew.
LAYOUT = 2


def run(bench: Bench) -> Iterator[Row]:
    """The same questions at each size."""
    sizes = bench.sizes
    for items, resources in sizes.config_items:
        folder = _home(bench, items, resources)
        subject = resources // 2 + 1 if (resources // 2 + 1) % 100 >= DELETED else resources // 2 + DELETED
        expected = sum(int((changed(m, items, resources)[0] == subject).sum()) for m in range(MONTHS))
        with Home.open_for_reading(folder) as home:
            known = _key(home, subject)
            yield _row(
                f"history of one resource, among {items:,} items", 0.3,
                *_timed(home, sizes.lookup_repeats, _history(known, expected)),
            )  # fmt: skip
            yield _row(
                f"found by its name, among {items:,} items", None,
                *_timed(home, sizes.lookup_repeats, _found(resource_id(subject))),
            )  # fmt: skip
            end = month_start(MONTHS) - timedelta(days=1)
            middle = month_start(MONTHS // 2)
            left = resources - len([n for n in range(resources) if n % 100 < DELETED])
            for name, moment, count in (("at the end", end, left), ("in the middle", middle, resources)):
                for whole in (True, False):
                    what = "with configurations" if whole else "outlines"
                    yield _row(
                        f"state of {resources:,} resources {name}, {what}, among {items:,} items", 3.0,
                        *_timed(home, max(1, sizes.lookup_repeats // 2), _state(moment, count, whole=whole)),
                    )  # fmt: skip


def _timed(home: Home, repeats: int, ask: Callable[[PinnedLake], str]) -> tuple[float, float, str]:
    """Seconds and those of CPU, medians, with the opening of the lake; the first turn warms the files."""
    seconds, cpu, told = [], [], ""
    for turn in range(repeats + 1):
        began, worked = time.perf_counter(), time.process_time()
        with PinnedLake(home) as lake:
            told = ask(lake)
        if turn:
            seconds.append(time.perf_counter() - began)
            cpu.append(time.process_time() - worked)
    return median(seconds), median(cpu), told


def _row(work: str, budget: float | None, seconds: float, cpu: float, told: str) -> Row:
    milliseconds = None if budget is None else budget * 1000
    baseline = "the budget in milliseconds" if budget else "for information"
    return Row(
        FAMILY, work, told, baseline, seconds * 1000, "ms", "≤", milliseconds, f"{cpu * 1000:,.0f} ms of CPU"
    )


def _key(home: Home, number: int) -> ResourceKey:
    with PinnedLake(home) as lake:
        return the_one(lake, resource_id(number), EVERY_ACCOUNT)


def _history(key: ResourceKey, expected: int) -> Callable[[PinnedLake], str]:
    def ask(lake: PinnedLake) -> str:
        found = history.changes(lake, key, EVERY_ACCOUNT)
        differing = sum(bool(c.differences) for c in found)
        if len(found) != expected:
            raise BenchmarkError(f"{len(found)} items of {key}, where {expected} were written")
        return f"{len(found)} items, {differing} with differences"

    return ask


def _found(text: str) -> Callable[[PinnedLake], str]:
    return lambda lake: str(the_one(lake, text, EVERY_ACCOUNT).type)


def _state(moment: datetime, count: int, *, whole: bool) -> Callable[[PinnedLake], str]:
    def ask(lake: PinnedLake) -> str:
        found = states.at(lake, moment, EVERY_ACCOUNT, whole=whole)
        if len(found) != count:
            raise BenchmarkError(f"{len(found)} resources at {moment}, where there are {count}")
        return f"{len(found):,} resources"

    return ask


def _home(bench: Bench, items: int, resources: int) -> Path:
    place = bench.loads.folder / f"changes-{items}x{resources}-{LAYOUT}"
    if not (place / "made").exists():
        bench.say(f"making a home of {items:,} items …")
        shutil.rmtree(place, ignore_errors=True)
        build(place / "home", items, resources, bench.threads, bench.say)
        (place / "made").write_text(json.dumps({"items": items, "resources": resources}))
    # What an earlier version made is migrated.
    with Home.open_for_writing(place / "home", "benchmark"):
        return place / "home"
