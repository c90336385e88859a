"""Records that stand in text of another kind: log daemons, notes, consoles and spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from ashiato.formats import text_records
from ashiato.formats.inflate import CHUNK
from ashiato.formats.reading import ObjectOrigin
from ashiato.formats.text_records import MAX_CELL
from formats.cloudtrail_samples import EVERY, INSIGHT, file_of, plain, read, said, skipped, tight, unreadable
from formats.flow_corpora import RECORD, V2, rows, text

RECORDS = [plain(1), EVERY, INSIGHT, plain(2)]
PREFIXES = (
    "<134>Nov 26 15:00:00 host cloudtrail[12]: ",
    "2026-11-26 15:00:00 [INFO] {worker-1} got ",
    "1: ",
)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_records, "PIECE", 500)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_records_behind_a_prefix(prefix: str) -> None:
    content = "\n".join(prefix + tight(record) for record in RECORDS).encode()
    assert said(content) == said(file_of(RECORDS))
    assert not unreadable(read(content)[1])


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("indent", [None, 2])
def test_records_in_notes(indent: int | None) -> None:
    blocks = "\n\nThen this happened (see [1]):\n```json\n".join(
        json.dumps(record, indent=indent, ensure_ascii=False) for record in RECORDS
    )
    content = f"# Incident 7\n{{not json}} at 10:00\n\n{blocks}\n```\n[1] https://example.com\n".encode()
    assert said(content) == said(file_of(RECORDS))
    assert not unreadable(read(content)[1])


def test_a_record_that_is_cut_in_notes_goes_to_quarantine() -> None:
    cut = tight(plain(2))[:-30]
    content = f"Seen:\n{tight(plain(1))}\nand then\n{cut}".encode()
    found, others = read(content)
    assert found is not None
    assert found.rows["eventID"].to_pylist() == [plain(1)["eventID"]]
    (lost,) = unreadable(others)
    assert lost.content == cut.encode()
    assert content[lost.offset :] == cut.encode()


def table(header: list[str], lines: list[list[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([header, *lines])
    return out.getvalue().encode()


def test_cells_of_a_console_export() -> None:
    lines = [[1704110400000, tight(record)] for record in RECORDS]
    for header in (["timestamp", "message"], ["@timestamp", "@message"], ["a", "b"]):
        content = table(header, lines)
        assert said(content) == said(file_of(RECORDS))
        assert not unreadable(read(content)[1])
    flows = rows(read(table(["timestamp", "message"], [[1, RECORD], [2, RECORD]]))[1])
    assert len(flows) == 2


def test_a_large_csv_is_read_row_by_row() -> None:
    """Many chunks, line breaks inside of cells, and a last row that goes on for ever."""
    spaced = json.dumps(plain(1), indent=1)
    content = table(["timestamp", "message"], [[n, spaced.replace("\n", "\r\n")] for n in range(10_000)])
    assert len(content) > 2 * CHUNK
    found, others = read(content + b'1,"' + b"x" * (MAX_CELL + 1))
    assert found is not None
    assert found.rows.num_rows == 10_000
    (lost,) = unreadable(others)
    assert "longer than" in lost.reason or "field limit" in lost.reason


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_flow_log_of_a_spreadsheet(separator: str, quote: str) -> None:
    nodata = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
    lines = [
        separator.join(f"{quote}{'' if value == '-' else value}{quote}" for value in line.split())
        for line in (V2.replace("-", "_"), RECORD, nodata)
    ]
    content = "\r\n".join([*lines, ""]).encode()
    expected = rows(read(text(V2, RECORD, nodata), ObjectOrigin("test", "s3://b/k"))[1])
    assert rows(read(content)[1])[0]["srcaddr"] == RECORD.split()[3]
    assert [row["log_status"] for row in rows(read(content)[1])] == ["OK", "NODATA"]
    assert len(expected) in (0, 2)


@pytest.mark.parametrize(
    "content",
    [
        b'timestamp,message\n1,hello\n2,"{}"\n',
        b'The field "eventVersion": "1.08" says which version a record has.\n',
        b"version,start,end\n1.0,a,b\n",
        b"id,message\n1,he said: ACCEPT me\n",
    ],
)
def test_text_that_only_speaks_of_records_is_skipped(content: bytes) -> None:
    found, others = read(content)
    assert found is None
    assert not unreadable(others)
    assert skipped(others)
