"""A home of many million configuration items over three years, built from those of a generated estate.

Each month is written as compaction writes it: sorted by resource and time, row groups of 20,000. Every resource is
discovered in the first month; from then on resources change at random, some of them deleted near the end.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import ashiato.demo
from ashiato.formats.columns import TIMESTAMP
from ashiato.formats.entities import entity_hash
from ashiato.formats.reader import LogReader
from ashiato.formats.reading import ObjectOrigin, Rows
from ashiato.formats.tables import TABLES
from ashiato.lake.catalog import iceberg_schema, open_catalog, open_table
from ashiato.lake.compaction import TARGET_BYTES, folder_of
from ashiato.lake.home import Home
from ashiato.lake.merging import SortedFiles
from ashiato.lake.replacing import replace_files
from benchmarks.processes import pool_of

ACCOUNT, REGION = "111122223333", "us-east-1"
MONTHS = 36
FIRST_YEAR = 2023
DESCRIPTION = TABLES["config_items"]
#: Of a hundred resources so many are deleted in the last month.
DELETED = 2
_CHUNK = 20_000
_MONTH_MICROS = 27 * 86_400_000_000


def resource_id(number: int) -> str:
    return f"bench-{number:07d}"


def month_start(month: int) -> datetime:
    return datetime(FIRST_YEAR + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def templates() -> pa.Table:
    """Items of a generated estate, as the reader gives them; one account and region for all."""
    with tempfile.TemporaryDirectory() as folder:
        ashiato.demo.generate(Path(folder), days=1, events=0, flows=0, processes=1)
        reader, found = LogReader(), []
        for path in sorted(Path(folder).rglob("*Config*.json.gz")):
            parts = [*reader.read(path.read_bytes(), ObjectOrigin("bench", path.name))]
            found += [p.rows for p in parts if isinstance(p, Rows) and p.table == "config_items"]
    table = pa.concat_tables(found).combine_chunks()
    live = table.filter(pc.is_valid(table["configuration"]))
    return live.sort_by([("resourceType", "ascending")]).combine_chunks()


def changed(month: int, items: int, resources: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the resources that have an item in a month, in order, and the time of each (µs since 1970)."""
    random = np.random.default_rng(month)
    a_month = items // MONTHS
    numbers = np.arange(resources) if month == 0 else random.integers(0, resources, a_month)
    if month == 0 and a_month > resources:
        numbers = np.concatenate([numbers, random.integers(0, resources, a_month - resources)])
    if month == MONTHS - 1:
        # What is deleted has its last item then, at the end of the month.
        gone = np.arange(resources)[np.arange(resources) % 100 < DELETED]
        numbers = np.concatenate([numbers[numbers % 100 >= DELETED], gone])
    times = (
        random.integers(0, _MONTH_MICROS, len(numbers)) + round(month_start(month).timestamp()) * 1_000_000
    )
    order = np.lexsort((times, numbers))
    return numbers[order], times[order]


def _rows(base: pa.Table, month: int, items: int, resources: int) -> Iterator[pa.Table]:
    numbers, times = changed(month, items, resources)
    # Resources are in order of their type, as the templates are.
    of = numbers * base.num_rows // resources
    for start in range(0, len(numbers), _CHUNK):
        part = slice(start, start + _CHUNK)
        yield _items(base, numbers[part], times[part], of[part], last=month == MONTHS - 1)


def _items(base: pa.Table, numbers: np.ndarray, times: np.ndarray, of: np.ndarray, *, last: bool) -> pa.Table:
    rows = base.take(pa.array(of)).combine_chunks()
    count = len(numbers)
    ids = pa.array([resource_id(n) for n in numbers.tolist()])
    gone = pa.array(numbers % 100 < DELETED) if last else pa.array(np.zeros(count, dtype=bool))
    # What differs from item to item and from resource to resource does not compress; the rest is the template's.
    random = np.random.default_rng(int(times[0]))
    state = pc.binary_join_element_wise(
        '{"revisionId":"', pa.array([random.bytes(24).hex() for _ in range(count)]), '","serial":"',
        pa.array([f"{n * 0x9E3779B97F4A7C15 % (1 << 128):032x}" for n in numbers.tolist()]), '",',
        pc.utf8_slice_codeunits(rows["configuration"].combine_chunks(), 1), "",
    )  # fmt: skip
    hashes = [[entity_hash("resource", i)] for i in ids.to_pylist()]
    new: dict[str, Any] = {
        "resourceId": ids,
        "resourceName": ids,
        "ARN": pc.binary_join_element_wise(f"arn:aws:bench:{REGION}:{ACCOUNT}:", ids, ""),
        "awsAccountId": pa.repeat(ACCOUNT, count),
        "awsRegion": pa.repeat(REGION, count),
        "configurationItemCaptureTime": pa.array(times).cast(TIMESTAMP),
        "configurationStateId": pa.array(times // 1000).cast(pa.string()),
        "configurationItemStatus": pc.if_else(gone, "ResourceDeleted", "OK"),
        "configuration": pc.if_else(gone, None, state),
        "entities": pa.array(hashes, pa.list_(pa.int64())),
        "ingested_at": pa.repeat(pa.scalar(month_start(MONTHS), TIMESTAMP), count),
        "variant": pa.repeat(pa.scalar(0, pa.int32()), count),
    }
    columns = [
        new.get(c.name, rows[c.name] if c.name in rows.column_names else None) for c in DESCRIPTION.columns
    ]
    return pa.table(columns, names=[c.name for c in DESCRIPTION.columns]).cast(DESCRIPTION.schema)


def _write_month(job: tuple[str, str, int, int, int]) -> list[str]:
    base_file, folder, month, items, resources = job
    with pa.memory_map(base_file) as source:
        base = pa.ipc.open_file(source).read_all()
    files = SortedFiles(Path(folder), DESCRIPTION, iceberg_schema(DESCRIPTION), TARGET_BYTES)
    for rows in _rows(base, month, items, resources):
        files.write(rows)
    return files.close()


def build(folder: Path, items: int, resources: int, processes: int, say: Callable[[str], None]) -> None:
    """Make a home of about `items` items of `resources` resources in `folder`."""
    with Home.open_for_writing(folder, "benchmark") as home:
        table = open_table(open_catalog(home.lake), "config_items")
        base = templates()
        base_file = home.tmp / "base.arrow"
        with pa.ipc.new_file(str(base_file), base.schema) as writer:
            writer.write_table(base)
        jobs = [
            (str(base_file), str(folder_of(table, month_start(m).strftime("%Y-%m"))), m, items, resources)
            for m in range(MONTHS)
        ]
        paths: list[str] = []
        with pool_of(processes) as pool:
            for n, made in enumerate(pool.map(_write_month, jobs)):
                paths += made
                if n % 12 == 11:
                    say(f"{items:,} items: {n + 1} of {MONTHS} months")
        replace_files(table, [], paths, {"ashiato.op": "benchmark"})
