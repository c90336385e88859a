"""Rows of settled days are read once, and what comes late among them is seen by the next look."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.lake.maintain import maintain
from ashiato.lake.naming import naming
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import everything
from ashiato.lake.reading import reading as connected
from ashiato.lake.scan import relation
from ashiato.trace import reading
from ashiato.trace.keys import Key, Window, footprints
from ashiato.trace.reading import Asked, newest
from lake.homes import OTHER, events, take_in, write_events

KEYS = (Key("user", "alice"), Key("address", "203.0.113.7"))


def _found(home: Path, limit: int, scope: AccountScope = EVERY_ACCOUNT) -> list[str]:
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        asked, found = Asked(lake, KEYS, scope, Window()), footprints(lake, KEYS, scope, Window())
        rows = newest(asked, "cloudtrail", found, limit, columns=["eventID"])
        return rows["eventID"].to_pylist() if rows.num_rows else []


def _expected(home: Path, scope: AccountScope = EVERY_ACCOUNT) -> list[str]:
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake, connected() as connection:
        plan = lake.plan("cloudtrail", everything())
        allowed, values = scope.sql('"recipientAccountId"')
        sql = (
            f"SELECT eventID FROM {relation(plan.files, plan.iceberg_schema)} WHERE variant = 0"
            f" AND {naming(k.hash for k in KEYS)} AND {allowed} ORDER BY eventTime DESC, eventID DESC"
        )
        return [row[0] for row in connection.execute(sql, values).fetchall()]


def _settled(home: Path) -> None:
    with Home.open_for_writing(home, "test") as opened:
        maintain(opened, Settings(home=home), only=["footprints"], moment=datetime.now(UTC))


def test_what_comes_late_is_among_what_was_read_before(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for number in range(3):
        write_events(tmp_path / f"logs{number}", events(Random(number), 900, days=50))
        take_in(home, tmp_path / f"logs{number}")
        for _ in range(2):
            every = _expected(home)
            assert len(every) > 250 * (number + 1)
            assert _found(home, 10_000) == every
            assert _found(home, 401) == every[:401]
            one = AccountScope.of([OTHER])
            assert _found(home, 10_000, one) == _expected(home, one) != every
            assert _found(home, 10_000, AccountScope.of(["000000000000"])) == []
            _settled(home)


def test_settled_days_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    write_events(tmp_path / "logs", events(Random(9), 900, days=50))
    take_in(home, tmp_path / "logs")
    _settled(home)
    every = _found(home, 10_000)
    monkeypatch.delattr(reading, "_rows")
    assert _found(home, 10_000) == every == _expected(home)
