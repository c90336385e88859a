"""The operation behind a change is the one that the generator made it with, on estates never seen before."""

from __future__ import annotations

from pathlib import Path

import pytest

from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake

from .conftest import TakenEstate, taken_estate
from .judging import Verdict, judge


def stands(verdict: Verdict) -> None:
    assert verdict.unknown == 0, "every change of the truth is in the lake"
    assert verdict.share >= 0.99, [
        (told["why"], [(c.name, c.why) for c in said.found[:2]]) for told, said in verdict.wrong
    ]
    assert not verdict.invented, [(told["why"], said.found[0].why) for told, said in verdict.invented]
    assert verdict.none_right > 0
    for told, said in verdict.not_none:
        assert said.gap is not None, told
    assert verdict.gaps == verdict.lost


def test_causes_of_two_days(estate: TakenEstate, lake: PinnedLake) -> None:
    verdict = judge(lake, estate.truth)
    assert verdict.caused > 200
    stands(verdict)


def test_none_is_said_and_a_gap_only_where_the_trail_has_one(estate: TakenEstate, lake: PinnedLake) -> None:
    for told, said in judge(lake, estate.truth).not_none:
        assert said.gap is not None
        # The items of two months before the estate's first event, or the hour of the file that never came.
        assert said.gap.first < said.gap.last
        assert said.first is not None
        assert said.last is not None
        assert said.first <= said.gap.first < said.gap.last <= said.last, told


@pytest.mark.slow
@pytest.mark.parametrize("seed", [8_061, 8_062, 8_063])
def test_causes_of_ten_days_of_other_seeds(seed: int, tmp_path: Path) -> None:
    estate = taken_estate(tmp_path, days=10, seed=seed, events=30_000)
    with Home.open_for_reading(estate.home) as home, PinnedLake(home) as lake:
        verdict = judge(lake, estate.truth)
    assert verdict.caused > 1200
    stands(verdict)
