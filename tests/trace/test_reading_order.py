"""Rows come newest first, or oldest first, whole and in order, however few of them are asked for at a time."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.trace.counting import count
from ashiato.trace.keys import Key, Window, footprints
from ashiato.trace.reading import Asked, Place, newest
from lake.homes import OTHER, events, take_in, write_events

KEYS = (Key("user", "alice"), Key("address", "203.0.113.7"), Key("arn", "arn:aws:s3:::bucket-1"))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PinnedLake]:
    """Events on each of 60 days: more files than are looked through at first."""
    folder = tmp_path_factory.mktemp("order")
    write_events(folder / "logs", events(Random(3), 900, days=60))
    take_in(folder / "home", folder / "logs")
    with Home.open_for_reading(folder / "home") as home, PinnedLake(home) as pinned:
        yield pinned


def ids(rows: Any) -> list[str]:
    return rows["eventID"].to_pylist() if rows.num_rows else []


@pytest.mark.parametrize("scope", [EVERY_ACCOUNT, AccountScope.of([OTHER])])
@pytest.mark.parametrize("oldest", [True, False])
@pytest.mark.parametrize("where", ["true", "errorCode IS NOT NULL", "eventName = 'NoSuchCall'"])
@pytest.mark.parametrize("limit", [1, 30, 120, 400])
def test_a_few_rows_are_the_first_of_all(
    lake: PinnedLake, limit: int, where: str, oldest: bool, scope: AccountScope
) -> None:
    asked = Asked(lake, KEYS, scope, Window())
    found = footprints(lake, KEYS, scope, Window())
    every = newest(asked, "cloudtrail", found, 10_000, where=where, oldest=oldest)
    times = every["eventTime"].to_pylist() if every.num_rows else []
    assert times == sorted(times, reverse=not oldest)
    few = newest(asked, "cloudtrail", found, limit, where=where, oldest=oldest)
    assert ids(few) == ids(every)[:limit]
    few = newest(asked, "cloudtrail", found, limit, where=where, oldest=oldest, columns=["eventID"])
    assert few.column_names == ["eventID", "_tie"] if few.num_rows else not every.num_rows
    assert ids(few) == ids(every)[:limit]


def test_pages_follow_each_other(lake: PinnedLake) -> None:
    asked, found = Asked(lake, KEYS, EVERY_ACCOUNT, Window()), footprints(lake, KEYS, EVERY_ACCOUNT, Window())
    every = ids(newest(asked, "cloudtrail", found, 10_000))
    seen: list[str] = []
    after = None
    while (page := newest(asked, "cloudtrail", found, 37, after=after)).num_rows:
        seen += ids(page)
        after = Place(page["eventTime"][-1].as_py(), page["_tie"][-1].as_py())
    assert seen == every


def test_records_at_hand_are_counted_as_those_that_are_not(lake: PinnedLake) -> None:
    asked, found = Asked(lake, KEYS, EVERY_ACCOUNT, Window()), footprints(lake, KEYS, EVERY_ACCOUNT, Window())
    rows = newest(asked, "cloudtrail", found, 10_000)
    counted = count(asked, found, {"cloudtrail": rows})
    assert counted == count(asked, found, {})
    assert counted.of("cloudtrail") == rows.num_rows > 300
