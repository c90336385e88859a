"""Batches that were committed and not yet evaluated, and their rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from ashiato.detect.history import PIECE_ROWS
from ashiato.formats.tables import LOG_TABLES, TABLES
from ashiato.lake.catalog import open_catalog, open_table
from ashiato.lake.home import Home
from ashiato.lake.scan import planned_files, relation
from ashiato.lake.spans import between, day_at
from ashiato.ledger import tables as t


@dataclass(frozen=True)
class ArrivedBatch:
    """One commit to one table. `stamp`: `ingested_at` of its rows; `files`: as written, paths in the lake."""

    id: int
    table: str
    rows: int
    days: tuple[int, ...]
    stamp: datetime | None
    files: tuple[str, ...]
    committed_at: datetime


def not_evaluated(home: Home) -> list[ArrivedBatch]:
    """Batches that rules have not been evaluated over, in the order of their commits."""
    b = t.batches.c
    rows = home.ledger.rows(
        sa.select(t.batches)
        .where(b.state == "committed", b.evaluated_at.is_(None), b.table_name.in_(LOG_TABLES))
        .order_by(b.id)
    )
    return [
        ArrivedBatch(
            r.id, r.table_name, r.rows + r.variants, tuple(json.loads(r.days)), r.stamp,
            tuple(json.loads(r.files)) if r.files else (), r.committed_at,
        )
        for r in rows
    ]  # fmt: skip


def rows_of(home: Home, batch: ArrivedBatch) -> Iterator[pa.Table]:
    """The batch's rows, in pieces: from the files it wrote, or from what they were merged into since."""
    if not batch.rows or batch.stamp is None:
        return
    # Files that are open stay readable when a merge removes them.
    files = _opened([home.lake / f for f in batch.files])
    if files:
        yield from _pieces(files, batch.table)
    else:
        yield from _merged(home, batch, batch.stamp)


def _opened(paths: Sequence[Path]) -> list[pq.ParquetFile]:
    """All of the files, or none where one is gone: its rows are in another by now."""
    try:
        return [pq.ParquetFile(path, memory_map=True) for path in paths]
    except (OSError, pa.ArrowException):
        return []


def _pieces(files: Sequence[pq.ParquetFile], name: str) -> Iterator[pa.Table]:
    schema = TABLES[name].schema
    for file in files:
        for batch in file.iter_batches(PIECE_ROWS):
            yield _fitted(pa.Table.from_batches([batch]), schema)


def _fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with this version's columns: one that a file has not is null."""
    columns: list[Any] = [
        table[f.name].cast(f.type) if f.name in table.column_names else pa.nulls(table.num_rows, f.type)
        for f in schema
    ]
    return pa.table(columns, schema=schema)


def _merged(home: Home, batch: ArrivedBatch, stamp: datetime) -> Iterator[pa.Table]:
    table = open_table(open_catalog(home.lake), batch.table)
    files: list[str] = []
    for day in batch.days:
        found = planned_files(table, between(batch.table, day_at(day), day_at(day)))
        files += [f for f in found if f not in files]
    if not files:
        return
    settings: dict[str, str | bool | int | float | list[str]] = {"threads": 2, "memory_limit": "512MB"}
    with duckdb.connect(config=settings) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        sql = f"SELECT * FROM {relation(files, table.schema())} WHERE ingested_at = $stamp"
        reader = connection.sql(sql, params={"stamp": stamp.astimezone(UTC)}).to_arrow_reader(PIECE_ROWS)
        for piece in reader:
            if piece.num_rows:
                yield pa.Table.from_batches([piece])
