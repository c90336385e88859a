"""What is kept of footprints' files says what the files say, however large they are."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ashiato.core.settings import Settings
from ashiato.formats.tables import FOOTPRINTS
from ashiato.lake import footprint_rows
from ashiato.lake.home import Home
from ashiato.lake.maintain import maintain
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import everything
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from lake.homes import events, take_in, write_events

_ORDER = [(name, "ascending") for name in ("entity", "kind", "day", "role", "account", "table")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footprints")
    for number in range(3):
        write_events(folder / f"logs{number}", events(Random(number), 40, days=40))
        take_in(folder / "home", folder / f"logs{number}")
        with Home.open_for_writing(folder / "home", "test") as opened:
            maintain(opened, Settings(), only=["footprints"])
    return folder / "home"


@pytest.mark.parametrize("most_rows", [footprint_rows._MOST_ROWS, 30, 0])
def test_footprints_of_entities_are_those_in_the_files(
    home: Path, monkeypatch: pytest.MonkeyPatch, most_rows: int
) -> None:
    monkeypatch.setattr(footprint_rows, "_MOST_ROWS", most_rows)
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake, reading() as connection:
        plan = lake.plan("footprints", everything())
        source = relation(plan.files, plan.iceberg_schema)
        whole = connection.sql(f"SELECT * FROM {source}").to_arrow_table().select(FOOTPRINTS.schema.names)
        whole = whole.cast(FOOTPRINTS.schema)
        entities = pc.unique(whole["entity"]).to_pylist()
        assert len(plan.files) > 1
        assert len(entities) > 20
        for values in ([], ["nowhere"], entities[:1], [*entities[3:9], "nowhere", entities[3]], entities):
            found = footprint_rows.footprints_of(plan, values)
            expected = whole.filter(pc.is_in(whole["entity"], pa.array(values, pa.string())))
            assert found.sort_by(_ORDER).equals(expected.sort_by(_ORDER))
