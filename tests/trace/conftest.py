"""A small estate with the sample incident in it, taken in and evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.core.settings import Settings
from ashiato.demo import generate
from ashiato.intake.collect import Collector
from ashiato.lake.home import Home
from ashiato.lake.maintain import maintain
from ashiato.lake.plans import PinnedLake
from ashiato.trace.tracing import Wanted, trace
from ashiato.watch.evaluating import evaluate

Tracer = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The home, and the truth of what happened."""
    folder = tmp_path_factory.mktemp("traced")
    made = generate(folder / "files", seed=1, days=4, accounts=2, events=5000, flows=6000)
    with Home.open_for_writing(folder / "home", "test") as opened:
        Collector(opened, processes=2).run([str(folder / "files")])
        evaluate(opened, Settings(home=folder / "home"))
        maintain(opened, Settings(home=folder / "home"), only=["footprints"])
    return folder / "home", made.truth


@pytest.fixture(scope="session")
def lake(estate: tuple[Path, dict[str, Any]]) -> Iterator[PinnedLake]:
    with Home.open_for_reading(estate[0]) as home, PinnedLake(home) as pinned:
        yield pinned


@pytest.fixture(scope="session")
def attack(estate: tuple[Path, dict[str, Any]]) -> dict[str, Any]:
    """Names and times of the sample incident."""
    found: dict[str, Any] = estate[1]["attack"]
    return found


@pytest.fixture
def traced(lake: PinnedLake) -> Tracer:
    """The document of a trace."""

    def ask(entity: str, scope: AccountScope = EVERY_ACCOUNT, **wanted: Any) -> dict[str, Any]:
        return trace(lake, entity, scope, Settings(), Wanted(**wanted)).as_json()

    return ask
