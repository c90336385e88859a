"""Plans leave out no file that holds a matching row, and take none that PyIceberg's own plan leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.expressions import And, BooleanExpression, Or

from ashiato.lake.home import Home
from ashiato.lake.inventory import matching
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import any_of, at_least, at_most, below, equal, everything, within
from ashiato.lake.scan import relation
from lake.homes import ACCOUNT, DAY, OTHER, events, mend, take_in, write_events


@dataclass(frozen=True)
class Asked:
    """A filter, and the same in SQL."""

    row_filter: BooleanExpression
    sql: str


def _asked() -> st.SearchStrategy[Asked]:
    moments = st.integers(-40, 160).map(lambda hours: DAY + timedelta(hours=hours))

    def of_time(moment: datetime, made: int, span: int) -> Asked:
        start, end = moment.isoformat(), (moment + timedelta(hours=span)).isoformat()
        return (
            Asked(at_least("eventTime", start), f"eventTime >= '{start}'"),
            Asked(at_most("eventTime", start), f"eventTime <= '{start}'"),
            Asked(below("eventTime", start), f"eventTime < '{start}'"),
            Asked(equal("eventTime", start), f"eventTime = '{start}'"),
            Asked(within("eventTime", start, end), f"(eventTime >= '{start}' AND eventTime < '{end}')"),
        )[made]

    names = st.sampled_from(["AssumeRole", "ListBuckets", "Nothing", "zzz"])
    leaves = st.one_of(
        st.just(Asked(everything(), "true")),
        st.builds(of_time, moments, st.integers(0, 4), st.integers(0, 60)),
        st.builds(lambda n: Asked(equal("eventName", n), f"eventName = '{n}'"), names),
        st.sampled_from([ACCOUNT, OTHER, "9"]).map(
            lambda a: Asked(any_of("recipientAccountId", [a, "0"]), f"recipientAccountId IN ('{a}', '0')")
        ),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda a, b: Asked(And(a.row_filter, b.row_filter), f"({a.sql} AND {b.sql})"), inner, inner),
            st.builds(lambda a, b: Asked(Or(a.row_filter, b.row_filter), f"({a.sql} OR {b.sql})"), inner, inner),
        ),
        max_leaves=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PinnedLake]:
    """Events of five days in files of a day or two, some of them from several commits."""
    folder = tmp_path_factory.mktemp("inventory")
    random = Random(7)
    for number in range(3):
        logs = folder / f"logs{number}"
        write_events(logs, events(random, 25, days=2, start=DAY + timedelta(days=number)))
        take_in(folder / "home", logs)
    with Home.open_for_reading(folder / "home") as home, PinnedLake(home) as pinned:
        yield pinned


@given(_asked())
def test_files_are_those_that_may_hold_matching_rows(lake: PinnedLake, asked: Asked) -> None:
    table = lake.table("cloudtrail")
    planned = {file.path for file in matching(table, table.current_snapshot(), asked.row_filter)}
    theirs = {t.file.file_path.removeprefix("file://") for t in table.scan(asked.row_filter).plan_files()}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        every = lake.plan("cloudtrail", everything())
        source = relation(every.files, every.iceberg_schema)
        source = source.replace("hive_partitioning=false", "hive_partitioning=false, filename=true")
        rows = connection.execute(f"SELECT DISTINCT filename FROM {source} WHERE {asked.sql}").fetchall()
    assert {name for (name,) in rows} <= planned <= theirs


def test_a_plan_of_an_older_snapshot_is_that_snapshots(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    write_events(logs, events(Random(1), 20))
    take_in(home, logs)
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as before:
        write_events(logs, events(Random(2), 20))
        take_in(home, logs)
        with Home.open_for_reading(home) as again, PinnedLake(again) as after:
            old, new = (set(lake.plan("cloudtrail", everything()).files) for lake in (before, after))
            assert old < new
        mend(home)
        with Home.open_for_reading(home) as again, PinnedLake(again) as after:
            assert len(after.plan("cloudtrail", everything()).files) == 1
        assert set(before.plan("cloudtrail", everything()).files) == old
