"""The key table: which records the lake already holds, by day. A cache that the lake can rebuild.

A day's keys are runs of 64-bit numbers, appended as they come and looked through as a column: 16 bytes a
record, and a few nanoseconds for each key of the days that a batch touches. Keys in the pages of a B-tree
took 43 bytes, and half of the time of a commit (docs/decisions/0002).
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.entities import every

#: Tables whose records carry a key of their own.
KEYED = ("cloudtrail", "config_items", "vpc_flow_logs")
#: Another number makes the table anew from the lake.
LAYOUT = 2
#: Bytes of keys that stay in memory for the next batch.
CACHE_BYTES = 64 << 20
#: Runs of a day after which the small ones become one, and keys of which a run is not small any more.
MOST_RUNS = 64
LARGE_RUN = 1 << 20
#: Batch of keys that no batch can take back any more.
SETTLED = 0


def short_keys(keys: pa.Array) -> pa.Array:
    """The first 8 of a key's 16 bytes as a number (int64), for an array of binary(16).

    Two records of one day that share them are told apart by their content and their ids.
    """
    halves = pa.Array.from_buffers(
        pa.int64(), 2 * len(keys), [None, keys.buffers()[1]], offset=2 * keys.offset
    )
    return halves.take(pc.multiply(every(len(keys)), 2))


def variant_key(key: int, number: int) -> int:
    """The key of the `number`th copy of a record that says more than the one before; 0 is the first."""
    if not number:
        return key
    digest = blake2b(f"{key} {number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


@dataclass(frozen=True)
class Repeats:
    """Rows of a batch whose keys were taken: `rows` (ascending), and whether each has the same content as the
    record that took it."""

    rows: pa.Array
    same: pa.Array


class KeyTable:
    """SQLite as the container: a batch's keys are one transaction, and readable by whoever repairs a home."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cache: OrderedDict[tuple[str, int], list[pa.Array]] = OrderedDict()
        self.db = self._opened()
        if self._layout() not in (0, LAYOUT):
            self.db.close()
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
            self.db = self._opened()
        for name in KEYED:
            self.db.execute(
                f"CREATE TABLE IF NOT EXISTS {name} (id INTEGER PRIMARY KEY, day INTEGER, batch INTEGER,"
                " keys BLOB, contents BLOB)"
            )
            self.db.execute(f"CREATE INDEX IF NOT EXISTS {name}_by_day ON {name} (day)")
        self.db.execute("CREATE TABLE IF NOT EXISTS known_batches (id INTEGER PRIMARY KEY)")
        self.db.execute(f"PRAGMA user_version = {LAYOUT}")

    def _opened(self) -> sqlite3.Connection:
        # Autocommit off by hand: a batch's keys are one transaction.
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
            db.execute(f"PRAGMA {pragma}")
        return db

    def _layout(self) -> int:
        """The number of the layout; 0 for a new file. Version 1 had no number."""
        (layout,) = self.db.execute("PRAGMA user_version").fetchone()
        (tables,) = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return int(layout) or (1 if tables else 0)

    def claim(self, table: str, batch: int, days: pa.Array, keys: pa.Array, contents: pa.Array) -> Repeats:
        """Take the keys of a batch (`days` int32, the others int64); those that were taken come back."""
        if table not in KEYED:
            raise ValueError(table)
        rows: list[pa.Array] = []
        same: list[pa.Array] = []
        with _transaction(self.db):
            try:
                for day in pc.unique(days).to_pylist():
                    at = pc.indices_nonzero(pc.equal(days, day))
                    of_day = self._claim_day(table, batch, day, keys.take(at), contents.take(at))
                    rows.append(at.take(of_day.rows))
                    same.append(of_day.same)
            except BaseException:
                # What is in memory may not be on disk.
                self._cache.clear()
                raise
        where = pa.concat_arrays([pa.array([], pa.uint64()), *rows])
        equal = pa.concat_arrays([pa.array([], pa.bool_()), *same])
        order = pc.sort_indices(where)
        return Repeats(where.take(order), equal.take(order))

    def _claim_day(self, table: str, batch: int, day: int, keys: pa.Array, contents: pa.Array) -> Repeats:
        coded = keys.dictionary_encode()
        distinct, code = coded.dictionary, coded.indices
        # Codes are given in the order of first occurrence.
        seen = pc.cumulative_max(code)
        first = pc.not_equal(seen, _shifted(seen))
        first_contents = contents.filter(first)
        known = self._known(table, day)
        hit = pc.is_in(known, value_set=distinct)
        if pc.any(hit).as_py():
            held = pc.index_in(distinct, value_set=known.filter(hit))
            held_contents = self._contents(table, day).filter(hit).combine_chunks()
            taken = pc.is_valid(held)
            same_as_held = pc.fill_null(pc.equal(first_contents, held_contents.take(held)), False)
        else:
            taken = same_as_held = pa.repeat(False, len(distinct))
        new = pc.invert(taken)
        self._append(table, batch, day, distinct.filter(new), first_contents.filter(new))
        repeated = pc.or_(pc.invert(first), taken.take(code))
        # The first in the batch is compared with what was there, its copies with the first.
        same = pc.if_else(first, same_as_held.take(code), pc.equal(contents, first_contents.take(code)))
        rows = pc.indices_nonzero(repeated)
        return Repeats(rows, same.take(rows))

    def _append(self, table: str, batch: int, day: int, keys: pa.Array, contents: pa.Array) -> None:
        if not len(keys):
            return
        self.db.execute(
            f"INSERT INTO {table} (day, batch, keys, contents) VALUES (?,?,?,?)",
            (day, batch, _blob(keys), _blob(contents)),
        )
        runs = self._cache[table, day]
        runs.append(keys)
        if len(runs) > MOST_RUNS:
            self._cache[table, day] = [pa.concat_arrays(runs)]
            self._merge(table, batch, day)

    def _known(self, table: str, day: int) -> pa.ChunkedArray:
        at = (table, day)
        if at not in self._cache:
            found = self.db.execute(f"SELECT keys FROM {table} WHERE day = ? ORDER BY id", (day,))
            self._cache[at] = [_numbers(keys) for (keys,) in found]
        self._cache.move_to_end(at)
        size = sum(run.nbytes for runs in self._cache.values() for run in runs)
        while size > CACHE_BYTES and len(self._cache) > 1:
            _, runs = self._cache.popitem(last=False)
            size -= sum(run.nbytes for run in runs)
        return pa.chunked_array(self._cache[at], pa.int64())

    def _contents(self, table: str, day: int) -> pa.ChunkedArray:
        found = self.db.execute(f"SELECT contents FROM {table} WHERE day = ? ORDER BY id", (day,))
        return pa.chunked_array([_numbers(contents) for (contents,) in found], pa.int64())

    def _merge(self, table: str, batch: int, day: int) -> None:
        """Make one run of the day's small ones, of batches before this one: none of those is taken back."""
        found = self.db.execute(
            f"SELECT id, keys, contents FROM {table} WHERE day = ? AND batch < ? AND length(keys) < ? ORDER BY id",
            (day, batch, 8 * LARGE_RUN),
        ).fetchall()
        if len(found) < MOST_RUNS // 2:
            return
        self.db.execute(f"DELETE FROM {table} WHERE id IN ({','.join(str(int(id_)) for id_, _, _ in found)})")
        keys, contents = b"".join(k for _, k, _ in found), b"".join(c for _, _, c in found)
        self.db.execute(
            f"INSERT INTO {table} (day, batch, keys, contents) VALUES (?,?,?,?)",
            (day, SETTLED, keys, contents),
        )
        # The order of the runs has changed.
        self._cache.pop((table, day), None)

    def forget(self, table: str, batch: int, days: Iterable[int]) -> None:
        """Take back the keys of a batch that was not committed."""
        if table not in KEYED:
            return
        self._cache.clear()
        with _transaction(self.db):
            for day in days:
                self.db.execute(f"DELETE FROM {table} WHERE day = ? AND batch = ?", (day, batch))
            self.db.execute("DELETE FROM known_batches WHERE id = ?", (batch,))

    def drop_days(self, table: str, before: int) -> None:
        """Forget days that retention has removed."""
        self._cache.clear()
        with _transaction(self.db):
            self.db.execute(f"DELETE FROM {table} WHERE day < ?", (before,))

    def clear(self) -> None:
        """Forget everything: the lake will be asked anew."""
        self._cache.clear()
        with _transaction(self.db):
            for name in (*KEYED, "known_batches"):
                self.db.execute(f"DELETE FROM {name}")

    def known_batches(self) -> set[int]:
        """Batches all of whose keys are here."""
        return {row[0] for row in self.db.execute("SELECT id FROM known_batches")}

    def mark_known(self, batches: Iterable[int]) -> None:
        """Every key of these batches is here. Written after them, so that a power failure that loses keys
        loses the mark too."""
        with _transaction(self.db):
            self.db.executemany("INSERT OR IGNORE INTO known_batches VALUES (?)", ((b,) for b in batches))

    def close(self) -> None:
        self.db.close()


def key_arrays(
    days: Sequence[int], keys: Sequence[int], contents: Sequence[int]
) -> tuple[pa.Array, pa.Array, pa.Array]:
    """The three columns that `claim` takes."""
    return pa.array(days, pa.int32()), pa.array(keys, pa.int64()), pa.array(contents, pa.int64())


def _shifted(values: pa.Array) -> pa.Array:
    """One place further; the first is -1."""
    return pa.concat_arrays([pa.array([-1], values.type), values]).slice(0, len(values))


def _blob(numbers: pa.Array) -> memoryview:
    # Written by one machine and read by the same: in its own order of bytes.
    return memoryview(numbers.buffers()[1])[8 * numbers.offset : 8 * (numbers.offset + len(numbers))]


def _numbers(blob: bytes) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(blob) // 8, [None, pa.py_buffer(blob)])


class _transaction:  # noqa: N801 (reads as a statement)
    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def __enter__(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.db.execute("COMMIT" if kind is None else "ROLLBACK")
