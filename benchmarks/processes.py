"""Commands measured from outside: wall time, CPU time, peak memory of each process of the tree."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PERIOD = 0.05


class BenchmarkError(RuntimeError):
    """What is measured did not work."""


@dataclass
class Memory:
    """Peak resident bytes: of the first process, of each of its descendants, and of all at one moment.

    The sum counts pages that processes share once a process: it is an upper bound.
    """

    first: int = 0
    others: dict[int, int] = field(default_factory=dict)
    together: int = 0

    @property
    def largest_other(self) -> int:
        return max(self.others.values(), default=0)


@dataclass(frozen=True)
class Ran:
    """One command: seconds of wall clock and of CPU (with children), and what it printed."""

    wall: float
    cpu: float
    stdout: str
    memory: Memory


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without Ashiato's settings, with this checkout's packages."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ASHIATO_")}
    paths = [str(ROOT / "src"), str(ROOT), kept.get("PYTHONPATH", "")]
    return {**kept, "PYTHONPATH": os.pathsep.join(p for p in paths if p), **(more or {})}


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def run(
    command: Sequence[str],
    *,
    more: Mapping[str, str] | None = None,
    watch: bool = False,
    statuses: tuple[int, ...] = (0,),
) -> Ran:
    """Run to the end. Raises BenchmarkError with what it said where the status is another."""
    with (
        tempfile.TemporaryFile() as errors,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryDirectory() as cwd,
    ):
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment(more), cwd=cwd)
        memory = Memory()
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, memory, over), daemon=True)
        if watch:
            watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        if watch:
            watcher.join()
        output.seek(0)
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()[-2000:]
        # A traceback has the status of "something needs a person".
        if process.returncode not in statuses or "Traceback" in said:
            raise BenchmarkError(f"{' '.join(command[1:5])} … ended with {process.returncode}: {said}")
        return Ran(wall, usage.ru_utime + usage.ru_stime, output.read().decode(), memory)


def pool_of(processes: int) -> ProcessPoolExecutor:
    """Processes that start afresh: forking a process in which Arrow's threads run may hang."""
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))


def can_watch() -> bool:
    """Whether memory of other processes can be read here (/proc)."""
    return Path("/proc/self/status").exists()


def _watch(pid: int, memory: Memory, over: threading.Event) -> None:
    while not over.wait(_PERIOD):
        together = 0
        for process in _tree(pid):
            now, peak = _resident(process)
            together += now
            if process == pid:
                memory.first = max(memory.first, peak)
            else:
                memory.others[process] = max(memory.others.get(process, 0), peak)
        memory.together = max(memory.together, together)


def _tree(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        process = waiting.pop()
        found.append(process)
        try:
            for task in Path(f"/proc/{process}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _resident(pid: int) -> tuple[int, int]:
    now = peak = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1]) << 10
            elif line.startswith("VmRSS:"):
                now = int(line.split()[1]) << 10
    except OSError:
        pass
    return now, peak
