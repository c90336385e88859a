"""Damaged documents: what can be read is read, the rest comes out with its place and reason, no byte is lost."""

from __future__ import annotations

import base64
import gzip
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ashiato.formats import inflate, reader
from ashiato.formats.reading import Unreadable
from formats.cloudtrail_samples import (
    ROADS,
    Record,
    file_of,
    plain,
    read,
    sns,
    subscription,
    tight,
    unreadable,
    zipped,
)

RECORDS = [plain(i) for i in range(6)]
TEXTS = [tight(r) for r in RECORDS]


def ids(content: bytes) -> tuple[list[int], list[Unreadable]]:
    """Numbers of the records taken, and what was not."""
    rows, others = read(content)
    known = {record["eventID"]: number for number, record in enumerate(RECORDS)}
    found = [] if rows is None else [known.get(i, -1) for i in rows.rows["eventID"].to_pylist()]
    return found, unreadable(others)


def document(*elements: str) -> bytes:
    return f'{{"Records":[{",".join(elements)}]}}'.encode()


FAULTS: dict[str, str] = {
    "a number": "42", "null": "null", "text": '"x"', "a list": "[1]", "an empty object": "{}",
    "a word": "tru", "a control character": TEXTS[1].replace("aws-cli", "aws\tcli"), "NUL": TEXTS[1].replace("aws-cli", "a\0b"),
    "a missing comma": TEXTS[1].replace(',"eventSource"', '"eventSource"'), "a missing colon": TEXTS[1].replace('"eventTime":', '"eventTime"'),
    "a wrong escape": TEXTS[1].replace("aws-cli", "aws\\qcli"), "another record": '{"hello":"world"}',
    "depth 10,000": TEXTS[1].replace('{"userName":"user-1"}', '{"a":' * 10_000 + "1" + "}" * 10_000),
    "depth 600": TEXTS[1].replace('{"userName":"user-1"}', "[" * 600 + "]" * 600),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_element_costs_one_element(fault: str, place: int) -> None:
    elements = [TEXTS[0], TEXTS[2]]
    elements.insert(place, FAULTS[fault])
    content = document(*elements)
    found, bad = ids(content)
    assert found == [0, 2]
    (lost,) = bad
    assert lost.content.rstrip(b",]}") == FAULTS[fault].encode().rstrip(b",]}")
    assert lost.offset == content.index(lost.content, lost.offset)
    assert lost.reason


def test_invalid_utf8_in_one_record() -> None:
    bad = TEXTS[1].encode().replace(b"aws-cli", b"aws\xff\xfecli")
    content = document(TEXTS[0], "@", TEXTS[2]).replace(b"@", bad)
    found, lost = ids(content)
    assert (found, [part.content for part in lost]) == ([0, 2], [bad])
    assert "UTF-8" in lost[0].reason
    inner = TEXTS[1].encode().replace(b"user-1", b"\xc3\x28")
    assert ids(document(TEXTS[0], "@", TEXTS[2]).replace(b"@", inner))[0] == [0, 2]


@settings(max_examples=150, deadline=None)
@given(
    st.data(),
    st.sampled_from(["file", "bare array", "JSON Lines", "without delimiter", "file with white space"]),
)
def test_a_document_cut_anywhere(data: st.DataObject, road: str) -> None:
    content = ROADS[road](RECORDS)
    cut = data.draw(st.integers(1, len(content) - 1))
    found, lost = ids(content[:cut])
    assert found == list(range(len(found)))
    # Every byte that was delivered is in a record or in quarantine.
    kept = sum(len(part.content) or cut for part in lost)
    whole = len(ROADS[road](RECORDS[: len(found)])) if found else 0
    assert len(lost) <= 1
    assert kept + whole >= cut - 40
    assert lost or len(found) == len(RECORDS) or not content[:cut].rstrip(b" \n\r\t]}").endswith(b'"')


@pytest.mark.parametrize("road", sorted(ROADS))
def test_every_road_survives_any_damage(road: str) -> None:
    rng = random.Random(road)
    content = ROADS[road](RECORDS)
    for _ in range(25):
        broken = bytearray(content)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(broken))
            kind = rng.randrange(3)
            if kind == 0:
                broken[at] = rng.randrange(256)
            elif kind == 1:
                del broken[at : at + rng.randrange(1, 50)]
            else:
                broken[at:at] = rng.choice(
                    [b'"', b"}", b"{", b"\0\0", b"[[[", b'{"Records":[', b"\\", b"\xff"]
                )
            if not broken:
                broken += b"x"
        for part in unreadable(read(bytes(broken))[1]):
            assert part.reason


