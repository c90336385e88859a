"""`python -m benchmarks [NAME…] [--quick | --large] [--json]`: measure, print, and write RESULTS.md."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

import benchmarks
from benchmarks.bench import Bench
from benchmarks.load import Loads
from benchmarks.report import RESULTS, Row, as_markdown, as_text, machine, write_results
from benchmarks.sizes import SIZES

#: What --large measures: where size is the point.
LARGE = ("lookups", "tracing", "changes")


def families() -> dict[str, ModuleType]:
    """Modules of this package that measure something, in their order."""
    names = [m.name for m in pkgutil.iter_modules(benchmarks.__path__) if not m.name.startswith("_")]
    modules = [importlib.import_module(f"benchmarks.{name}") for name in names if name != "collecting"]
    found = sorted((m for m in modules if hasattr(m, "ORDER")), key=lambda m: m.ORDER)
    return {m.__name__.rpartition(".")[2]: m for m in found}


def main() -> int:
    known = families()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(known)}")
    size = parser.add_mutually_exclusive_group()
    for name, what in (
        ("quick", "little load, a few minutes"),
        ("large", "look-ups among 100 M events, histories among 10 M items"),
    ):
        size.add_argument(f"--{name}", dest="size", action="store_const", const=name, help=what)
    size.add_argument("--size", choices=list(SIZES), help="the same by name; `tiny` is for tests")
    parser.set_defaults(size="default")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--load", type=Path, default=Path(__file__).parent / ".load", help="where load stays")
    parser.add_argument("--out", type=Path, help="write results there; default: RESULTS.md, if complete")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(known))
    if unknown:
        parser.error(f"there is no measurement {unknown[0]}; there are {', '.join(known)}")
    names = [n for n in known if n in (given.names or (LARGE if given.size == "large" else known))]
    began = time.monotonic()
    described = machine()
    rows: list[Row] = []
    given.load.mkdir(parents=True, exist_ok=True)

    def say(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    sizes = SIZES[given.size]
    with tempfile.TemporaryDirectory(dir=given.load.absolute(), prefix="work-") as work:
        threads = min(os.cpu_count() or 1, 8)
        bench = Bench(sizes, Loads(given.load.absolute(), say), Path(work), threads)
        for name in names:
            print(f"{name} ({time.monotonic() - began:.0f} s so far)", file=sys.stderr, flush=True)
            rows += known[name].run(bench)
    seconds = time.monotonic() - began
    command = "python -m benchmarks" + (f" --{given.size}" if given.size != "default" else "")
    described["reading processes"] = str(threads)
    if given.json:
        document = {"machine": described, "seconds": seconds, "rows": [r.as_json() for r in rows]}
        print(json.dumps(document, indent=1))
    else:
        print("\n".join(f"{k}: {v}" for k, v in described.items() if v))
        print(as_text(rows))
        if not sizes.full:
            print("\nThis is less load than the budgets speak of: the verdicts are hints.")
        print(f"\n{sum(r.met is True for r in rows)} budgets met, {sum(r.met is False for r in rows)} not;"
              f" {seconds:.0f} s.")  # fmt: skip
    out = given.out or (RESULTS if sizes.full and not given.names else None)
    if out is not None:
        write_results(as_markdown(rows, described, command, seconds), command, out)
        print(f"written to {out.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
