"""Activity and origins count what the lake holds, of the accounts that may be seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import duckdb
import pytest

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import everything
from ashiato.lake.scan import relation
from ashiato.network.addresses import Networks
from ashiato.network.origins import origins
from ashiato.watch.activity import LOGS, WEEK, activity
from ashiato.watch.standing import Standing, Window
from web.conftest import Estate

ONE = AccountScope.of(["444455556666"])


@pytest.fixture
def standing(estate: Estate) -> Iterator[Standing]:
    with Home.open_for_reading(estate.home) as home:
        yield Standing(home, estate.settings)


@pytest.fixture
def window(standing: Standing) -> Window:
    return standing.window(3)


def counted(home: Home, sql: str, **values: object) -> list[tuple[object, ...]]:
    with PinnedLake(home) as lake, duckdb.connect() as connection:
        plan = lake.plan("cloudtrail", everything())
        connection.execute("SET TimeZone = 'UTC'")
        table = relation(plan.files, plan.iceberg_schema)
        values |= {"superseded": list(lake.superseded)}
        kept = "variant = 0 AND NOT list_contains($superseded::VARCHAR[], coalesce(eventID, ''))"
        return connection.execute(sql.format(f"(SELECT * FROM {table} WHERE {kept})"), values).fetchall()


@pytest.mark.parametrize("scope", [EVERY_ACCOUNT, ONE], ids=["all", "one"])
def test_every_hour_is_there_and_adds_up(standing: Standing, window: Window, scope: AccountScope) -> None:
    with PinnedLake(standing.home) as lake:
        hours = activity(lake, "cloudtrail", window.start, window.end, scope)
    assert len(hours) == 72
    assert [h.start for h in hours] == [window.start + timedelta(hours=i) for i in range(72)]
    account = "" if scope is EVERY_ACCOUNT else " AND recipientAccountId = '444455556666'"
    ((whole, failed),) = counted(
        standing.home,
        "SELECT count(*), count(errorCode) FROM {} WHERE eventTime >= $start AND eventTime < $end" + account,
        start=window.start,
        end=window.end,
    )
    assert (sum(h.count for h in hours), sum(h.marked for h in hours)) == (whole, failed)
    assert whole


def test_nobody_without_accounts_sees_any(standing: Standing, window: Window) -> None:
    nothing = AccountScope(frozenset())
    for log in LOGS:
        assert sum(h.count for h in standing.activity(log, window, nothing)) == 0
    assert standing.origins(window, nothing).networks == []
    assert standing.report(nothing)["sources"] == []


def test_origins_are_all_calls_by_network(standing: Standing, window: Window) -> None:
    with PinnedLake(standing.home) as lake:
        found = origins(
            lake, Networks(), window.start, window.end, window.start - WEEK, EVERY_ACCOUNT, most=10_000
        )
    ((whole,),) = counted(
        standing.home,
        "SELECT count(*) FROM {} WHERE eventTime >= $start AND eventTime < $end AND sourceIPAddress IS NOT NULL",
        start=window.start,
        end=window.end,
    )
    assert sum(o.records for o in found.networks) == whole
    assert [o.records for o in found.networks] == sorted((o.records for o in found.networks), reverse=True)


def test_files_are_looked_into_when_somebody_came_and_not_before(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(standing, "_files", looked.append)
    attending = threading.Thread(target=standing.attend)
    attending.start()
    attending.join(0.2)
    assert looked == []
    standing.visited.set()
    attending.join(60)
    assert not attending.is_alive()
    assert looked == ["cloudtrail", "config_items", "vpc_flow_logs", "footprints"]


def test_the_end_is_not_waited_for(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(standing, "_files", looked.append)
    attending = threading.Thread(target=standing.attend)
    attending.start()
    standing.end()
    attending.join(60)
    assert not attending.is_alive()
    assert looked == []


@pytest.mark.parametrize("table", ["cloudtrail", "config_items", "vpc_flow_logs", "footprints"])
def test_what_is_looked_into_can_be_of_any_table(standing: Standing, table: str) -> None:
    standing._files(table)
