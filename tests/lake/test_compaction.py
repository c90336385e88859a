"""Merging files changes where rows lie and in which order, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from ashiato.core.settings import Settings
from ashiato.intake.collect import Collector
from ashiato.lake import compaction
from ashiato.lake.home import Home
from ashiato.lake.maintain import maintain
from ashiato.lake.replacing import replace_files
from lake.homes import (
    DAY,
    LATER,
    content,
    data_files,
    event,
    events,
    flow_lines,
    item,
    mend,
    take_in,
    write_events,
    write_flows,
    write_items,
)  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_conserved_exactly(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    home, logs = tmp_path / "home", tmp_path / "logs"
    first = events(random, random.randrange(40, 200), days=3)
    for batch in range(random.randrange(3, 6)):
        fresh = events(random, random.randrange(1, 120), days=random.randrange(1, 4))
        again = random.sample(first, 10)
        fuller = [{**e, "additionalEventData": {"batch": batch}} for e in random.sample(first, 3)]
        nameless = [{k: v for k, v in e.items() if k != "eventID"} for e in events(random, 2)]
        write_events(logs, [*(first if not batch else again), *fresh, *fuller, *nameless])
        write_flows(logs, flow_lines(random, 200, days=2))
        write_items(logs, [item(random, DAY + timedelta(hours=batch * 30 + i)) for i in range(20)])
        take_in(home, logs)
    tables = ("cloudtrail", "config_items", "vpc_flow_logs")
    before = {t: content(home, t) for t in tables}
    assert any('"variant":1' in row for row in before["cloudtrail"])

    report = mend(home, only={"compact"})

    assert {t: content(home, t) for t in tables} == before
    step = report.step("compact")
    assert step is not None
    assert step.counts["rows"] == sum(sum(c.values()) for c in before.values())
    assert 0 < report.peak_rss < 1_200_000_000


def test_a_closed_day_becomes_one_sorted_file_and_stays(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(1)
    for _ in range(3):
        write_events(logs, events(random, 50, days=2))
        take_in(home, logs)
    assert len(data_files(home, "cloudtrail")) == 6

    mend(home)

    files = data_files(home, "cloudtrail")
    assert len(files) == 2
    for path in files:
        rows = pq.read_table(path, columns=["eventTime", "eventID"]).to_pylist()
        assert rows == sorted(rows, key=lambda r: (r["eventTime"], r["eventID"]))
    again = mend(home).step("compact")
    assert again is not None
    assert again.counts["partitions"] == 0
    assert data_files(home, "cloudtrail") == files


def test_a_late_row_reopens_its_day_only(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(2)
    write_events(logs, events(random, 100, days=3))
    take_in(home, logs)
    mend(home)
    before = set(data_files(home, "cloudtrail"))
    write_events(logs, [event(random, DAY + timedelta(hours=30))])
    take_in(home, logs)

    mend(home)

    after = set(data_files(home, "cloudtrail"))
    assert len(after) == 3
    assert len(before - after) == 1


def test_today_is_merged_when_it_has_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "OPEN_FILES", 3)
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(3)
    noon = DAY + timedelta(hours=12)
    for count in range(1, 6):
        write_events(logs, events(random, 5))
        take_in(home, logs)
        mend(home, only={"compact"}, moment=noon)
        assert len(data_files(home, "cloudtrail")) == (count if count < 4 else count - 3)


def test_large_partitions_become_several_files_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "TARGET_BYTES", 400_000)
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(4)
    for _ in range(3):
        write_flows(logs, flow_lines(random, 30_000))
        take_in(home, logs)
    before = content(home, "vpc_flow_logs")

    mend(home, only={"compact"})

    files = data_files(home, "vpc_flow_logs")
    assert len(files) > 1
    spans = sorted(
        (times[0], times[-1])
        for times in (pq.read_table(path, columns=["start_time"])["start_time"].to_pylist() for path in files)
    )
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))
    assert content(home, "vpc_flow_logs") == before
    step = mend(home, only={"compact"}).step("compact")
    assert step is not None
    assert step.counts["partitions"] == 0


def test_row_groups_stay_small_and_event_ids_have_bloom_filters(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    write_events(logs, events(Random(5), 21_000))
    take_in(home, logs)
    mend(home, only={"compact"})
    (path,) = data_files(home, "cloudtrail")
    footer = pq.ParquetFile(path).metadata
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [20_000, 1_000]
    column = next(
        c
        for i in range(footer.num_columns)
        if (c := footer.row_group(0).column(i)).path_in_schema == "eventID"
    )
    assert getattr(column, "bloom_filter_offset", None) or b"eventID" in Path(path).read_bytes()


def test_taking_in_goes_on_while_the_same_process_compacts(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(6)
    expected = 0
    with Home.open_for_writing(home, "test") as opened:
        for _ in range(4):
            write_events(logs, events(random, 30))
            report = Collector(opened, processes=1).run([str(logs)])
            expected += report.records["cloudtrail"]
            maintain(opened, Settings(), moment=LATER, grace=0, only={"compact", "sweep"})
    assert expected == 120
    assert sum(data_files(home, "cloudtrail").values()) == 120


def test_a_merge_whose_files_went_meanwhile_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(7)
    for _ in range(2):
        write_events(logs, events(random, 30))
        take_in(home, logs)
    before = content(home, "cloudtrail")
    original = compaction._merge
    stolen: list[int] = []

    def merge_after_another(table: Any, merge: compaction.Merge, child: Any) -> list[str]:
        paths = original(table, merge, child)
        if not stolen:
            stolen.append(1)
            other = table.catalog.load_table(table.name())
            assert replace_files(other, merge.files, original(other, merge, child), {"ashiato.op": "compact"})
        return paths

    monkeypatch.setattr(compaction, "_merge", merge_after_another)
    step = mend(home, only={"compact"}).step("compact")
    assert step is not None
    assert step.counts["given_up"] == 1
    assert content(home, "cloudtrail") == before
    monkeypatch.undo()
    mend(home, only={"compact"})
    assert content(home, "cloudtrail") == before
    assert len(data_files(home, "cloudtrail")) == 1
