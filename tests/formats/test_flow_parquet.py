"""Parquet flow logs, AWS's own and those of other writers, come out as the same rows as text does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.formats.flow_fields import TYPES
from ashiato.formats.flow_records import read_parquet, read_text
from ashiato.formats.reading import Skipped, Unreadable
from formats.flow_corpora import ARRIVED, ORIGIN, examples, needs_corpora, rows, unreadable


def parquet(table: pa.Table | dict[str, Any], **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(table), sink, **options)
    return bytes(sink.getvalue().to_pybytes())


def as_aws(path: Path, *, spelling: str = "_", wide: bool = False) -> bytes:
    names, *lines = [line.split() for line in path.read_text().splitlines()]
    columns = {}
    for name, values in zip(names, zip(*lines, strict=True), strict=True):
        type_ = TYPES[name.replace("-", "_")]
        wanted = pa.int64() if wide and type_ == pa.int32() else type_
        whole = pa.types.is_integer(type_)
        columns[name.replace("-", spelling)] = pa.array(
            [None if whole and v == "-" else int(v) if whole else v for v in values], wanted
        )
    return parquet(columns, compression="gzip")


@needs_corpora
@pytest.mark.parametrize("path", examples(), ids=lambda path: path.stem)
@pytest.mark.parametrize(("spelling", "wide"), [("_", False), ("-", False), ("_", True)])
def test_parquet_and_text_give_the_same_rows(path: Path, spelling: str, wide: bool) -> None:
    parts = list(read_parquet(as_aws(path, spelling=spelling, wide=wide), ORIGIN))
    assert not unreadable(parts)
    assert rows(parts) == rows(read_text([path.read_bytes()], ORIGIN))


def test_types_of_other_writers_are_cast_without_loss() -> None:
    content = parquet(
        {
            "srcaddr": pa.array(["10.0.0.1", "-"]).dictionary_encode(),
            "dstaddr": pa.array([b"10.0.0.2", None], pa.binary()),
            "pkt_srcaddr": pa.array(["10.0.0.3", None], pa.large_string()),
            "protocol": pa.array(["6", "None"]),
            "bytes": pa.array([4249.0, None]),
            "packets": pa.array([7, 8], pa.uint8()),
            "start": pa.array([datetime(2020, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
            "traffic_path": pa.nulls(2),
            "dstport": pa.array(["-", ""]),
        }
    )
    parts = list(read_parquet(content, ORIGIN))
    assert not unreadable(parts)
    first, second = rows(parts)
    assert (first["srcaddr"], first["dstaddr"], first["pkt_srcaddr"]) == ("10.0.0.1", "10.0.0.2", "10.0.0.3")
    assert (first["protocol"], first["bytes"], first["packets"]) == (6, 4249, 7)
    assert first["start_time"] == datetime(2020, 1, 1, tzinfo=UTC)
    assert set(second) >= {"packets"}
    assert not {"srcaddr", "protocol", "bytes"} & set(second)


def test_columns_that_nobody_knows_go_to_extra() -> None:
    content = parquet(
        {
            "srcaddr": ["10.0.0.1", "10.0.0.2"],
            "new-field": [5, None],
            "nested": [{"a": [1, 2]}, None],
            "seen": pa.array([1577836800, None], pa.timestamp("s")),
            "ratio": [float("nan"), None],
            "raw": [b"\xff", None],
        }
    )
    first, second = rows(read_parquet(content, ORIGIN))
    assert json.loads(first["extra"]) == {
        "new-field": 5, "nested": {"a": [1, 2]}, "seen": "2020-01-01T00:00:00", "ratio": "nan",
        "raw": "\ufffd",
    }  # fmt: skip
    assert "extra" not in second
    assert first["start_time"] == ARRIVED


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("protocol", [6, 1 << 40, 17], "row 1: field protocol: 1099511627776 is not a whole number of"),
        ("bytes", [6, -1, 17], "row 1: field bytes: -1 is not a whole number"),
        ("bytes", [6.0, 1.5, 17.0], "row 1: field bytes: 1.5 is not a whole number"),
        ("bytes", ["6", "x", "17"], "row 1: field bytes: 'x' is not a whole number"),
        ("start", [6, 10**17, 17], "row 1: field start: 100000000000000000 is not"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_fit_is_set_aside(column: str, values: list[Any], reason: str) -> None:
    parts = list(read_parquet(parquet({"dstaddr": ["a", "b", "c"], column: values}), ORIGIN))
    assert [(row["dstaddr"], row[column]) for row in rows(parts)] == [("a", 6), ("c", 17)]
    (wrong,) = unreadable(parts)
    assert wrong.reason.startswith(reason)
    assert wrong.offset == 1
    assert json.loads(wrong.content) == {"dstaddr": "b", column: values[1]}


def test_text_that_is_no_utf8_is_set_aside_by_row() -> None:
    broken = pa.array([b"10.0.0.1", b"\xff\xfe", b"10.0.0.3"]).view(pa.string())
    parts = list(read_parquet(parquet({"srcaddr": broken, "bytes": [1, 2, 3]}), ORIGIN))
    assert [row["bytes"] for row in rows(parts)] == [1, 3]
    (wrong,) = unreadable(parts)
    assert "field srcaddr" in wrong.reason


def test_parquet_of_another_kind_is_skipped() -> None:
    (part,) = read_parquet(parquet({"eventID": ["a"], "region": ["b"], "type": ["c"]}), ORIGIN)
    assert isinstance(part, Skipped)
    assert "eventID" in part.what


def test_a_file_without_rows_holds_nothing() -> None:
    assert list(read_parquet(parquet({"srcaddr": pa.array([], pa.string())}), ORIGIN)) == []


def test_a_damaged_row_group_does_not_take_the_others_with_it() -> None:
    table = pa.table({"srcaddr": [f"10.0.{i // 256}.{i % 256}" for i in range(3000)], "bytes": range(3000)})
    content = bytearray(parquet(table, row_group_size=1000, compression="gzip"))
    start = pq.ParquetFile(pa.BufferReader(bytes(content))).metadata.row_group(1).column(0).data_page_offset
    content[start + 20 : start + 400] = b"\xff" * 380
    parts = list(read_parquet(bytes(content), ORIGIN))
    assert {row["bytes"] for row in rows(parts)} == {*range(1000), *range(2000, 3000)}
    (wrong,) = unreadable(parts)
    assert wrong.reason.startswith("row group 1 from row 1000")
    assert wrong.content == bytes(content)


def test_what_is_no_parquet_is_one_unreadable_object() -> None:
    for content in (b"", b"PAR1", b"PAR1" + b"x" * 100 + b"PAR1", parquet({"srcaddr": ["a"]})[:-9]):
        (part,) = read_parquet(content, ORIGIN)
        assert isinstance(part, Unreadable)
        assert part.content == content


def test_a_small_file_that_unfolds_to_much_is_refused() -> None:
    value = "x" * 100_000
    table = pa.table({"srcaddr": pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), [value])})
    content = parquet(table)
    assert len(content) < 1 << 20
    parts = list(read_parquet(content, ORIGIN))
    assert not rows(parts)
    (wrong,) = unreadable(parts)
    assert "unfold" in wrong.reason


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_no_damage_raises(data: st.DataObject) -> None:
    content = bytearray(
        parquet(
            {"srcaddr": ["10.0.0.1", "10.0.0.2"] * 20, "bytes": range(40), "new": [[1]] * 40},
            compression="snappy",
        )
    )
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    list(read_parquet(bytes(content), ORIGIN))
