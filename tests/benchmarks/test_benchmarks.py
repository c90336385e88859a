"""Every benchmark runs end to end on very little load and prints its rows; no time is asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FAMILIES = {
    "take_in_cloudtrail": ("one-core floor", "`json` loop", "DuckDB read_json", "without dedupe"),
    "take_in_flow": ("pyarrow.csv", "flowlogs-reader"),
    "small_objects": ("objects of 8 events",),
    "commits": ("a commit of 50 rows", "open and plan one day"),
    "lookups": ("60 events in 3 days", "one event every day", "scan of all"),
    "tracing": ("opened: 60 events in 3 days", "whole: in most rows"),
    "changes": ("history of one resource", "state of 300 resources"),
    "bytes_at_rest": ("the whole home",),
    "memory": ("taking in", "the child, compacting"),
    "detecting": ("generated rules", "twice as many", "to findings and alerts"),
    "watching": ("handed to the notifier",),
    "pages": ("pages for 5 people",),
    "startup": ("--help", "ashiato query"),
}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=500,
    )  # fmt: skip


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("load")


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_runs_and_prints_its_rows(family: str, load: Path) -> None:
    ran = bench(family, "--size", "tiny", "--json", "--load", str(load))
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    rows: Sequence[dict[str, Any]] = document["rows"]
    told = " ".join(f"{r['work']} {r['measured']} {r['baseline']}" for r in rows)
    for words in FAMILIES[family]:
        assert words in told
    for row in rows:
        assert "switch does not work" not in row["note"], row["note"]
        if row["budget"] is not None and row["value"] is not None:
            assert row["verdict"].startswith("met" if row["met"] else "NOT MET")
    assert {"processor", "cores", "python", "libraries", "date"} <= document["machine"].keys()


def test_the_test_knows_every_family() -> None:
    ran = bench("--help")
    listed = " ".join(ran.stdout.split()).partition("what to measure: ")[2].partition(" options:")[0]
    assert {name.strip() for name in listed.split(",")} == set(FAMILIES)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    ran = bench("nothing")
    assert ran.returncode == 2
    assert "take_in_cloudtrail" in ran.stderr


def test_results_keep_the_sections_of_other_commands(tmp_path: Path) -> None:
    out = tmp_path / "RESULTS.md"
    code = (
        "from pathlib import Path; from benchmarks.report import Row, as_markdown, write_results\n"
        "row = Row('f', 'work', 'a', 'b | c', 2.0, '×', '≥', 3.0)\n"
        f"out = Path({str(out)!r})\n"
        "for command in ('make a', 'make b', 'make a'):\n"
        "    write_results(as_markdown([row], {'cores': '2'}, command, 60.0), command, out)\n"
    )
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": paths})
    text = out.read_text()
    assert text.count("## `make a`") == text.count("## `make b`") == 1
    assert "NOT MET (0.67 of budget)" in text
    assert r"b \| c" in text
