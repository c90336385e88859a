"""Each damaged line is set aside with its field, place and bytes; all other lines are kept."""

from __future__ import annotations

import tracemalloc

import pyarrow as pa
import pytest

from ashiato.formats import flow_text
from ashiato.formats.flow_records import read_text
from formats.flow_corpora import ORIGIN, RECORD, V2, rows, text, unreadable

DAMAGED = {
    "too few fields": (RECORD.rsplit(" ", 1)[0], "13 fields where the format has 14"),
    "too many fields": (RECORD + " OK", "15 fields where the format has 14"),
    "not a number": (RECORD.replace("4249", "4x"), "field bytes: '4x' is not a whole number"),
    "an empty field": (RECORD.replace(" 4249 ", "  "), "field bytes: '' is not a whole number"),
    "a negative number": (RECORD.replace("4249", "-4249"), "field bytes: '-4249' is not a whole number"),
    "a hexadecimal number": (RECORD.replace("4249", "0x10"), "field bytes: '0x10' is not a whole number"),
    "a port out of range": (RECORD.replace("20641", "70000"), "field srcport: '70000' is greater than 65535"),
    "a version out of range": ("4" * 12 + RECORD[1:], "field version: '444444444444' is greater"),
    "a time beyond all calendars": (RECORD.replace("1418530010", "1" * 13), "field start: '1111111111111'"),
    "a number of 400 digits": (RECORD.replace("4249", "9" * 400), "field bytes: '" + "9" * 40 + "'… is"),
    "a NUL byte": (RECORD.replace("ACCEPT", "ACC\0PT"), "NUL byte at byte"),
    "a carriage return": (RECORD.replace("ACCEPT", "ACC\rPT"), "carriage return at byte"),
    "invalid UTF-8": (RECORD.replace("ACCEPT", "\udcff"), "field action: not UTF-8 at byte"),
    "a long line": (RECORD + "x" * 70_000, "a line of 70"),
    "HTML": ("<html><body>Access denied</body></html>", "2 fields where"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("place", [0, 3, 999])
def test_a_damaged_line_is_set_aside_and_the_others_are_kept(name: str, place: int) -> None:
    damaged, reason = DAMAGED[name]
    lines = [RECORD] * 999
    lines.insert(place, damaged)
    content = "\n".join([V2, *lines, ""]).encode("utf-8", "surrogateescape")
    parts = list(read_text([content], ORIGIN))
    assert len(rows(parts)) == 999
    (wrong,) = unreadable(parts)
    assert wrong.reason.startswith(reason)
    line = damaged.encode("utf-8", "surrogateescape")
    assert wrong.offset == len(V2) + 1 + place * (len(RECORD) + 1)
    assert wrong.content == line[: 1 << 16]


@pytest.mark.parametrize(
    ("rest", "reason"),
    [(RECORD[:40], "4 fields"), (RECORD[:-1], "field log-status is cut"), (RECORD[:-3], "13 fields")],
)
def test_a_last_line_that_was_cut_is_set_aside(rest: str, reason: str) -> None:
    parts = list(read_text([text(V2, RECORD) + rest.encode()], ORIGIN))
    assert len(rows(parts)) == 1
    (wrong,) = unreadable(parts)
    assert reason in wrong.reason
    assert "last line" in wrong.reason
    assert wrong.content == rest.encode()


def test_a_last_line_without_line_end_that_is_whole_is_kept() -> None:
    parts = list(read_text([text(V2, RECORD) + RECORD.encode()], ORIGIN))
    assert len(rows(parts)) == 2
    assert not unreadable(parts)


def test_every_line_damaged_leaves_no_rows() -> None:
    parts = list(read_text([text(V2, *["x y z"] * 5000)], ORIGIN))
    assert len(unreadable(parts)) == 5000
    assert not rows(parts)


def test_a_line_that_never_ends_takes_no_memory_and_hides_nothing_after_it() -> None:
    def chunks() -> object:
        yield text(V2, RECORD)
        for _ in range(100):
            yield b"x" * (1 << 20)
        yield b"\n" + text(RECORD)

    before = pa.total_allocated_bytes()
    tracemalloc.start()
    parts = list(read_text(chunks(), ORIGIN))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(rows(parts)) == 2
    (wrong,) = unreadable(parts)
    assert wrong.reason.startswith(f"a line of {100 << 20} bytes")
    assert wrong.offset == len(text(V2, RECORD))
    assert len(wrong.content) == 1 << 16
    assert peak < 70 << 20
    assert pa.total_allocated_bytes() - before < 70 << 20


def test_blocks_are_cut_between_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_text, "_BLOCK", 700)
    long = "y" * 70_000
    lines = [RECORD if place % 7 else f"{place} damaged" for place in range(100)] + [
        long,
        RECORD,
        long,
        long,
        RECORD,
    ]
    content = text(V2, *lines)
    for size in (1, 13, 699, 700, 701, 5000, 100_000, len(content)):
        parts = list(read_text([content[at : at + size] for at in range(0, len(content), size)], ORIGIN))
        assert len(rows(parts)) == lines.count(RECORD)
        wrong = unreadable(parts)
        assert len(wrong) == len(lines) - lines.count(RECORD)
        for part in wrong:
            assert content[part.offset :].startswith(part.content)
            assert part.offset == 0 or content[part.offset - 1 : part.offset] == b"\n"