def test_damage_behind_the_records_is_kept() -> None:
    content = document(*TEXTS[:2])[:-1] + b',"tail":tru}'
    found, lost = ids(content)
    assert found == [0, 1]
    assert [part.content for part in lost] == [b',"tail":tru}']


def test_a_broken_record_with_an_array_of_its_own_is_not_taken_for_a_document() -> None:
    half = TEXTS[1].replace('{"userName":"user-1"}', '{"events":[{"a":1},{"b":2}],"Records":[{}]}')[:-30]
    found, lost = ids((TEXTS[0] + "\n" + half).encode())
    assert found == [0]
    assert [part.content for part in lost] == [half.encode()]


def test_a_truncated_stream_is_told_once() -> None:
    content = gzip.compress(file_of(RECORDS * 50), 6)
    rng = random.Random(2)
    for _ in range(40):
        cut = rng.randrange(20, len(content))
        _, lost = ids(content[:cut])
        assert len(lost) == 1
    # Stored, not deflated: a cut behind a comma leaves no half record.
    stored = gzip.compress(file_of(RECORDS), 0)
    at = stored.index(TEXTS[3].encode())
    found, lost = ids(stored[:at])
    assert found == [0, 1, 2]
    assert len(lost) == 1


def test_trailing_bytes() -> None:
    found, lost = ids(gzip.compress(file_of(RECORDS)) + b"trailing garbage")
    assert len(found) == 6
    assert [part.content for part in lost] == [b"trailing garbage"]
    found, lost = ids(file_of(RECORDS) + b"trailing garbage")
    assert len(found) == 6
    assert [part.content for part in lost] == [b"trailing garbage"]
    assert ids(file_of(RECORDS) + b"\0" * 512 + b"\n") == (list(range(6)), [])


@pytest.mark.parametrize("content", [b"\0" * 100, gzip.compress(b"\0" * 5000, mtime=0)])
def test_nothing_but_nul_bytes_is_not_empty(content: bytes) -> None:
    assert [part.reason for part in ids(content)[1]] == ["nothing but NUL bytes"]


