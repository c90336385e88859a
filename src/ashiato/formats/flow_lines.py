"""Lines of flow records → arrays: whole blocks by pyarrow.csv, a block with a fault line by line.

Both ways agree on what a good line is: what pyarrow would read otherwise than `fault` says is looked for
in the block before pyarrow sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ashiato.formats.flow_fields import TYPES, Format
from ashiato.formats.reading import Unreadable

#: A longer line is no flow record (the longest, with every field, is about 3 KiB).
LONGEST_LINE = 1 << 16

_PARSE = csv.ParseOptions(delimiter=" ", quote_char=False, double_quote=False, escape_char=False)
# pyarrow takes 0x1F for a number in a column of whole numbers.
_HEXADECIMAL = re.compile(rb"(?:^|[ \t\n])0[xX]")


def parsed(layout: Format, block: bytes, *, threads: bool = False, checked: bool = False) -> pa.Table | None:
    """Records of whole lines, a column `f<place>` for each field; None where any line is at fault.

    `checked` says that `fault` passed every line.
    """
    if not checked and not _plain(block):
        return None
    try:
        table = csv.read_csv(
            pa.BufferReader(block),
            read_options=csv.ReadOptions(
                column_names=[f"f{place}" for place in range(len(layout.names))],
                # One thread is fastest with the block as one piece; several need pieces to share.
                block_size=1 << 20 if threads else max(len(block) + 1, 1 << 12),
                use_threads=threads,
            ),
            parse_options=_PARSE,
            convert_options=_conversion(layout),
        )
    except (pa.ArrowException, ValueError):
        return None
    for place, _, greatest in layout.numbers:
        span = pc.min_max(table.column(place)).as_py()
        if span["min"] is not None and (span["min"] < 0 or span["max"] > greatest):
            return None
    return table


@lru_cache(maxsize=256)
def _conversion(layout: Format) -> csv.ConvertOptions:
    return csv.ConvertOptions(
        column_types={
            f"f{place}": pa.string() if column is None else TYPES[column]
            for place, column in enumerate(layout.columns)
        },
        null_values=["-"],
        strings_can_be_null=True,
    )


def _plain(block: bytes) -> bool:
    """Whether a block has none of what pyarrow would read in its own way."""
    if 0 in block or b"\t" in block:
        return False
    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
        return False
    if (b"x" in block or b"X" in block) and _HEXADECIMAL.search(block):
        return False
    start, size = 0, len(block)
    while start < size:  # a handful of steps for each 64 KiB
        end = block.rfind(b"\n", start, start + LONGEST_LINE + 1)
        if end < 0:
            return size - start <= LONGEST_LINE
        start = end + 1
    return True


def fault(layout: Format, line: bytes) -> str | None:
    """What is wrong with one line (without its line end), naming the field; None for a record."""
    if len(line) > LONGEST_LINE:
        return too_long(len(line))
    if 0 in line:
        return f"NUL byte at byte {line.index(0)} of the line"
    if b"\n" in line:
        return f"line break at byte {line.index(10)} of the record"
    if b"\r" in line:
        return f"carriage return at byte {line.index(13)} of the line"
    values = line.split(b" ")
    if len(values) != len(layout.names):
        return f"{len(values)} fields where the format has {len(layout.names)}"
    try:
        line.decode()
    except UnicodeDecodeError as error:
        name = layout.names[line.count(b" ", 0, error.start)]
        return f"field {name}: not UTF-8 at byte {error.start} of the line"
    for place, name, greatest in layout.numbers:
        value = values[place]
        if value == b"-":
            continue
        if not value.isdigit():
            return f"field {name}: {_shown(value)} is not a whole number"
        digits = value.lstrip(b"0")
        if len(digits) > 19 or int(digits or b"0") > greatest:
            return f"field {name}: {_shown(value)} is greater than {greatest}"
    return None


def too_long(size: int) -> str:
    """Why a line of `size` bytes is not read."""
    return f"a line of {size} bytes is no flow record (only its first {LONGEST_LINE} are kept)"


def _shown(value: bytes) -> str:
    return ascii(value[:40].decode("utf-8", "replace")) + ("…" if len(value) > 40 else "")


#: (offset or place, line without its line end)
Lines = Sequence[tuple[int, bytes]]


def parsed_lines(
    layout: Format, lines: Lines, *, threads: bool = False
) -> Iterator[tuple[pa.Table, Lines] | Unreadable]:
    """Records of lines, with the lines that each table was made of; lines at fault come out alone."""
    if not lines:
        return
    table = _joined(layout, lines, threads=threads)
    if table is not None:
        yield table, lines
        return
    good = []
    for line in lines:
        reason = fault(layout, line[1])
        if reason is None:
            good.append(line)
        else:
            yield Unreadable(reason, line[0], line[1][:LONGEST_LINE])
    yield from checked_lines(layout, good)


def checked_lines(layout: Format, lines: Lines) -> Iterator[tuple[pa.Table, Lines] | Unreadable]:
    """Records of lines that `fault` passed; one that pyarrow still refuses comes out alone."""
    table = _joined(layout, lines, checked=True) if lines else None
    if table is not None:
        yield table, lines
    elif len(lines) == 1:
        yield Unreadable("not a flow record", *lines[0])
    elif lines:
        half = len(lines) // 2
        yield from checked_lines(layout, lines[:half])
        yield from checked_lines(layout, lines[half:])


def _joined(layout: Format, lines: Lines, *, threads: bool = False, checked: bool = False) -> pa.Table | None:
    block = b"\n".join([line for _, line in lines]) + b"\n"
    table = parsed(layout, block, threads=threads, checked=checked)
    return table if table is not None and table.num_rows == len(lines) else None


def columns_by_name(
    layout: Format, table: pa.Table
) -> tuple[dict[str, pa.Array], list[tuple[str, pa.Array]]]:
    """A parsed table's arrays by the column that they go to, and (name, array) of those without one."""
    fields: dict[str, pa.Array] = {}
    unknown: list[tuple[str, pa.Array]] = []
    for name, column, values in zip(layout.names, layout.columns, table.columns, strict=True):
        array = values.chunk(0) if values.num_chunks == 1 else pa.concat_arrays(values.chunks)
        if column is None:
            unknown.append((name, array))
        else:
            fields[column] = array
    return fields, unknown
