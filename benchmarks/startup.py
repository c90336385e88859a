"""How long a command takes to start: whole processes, from outside."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.bench import Bench, median
from benchmarks.processes import python
from benchmarks.processes import run as run_command
from benchmarks.report import Row

ORDER = 80
FAMILY = "start-up"
SQL = "SELECT eventname, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY n DESC LIMIT 10"


def run(bench: Bench) -> Iterator[Row]:
    """`--help` and `query` on a small home, beside the bare interpreter."""
    sizes = bench.sizes
    small, _ = bench.loads.small(min(sizes.small_objects, 400), 8, sizes.large_objects)
    taken = bench.collect(small)
    commands = {
        "python": python("-c", "pass"),
        "help": python("-m", "ashiato", "--help"),
        "query": python("-m", "ashiato", "query", SQL, "--home", str(taken.home), "--json"),
    }
    for command in commands.values():
        run_command(command)
    walls: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(sizes.start_up_runs):
        for name, command in commands.items():
            walls[name].append(run_command(command).wall)
    bench.drop(taken)
    bare = f"`python -c pass`: {median(walls['python']):.2f} s"
    for name, title, budget in (
        ("help", "`ashiato --help`", 0.3),
        ("query", f"`ashiato query` on {small.records:,} events", 1.5),
    ):
        yield Row(
            FAMILY,
            title,
            f"{median(walls[name]) / median(walls['python']):.1f} × the bare interpreter",
            bare,
            median(walls[name]),
            "s",
            "≤",
            budget,
            f"median of {sizes.start_up_runs} runs; {min(walls[name]):.2f}–{max(walls[name]):.2f} s",
        )
