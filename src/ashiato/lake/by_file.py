"""Counts of each data file by itself, kept in the process: a file never changes, so that only new ones are read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cachetools import LRUCache

from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.table_plan import TablePlan

#: Rows of a plan up to which its files are counted one by one: the counts of more would not be kept.
_MOST_ROWS: Final = 6_000_000
_AT_ONCE: Final = 200
_kept: LRUCache[tuple[str, str], pa.Table] = LRUCache(64 << 20, getsizeof=lambda rows: int(rows.nbytes) + 500)
_lock = Lock()


def counted(
    connection: duckdb.DuckDBPyConnection, plan: TablePlan, select: str, where: str, values: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """A relation with the rows of `SELECT {select} … WHERE {where} GROUP BY ALL` of the plan's files, some of them
    several times with a part of the count each; and the parameters that it needs, of `values`."""
    if not plan.files or plan.rows > _MOST_ROWS:
        source = relation(plan.files, plan.iceberg_schema)
        return f"(SELECT {select} FROM {source} WHERE {where} GROUP BY ALL)", dict(values)
    connection.register("counted_by_file", pa.concat_tables(_of_each(plan, select, where, values)))
    return "counted_by_file", {}


def _of_each(plan: TablePlan, select: str, where: str, values: Mapping[str, Any]) -> list[pa.Table]:
    question = hashlib.sha256(repr((select, where, sorted(values.items()))).encode()).hexdigest()
    with _lock:
        found = {file: rows for file in plan.files if (rows := _kept.get((file, question))) is not None}
    missing = [file for file in plan.files if file not in found]
    for start in range(0, len(missing), _AT_ONCE):
        read = _read(plan, missing[start : start + _AT_ONCE], select, where, values)
        found |= read
        with _lock:
            for file, rows in read.items():
                if rows.nbytes < _kept.maxsize // 8:
                    _kept[file, question] = rows
    return list(found.values())


def _read(
    plan: TablePlan, files: Sequence[str], select: str, where: str, values: Mapping[str, Any]
) -> dict[str, pa.Table]:
    sql = (
        f"SELECT filename, {select} FROM {relation(files, plan.iceberg_schema)} WHERE {where}"
        " GROUP BY ALL ORDER BY filename"
    )
    with reading() as own:
        rows = own.sql(sql, params=dict(values)).to_arrow_table().combine_chunks()
    counts = rows.drop_columns("filename")
    found = dict.fromkeys(files, counts.schema.empty_table())
    if not rows.num_rows:
        return found
    runs = pc.run_end_encode(rows["filename"].combine_chunks())
    begin = 0
    for file, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        # Taken, not sliced: a slice keeps all that it is of.
        found[file] = counts.take(np.arange(begin, end))
        begin = end
    return found
