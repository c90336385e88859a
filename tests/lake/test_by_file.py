"""Counts by file add up to counts of all records, and a look after new files came reads no older one again."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from ashiato.lake import by_file
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import everything
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from lake.homes import events, take_in, write_events

SELECT = "eventName AS name, count(*) AS records"
WHERE = "sourceIPAddress <> $left_out"


def _counts(home: Path, *, one_by_one: bool, left_out: str = "203.0.113.1") -> dict[str, int]:
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake, reading() as connection:
        plan = lake.plan("cloudtrail", everything())
        values = {"left_out": left_out}
        if one_by_one:
            source, values = by_file.counted(connection, plan, SELECT, WHERE, values)
        else:
            table = relation(plan.files, plan.iceberg_schema)
            source = f"(SELECT {SELECT} FROM {table} WHERE {WHERE} GROUP BY ALL)"
        sql = f"SELECT name, sum(records)::BIGINT FROM {source} GROUP BY 1"
        return dict(connection.execute(sql, values).fetchall())


def test_counts_add_up_and_only_new_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    reads = by_file._read
    monkeypatch.setattr(
        by_file, "_read", lambda plan, files, *more: (read.extend(files), reads(plan, files, *more))[1]
    )
    home = tmp_path / "home"
    for number in range(3):
        write_events(tmp_path / f"logs{number}", events(Random(number), 30, days=2))
        take_in(home, tmp_path / f"logs{number}")
        before = len(read)
        assert _counts(home, one_by_one=True) == _counts(home, one_by_one=False)
        assert len(read) > before
        assert _counts(home, one_by_one=True) == _counts(home, one_by_one=False)
    assert len(read) == len(set(read))
    other = _counts(home, one_by_one=True, left_out="203.0.113.2")
    assert other == _counts(home, one_by_one=False, left_out="203.0.113.2")


def test_more_rows_than_are_kept_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_events(tmp_path / "logs", events(Random(9), 30))
    take_in(tmp_path / "home", tmp_path / "logs")
    expected = _counts(tmp_path / "home", one_by_one=True)
    monkeypatch.setattr(by_file, "_MOST_ROWS", 10)
    assert _counts(tmp_path / "home", one_by_one=True) == expected
