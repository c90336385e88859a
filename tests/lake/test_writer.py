"""The writer by itself: lock, chunks, days marked for counting, data files that are whole."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from ashiato.core.errors import AshiatoError
from ashiato.formats.cloudtrail import EventRows
from ashiato.formats.reading import ObjectOrigin
from ashiato.formats.tables import TABLES
from ashiato.intake.contents import content_hashes
from ashiato.lake import writer as writing
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.handover import CONTENT, KEY, ObjectFacts, RowsFile
from ashiato.lake.home import Home
from ashiato.lake.keys import short_keys
from ashiato.lake.writer import LakeWriter
from ashiato.ledger import tables as t
from intake.lake_counts import count
from intake.test_variants import an_event

DAY = datetime(2026, 10, 1, tzinfo=UTC)


def offer(
    folder: Path, name: str, ids: list[int], hour: int = 1, day: int = 1
) -> tuple[ObjectFacts, RowsFile]:
    """An object whose events have these ids, as reading leaves it."""
    events = EventRows()
    origin = ObjectOrigin("files", name, DAY, b"")
    for number in ids:
        record = an_event(number, eventTime=f"2026-10-{day:02}T{hour:02}:00:00Z")
        events.add_record(json.dumps(record).encode(), origin)
    made = events.take()
    assert made is not None
    assert made.keys is not None
    rows = made.rows.append_column(KEY, short_keys(made.keys))
    rows = rows.append_column(CONTENT, content_hashes(rows, TABLES["cloudtrail"]))
    path = folder / f"{name}.arrow"
    with pa.ipc.new_file(str(path), rows.schema) as file:
        file.write_table(rows, max_chunksize=3)
    facts = ObjectFacts("files", name, "1", 10, name.encode().ljust(32, b"0"), DAY, "taken", records=len(ids))
    facts.log = "cloudtrail"
    return facts, RowsFile("cloudtrail", path, len(ids), {20726 + day})


def test_copies_within_a_chunk_across_chunks_and_across_batches_are_duplicates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "CHUNK_ROWS", 4)
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        writer = LakeWriter(home)
        facts, file = offer(tmp_path, "a", [1, 2, 2, 3, 4, 1, 5, 6, 5, 5])
        tally = writer.commit([facts], [file]).tables["cloudtrail"]
        assert (tally.taken, tally.duplicates, tally.variants) == (6, 4, 0)
        facts, file = offer(tmp_path, "b", [6, 7, 1])
        tally = writer.commit([facts], [file]).tables["cloudtrail"]
        assert (tally.taken, tally.duplicates, tally.variants) == (1, 2, 0)
        writer.close()
    assert count(tmp_path / "home", "cloudtrail") == 7


def test_a_batch_of_nothing_new_makes_no_snapshot(tmp_path: Path) -> None:
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        writer = LakeWriter(home)
        for name in "ab":
            facts, file = offer(tmp_path, name, [1, 2])
            writer.commit([facts], [file])
        writer.close()
        assert len(open_table(open_catalog(home.lake), "cloudtrail").snapshots()) == 1
        b = t.batches.c
        assert [tuple(r) for r in home.ledger.rows(sa.select(b.state, b.rows, b.duplicates).order_by(b.id))] == [
            ("committed", 2, 0), ("committed", 0, 2),
        ]  # fmt: skip


def test_the_snapshot_names_its_batch_and_what_became_of_its_records(tmp_path: Path) -> None:
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        writer = LakeWriter(home)
        facts, file = offer(tmp_path, "a", [1, 2, 2])
        writer.commit([facts], [file])
        writer.close()
        [snapshot] = open_table(open_catalog(home.lake), "cloudtrail").snapshots()
        [(uid, snapshot_id)] = home.ledger.rows(sa.select(t.batches.c.uid, t.batches.c.snapshot_id))
        assert snapshot.snapshot_id == snapshot_id
        assert snapshot.summary is not None
        assert snapshot.summary["ashiato.batch"] == uid
        assert snapshot.summary["ashiato.duplicates"] == "1"
        assert snapshot.summary["added-records"] == "2"


def test_days_with_new_rows_are_marked_to_be_counted_again(tmp_path: Path) -> None:
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        writer = LakeWriter(home)
        facts, file = offer(tmp_path, "a", [1], day=1)
        writer.commit([facts], [file])
        d = t.dirty_days.c
        assert [tuple(r) for r in home.ledger.rows(sa.select(d.table_name, d.day, d.dirty))] == [
            ("cloudtrail", "2026-10-01", 1)
        ]
        with home.ledger.begin() as connection:
            connection.execute(sa.update(t.dirty_days).values(dirty=0))
        writer.commit(*[[x] for x in offer(tmp_path, "b", [1], day=1)])
        assert home.ledger.scalar(sa.select(sa.func.sum(d.dirty))) == 0, "a second copy dirties no day"
        writer.commit(*[[x] for x in offer(tmp_path, "c", [2], day=1)])
        assert home.ledger.scalar(sa.select(sa.func.sum(d.dirty))) == 1
        writer.close()


def test_the_lock_says_what_the_writer_is_doing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    real = LakeWriter.step

    def step(self: LakeWriter, name: str) -> None:
        real(self, name)
        said.append(json.loads((tmp_path / "home" / "lock").read_text())["step"])

    monkeypatch.setattr(LakeWriter, "step", step)
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        writer = LakeWriter(home)
        writer.commit(*[[x] for x in offer(tmp_path, "a", [1])])
        writer.close()
    assert said == ["begin", "keys", "files", "snapshot", "confirm", "idle"]


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    Home.open_for_writing(tmp_path / "home", "test").close()
    with Home.open_for_reading(tmp_path / "home") as home, pytest.raises(AshiatoError, match="reading only"):
        LakeWriter(home)


@pytest.mark.parametrize("damage", ["gone", "broken", "behind"])
def test_the_key_table_is_a_cache_that_the_lake_makes_anew(tmp_path: Path, damage: str) -> None:
    keys = tmp_path / "home" / "keys.db"
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        writer = LakeWriter(home)
        writer.commit(*[[x] for x in offer(tmp_path, "a", [1, 2])])
        writer.commit(*[[x] for x in offer(tmp_path, "b", [3], day=2)])
        writer.close()
    if damage == "behind":
        # A power failure took the last transactions.
        with sqlite3.connect(keys) as connection:
            connection.execute("DELETE FROM cloudtrail WHERE batch = 2")
            connection.execute("DELETE FROM known_batches WHERE id = 2")
        connection.close()
    else:
        for path in keys.parent.glob("keys.db*"):
            path.unlink()
        if damage == "broken":
            keys.write_bytes(b"this is no database" * 1000)
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        writer = LakeWriter(home)
        tally = writer.commit(*[[x] for x in offer(tmp_path, "c", [1, 2, 4])]).tables["cloudtrail"]
        more = writer.commit(*[[x] for x in offer(tmp_path, "d", [3, 5], day=2)]).tables["cloudtrail"]
        writer.close()
    assert (tally.taken, tally.duplicates) == (1, 2)
    assert (more.taken, more.duplicates) == (1, 1)
    assert count(tmp_path / "home", "cloudtrail") == 5


def test_files_left_by_a_process_that_died_are_invisible_and_temporary_ones_removed(tmp_path: Path) -> None:
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        (home.tmp / "left.arrow").write_bytes(b"x")
        stray = (
            home.lake / "warehouse" / "ashiato" / "cloudtrail" / "data" / "day=2026-10-01" / "stray.parquet"
        )
        stray.parent.mkdir(parents=True)
        stray.write_bytes(b"half a file")
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        assert not list(home.tmp.iterdir())
    assert count(tmp_path / "home", "cloudtrail") == 0