@pytest.mark.parametrize("content", [b"", b" \n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0), zipped([])])
def test_an_empty_object_is_skipped(content: bytes) -> None:
    rows, others = read(content)
    assert rows is None
    assert not unreadable(others)
    assert len(others) == 1


def test_blank_before_the_records() -> None:
    blank = b" " * 200_000
    content = blank + document(TEXTS[0], "x1", TEXTS[2])
    found, lost = ids(content)
    assert found == [0, 2]
    assert content[lost[0].offset :][:2] == b"x1"


def test_messages_that_are_not_whole() -> None:
    payload = subscription([TEXTS[0], TEXTS[1][:-1], TEXTS[2], "", '{"a":1}'])
    payload["logEvents"].append({"id": "x", "timestamp": "soon"})
    payload["logEvents"].append(7)
    found, lost = ids(gzip.compress(tight(payload).encode()))
    assert found == [0, 2]
    assert lost[0].content == TEXTS[1][:-1].encode()
    assert len(lost) == 3


def test_lookup_events_with_a_bad_element() -> None:
    events: list[Any] = [{"EventId": "1", "CloudTrailEvent": text} for text in (TEXTS[0], "{", TEXTS[2])]
    events += [{"EventId": "2", "CloudTrailEvent": 5}, 3]
    found, lost = ids(tight({"Events": events}).encode())
    assert found == [0, 2]
    assert len(lost) == 3
    assert len(ids(b'{"Events":5}')[1]) == 1


@pytest.mark.parametrize(
    "data",
    [
        "not base64!",
        base64.b64encode(b"\x1f\x8b\x08zzzz").decode(),
        base64.b64encode(gzip.compress(file_of(RECORDS), mtime=0)[:-9]).decode(),
    ],
)
def test_payloads_that_cannot_be_unpacked(data: str) -> None:
    envelope = tight({"requestId": "r", "timestamp": 1, "records": [{"data": data}]}).encode()
    assert ids(envelope)[1][0].content == tight({"data": data}).encode()


def test_envelopes_around_themselves_end() -> None:
    message = TEXTS[0]
    for _ in range(30):
        message = tight(sns(message)) if len(message) < 1_000_000 else message
    _, lost = ids(message.encode())
    assert "envelopes" in lost[0].reason
    deep: Record = {"detail-type": "x", "detail": plain(1)}
    for _ in range(200):
        deep = {"detail-type": "x", "detail": deep}
    assert len(ids(tight(deep).encode())[1]) == 1


def test_html_in_place_of_a_log() -> None:
    for page in (
        b"<!DOCTYPE html><html><body>Sign in</body></html>",
        b"\n<html>",
        b"<?xml version='1.0'?><Error/>",
    ):
        (lost,) = ids(page)[1]
        assert "HTML" in lost.reason


ELB = b'h2 2024-01-01T00:00:00.000000Z app/lb/50dc6c495c0c9188 10.0.0.1:1 10.0.0.2:80 0.0 0.0 0.0 200 200 34 366 "GET https://x:443/ HTTP/2.0"\n'


@pytest.mark.parametrize(
    "content",
    [b"# README\n\nHello.\n", ELB * 3, gzip.compress(ELB * 3, mtime=0), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"%PDF-1.7\n", b"Permission Check Successful",
     b"a,b\n1,2\n", "手引き\n".encode() * 2000],
)  # fmt: skip
def test_other_kinds_are_skipped(content: bytes) -> None:
    rows, others = read(content)
    assert rows is None
    assert not unreadable(others)


def test_what_is_neither_is_quarantined() -> None:
    assert ids(random.Random(1).randbytes(5000))[1]


# -- windows ---------------------------------------------------------------------------------------------


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_windows_find_the_same_as_the_whole(data: st.DataObject) -> None:
    road = data.draw(st.sampled_from(["file", "bare array", "JSON Lines", "without delimiter", "files one after another",
                                      "file with white space", "filter-log-events", "LookupEvents on the wire"]))  # fmt: skip
    content = bytearray(ROADS[road](RECORDS * 2))
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"\xff", b"tru", b"}", b" , "])
        )
    window = data.draw(st.integers(1500, 4000))
    before = reader.WINDOW, reader.HEAD, inflate.CHUNK
    whole = ids(bytes(content))
    reader.WINDOW, reader.HEAD, inflate.CHUNK = window, 900, data.draw(st.integers(100, 900))
    try:
        found, lost = ids(bytes(content))
    finally:
        reader.WINDOW, reader.HEAD, inflate.CHUNK = before
    assert set(whole[0]) - set(found) == set() or lost
    # A comma too many behind the array is passed over by windows: no record is touched by it.
    assert lost or not whole[1] or set(found) == set(whole[0])
    for part in lost:
        if part.content and road not in ("filter-log-events", "LookupEvents on the wire"):
            assert content[part.offset : part.offset + len(part.content)] == part.content


def test_a_value_larger_than_two_windows_goes_to_quarantine_with_the_object() -> None:
    before = reader.WINDOW, reader.HEAD, inflate.CHUNK
    reader.WINDOW, reader.HEAD, inflate.CHUNK = 4000, 64, 500
    try:
        content = (TEXTS[0] + "\n" + tight({"x": "y" * 30_000}) + "\n" + TEXTS[1]).encode()
        found, lost = ids(content)
    finally:
        reader.WINDOW, reader.HEAD, inflate.CHUNK = before
    assert found == [0]
    assert [(part.content, "longer than" in part.reason) for part in lost] == [(b"", True)]
