"""Progress of long work on a terminal; nothing where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ashiato.intake.collect import CollectProgress


@contextmanager
def collect_progress() -> Iterator[Callable[[CollectProgress], None]]:
    """A bar with objects, records, MB/s and the time left."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("objects · {task.fields[records]:,} records ·"),
        TransferSpeedColumn(),
        TextColumn("·"),
        TimeElapsedColumn(),
        TextColumn("· left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as display:
        objects = display.add_task("Taking in", total=None, records=0)

        def show(progress: CollectProgress) -> None:
            display.update(
                objects, completed=progress.objects, total=progress.total, records=progress.records
            )

        yield show


@contextmanager
def fraction_progress(what: str) -> Iterator[Callable[[str, float], None]]:
    """A bar for work that tells a step and a fraction from 0 to 1."""
    if not sys.stderr.isatty():
        yield lambda _step, _fraction: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as display:
        task = display.add_task(what, total=1.0)

        def show(step: str, fraction: float) -> None:
            display.update(task, description=f"{what}: {step}", completed=fraction)

        yield show


@contextmanager
def step_progress(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for work that tells (step, done, total); total 0 where it is not known."""
    with fraction_progress(what) as show:
        yield lambda step, done, total: show(step, done / total if total else 0.0)
