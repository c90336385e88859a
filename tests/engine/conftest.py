"""The lake of the engine's tests, built once a session."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from ashiato.engine import Limits, run
from engine import record_items, records
from engine.home import Home

CORPUS = Path(__file__).parents[3] / "shared/corpora/aws-queries.jsonl"


@cache
def published() -> dict[str, str]:
    """AWS's published statements by id."""
    if not CORPUS.exists():
        pytest.skip("the corpus of AWS's statements is not on this machine")
    rows = (json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row["statement"] for row in rows}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("lake"))
    events = [records.stored(e) for e in records.EVENTS]
    events = sorted([*events, records.stored(records.COPY)], key=lambda e: e["eventTime"])
    for start in range(0, len(events), 40):  # several files, so that there is something to prune
        made.append("cloudtrail", events[start : start + 40])
    made.append("vpc_flow_logs", records.FLOWS)
    made.append("config_items", [record_items.stored_item(i) for i in record_items.ITEMS])
    return made


@pytest.fixture(scope="session")
def ask(home: Home) -> Callable[..., pa.Table]:
    """Run a statement over the tests' lake at the tests' time."""

    def run_it(sql: str, dialect: str = "athena", **limits: float) -> pa.Table:
        planner = home.planner([records.CORRECTED])
        return run(sql, planner, dialect=dialect, limits=Limits(**limits), now=records.NOW)  # type: ignore[arg-type]

    return run_it
