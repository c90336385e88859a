"""Homes of these tests: a generated estate of two days, and one whose few items and events a test writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ashiato.demo import generate
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from intake.taking_in import collect

#: No seed that the rules of `ashiato.config` were made with.
SEED = 20_261_126


@dataclass(frozen=True)
class TakenEstate:
    """A generated estate, taken in."""

    home: Path
    truth: Path


def taken_estate(folder: Path, *, days: int, seed: int, events: int = 0) -> TakenEstate:
    generate(folder / "files", days=days, events=events, flows=0, seed=seed, processes=1)
    collect(folder / "home", folder / "files")
    return TakenEstate(folder / "home", folder / "files" / "truth.json")


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> TakenEstate:
    return taken_estate(tmp_path_factory.mktemp("config-estate"), days=2, seed=SEED)


@pytest.fixture(scope="session")
def lake(estate: TakenEstate) -> Iterator[PinnedLake]:
    """The estate's lake."""
    with Home.open_for_reading(estate.home) as home, PinnedLake(home) as opened:
        yield opened
