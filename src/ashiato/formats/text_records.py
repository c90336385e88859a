"""Records inside text: behind the prefix that a log daemon wrote, in a page of notes, in the cells of a CSV.

CloudWatch's console exports `timestamp,message`, log daemons put a time and a host before each message, and
people paste records into tickets.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Generator, Iterator
from typing import Final

from ashiato.formats.carried import begins_json, names_a_record
from ashiato.formats.documents import DocumentReader
from ashiato.formats.flow_text import looks_like_flow_text, resembles_flow_text
from ashiato.formats.json_scan import Value, values
from ashiato.formats.reading import Part, Skipped, Unreadable

#: Text is read in pieces of whole lines of about this size.
PIECE: Final = 16 << 20
#: A record that goes on for longer than this is none.
MAX_RECORD: Final = 64 << 20
#: Characters that a cell of a CSV may have; the csv module holds four bytes for each.
MAX_CELL: Final = 16 << 20
#: Flow records of a CSV that are read at once.
MOST_LINES: Final = 50_000
_NAMES = (b"eventVersion", b"eventID", b"eventId", b"configurationItemCaptureTime")
_RECORD = re.compile(
    rb'(?<!")"(?:eventVersion|eventID|eventId|configurationItemCaptureTime)\\*"\s*:\s*\\*["0-9]'
)
_ADDRESSES = re.compile(rb"(?:src|dst)addr|interface[-_]id")
_EMPTY = re.compile(rb"(?<= )(?=[ \r\n]|\Z)|^(?= )", re.MULTILINE)
_START = re.compile(rb'\{\s*\\?"|\[\s*\{')
_CELLS = re.compile(rb'""(?:eventVersion|eventID|eventId|configurationItemCaptureTime)""\s*:')
_FLOW = re.compile(rb" (?:ACCEPT|REJECT|NODATA|SKIPDATA|eni-[0-9a-f]{8,17}) ")
_MESSAGES = re.compile(rb'(?:[^\n]*,)?"?@?message"?(?:,[^\n]*)?\r?\n', re.IGNORECASE)


def records_within(head: bytes) -> str | None:
    """Where in text that is no log itself there are records: in the "cells" of a CSV, in its "text", or not."""
    if not any(name in head for name in _NAMES):
        return None
    if _CELLS.search(head):
        return "cells"
    return "text" if _RECORD.search(head) else None


def is_csv_of_messages(head: bytes) -> bool:
    """Whether text is a CSV with a column of messages in which there are records."""
    return _MESSAGES.match(head) is not None and bool(_CELLS.search(head) or _FLOW.search(head))


def read_inside_text(chunks: Iterator[bytes], base: int, documents: DocumentReader) -> Iterator[Part]:
    """Records between other text, which is passed over; `base` is the offset of the first chunk."""
    rest = b""
    before = documents.events.added
    found = False
    for chunk, last in _pieces(chunks):
        content = rest + chunk
        parts = _inside(content, base, documents, last=last)
        while True:
            try:
                part = next(parts)
            except StopIteration as stop:
                used = stop.value
                break
            if not isinstance(part, Skipped):
                found = True
                yield part
        rest, base = content[used:], base + used
        if len(rest) > MAX_RECORD:
            yield Unreadable(f"a record in text that goes on for more than {MAX_RECORD >> 20} MiB", base, b"")
            rest, base = b"", base + len(rest)
    if not found and documents.events.added == before:
        yield Skipped("text that is no log of CloudTrail, Config or flow records")


def _pieces(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Whole lines as far as there are any, and whether they are the last ones."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= PIECE:
            text = b"".join(held)
            end = text.rfind(b"\n") + 1 or len(text)
            yield text[:end], False
            held, size = [text[end:]], len(text) - end
    yield b"".join(held), True


def _inside(
    content: bytes, base: int, documents: DocumentReader, *, last: bool
) -> Generator[Part, None, int]:
    at = 0
    while start := _START.search(content, at):
        part = next(values(content, start=start.start()), None)
        if part is None:
            break
        end = part.offset + len(part.raw)
        if not isinstance(part, Value) and end >= len(content) and not last:
            return part.offset
        if names_a_record(part.raw):
            yield from documents.top(part, base, base + len(content))
        at = max(end, start.end())
    return len(content)


def read_csv(chunks: Iterator[bytes], documents: DocumentReader) -> Iterator[Part]:
    """The records in the cells of a CSV, row by row. The offset of a part is the number of its row."""
    csv.field_size_limit(MAX_CELL)
    rows, lines, found = 0, list[str](), False
    try:
        for row in csv.reader(_lines(chunks)):
            for cell in row:
                message = cell.strip().encode("utf-8", "surrogateescape")
                if begins_json(message[:4096]) and names_a_record(message):
                    found = True
                    yield from documents.message(message, rows)
                elif resembles_flow_text(message[:4096]):
                    found = True
                    lines.append(message.decode("utf-8", "replace"))
            rows += 1
            if len(lines) >= MOST_LINES:
                yield from documents.lines(lines, None)
                lines = []
    except csv.Error as error:
        yield Unreadable(f"row {rows} of a CSV cannot be read: {error}", rows, b"")
    yield from documents.lines(lines, None)
    if not found:
        yield Skipped("a CSV that holds no records")


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Lines as text; raises csv.Error for one that is longer than any cell may be."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from (line + "\n" for line in whole)
        if len(rest) > MAX_CELL:
            raise csv.Error(f"a line longer than {MAX_CELL >> 20} MiB")
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


def flow_separator(head: bytes) -> bytes | None:
    """What stands between the fields of a flow log whose header line has no spaces: comma, semicolon, tab."""
    line, end, following = head.partition(b"\n")
    if end and _ADDRESSES.search(line):
        for separator in (b",", b"\t", b";"):
            rest = _with_spaces(following, separator)
            if separator in line and looks_like_flow_text(_with_spaces(line, separator) + b"\n" + rest):
                return separator
    return None


def with_spaces(chunks: Iterator[bytes], separator: bytes) -> Iterator[bytes]:
    """A flow log with spaces between its fields, as AWS writes it; quotation marks go, empty fields are `-`."""
    for piece, _ in _pieces(chunks):
        yield _with_spaces(piece, separator)


def _with_spaces(text: bytes, separator: bytes) -> bytes:
    spaced = text.replace(b" ", b"%20").replace(b'"', b"").replace(separator, b" ")
    return _EMPTY.sub(b"-", spaced)
