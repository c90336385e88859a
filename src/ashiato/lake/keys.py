"""The key table: which records the lake already holds, by day. A cache that the lake can rebuild."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

#: Tables whose records carry a key of their own.
KEYED = ("cloudtrail", "config_items", "vpc_flow_logs")


def variant_key(key: bytes, number: int) -> bytes:
    """The key of the `number`th copy of a record that says more than the one before; 0 is the first."""
    return blake2b(key + str(number).encode(), digest_size=16).digest() if number else key


@dataclass(frozen=True)
class Repeat:
    """Row `row` of a batch has a key that is taken: by row `first_row` of batch `first_batch`.

    `same` tells whether the two contents are equal to the byte.
    """

    row: int
    first_batch: int
    first_row: int
    same: bool


class KeyTable:
    """SQLite, clustered by (day, key): inserts of a batch touch the pages of its days only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Autocommit off by hand: a batch's keys are one transaction.
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "busy_timeout=10000"):
            self.db.execute(f"PRAGMA {pragma}")
        for name in KEYED:
            self.db.execute(
                f"CREATE TABLE IF NOT EXISTS {name} (day INTEGER, key BLOB, content INTEGER, batch INTEGER,"
                " row INTEGER, PRIMARY KEY (day, key)) WITHOUT ROWID"
            )
        self.db.execute("CREATE TABLE IF NOT EXISTS known_batches (id INTEGER PRIMARY KEY)")

    def claim(
        self,
        table: str,
        batch: int,
        days: Sequence[int],
        keys: Sequence[bytes],
        contents: Sequence[int],
        *,
        first_row: int = 0,
    ) -> list[Repeat]:
        """Insert the keys of a batch; those that were there already come back, in row order."""
        if table not in KEYED:
            raise ValueError(table)
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        try:
            rows = range(first_row, first_row + len(keys))
            # Sorted, an insert walks the pages of a day once; ties keep the first row first.
            incoming = sorted(zip(days, keys, rows, contents, strict=True))
            before = db.total_changes
            db.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?1, ?2, ?4, {int(batch)}, ?3)", incoming)
            repeats: list[Repeat] = []
            if db.total_changes - before != len(keys):
                repeats = self._repeats(table, batch, incoming)
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        return repeats

    def _repeats(self, table: str, batch: int, incoming: list[tuple[int, bytes, int, int]]) -> list[Repeat]:
        db = self.db
        db.execute(
            "CREATE TEMP TABLE IF NOT EXISTS incoming (day INTEGER, key BLOB, row INTEGER, content INTEGER)"
        )
        db.execute("DELETE FROM incoming")
        db.executemany("INSERT INTO incoming VALUES (?,?,?,?)", incoming)
        found = db.execute(
            f"SELECT i.row, k.batch, k.row, i.content = k.content FROM incoming i JOIN {table} k"
            " ON i.day = k.day AND i.key = k.key WHERE NOT (k.batch = ? AND k.row = i.row) ORDER BY i.row",
            (batch,),
        )
        return [
            Repeat(row, first_batch, first_row, bool(same)) for row, first_batch, first_row, same in found
        ]

    def forget(self, table: str, batch: int, days: Iterable[int]) -> None:
        """Take back the keys of a batch that was not committed."""
        if table not in KEYED:
            return
        with _transaction(self.db):
            for day in days:
                self.db.execute(f"DELETE FROM {table} WHERE day = ? AND batch = ?", (day, batch))
            self.db.execute("DELETE FROM known_batches WHERE id = ?", (batch,))

    def drop_days(self, table: str, before: int) -> None:
        """Forget days that retention has removed."""
        with _transaction(self.db):
            self.db.execute(f"DELETE FROM {table} WHERE day < ?", (before,))

    def clear(self) -> None:
        """Forget everything: the lake will be asked anew."""
        with _transaction(self.db):
            for name in (*KEYED, "known_batches"):
                self.db.execute(f"DELETE FROM {name}")

    def known_batches(self) -> set[int]:
        """Batches all of whose keys are here."""
        return {row[0] for row in self.db.execute("SELECT id FROM known_batches")}

    def insert_rebuilt(self, table: str, rows: Iterable[tuple[int, bytes, int, int, int]]) -> None:
        """(day, key, content, batch, row) as read back from the lake."""
        with _transaction(self.db):
            self.db.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?,?,?,?,?)", rows)

    def mark_known(self, batches: Iterable[int]) -> None:
        """Every key of these batches is here. Written after them, so that a power failure that loses keys
        loses the mark too."""
        with _transaction(self.db):
            self.db.executemany("INSERT OR IGNORE INTO known_batches VALUES (?)", ((b,) for b in batches))

    def close(self) -> None:
        self.db.close()


class _transaction:  # noqa: N801 (reads as a statement)
    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def __enter__(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.db.execute("COMMIT" if kind is None else "ROLLBACK")
