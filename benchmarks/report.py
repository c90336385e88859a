"""Rows of the report: a ratio against a named baseline, its budget, and whether it is met."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

LIBRARIES = (
    "ashiato", "duckdb", "pyarrow", "pyiceberg", "pyiceberg-core", "msgspec", "pysimdjson", "isal",
    "SQLAlchemy",
)  # fmt: skip
RESULTS = Path(__file__).parent / "RESULTS.md"
_HEAD = ("work", "measured", "baseline", "result", "budget", "verdict")


@dataclass(frozen=True)
class Row:
    """One line of the report. Without a budget it is for information.

    `value` is what the budget speaks of: a ratio (unit `×` or `%`, `%` of 1.0) or a figure in `unit`.
    """

    family: str
    work: str
    measured: str
    baseline: str
    value: float | None = None
    unit: str = "×"
    sense: Literal["≥", "≤"] = "≥"
    budget: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the budget is met; None where there is none."""
        if self.budget is None or self.value is None:
            return None
        return self.value >= self.budget if self.sense == "≥" else self.value <= self.budget

    @property
    def verdict(self) -> str:
        if self.met is None or self.budget is None or self.value is None:
            return "–"
        return f"{'met' if self.met else 'NOT MET'} ({self.value / self.budget:.2f} of budget)"

    def figure(self, value: float | None) -> str:
        if value is None:
            return ""
        if self.unit == "%":
            return f"{value:.0%}"
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{value:,.{digits}f}{self.unit if self.unit == '×' else ' ' + self.unit}"

    def cells(self) -> tuple[str, ...]:
        budget = "" if self.budget is None else f"{self.sense} {self.figure(self.budget)}"
        return (self.work, self.measured, self.baseline, self.figure(self.value), budget, self.verdict)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met, "verdict": self.verdict}


def machine() -> dict[str, str]:
    """What the figures were measured on: no names of hosts or paths."""
    cpu = platform.processor() or platform.machine()
    memory = ""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
        kib = int(Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0])
        memory = f"{kib / (1 << 20):.0f} GiB"
    except (OSError, IndexError, ValueError):
        pass
    load = "" if not hasattr(os, "getloadavg") else f"{os.getloadavg()[0]:.2f}"
    libraries = []
    for name in LIBRARIES:
        try:
            libraries.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            if name == "ashiato":
                from ashiato import __version__

                libraries.append(f"ashiato {__version__}")
    return {
        "processor": cpu,
        "cores": str(os.cpu_count()),
        "memory": memory,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join(libraries),
        "commit": _commit(),
        "load average at the start": load,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _commit() -> str:
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            capture_output=True, text=True, check=True, cwd=Path(__file__).parent,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def as_text(rows: Sequence[Row]) -> str:
    """A table for a terminal."""
    lines = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    out = []
    family = None
    for line, row in zip(lines, [None, *rows], strict=True):
        if row is not None and row.family != family:
            family = row.family
            out.append(f"\n[{family}]")
        out.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if row is not None and row.note:
            out.append(f"    {row.note}")
    return "\n".join(out)


def as_markdown(rows: Sequence[Row], described: dict[str, str], command: str, seconds: float) -> str:
    """A section of RESULTS.md."""
    out = [f"## `{command}`", ""]
    out += [f"- {key}: {value}" for key, value in described.items() if value]
    out += [f"- took: {seconds / 60:.1f} minutes", ""]
    family = None
    for row in rows:
        if row.family != family:
            family = row.family
            out += ["", f"### {family}", "", "| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
        cells = [cell.replace("|", "\\|") for cell in row.cells()]
        if row.note:
            cells[0] += f" <br><small>{row.note}</small>"
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


_PREAMBLE = """# Results

Written by `make bench` and `make bench-large`; do not edit. Every ratio is of one run, against the baseline
named beside it; medians where a measurement is repeated, the two sides taking turns.

"""


def write_results(section: str, command: str, path: Path = RESULTS) -> None:
    """Put a section in the place of the one of the same command; others stay."""
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    sections = ["## " + part for part in kept.split("\n## ")[1:]]
    sections = [s.rstrip() + "\n" for s in sections if not s.startswith(f"## `{command}`\n")]
    path.write_text(_PREAMBLE + "\n".join(sorted([*sections, section])), encoding="utf-8")
