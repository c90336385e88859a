"""An answer about a table is kept until something is added to it, by home, question and reader."""

from __future__ import annotations

from pathlib import Path
from random import Random

from ashiato.lake.by_snapshot import BySnapshot
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import everything
from lake.homes import events, take_in, write_events


def test_an_answer_is_found_once_for_each_snapshot_home_and_question(tmp_path: Path) -> None:
    made: list[int] = []
    kept: BySnapshot[int] = BySnapshot("cloudtrail", most=10, size=lambda _: 1)

    def rows(home: str, question: str = "rows") -> int:
        with Home.open_for_reading(tmp_path / home) as opened, PinnedLake(opened) as lake:

            def count() -> int:
                made.append(lake.plan("cloudtrail", everything()).rows)
                return made[-1]

            return kept.of(lake, question, count)

    write_events(tmp_path / "logs", events(Random(1), 30))
    for home in ("one", "two"):
        take_in(tmp_path / home, tmp_path / "logs")
    assert (rows("one"), rows("one"), made) == (30, 30, [30])
    assert (rows("two"), rows("one", "another"), made) == (30, 30, [30, 30, 30])
    write_events(tmp_path / "more", events(Random(2), 12))
    take_in(tmp_path / "one", tmp_path / "more")
    assert (rows("one"), rows("two"), made) == (42, 30, [30, 30, 30, 42])


def test_what_is_too_large_is_answered_and_not_kept(tmp_path: Path) -> None:
    kept: BySnapshot[str] = BySnapshot("cloudtrail", most=10, size=len)
    write_events(tmp_path / "logs", events(Random(1), 3))
    take_in(tmp_path / "home", tmp_path / "logs")
    with Home.open_for_reading(tmp_path / "home") as opened, PinnedLake(opened) as lake:
        assert kept.of(lake, "long", lambda: "x" * 11) == "x" * 11
        assert kept.of(lake, "long", lambda: "short") == "short"
        assert kept.of(lake, "long", lambda: "other") == "short"
