"""Retention drops whole days or months that are older than a table's limit, and nothing younger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from ashiato.core.settings import Retention, Settings
from ashiato.lake import retention
from ashiato.lake.home import Home
from ashiato.lake.keys import KeyTable
from ashiato.lake.plans import PinnedLake
from ashiato.lake.presence import presence
from ashiato.ledger import tables as t
from lake.homes import ask, events, flow_lines, item, mend, take_in, write_events, write_flows, write_items

pytestmark = pytest.mark.slow

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _settings(**limits: str) -> Settings:
    return Settings(retention=Retention(**limits))  # type: ignore[arg-type]


def _filled(tmp_path: Path) -> Path:
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(1)
    start = datetime(2026, 11, 20, tzinfo=UTC)
    write_events(logs, events(random, 200, days=10, start=start))
    write_flows(logs, flow_lines(random, 200, days=10, start=start))
    for month in (9, 10, 11):
        write_items(logs, [item(random, datetime(2026, month, 15, i, tzinfo=UTC)) for i in range(10)])
    take_in(home, logs)
    return home


def _days(home: Path, table: str, column: str) -> set[str]:
    return {
        day for (day,) in ask(home, table, f"SELECT DISTINCT {column}::TIMESTAMP::DATE::VARCHAR FROM {{}}")
    }


def test_by_default_everything_is_kept(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    report = mend(home, Settings(), moment=NOON + timedelta(days=9999))
    assert report.step("retention").counts == {"partitions": 0, "rows": 0}  # type: ignore[union-attr]
    assert len(_days(home, "cloudtrail", "eventTime")) == 10


@pytest.mark.parametrize("built", [False, True])
def test_old_days_go_with_their_keys_and_footprints(tmp_path: Path, built: bool) -> None:
    home = _filled(tmp_path)
    if built:
        mend(home, moment=NOON, only={"footprints"})
    limits = _settings(vpc_flow_logs="5 days", cloudtrail="6 days")
    plan = mend(home, limits, moment=NOON, dry_run=True).step("retention")
    assert plan is not None
    assert [(d["table"], d["before"], d["partitions"][0], d["partitions"][-1]) for d in plan.details] == [
        ("cloudtrail", "2026-11-25", "2026-11-20", "2026-11-24"),
        ("vpc_flow_logs", "2026-11-26", "2026-11-20", "2026-11-25"),
    ]
    assert len(_days(home, "vpc_flow_logs", "start_time")) == 10

    mend(home, limits, moment=NOON)

    kept = {
        "cloudtrail": {f"2026-11-{d}" for d in range(25, 30)},
        "vpc_flow_logs": {f"2026-11-{d}" for d in range(26, 30)},
    }
    assert _days(home, "cloudtrail", "eventTime") == kept["cloudtrail"]
    assert _days(home, "vpc_flow_logs", "start_time") == kept["vpc_flow_logs"]
    assert len(_days(home, "config_items", "configurationItemCaptureTime")) == 3
    keys = KeyTable(home / "keys.db")
    oldest = keys.db.execute("SELECT min(day) FROM cloudtrail").fetchone()[0]
    keys.close()
    assert oldest == (datetime(2026, 11, 25) - datetime(1970, 1, 1)).days  # noqa: DTZ001
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        rows = presence(lake, ["111122223333"]).to_pylist()
    for table, days in kept.items():
        assert {r["day"].isoformat() for r in rows if r["table"] == table} == days
    stored = ask(home, "footprints", 'SELECT DISTINCT "table", day::VARCHAR FROM {}')
    # The 29th has not settled: it is counted from its rows.
    assert {d for name, d in stored if name == "vpc_flow_logs"} == kept["vpc_flow_logs"] - {"2026-11-29"}


def test_months_go_whole(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    # 1 December less 40 days is in October: October stays whole.
    mend(home, _settings(config_items="40 days"), moment=NOON)
    assert _days(home, "config_items", "configurationItemCaptureTime") == {"2026-10-15", "2026-11-15"}


def test_what_retention_dropped_is_not_taken_in_again(tmp_path: Path) -> None:
    home = _filled(tmp_path)
    limits = _settings(cloudtrail="6 days")
    mend(home, limits, moment=NOON)
    left = ask(home, "cloudtrail", "SELECT count(*) FROM {}")
    report = take_in(home, tmp_path / "logs")
    assert report.taken == 0
    assert ask(home, "cloudtrail", "SELECT count(*) FROM {}") == left


def test_a_drop_that_was_cut_short_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = _filled(tmp_path)
    mend(home, moment=NOON, only={"footprints"})
    limits = _settings(cloudtrail="6 days")

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(retention, "replace_days", killed)
    with pytest.raises(KeyboardInterrupt):
        mend(home, limits, moment=NOON)
    monkeypatch.undo()
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        days = {r["day"].day for r in presence(lake, ["111122223333"], tables=["cloudtrail"]).to_pylist()}
    assert days == set(range(25, 30))
    mend(home, limits, moment=NOON)
    assert not ask(
        home, "footprints", "SELECT 1 FROM {} WHERE \"table\" = 'cloudtrail' AND day < DATE '2026-11-25'"
    )
    c = t.dirty_days.c
    with Home.open_for_reading(home) as opened:
        first = opened.ledger.scalar(sa.select(sa.func.min(c.day)).where(c.table_name == "cloudtrail"))
    assert first == "2026-11-25"
