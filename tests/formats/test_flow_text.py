"""A flow log in text is read by its header line, whatever fields it has; nothing that it says is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.formats.entities import entity_hash, hashes
from ashiato.formats.flow_fields import LIMITS, TYPES
from ashiato.formats.flow_records import entities_of, looks_like_flow_text, read_text, resembles_flow_text
from ashiato.formats.reading import Rows, Unreadable
from formats.cloudtrail_samples import read
from formats.flow_corpora import (
    ARRIVED,
    CORPORA,
    ORIGIN,
    RECORD,
    V2,
    examples,
    needs_corpora,
    rows,
    text,
    unreadable,
)


@needs_corpora
@pytest.mark.parametrize("path", examples(), ids=lambda path: path.stem)
def test_every_record_example_of_aws_is_read_whole(path: Path) -> None:
    content = path.read_bytes()
    assert looks_like_flow_text(content[:4096])
    parts = list(read_text([content], ORIGIN))
    assert not unreadable(parts)
    names, *records = [line.split() for line in content.decode().splitlines()]
    found = rows(parts)
    assert len(found) == len(records)
    for row, values in zip(found, records, strict=True):
        for name, value in zip(names, values, strict=True):
            kept = row.get(name.replace("-", "_"))
            assert (value == "-" and kept is None) or str(kept) == value
        assert row["entities"] == hashes((kind, value) for kind, value, _ in entities_of(row))


@needs_corpora
def test_records_without_data_and_skipped_ones_are_kept_as_what_they_are() -> None:
    found = rows(read_text([(CORPORA / "flow-records/example-1-14-fields.log").read_bytes()], ORIGIN))
    assert [row["log_status"] for row in found] == ["OK", "OK", "NODATA", "SKIPDATA", "OK", "OK", "OK"]
    assert "srcaddr" not in found[2]
    assert found[2]["start_time"] == datetime.fromtimestamp(1431280876, UTC)
    assert found[6]["srcaddr"] == "2001:db8:1234:a100:8d6e:3477:df66:f105"


def test_every_row_says_where_it_comes_from_and_when_it_was_delivered() -> None:
    (row,) = rows(read_text([text(V2, RECORD)], ORIGIN))
    assert row["source"] == "flows"
    assert row["object"] == ORIGIN.name
    assert row["delivered_at"] == ARRIVED
    assert row["start_time"] == datetime.fromtimestamp(1418530010, UTC)
    assert row["time_from_object"] is False
    assert entity_hash("address", "172.31.16.139") in row["entities"]


def test_a_field_that_aws_adds_tomorrow_lands_in_extra() -> None:
    content = text(
        "version srcaddr new-field dstaddr other-field",
        '12 10.0.0.1 a"b\\c 10.0.0.2 -',
        "12 10.0.0.1 - 10.0.0.2 -",
        "12 10.0.0.1 足跡 10.0.0.2 7",
    )
    assert looks_like_flow_text(content)
    parts = list(read_text([content], ORIGIN))
    assert not unreadable(parts)
    found = rows(parts)
    assert json.loads(found[0]["extra"]) == {"new-field": 'a"b\\c'}
    assert "extra" not in found[1]
    assert found[2]["extra"] == '{"new-field": "足跡", "other-field": "7"}'


def test_a_field_named_like_a_column_of_ours_is_no_way_to_forge_it() -> None:
    (row,) = rows(read_text([text("srcaddr dstaddr source object", "10.0.0.1 10.0.0.2 me mine")], ORIGIN))
    assert row["source"] == "flows"
    assert json.loads(row["extra"]) == {"source": "me", "object": "mine"}


def test_a_field_named_twice_keeps_both_values() -> None:
    (row,) = rows(
        read_text(
            [text("srcaddr dstaddr srcaddr", "10.0.0.1 10.0.0.2 10.0.0.3")],
            replace(ORIGIN, flow_format="srcaddr dstaddr srcaddr"),
        )
    )
    assert row["srcaddr"] == "10.0.0.1"
    assert json.loads(row["extra"]) == {"srcaddr": "10.0.0.3"}


def test_quotes_and_escapes_are_data() -> None:
    (row,) = rows(read_text([text("srcaddr dstaddr instance-tag", '10.0.0.1 "10.0.0.2 "a\\"b"')], ORIGIN))
    assert row["dstaddr"] == '"10.0.0.2'
    assert row["instance_tag"] == '"a\\"b"'


def test_a_format_without_times_takes_the_time_of_its_object() -> None:
    (row,) = rows(read_text([text("srcaddr dstaddr", "10.0.0.1 10.0.0.2")], ORIGIN))
    assert (row["start_time"], row["time_from_object"]) == (ARRIVED, True)
    (row,) = rows(read_text([text("srcaddr dstaddr end", "10.0.0.1 10.0.0.2 1418530070")], ORIGIN))
    assert (row["start_time"], row["time_from_object"]) == (datetime.fromtimestamp(1418530070, UTC), False)
    named = replace(ORIGIN, delivered_at=None, name="1_vpcflowlogs_eu-west-1_fl-1_20180620T1620Z_fe12.log.gz")
    (row,) = rows(read_text([text("srcaddr dstaddr", "10.0.0.1 10.0.0.2")], named))
    assert row["start_time"] == datetime(2018, 6, 20, 16, 20, tzinfo=UTC)


def test_an_unknown_account_is_kept_and_names_nobody() -> None:
    (row,) = rows(read_text([text("account-id srcaddr", "unknown 10.0.0.1")], ORIGIN))
    assert row["account_id"] == "unknown"
    assert row["entities"] == [entity_hash("address", "10.0.0.1")]


def test_transit_gateway_records_are_read() -> None:
    names = (
        "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id "
        "tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id "
        "tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr "
        "srcport dstport protocol packets bytes start end log-status type packets-lost-no-route "
        "packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region "
        "flow-direction pkt-src-aws-service pkt-dst-aws-service"
    )
    record = (
        "6 TransitGateway 111111111111 tgw-0a tgw-attach-0b 222222222222 333333333333 vpc-01 vpc-02 "
        "subnet-01 subnet-02 eni-01 eni-02 use1-az1 use1-az2 tgw-attach-0c 10.0.0.1 10.1.0.1 1234 443 6 5 "
        "400 1700000000 1700000060 OK IPv4 1 2 3 4 27 us-east-1 egress - -"
    )
    for content in (text(names, record), text(record)):
        assert looks_like_flow_text(content)
        (row,) = rows(read_text([content], ORIGIN))
        assert row["packets_lost_ttl_expired"] == 4
        assert row["tgw_pair_attachment_id"] == "tgw-attach-0c"
        assert entity_hash("resource", "tgw-0a") in row["entities"]
        assert entity_hash("account", "333333333333") in row["entities"]


def test_a_file_joined_of_several_objects_changes_its_format_at_each_header_line() -> None:
    content = text(
        V2, RECORD, V2, RECORD, "srcaddr dstaddr instance-id", "10.0.0.1 10.0.0.2 i-1",
        "dstaddr srcaddr instance-id", "10.0.0.2 10.0.0.1 i-2", "dstaddr srcaddr instance-id", V2, RECORD,
    )  # fmt: skip
    parts = list(read_text([content], ORIGIN))
    assert not unreadable(parts)
    found = rows(parts)
    assert [row["srcaddr"] for row in found] == ["172.31.16.139"] * 2 + ["10.0.0.1"] * 2 + ["172.31.16.139"]
    assert [row.get("instance_id") for row in found] == [None, None, "i-1", "i-2", None]


def test_a_header_alone_and_an_empty_file_hold_nothing_and_nothing_is_wrong() -> None:
    for content in (b"", b"\n\n", text(V2), V2.encode(), b"\xef\xbb\xbf" + text(V2)):
        assert list(read_text([content], ORIGIN)) == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_blank_lines_and_a_byte_order_mark_do_not_matter(end: str) -> None:
    content = b"\xef\xbb\xbf" + end.join(["", V2, RECORD, "", RECORD, "", ""]).encode()
    parts = list(read_text([content], ORIGIN))
    assert len(rows(parts)) == 2
    assert not unreadable(parts)


def test_records_without_a_header_are_told_by_their_values_or_by_the_declared_format() -> None:
    nodata = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
    assert looks_like_flow_text(text(nodata, RECORD))
    assert len(rows(read_text([text(nodata, RECORD)], ORIGIN))) == 2
    declared = replace(ORIGIN, flow_format="${dstaddr} ${srcaddr}")
    (row,) = rows(read_text([text("10.0.0.2 10.0.0.1")], declared))
    assert (row["srcaddr"], row["dstaddr"]) == ("10.0.0.1", "10.0.0.2")


def test_what_cannot_be_told_says_how_to_declare_it() -> None:
    content = text("10.0.0.2 10.0.0.1", "10.0.0.2 10.0.0.3")
    (part,) = read_text([content], ORIGIN)
    assert isinstance(part, Unreadable)
    assert "flow_format" in part.reason
    assert part.content == content
    first, *others = read_text([content + text(V2, RECORD)], ORIGIN)
    assert first == part
    assert len(rows(others)) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01",
        b"# README\nThis folder holds logs.\n",
        b"the type and region of the bytes\nwhich were sent to the host at\n",
        b"<html>\n<body>start</body>\n",
        b'{"Records": []}',
        b"version\n1.2\n",
        b"http 2018-07-02T22:23:00.186641Z app/my-lb/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80\n",
    ],
)
def test_other_text_is_not_taken_for_a_flow_log(content: bytes) -> None:
    assert not looks_like_flow_text(content)


@pytest.mark.parametrize(
    "content",
    [
        text(V2),
        text("srcaddr"),
        text("version bytes action", "2 5 ACCEPT"),
        text("bytes", "5"),
        text("version account-id future-a future-b future-c", "12 111111111111 a b c"),
        text("srcaddr future-field"),
        text(RECORD),
        RECORD.encode(),
        ("\n" + V2 + "\n" + RECORD + "\n2 123").encode(),
    ],
)
def test_flow_logs_are_recognised(content: bytes) -> None:
    assert looks_like_flow_text(content)


_SHORT = st.text(
    st.characters(codec="utf-8", exclude_characters=" \n\r\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=8,
)


@st.composite
def _logs(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    fields = [name.replace("_", "-") for name in TYPES]
    names = draw(
        st.lists(st.sampled_from([*fields, "new-field", "other-field"]), min_size=1, max_size=20, unique=True)
    )
    names = draw(
        st.permutations(
            ["srcaddr", "log-status", *(n for n in names if n not in ("srcaddr", "log-status", "new-field"))]
        )
    )
    value = {
        name: st.just("-")
        | (
            st.integers(0, LIMITS[column]).map(str)
            if (column := name.replace("-", "_")) in LIMITS
            else _SHORT
        )
        for name in names
    }
    value["log-status"] = st.sampled_from(["OK", "NODATA", "SKIPDATA"])
    record = st.tuples(*(value[name] for name in names)).map(list)
    return names, draw(st.lists(record, max_size=12))


@settings(deadline=None)
@given(_logs())
def test_any_fields_in_any_order_come_back_as_written(log: tuple[list[str], list[list[str]]]) -> None:
    names, records = log
    parts = list(read_text([text(" ".join(names), *map(" ".join, records))], ORIGIN))
    assert not unreadable(parts)
    found = rows(parts)
    assert len(found) == len(records)
    for row, record in zip(found, records, strict=True):
        extra = json.loads(row.get("extra", "{}"))
        for name, value in zip(names, record, strict=True):
            kept = row.get(name.replace("-", "_"), extra.get(name))
            assert str(kept) == value if value != "-" else kept is None
        assert row["entities"] == hashes((kind, value) for kind, value, _ in entities_of(row))


_HOSTILE = st.sampled_from(
    [
        RECORD, V2, RECORD + " ", "", "\r", "2 123", "x" * 100, RECORD + "\r", V2 + "\r", '"' + RECORD,
        RECORD.replace("4249", "-5"), RECORD.replace("4249", "0x10"), RECORD.replace("4249", "\t7"),
        RECORD.replace("4249", "007"), RECORD.replace("OK", "OK\r" + RECORD), RECORD.replace("OK", "\0"),
        RECORD.replace("20641", "70000"), RECORD.replace("1418530010", "9" * 400),
        RECORD.replace("ACCEPT", "\udcff"), "srcaddr dstaddr bytes", "10.0.0.1 10.0.0.2 6",
    ]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(_HOSTILE, max_size=12), st.lists(st.integers(0, 1500), max_size=6), st.booleans())
def test_where_the_bytes_are_cut_into_pieces_never_matters(
    lines: list[str], cuts: list[int], ended: bool
) -> None:
    content = "\n".join([V2, *lines]).encode("utf-8", "surrogateescape") + b"\n" * ended
    edges = [0, *sorted(cut for cut in cuts if cut < len(content)), len(content)]
    pieces = [content[start:end] for start, end in pairwise(edges)]
    whole, cut = list(read_text([content], ORIGIN)), list(read_text(pieces, ORIGIN))
    assert rows(whole) == rows(cut)
    assert unreadable(whole) == unreadable(cut)
    for part in unreadable(whole):
        assert content[part.offset :].startswith(part.content)


def test_a_line_reads_the_same_beside_a_damaged_one_and_without_it() -> None:
    lines = [RECORD, RECORD.replace("4249", "007"), RECORD.replace("ACCEPT", "'a\tb'"), RECORD + "\r"]
    alone = rows(read_text([text(V2, *lines)], ORIGIN))
    parts = list(read_text([text(V2, *lines, "damaged")], ORIGIN))
    assert rows(parts) == alone
    assert len(unreadable(parts)) == 1
    assert len(alone) == 4


def test_large_texts_come_in_bounded_parts() -> None:
    line = RECORD.encode() + b"\n"
    content = V2.encode() + b"\n" + line * 320_000
    parts = [part for part in read_text([content[:1000], content[1000:]], ORIGIN) if isinstance(part, Rows)]
    assert sum(part.rows.num_rows for part in parts) == 320_000
    assert max(part.rows.num_rows for part in parts) <= 200_000
    short = list(read_text([b"bytes packets protocol\n" + b"1 2 6\n" * 450_000], ORIGIN))
    assert [part.rows.num_rows for part in short if isinstance(part, Rows)] == [200_000, 200_000, 50_000]


_BYTES = st.binary(max_size=60) | st.sampled_from(
    [text(V2), text(RECORD), b"\n", b"  ", b"srcaddr ", b"10.0.0.1 ", b"\xef\xbb\xbf"]
)


@settings(deadline=None)
@given(st.lists(_BYTES, max_size=8))
def test_no_bytes_raise(pieces: list[bytes]) -> None:
    looks_like_flow_text(b"".join(pieces))
    rows(read_text(pieces, ORIGIN))


def test_a_line_of_blanks_is_set_aside_and_the_rest_is_read() -> None:
    for content, blanks in ((b"   \n", b"   \n"), (b"   ", b"   "), (b"\n \n" + text(V2, RECORD), b" ")):
        parts = list(read_text([content], ORIGIN))
        assert [part.content for part in unreadable(parts)] == [blanks]
        assert len(rows(parts)) == content.count(b"OK")


@pytest.mark.parametrize(
    "lines",
    [
        ["2 eni-0123456789abcdef0 192.0.2.7 192.0.2.8", "2 eni-0123456789abcdef0 192.0.2.9 192.0.2.8"],
        ["192.0.2.7 192.0.2.8 443 ACCEPT"],
        ["192.0.2.7 192.0.2.8"],
        ["- eni-0123456789abcdef0 192.0.2.7 192.0.2.8 192.0.2.7 203.0.113.5"],
    ],
)
def test_records_in_a_format_that_cannot_be_told_are_not_passed_over(lines: list[str]) -> None:
    _, others = read(text(*lines))
    (lost,) = unreadable(others)
    assert "flow_format" in lost.reason
    messages = [{"id": str(i), "timestamp": i, "message": line} for i, line in enumerate(lines)]
    _, others = read(json.dumps({"messageType": "DATA_MESSAGE", "logEvents": messages}).encode())
    assert [part.content.decode() for part in unreadable(others)] == lines


def test_a_damaged_header_does_not_cost_the_records_of_a_documented_layout() -> None:
    content = text(V2.replace("protocol", "proto\0col"), RECORD, RECORD)
    assert resembles_flow_text(content)
    parts = list(read_text([content], ORIGIN))
    assert len(rows(parts)) == 2
    (lost,) = unreadable(parts)
    assert b"proto\0col" in lost.content


def test_a_declared_format_is_used_for_text_without_a_header() -> None:
    declared = replace(ORIGIN, flow_format="${dstaddr} ${srcport} ${srcaddr}")
    _, others = read(text("192.0.2.8 443 192.0.2.7"), declared)
    (row,) = rows(others)
    assert (row["srcaddr"], row["dstaddr"], row["srcport"]) == ("192.0.2.7", "192.0.2.8", 443)


def test_a_documented_layout_is_told_also_with_a_version_of_another() -> None:
    values = RECORD.split()
    (row,) = rows(read_text([text(" ".join(["3", *values[1:]]))], ORIGIN))
    assert row["version"] == 3
    assert row["srcaddr"] == values[3]
