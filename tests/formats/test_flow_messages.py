"""Records of log groups and Firehose have no header: the format is declared, or told by the values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.formats.flow_records import event_key, read_messages
from ashiato.formats.reading import Rows
from formats.flow_corpora import ARRIVED, ORIGIN, RECORD, V2, examples, needs_corpora, rows, unreadable

NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"


def test_default_records_need_no_declaration() -> None:
    parts = list(read_messages([RECORD, NODATA, RECORD + " \n"], ORIGIN))
    assert not unreadable(parts)
    assert [row["log_status"] for row in rows(parts)] == ["OK", "NODATA", "OK"]


@needs_corpora
def test_the_layouts_that_aws_documents_are_told_from_their_values() -> None:
    told = 0
    for path in examples():
        names, *records = path.read_text().splitlines()
        parts = list(read_messages(records, ORIGIN))
        if "version" not in names.split():
            assert len(unreadable(parts)) == len(records)
            continue
        told += 1
        assert not unreadable(parts)
        declared = rows(read_messages(records, replace(ORIGIN, flow_format=names)))
        assert rows(parts) == declared
    assert told == 4


def test_all_fields_of_a_version_in_the_order_of_the_table_are_told() -> None:
    record = RECORD.replace("2 ", "5 ", 1) + (
        " vpc-1 subnet-1 i-1 2 IPv4 10.0.0.1 10.0.0.2 us-east-1 use1-az1 - - S3 - egress 8"
    )
    (row,) = rows(read_messages([record], ORIGIN))
    assert (row["az_id"], row["traffic_path"], row["pkt_src_aws_service"]) == ("use1-az1", 8, "S3")


@pytest.mark.parametrize(
    "declared",
    [
        "${dstaddr} ${srcaddr} ${bytes}",
        "dstaddr srcaddr bytes",
        "dstaddr, srcaddr, bytes",
        "${dstaddr}${srcaddr}${bytes}",
    ],
)
def test_the_declared_format_drives(declared: str) -> None:
    (row,) = rows(read_messages(["10.0.0.2 10.0.0.1 7"], replace(ORIGIN, flow_format=declared)))
    assert (row["srcaddr"], row["dstaddr"], row["bytes"]) == ("10.0.0.1", "10.0.0.2", 7)
    assert (row["start_time"], row["time_from_object"]) == (ARRIVED, True)


def test_a_second_flow_log_in_the_same_group_is_told_beside_the_declared_one() -> None:
    origin = replace(ORIGIN, flow_format="${dstaddr} ${srcaddr}")
    parts = list(read_messages(["10.0.0.2 10.0.0.1", RECORD, "1 2 3"], origin))
    assert len(rows(parts)) == 2
    (wrong,) = unreadable(parts)
    assert wrong.reason == "3 fields where the declared format has 2"
    assert (wrong.offset, wrong.content) == (2, b"1 2 3")


def test_a_format_that_cannot_be_told_says_how_to_declare_it() -> None:
    parts = list(read_messages(["10.0.0.2 10.0.0.1", "10.0.0.2 10.0.0.3"], ORIGIN))
    assert [part.offset for part in unreadable(parts)] == [0, 1]
    assert all("`flow_format`" in part.reason for part in unreadable(parts))


def test_a_header_line_among_the_messages_is_no_record() -> None:
    (row,) = rows(read_messages(["srcaddr bytes dstaddr", "10.0.0.1 5 10.0.0.2"], ORIGIN))
    assert row["bytes"] == 5


def test_a_log_event_has_one_key_by_whatever_road_it_comes() -> None:
    polled = list(read_messages([RECORD, "", "bad", RECORD], ORIGIN, event_ids=["1", "2", "3", "4"]))
    pushed = list(read_messages([RECORD], replace(ORIGIN, source="firehose", name="x"), event_ids=["4"]))
    (some,) = [part for part in polled if isinstance(part, Rows)]
    (one,) = [part for part in pushed if isinstance(part, Rows)]
    assert some.keys is not None
    assert one.keys is not None
    assert some.keys.to_pylist() == [event_key("1"), event_key("4")]
    assert one.keys.to_pylist() == [event_key("4")]
    assert len(event_key("4")) == 16
    assert some.rows["log_event_id"].to_pylist() == ["1", "4"]
    (keyless,) = read_messages([RECORD], ORIGIN)
    assert isinstance(keyless, Rows)
    assert keyless.keys is None


def test_without_start_the_time_of_the_log_event_is_taken() -> None:
    origin = replace(ORIGIN, flow_format="srcaddr dstaddr")
    parts = read_messages(["10.0.0.1 10.0.0.2"] * 2, origin, timestamps=[1418530010123, 10**30])
    first, second = rows(parts)
    assert first["start_time"] == datetime(2014, 12, 14, 4, 6, 50, 123000, tzinfo=UTC)
    assert second["start_time"] == ARRIVED
    assert first["time_from_object"] is True


def test_damaged_messages_are_set_aside_by_their_place() -> None:
    damaged = [
        RECORD.replace("4249", "x"),
        RECORD.replace("ACCEPT", "A\nB"),
        RECORD.replace("OK", "\ud800"),
        RECORD.replace("OK", "\0"),
    ]
    messages = [RECORD, *damaged, *[RECORD] * 4]
    parts = list(read_messages(messages, ORIGIN, event_ids=list("abcdefghi")))
    assert [row["log_event_id"] for row in rows(parts)] == ["a", "f", "g", "h", "i"]
    assert [part.offset for part in unreadable(parts)] == [1, 2, 3, 4]


@given(st.lists(st.text(max_size=40) | st.just(RECORD) | st.just(V2)), st.none() | st.text(max_size=30))
def test_no_message_and_no_declaration_raises(messages: list[str], declared: str | None) -> None:
    origin = replace(ORIGIN, flow_format=declared)
    parts = list(read_messages(messages, origin, event_ids=messages, timestamps=[-1] * len(messages)))
    assert len(rows(parts)) + len(unreadable(parts)) <= len(messages)
