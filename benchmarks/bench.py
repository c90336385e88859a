"""What every family of measurements is given: sizes, loads, a place to work, and `collect`."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ashiato.intake.collect import FEW_UNITS, UNIT_BYTES, UNIT_OBJECTS
from benchmarks.load import Load, Loads
from benchmarks.processes import Memory, python, run
from benchmarks.sizes import Sizes


@dataclass(frozen=True)
class Taken:
    """One run of `ashiato collect` into a new home."""

    home: Path
    wall: float
    cpu: float
    report: dict[str, Any]
    memory: Memory

    @property
    def offered(self) -> int:
        """Records that the objects held."""
        r = self.report
        return int(sum(r["records"].values()) + r["duplicates"] + r["variants"] + r["quarantined_records"])

    @property
    def seconds(self) -> float:
        """By the command's own clock: without the interpreter's start, with that of its workers."""
        return float(self.report["seconds"])

    def lake_files(self, table: str) -> list[Path]:
        return sorted(self.home.glob(f"lake/warehouse/**/{table}/data/**/*.parquet"))


class Bench:
    """One run of the benchmarks."""

    def __init__(self, sizes: Sizes, loads: Loads, work: Path, threads: int) -> None:
        self.sizes = sizes
        self.loads = loads
        self.work = work
        self.threads = threads
        self._start_up: dict[bool, Taken] = {}
        self._kept: dict[str, Taken] = {}

    def say(self, text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    def new_folder(self) -> Path:
        return self.work / uuid.uuid4().hex[:12]

    def collect(
        self,
        load: Load,
        *,
        processes: int | None = None,
        without: Sequence[str] | None = None,
        watch: bool = False,
    ) -> Taken:
        """Take `load` into a new home by the command, or by the one with switches (`without` given)."""
        home = self.new_folder()
        more = ["--processes", str(processes)] if processes else []
        if without is None:
            command = python(
                "-m",
                "ashiato",
                "collect",
                str(load.root),
                "--home",
                str(home),
                "--json",
                "--no-evaluate",
                *more,
            )
        else:
            command = python("-m", "benchmarks.collecting", str(load.root), "--home", str(home), *more)
        ran = run(command, more={"BENCH_WITHOUT": ",".join(without or ())}, watch=watch, statuses=(0, 1))
        return Taken(home, ran.wall, ran.cpu, json.loads(ran.stdout), ran.memory)

    def drop(self, taken: Taken) -> None:
        shutil.rmtree(taken.home, ignore_errors=True)

    def keep(self, name: str, taken: Taken) -> None:
        """A home that another family may use; the one of the same name before is removed."""
        old = self._kept.pop(name, None)
        if old is not None:
            self.drop(old)
        self._kept[name] = taken

    def kept(self, name: str, make: Callable[[], Taken]) -> Taken:
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def start_up(self, load: Load) -> float:
        """Seconds that `collect` takes for objects without a record: interpreter, imports, a new home, and
        workers where `load` is enough to start them. The least of those measured: it must not flatter."""
        return self._idle(load).wall

    def start_up_cpu(self, load: Load) -> float:
        """The same in seconds of CPU."""
        return self._idle(load).cpu

    def _idle(self, load: Load) -> Taken:
        return self._start_up[_by_processes(load)]

    def measure_start_up(self, load: Load) -> None:
        """Once a turn, next to what it is subtracted from."""
        by_processes = _by_processes(load)
        taken = self.collect(self.loads.foreign(FEW_UNITS + 1 if by_processes else 1))
        self.drop(taken)
        before = self._start_up.get(by_processes)
        if before is not None:
            taken = replace(taken, wall=min(taken.wall, before.wall), cpu=min(taken.cpu, before.cpu))
        self._start_up[by_processes] = taken

    def working(self, taken: Taken, load: Load) -> float:
        """Seconds of the run without its start-up; a tenth of it where the machine was too busy to tell."""
        return max(taken.wall - self.start_up(load), taken.wall / 10)


def _by_processes(load: Load) -> bool:
    """Whether `load` is enough for `collect` to start reading processes."""
    return max(load.objects / UNIT_OBJECTS, load.bytes / UNIT_BYTES) > FEW_UNITS


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def per_second(count: int, seconds: float) -> str:
    return f"{count / seconds / 1000:,.1f} k/s"


def mib(size: float) -> str:
    return f"{size / (1 << 20):,.0f} MiB"
