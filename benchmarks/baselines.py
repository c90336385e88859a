"""What Ashiato is measured against. Each baseline does as little as it can and still does its part."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from isal import igzip

from ashiato.formats.columns import PROVENANCE
from ashiato.formats.tables import CLOUDTRAIL
from ashiato.lake.files import ROW_GROUP

_OURS = {c.name for c in PROVENANCE} | {"variant", "record_hash"}
_COLUMNS = [c for c in CLOUDTRAIL.columns if c.name not in _OURS]


inflated: Callable[[bytes], bytes] = igzip.decompress


@dataclass(frozen=True)
class Floor:
    """Seconds of one core for what cannot be left out."""

    inflate: float
    parse: float
    write: float
    cpu: float = 0.0

    @property
    def seconds(self) -> float:
        return self.inflate + self.parse + self.write

    def __str__(self) -> str:
        return f"inflate {self.inflate:.1f} + parse {self.parse:.1f} + write {self.write:.1f} s"


def cloudtrail_floor(files: Sequence[Path], lake_files: Sequence[Path], out: Path) -> Floor:
    """One core: inflate, simdjson parse, and writing the rows that the lake holds, as it writes them."""
    import simdjson

    inflate = parse = 0.0
    cpu = time.thread_time()
    for path in files:
        content = path.read_bytes()
        a = time.perf_counter()
        text = inflated(content)
        b = time.perf_counter()
        simdjson.Parser().parse(text)
        c = time.perf_counter()
        inflate += b - a
        parse += c - b
    cpu = time.thread_time() - cpu
    write, write_cpu = rewrite(lake_files, out)
    return Floor(inflate, parse, write, cpu + write_cpu)


def rewrite(lake_files: Sequence[Path], out: Path) -> tuple[float, float]:
    """Seconds, of the clock and of one core, to write these files' rows again as taking in writes them."""
    seconds = cpu = 0.0
    out.parent.mkdir(parents=True, exist_ok=True)
    for path in lake_files:
        rows = pq.read_table(path, partitioning=None)
        began, cpu_began = time.perf_counter(), time.thread_time()
        with _writer(out, rows.schema) as writer:
            writer.write_table(rows, row_group_size=ROW_GROUP)
        seconds, cpu = seconds + time.perf_counter() - began, cpu + time.thread_time() - cpu_began
        out.unlink()
    return seconds, cpu


def _writer(out: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(out, schema, compression="zstd", compression_level=1, store_schema=False)


def some(files: Sequence[Path], records: int, of: int) -> list[Path]:
    """Every n-th file, so that they hold about `records` of `of` records."""
    return list(files)[:: max(1, of // max(1, records))]


def json_loop(files: Sequence[Path], out: Path) -> tuple[int, float]:
    """(records, seconds) of the loop that everybody writes first: `json`, a list a column, Parquet."""
    began = time.perf_counter()
    schema = pa.schema([(c.name, pa.bool_() if c.type == pa.bool_() else pa.string()) for c in _COLUMNS])
    columns: dict[str, list[Any]] = {c.name: [] for c in _COLUMNS}
    total = rows = 0
    with _writer(out, schema) as writer:
        for path in files:
            for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
                for name, values in columns.items():
                    value = record.get(name)
                    values.append(json.dumps(value) if isinstance(value, dict | list) else value)
                rows += 1
            if rows >= ROW_GROUP:
                writer.write_table(pa.table(columns, schema=schema))
                columns = {name: [] for name in columns}
                total, rows = total + rows, 0
        writer.write_table(pa.table(columns, schema=schema))
    seconds = time.perf_counter() - began
    out.unlink()
    return total + rows, seconds


def _sql_type(type_: pa.DataType) -> str:
    if pa.types.is_struct(type_):
        return "STRUCT(" + ", ".join(f'"{f.name}" {_sql_type(f.type)}' for f in type_) + ")"
    if pa.types.is_list(type_):
        return f"{_sql_type(type_.value_type)}[]"
    return {"bool": "BOOLEAN", "timestamp[us, tz=UTC]": "TIMESTAMPTZ"}.get(str(type_), "VARCHAR")


def duckdb_json(files: Sequence[Path], out: Path, threads: int) -> tuple[int, float]:
    """(records, seconds) of DuckDB's read_json with an explicit schema into one Parquet file."""
    record = ", ".join(f'"{c.name}" {"JSON" if c.json else _sql_type(c.type)}' for c in _COLUMNS)
    listed = ", ".join("'" + str(p).replace("'", "''") + "'" for p in files)
    began = time.perf_counter()
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("SET preserve_insertion_order = false")
        (count,) = connection.execute(
            f"COPY (SELECT unnest(r) FROM (SELECT unnest(Records) AS r FROM read_json([{listed}],"
            f" columns = {{Records: 'STRUCT({record})[]'}}, maximum_object_size = 134217728)))"
            f" TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP})"
        ).fetchone() or (0,)
    seconds = time.perf_counter() - began
    out.unlink()
    return int(count), seconds


def flow_floor(files: Sequence[Path], out: Path) -> Floor:
    """One core: inflate, pyarrow.csv, Parquet write of its columns as they are."""
    inflate = parse = write = 0.0
    cpu = time.thread_time()
    for path in files:
        content = path.read_bytes()
        a = time.perf_counter()
        text = inflated(content)
        b = time.perf_counter()
        table = pa_csv.read_csv(
            pa.py_buffer(text),
            read_options=pa_csv.ReadOptions(use_threads=False),
            parse_options=pa_csv.ParseOptions(delimiter=" ", quote_char=False),
            convert_options=pa_csv.ConvertOptions(null_values=["-"], strings_can_be_null=True),
        )
        c = time.perf_counter()
        with _writer(out, table.schema) as writer:
            writer.write_table(table, row_group_size=ROW_GROUP)
        d = time.perf_counter()
        inflate, parse, write = inflate + b - a, parse + c - b, write + d - c
        out.unlink()
    return Floor(inflate, parse, write, time.thread_time() - cpu)


#: Run by the interpreter that has flowlogs_reader. It does to each object what S3FlowLogsReader does.
FLOWLOGS_READER = """
import sys, time
from csv import DictReader
from gzip import open as gz_open
from flowlogs_reader import FlowRecord
began = time.perf_counter()
count = 0
for path in sys.argv[1:]:
    with gz_open(path, mode="rt") as file:
        reader = DictReader(file, delimiter=" ")
        reader.fieldnames = [f.replace("-", "_") for f in reader.fieldnames]
        for row in reader:
            FlowRecord(row)
            count += 1
print(count, time.perf_counter() - began)
"""
