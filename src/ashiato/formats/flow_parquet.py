"""Flow logs in Parquet, as AWS delivers them and as other programs rewrite them; no text in between.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (Parquet data type of each field)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ashiato.formats.flow_fields import LIMITS, TYPES, column_of, names_a_flow_log
from ashiato.formats.flow_lines import LONGEST_LINE
from ashiato.formats.flow_rows import RowBuilder, as_json
from ashiato.formats.reading import ObjectOrigin, Reading, Rows, Skipped, Unreadable
from ashiato.formats.tables.vpc_flow_logs import VPC_FLOW_LOGS

_ROWS = 100_000
# Text that one batch may unfold to: a dictionary can make terabytes of a few kilobytes.
_MOST_TEXT = 256 << 20
#: What programs write into a column of text for a number that is missing.
_NO_NUMBER = ("", "None", "null", "nan", "NaN")
_FAILURES = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError)


def read_parquet(content: bytes, origin: ObjectOrigin, *, threads: bool = False) -> Reading:
    """Rows of a Parquet flow log, by batches of at most 100,000.

    Columns are found by name in either spelling and cast without loss to the table's types; others go to
    `extra`. A row that cannot be cast is `Unreadable` with its number as the offset and its values as
    JSON; a file in which a row group cannot be read is, as a whole, after the rows of its other groups.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=_text_columns(content))
        names = file.schema_arrow.names
    except _FAILURES as error:
        yield Unreadable(f"not a readable Parquet file: {_first_line(error)}", 0, content)
        return
    if not names_a_flow_log(names):
        shown = ", ".join(name[:40] for name in names[:5])
        yield Skipped(f"Parquet file that is no flow log (columns {shown}{', …' if names[5:] else ''})")
        return
    builder = RowBuilder(origin)
    first = 0
    damage: list[str] = []
    for group in range(file.num_row_groups):
        done = first
        try:
            for batch in file.iter_batches(_ROWS, row_groups=[group], use_threads=threads):
                yield from _batch(batch, done, builder)
                done += batch.num_rows
        except _FAILURES as error:
            damage.append(f"row group {group} from row {done}: {_first_line(error)}")
        first += max(file.metadata.row_group(group).num_rows, 0)
    if damage:
        # Not the bytes of the row group alone: pyarrow aborts the process on damaged column metadata.
        yield Unreadable("; ".join(damage)[:2000], 0, content)


def read_batch(batch: pa.RecordBatch, origin: ObjectOrigin) -> Reading:
    """Rows of a batch that was read already."""
    yield from _batch(batch, 0, RowBuilder(origin))


def _text_columns(content: bytes) -> list[str]:
    schema = pq.read_schema(pa.BufferReader(content))
    return [field.name for field in schema if field.type in (pa.string(), pa.large_string())]


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def _batch(batch: pa.RecordBatch, first: int, builder: RowBuilder) -> Iterator[Rows | Unreadable]:
    fields: dict[str, pa.Array] = {}
    unknown: list[tuple[str, pa.Array]] = []
    faults: dict[int, str] = {}
    text = 0
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        text += _text_size(values)
        if text > _MOST_TEXT:
            raise ValueError(f"{batch.num_rows} rows unfold to more than {_MOST_TEXT >> 20} MiB of text")
        column = column_of(name)
        if column is None or column in fields or pa.types.is_nested(values.type):
            unknown.append((name, _bytes_if_broken(values)))
        else:
            fields[column], wrong = _cast(name, values, column)
            faults |= wrong
    count = batch.num_rows
    if faults:
        for place in sorted(faults):
            reason = f"row {first + place}: {faults[place]}"
            yield Unreadable(reason, first + place, _row_as_json(batch.slice(place, 1)))
        good = pa.array([place not in faults for place in range(count)], pa.bool_())
        fields = {name: values.filter(good) for name, values in fields.items()}
        unknown = [(name, values.filter(good)) for name, values in unknown]
        count -= len(faults)
    if count:
        yield Rows(VPC_FLOW_LOGS.name, builder.rows(fields, unknown, count))


def _row_as_json(row: pa.RecordBatch) -> bytes:
    values = {
        name: _bytes_if_broken(one)[0].as_py()
        for name, one in zip(row.schema.names, row.columns, strict=True)
    }
    shown = as_json({name: value for name, value in values.items() if value is not None})
    return shown.encode("utf-8", "replace")[:LONGEST_LINE]


def _bytes_if_broken(values: pa.Array) -> pa.Array:
    """Text as it is; as bytes where it is no UTF-8 (Parquet readers do not check)."""
    if pa.types.is_dictionary(values.type):
        dictionary = _bytes_if_broken(values.dictionary)
        return pa.DictionaryArray.from_arrays(values.indices, dictionary)
    if values.type not in (pa.string(), pa.large_string()):
        return values
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return values.view(pa.binary() if values.type == pa.string() else pa.large_binary())
    return values


def _text_size(values: pa.Array) -> int:
    if not pa.types.is_dictionary(values.type):
        return int(values.nbytes)
    lengths = pc.binary_length(values.dictionary).cast(pa.int64())
    return int(pc.sum(lengths.take(values.indices)).as_py() or 0)


def _cast(name: str, values: pa.Array, column: str) -> tuple[pa.Array, dict[int, str]]:
    """A column in the table's type, and (place, reason) of the rows whose value does not fit."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary.take(values.indices)
    try:
        if pa.types.is_timestamp(values.type) and column in LIMITS:
            values = values.cast(pa.timestamp("s", values.type.tz), safe=False).cast(pa.int64())
        cast = _text(values) if column not in LIMITS else _whole_numbers(values, column)
    except (pa.ArrowException, ValueError):
        return _cast_each(name, values, column)
    return cast, {}


def _text(values: pa.Array) -> pa.Array:
    values = values.cast(pa.string())
    values.validate(full=True)  # Parquet's strings may be no UTF-8
    return pc.if_else(pc.equal(values, "-"), pa.scalar(None, pa.string()), values)


def _whole_numbers(values: pa.Array, column: str) -> pa.Array:
    if not pa.types.is_integer(values.type):
        if not (pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)):
            values = _text(values)
        values = values.cast(pa.int64())
    cast = values.cast(TYPES[column])
    span = pc.min_max(cast).as_py()
    if span["min"] is not None and (span["min"] < 0 or span["max"] > LIMITS[column]):
        raise ValueError(column)
    return cast


def _cast_each(name: str, values: pa.Array, column: str) -> tuple[pa.Array, dict[int, str]]:
    """The same, value by value: for a column in which something does not fit."""
    fitting: list[Any] = []
    faults: dict[int, str] = {}
    values = _bytes_if_broken(values)
    for place in range(len(values)):
        one = values.slice(place, 1)
        if column in LIMITS and str(one[0].as_py()) in _NO_NUMBER:
            fitting.append(None)
            continue
        try:
            cast = _whole_numbers(one, column) if column in LIMITS else _text(one)
            fitting.append(cast[0].as_py())
        except (pa.ArrowException, ValueError):
            fitting.append(None)
            want = f"a whole number of at most {LIMITS[column]}" if column in LIMITS else "text in UTF-8"
            faults[place] = f"field {name}: {_shown(one)} is not {want}"
    return pa.array(fitting, TYPES[column]), faults


def _shown(one: pa.Array) -> str:
    value = one[0].as_py()
    return ascii(value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value)[:60]
