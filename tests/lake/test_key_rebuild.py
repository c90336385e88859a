"""The key table is a cache: lost, broken or behind, it is made anew, and nothing is taken in twice."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ashiato.intake.collect import CollectReport
from ashiato.lake.home import Home
from ashiato.lake.writer import LakeWriter
from lake.homes import (
    DAY,
    ask,
    content,
    events,
    item,
    mend,
    take_in,
    write_events,
    write_items,
)  # fmt: skip


def _filled(tmp_path: Path) -> tuple[Path, Path]:
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(1)
    made = events(random, 120, days=3)
    # Of version 1.0, without an id; and one with a second copy that says more.
    nameless = [{k: v for k, v in e.items() if k != "eventID"} for e in events(random, 5)]
    write_events(logs, [*made, *nameless])
    write_items(logs, [item(random, DAY + timedelta(hours=i * 9)) for i in range(100)])
    take_in(home, logs)
    write_events(logs, [{**made[0], "additionalEventData": {"more": 1}}])
    _write_log_events(logs, random)
    take_in(home, logs)
    return home, logs


def _write_log_events(logs: Path, random: Random) -> None:
    """Flow records as `filter-log-events` gives them: each with an id of its own."""
    at = int(DAY.timestamp())
    messages = [
        {
            "eventId": f"{random.getrandbits(150)}",
            "timestamp": (at + i) * 1000,
            "message": f"2 111122223333 eni-0123456789abcdef0 10.0.0.1 10.0.0.{i} 1 443 6 1 40 {at + i} {at + i} ACCEPT OK",
            "logStreamName": "eni-0123456789abcdef0-all",
        }
        for i in range(30)
    ]
    (logs / "log-events.json").write_text(json.dumps({"events": messages}))


def _again_under_other_names(home: Path, logs: Path) -> CollectReport:
    other = logs.with_name("other-names")
    shutil.rmtree(other, ignore_errors=True)
    other.mkdir()
    for i, path in enumerate(sorted(logs.iterdir())):
        shutil.copyfile(path, other / f"{i}.{path.name.partition('.')[2]}")
    return take_in(home, other)


def _all(home: Path) -> dict[str, Any]:
    return {t: content(home, t) for t in ("cloudtrail", "config_items", "vpc_flow_logs")}


def _remove_keys(home: Path) -> None:
    for path in home.glob("keys.db*"):
        path.unlink()


@pytest.mark.parametrize("compacted", [False, True])
def test_without_its_keys_a_home_still_knows_every_record(tmp_path: Path, compacted: bool) -> None:
    home, logs = _filled(tmp_path)
    before = _all(home)
    assert ask(home, "vpc_flow_logs", "SELECT count(log_event_id) FROM {}") == [(30,)]
    if compacted:
        mend(home)
    _remove_keys(home)
    report = _again_under_other_names(home, logs)
    assert report.taken == 4
    assert sum(report.records.values()) == 0
    assert report.variants == 0
    assert report.duplicates == 120 + 5 + 100 + 1 + 30
    assert _all(home) == before


def test_a_broken_key_table_is_made_anew(tmp_path: Path) -> None:
    home, logs = _filled(tmp_path)
    before = _all(home)
    _remove_keys(home)
    (home / "keys.db").write_bytes(b"no database at all " * 300)
    _again_under_other_names(home, logs)
    assert _all(home) == before


def test_keys_that_a_power_failure_took_are_read_back(tmp_path: Path) -> None:
    home, logs = _filled(tmp_path)
    before = _all(home)
    with sqlite3.connect(home / "keys.db") as keys:
        # The last transactions of a write-ahead log that did not reach the disk.
        last = keys.execute("SELECT max(id) FROM known_batches").fetchone()[0]
        keys.execute("DELETE FROM known_batches WHERE id >= ?", (last - 1,))
        for table in ("cloudtrail", "vpc_flow_logs"):
            keys.execute(f"DELETE FROM {table} WHERE batch >= ?", (last - 1,))
    keys.close()
    _again_under_other_names(home, logs)
    assert _all(home) == before


def test_keys_of_batches_that_never_came_to_be_swallow_nothing(tmp_path: Path) -> None:
    home, logs = _filled(tmp_path)
    new = events(Random(9), 10)
    with Home.open_for_writing(home, "test") as opened:
        writer = LakeWriter(opened)
        writer.close()
    # A ledger from before the batch, as an older copy of ledger.db brings it.
    older = tmp_path / "ledger.db"
    shutil.copyfile(home / "ledger.db", older)
    write_events(logs, new, name="new")
    shutil.copytree(home / "lake", tmp_path / "lake")
    assert take_in(home, logs).records["cloudtrail"] == 10
    shutil.copyfile(older, home / "ledger.db")
    shutil.rmtree(home / "lake")
    shutil.copytree(tmp_path / "lake", home / "lake")
    assert take_in(home, logs).records["cloudtrail"] == 10
