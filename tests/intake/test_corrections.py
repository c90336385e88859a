"""An addendum takes the place of the event that it corrects; both stay in the lake."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from ashiato import engine
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.writer import LakeWriter
from ashiato.ledger import tables as t
from intake.lake_counts import count
from intake.taking_in import collect, ledger_rows, write_events
from intake.test_variants import an_event


def shown(home: Path, view: str = "cloudtrail") -> set[str]:
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        return {row["eventID"] for row in engine.run(f"SELECT eventID FROM {view}", lake).to_pylist()}


def correcting(original: str) -> dict[str, object]:
    return an_event(
        2,
        addendum={
            "reason": "UPDATED_DATA",
            "updatedFields": "requestParameters",
            "originalEventID": original,
        },
    )


@pytest.mark.parametrize("turned", [False, True], ids=["the event first", "the correction first"])
def test_the_default_view_shows_the_correction_and_not_the_original(tmp_path: Path, turned: bool) -> None:
    original = an_event(1)
    correction = correcting(original["eventID"])
    for number, record in enumerate([correction, original] if turned else [original, correction]):
        collect(tmp_path / "home", write_events(tmp_path / "logs" / f"{number}.json", [record]))
    c = t.corrections.c
    assert ledger_rows(tmp_path / "home", sa.select(c.original, c.correction)) == [
        (original["eventID"], correction["eventID"])
    ]
    assert shown(tmp_path / "home") == {correction["eventID"]}
    assert shown(tmp_path / "home", "cloudtrail_all") == {original["eventID"], correction["eventID"]}
    assert count(tmp_path / "home", "cloudtrail") == 2


def test_a_correction_outlives_a_death_before_its_confirmation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = an_event(1)
    file = write_events(tmp_path / "x.json", [original, correcting(original["eventID"])])

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LakeWriter, "_confirm", die)
        with pytest.raises(KeyboardInterrupt):
            collect(tmp_path / "home", file)
    assert collect(tmp_path / "home", file).already == 1
    assert len(shown(tmp_path / "home")) == 1


def test_an_addendum_that_names_no_possible_event_corrects_nothing(tmp_path: Path) -> None:
    collect(tmp_path / "home", write_events(tmp_path / "x.json", [correcting("x" * 5000), an_event(3)]))
    assert ledger_rows(tmp_path / "home", sa.select(t.corrections.c.original)) == []
    assert len(shown(tmp_path / "home")) == 2
