"""The key table: what it took it knows, whatever the order, the batches and the number of runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.lake import keys as under_test
from ashiato.lake.keys import KeyTable, key_arrays

#: (day, key, content); few of each, so that they meet.
RECORD = st.tuples(st.integers(-3, 3), st.integers(-(1 << 63), -(1 << 63) + 8), st.integers(0, 2))
BATCHES = st.lists(st.lists(RECORD, max_size=12), max_size=6)

Record = tuple[int, int, int]


def claim(table: KeyTable, batch: int, records: list[Record]) -> list[tuple[int, bool]]:
    if not records:
        return []
    days, keys, contents = zip(*records, strict=True)
    found = table.claim("cloudtrail", batch, *key_arrays(days, keys, contents))
    return list(zip(found.rows.to_pylist(), found.same.to_pylist(), strict=True))


def held(table: KeyTable) -> dict[int, int]:
    """Keys of each day."""
    return dict(
        table.db.execute("SELECT day, sum(length(keys)) / 8 FROM cloudtrail GROUP BY day ORDER BY day")
    )


def expected(known: dict[tuple[int, int], int], records: list[Record]) -> list[tuple[int, bool]]:
    """By the definition: a key is new once; a copy is compared with the one before it in its own batch, else
    with what was there."""
    repeats = []
    here: dict[tuple[int, int], int] = {}
    for row, (day, key, content) in enumerate(records):
        at = (day, key)
        if at in here:
            repeats.append((row, content == here[at]))
        elif at in known:
            repeats.append((row, content == known[at]))
            here[at] = content
        else:
            known[at] = here[at] = content
    return repeats


@settings(deadline=None, max_examples=200)
@given(batches=BATCHES, reopened=st.booleans())
def test_a_key_is_new_once(batches: list[list[Record]], reopened: bool) -> None:
    known: dict[tuple[int, int], int] = {}
    with TemporaryDirectory() as folder:
        table = KeyTable(Path(folder) / "keys.db")
        for number, records in enumerate(batches, 1):
            assert claim(table, number, records) == expected(known, records)
            if reopened:
                table.close()
                table = KeyTable(Path(folder) / "keys.db")
        table.close()


@settings(deadline=None, max_examples=100)
@given(batches=BATCHES, lost=st.integers(1, 6))
def test_a_batch_that_is_taken_back_leaves_no_key(batches: list[list[Record]], lost: int) -> None:
    known: dict[tuple[int, int], int] = {}
    with TemporaryDirectory() as folder:
        table = KeyTable(Path(folder) / "keys.db")
        for number, records in enumerate(batches, 1):
            if number == lost:
                claim(table, number, records)
                table.forget("cloudtrail", number, {day for day, _, _ in records})
            else:
                assert claim(table, number, records) == expected(known, records)
        table.close()


def test_many_small_runs_become_one_and_know_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "MOST_RUNS", 8)
    table = KeyTable(tmp_path / "keys.db")
    for batch in range(1, 100):
        assert claim(table, batch, [(7, batch * 3, batch), (7, batch * 3 + 1, batch)]) == []
        # The newest batch may still be taken back; what became one run does not go with it.
        if batch % 10 == 0:
            table.forget("cloudtrail", batch, [7])
            assert claim(table, batch, [(7, batch * 3, batch), (7, batch * 3 + 1, batch)]) == []
    (runs,) = table.db.execute("SELECT count(*) FROM cloudtrail").fetchone()
    assert runs < 20
    table.close()
    table = KeyTable(tmp_path / "keys.db")
    again = [(7, batch * 3, batch) for batch in range(1, 100)]
    assert claim(table, 100, again) == [(row, True) for row in range(99)]
    assert held(table) == {7: 198}
    table.close()


def test_days_that_do_not_fit_into_memory_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "CACHE_BYTES", 100)
    table = KeyTable(tmp_path / "keys.db")
    records = [(day, key, 0) for day in range(20) for key in range(30)]
    assert claim(table, 1, records) == []
    assert claim(table, 2, records) == [(row, True) for row in range(600)]
    table.close()


def test_dropped_days_are_forgotten(tmp_path: Path) -> None:
    table = KeyTable(tmp_path / "keys.db")
    claim(table, 1, [(day, 1, 0) for day in range(10)])
    table.drop_days("cloudtrail", 5)
    assert list(held(table)) == [5, 6, 7, 8, 9]
    assert claim(table, 2, [(4, 1, 0), (5, 1, 0)]) == [(1, True)]
    table.close()


def test_a_table_of_another_layout_is_made_anew(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "keys.db") as old:
        old.execute(
            "CREATE TABLE cloudtrail (day INTEGER, key BLOB, content INTEGER, batch INTEGER, row INTEGER,"
            " PRIMARY KEY (day, key)) WITHOUT ROWID"
        )
        old.execute("CREATE TABLE known_batches (id INTEGER PRIMARY KEY)")
        old.execute("INSERT INTO known_batches VALUES (1)")
    old.close()
    table = KeyTable(tmp_path / "keys.db")
    assert table.known_batches() == set()
    assert claim(table, 1, [(1, 1, 1)]) == []
    table.close()
