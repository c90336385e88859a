"""No file is left out that holds a record of an entity, and the condition finds every one of them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from ashiato.formats.entities import entity_hash
from ashiato.lake.home import Home
from ashiato.lake.naming import files_naming, naming
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import everything
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from lake.homes import events, take_in, write_events


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PinnedLake]:
    """Few events in each of several files."""
    folder = tmp_path_factory.mktemp("naming")
    random = Random(5)
    for number in range(4):
        write_events(folder / f"logs{number}", events(random, 4, days=2))
        take_in(folder / "home", folder / f"logs{number}")
    with Home.open_for_reading(folder / "home") as home, PinnedLake(home) as pinned:
        yield pinned


@pytest.mark.parametrize("count", [0, 1, 3, 61])
def test_all_records_of_entities_are_found_and_only_in_files_that_hold_any(
    lake: PinnedLake, count: int
) -> None:
    plan = lake.plan("cloudtrail", everything())
    hashes = [entity_hash("address", f"203.0.113.{n}") for n in range(count)]
    with reading() as connection:
        source = relation(plan.files, plan.iceberg_schema)
        source = source.replace("hive_partitioning=false", "hive_partitioning=false, filename=true")
        theirs = (
            f"SELECT filename, eventID FROM {source} WHERE list_has_any(entities, $1::BIGINT[]) ORDER BY 2"
        )
        ours = f"SELECT filename, eventID FROM {source} WHERE {naming(hashes)} ORDER BY 2"
        found = connection.execute(ours).fetchall()
        assert found == connection.execute(theirs, [hashes]).fetchall()
    assert set(files_naming(plan, hashes)) == {name for name, _ in found}
    assert len(plan.files) > 4


def test_hashes_at_the_ends_of_their_range_are_looked_for(lake: PinnedLake) -> None:
    ends = [-(1 << 63), (1 << 63) - 1]
    with reading() as connection:
        assert connection.execute(
            f"SELECT {naming(ends)} FROM (VALUES ([{ends[0]}]::BIGINT[]), ([0]), (NULL), ([])) t(entities)"
        ).fetchall() == [(True,), (False,), (None,), (False,)]
    assert not files_naming(lake.plan("cloudtrail", everything()), ends)
