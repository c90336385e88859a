"""Flow records as text, repeated at other times, in objects of a given length."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv


def repeated(files: Sequence[Path], records: int, lines: int) -> Iterator[bytes]:
    """Objects of `lines` records of these files (of one format), each repetition a minute later."""
    texts = [gzip.decompress(p.read_bytes()) for p in files]
    head = texts[0].partition(b"\n")[0]
    body = b"".join(t.partition(b"\n")[2] for t in texts)
    table = pa_csv.read_csv(
        io.BytesIO(head + b"\n" + body),
        parse_options=pa_csv.ParseOptions(delimiter=" ", quote_char=False),
        convert_options=pa_csv.ConvertOptions(
            column_types={n: pa.string() for n in head.decode().split(" ") if n not in ("start", "end")}
        ),
    )
    plain = pa_csv.WriteOptions(include_header=False, delimiter=" ", quoting_style="none")
    written = 0
    repetition = 0
    while written < records:
        for start in range(0, table.num_rows, lines):
            part = _later(table.slice(start, min(lines, records - written)), 60 * repetition)
            sink = io.BytesIO()
            pa_csv.write_csv(part, sink, plain)
            yield head + b"\n" + sink.getvalue()
            written += part.num_rows
            if written >= records:
                return
        repetition += 1


def _later(table: pa.Table, seconds: int) -> pa.Table:
    for name in ("start", "end"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, pc.add(table[name], seconds))
    return table
