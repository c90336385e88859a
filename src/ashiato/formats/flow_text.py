"""VPC and transit gateway flow logs as text: a header line and records, or records alone.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.flow_fields import (
    TYPES,
    UNKNOWN_FORMAT,
    Format,
    declared_format,
    header,
    header_again,
    recognised,
    resembles_record,
)
from ashiato.formats.flow_lines import LONGEST_LINE, checked_lines, columns_by_name, fault, parsed, too_long
from ashiato.formats.flow_rows import MOST_ROWS, RowBuilder
from ashiato.formats.reading import ObjectOrigin, Reading, Rows, Unreadable
from ashiato.formats.tables.vpc_flow_logs import VPC_FLOW_LOGS

_BOM = b"\xef\xbb\xbf"
_BLOCK = 16 << 20
_BY_LINE = 1 << 16
_MOST_LINES = 50_000
_SAMPLE = 100
_NAMES = pa.array([*TYPES, *(name.replace("_", "-") for name in TYPES)], pa.string())
_WORDS = re.compile(rb"^[a-z][a-z0-9_ -]*\r?$", re.MULTILINE)
_LAST_WORDS = {
    "log_status": (b"OK", b"NODATA", b"SKIPDATA", b"-"),
    "action": (b"ACCEPT", b"REJECT", b"-"),
    "flow_direction": (b"ingress", b"egress", b"-"),
}


def looks_like_flow_text(head: bytes) -> bool:
    """Whether text that begins with `head` (about 4 KiB, decompressed) is a flow log.

    True for a header line of flow-log fields (any order, any subset, newer ones among them), and for
    headerless records in a format that can be told from their values.
    """
    lines = _sample(head)
    if not lines or 0 in lines[0]:
        return False
    return header(lines[0], lines[1:]) is not None or _told(lines) is not None


def resembles_flow_text(head: bytes, flow_format: str | None = None) -> bool:
    """Whether text may be a flow log: also in a format that must be declared to be read, or is."""
    if looks_like_flow_text(head):
        return True
    lines = _sample(head)
    declared = declared_format(flow_format) if flow_format else None
    if declared is not None and sum(declared.accepts(_split(line)) for line in lines) * 2 > len(lines):
        return True
    return sum(map(resembles_record, lines)) * 2 > len(lines)


def _split(line: bytes) -> list[str]:
    return line.decode("utf-8", "replace").split(" ")


def _sample(head: bytes) -> list[bytes]:
    lines = head.removeprefix(_BOM).split(b"\n")
    if len(lines) > 1:
        lines.pop()  # cut by the end of the head, or empty
    return [line.removesuffix(b"\r") for line in lines if line.strip()][:_SAMPLE]


def read_text(chunks: Iterable[bytes], origin: ObjectOrigin, *, threads: bool = False) -> Reading:
    """Rows and unreadable lines of a flow log given as decompressed bytes, in pieces of any size.

    The header line says which fields there are; without one, `origin.flow_format` or the values do.
    `threads` lets pyarrow use several. Memory stays within a few blocks of 16 MiB.
    """
    reader = _TextReader(origin, threads=threads)
    for offset, block, last in _blocks(chunks):
        if isinstance(block, Unreadable):
            yield block
        else:
            yield from reader.read(offset, block, last=last)


def _blocks(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | Unreadable, bool]]:
    """(offset, whole lines, whether it is the text's unended rest); a line without end comes out cut."""
    offset = size = 0  # of the held bytes: where they begin, how many
    held: list[bytes] = []
    long_line: tuple[int, bytes] | None = None  # offset and first bytes of a line that goes on and on
    for chunk in _pieces(chunks):
        rest = chunk
        if long_line is not None:
            end = chunk.find(b"\n") + 1
            offset += end or len(chunk)
            if not end:
                continue
            yield long_line[0], _cut(*long_line, offset - 1 - long_line[0]), False
            long_line, rest = None, chunk[end:]
        held.append(rest)
        size += len(rest)
        if size < _BLOCK:
            continue
        if b"\n" not in rest:
            rest = b"".join(held)
            held = [rest]
        end = rest.rfind(b"\n") + 1
        if end:
            held[-1] = rest[:end]
            block = b"".join(held)
            yield offset, block, False
            offset += len(block)
            rest = rest[end:]
        if len(rest) > LONGEST_LINE:
            long_line = offset, rest[:LONGEST_LINE]
            offset += len(rest)
            rest = b""
        held, size = [rest], len(rest)
    if long_line is not None:
        yield long_line[0], _cut(*long_line, offset - long_line[0]), False
    text = b"".join(held)
    end = text.rfind(b"\n") + 1
    if end:
        yield offset, text[:end], False
    if end < len(text):
        yield offset + end, text[end:], True


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _BLOCK):
            yield chunk[start : start + _BLOCK]


def _cut(offset: int, content: bytes, size: int) -> Unreadable:
    return Unreadable(too_long(size), offset, content)


def _told(lines: list[bytes]) -> Format | None:
    """The format of headerless lines: that of the field count which most of them have."""
    by_count: dict[int, list[bytes]] = {}
    for line in filter(None, lines):
        by_count.setdefault(line.count(b" "), []).append(line)
    return recognised(max(by_count.values(), key=len)) if by_count else None


def _without_headers(layout: Format, block: bytes) -> bytes:
    """The block with blank lines, as many bytes, for copies of the format's header line."""
    line = b"\n" + " ".join(layout.names).encode() + b"\n"
    if block.startswith(line[1:]):
        block = b"\n" * len(line[1:]) + block[len(line) - 1 :]
    while line in block:  # twice where one follows another
        block = block.replace(line, b"\n" * len(line))
    return block


class _TextReader:
    """Reads block after block; holds the format in force and the records not yet given out."""

    def __init__(self, origin: ObjectOrigin, *, threads: bool) -> None:
        self._builder = RowBuilder(origin)
        self._declared = declared_format(origin.flow_format)
        self._threads = threads
        self._format: Format | None = None
        self._begun = False
        self._tables: list[pa.Table] = []
        self._lines: list[tuple[int, bytes]] = []  # good ones that are to follow the tables

    def read(self, offset: int, block: bytes, *, last: bool) -> Reading:
        """Parts of one block of whole lines (`last`: of the last line, which has no line end)."""
        if not self._begun:
            start = self._begin(block)
            offset, block = offset + start, block[start:]
        if last:
            yield from self._last_line(offset, block)
        else:
            yield from self._span(offset, block)
        yield from self._flush()

    def _begin(self, block: bytes) -> int:
        """Settles the format by the first lines; how many bytes there are before the first record."""
        start = len(_BOM) if block.startswith(_BOM) else 0
        start = len(block) - len(block[start:].lstrip(b"\r\n"))
        if start == len(block):
            return start
        self._begun = True
        lines = block[start : start + _SAMPLE * 1024].split(b"\n", _SAMPLE)[:_SAMPLE]
        lines = [line.removesuffix(b"\r") for line in lines]
        self._format = header(lines[0], lines[1:])
        if self._format is not None:
            return block.find(b"\n", start) + 1 or len(block)
        self._format = self._declared or _told(lines)
        return start

    def _last_line(self, offset: int, line: bytes) -> Reading:
        line = line.removesuffix(b"\r")
        again = header_again(line, self._format)
        if again is not None or not line:
            return
        if self._format is None:
            yield Unreadable(UNKNOWN_FORMAT, offset, line)
            return
        reason = fault(self._format, line)
        words = _LAST_WORDS.get(self._format.columns[-1] or "")
        if reason is None and words and line.rsplit(b" ", 1)[-1] not in words:
            reason = f"field {self._format.names[-1]} is cut"
        if reason is None:
            yield from self._span(offset, line + b"\n")
        else:
            yield Unreadable(f"last line, without line end: {reason}", offset, line[:LONGEST_LINE])

    def _span(self, offset: int, block: bytes) -> Reading:
        """Whole lines: at once if they are all good, else by ever smaller pieces."""
        if not block or (block[0] in b"\r\n" and not block.strip(b"\r\n")):
            return
        if self._format is None:
            yield from self._find_header(offset, block)
            return
        table = parsed(self._format, _without_headers(self._format, block), threads=self._threads)
        if table is not None and not self._has_header(table):
            if self._lines:
                yield from self._parse_lines()
            self._tables.append(table)
        elif len(block) <= _BY_LINE:
            yield from self._by_line(offset, block)
        else:
            size, start = max(len(block) // 16, _BY_LINE), 0
            while start < len(block):
                end = block.find(b"\n", min(start + size, len(block)) - 1) + 1
                read = self._by_line if end - start == len(block) else self._span
                yield from read(offset + start, block[start:end])
                start = end

    def _has_header(self, table: pa.Table) -> bool:
        """Whether a header line passed for a record, as it can only where no field is a number."""
        assert self._format is not None
        return not self._format.numbers and any(
            pc.any(pc.is_in(column, value_set=_NAMES)).as_py() for column in table.columns
        )

    def _find_header(self, offset: int, block: bytes) -> Reading:
        for words in _WORDS.finditer(block):
            self._format = header_again(words[0].removesuffix(b"\r"), None)
            if self._format is not None:
                if words.start():
                    yield Unreadable(UNKNOWN_FORMAT, offset, block[: words.start()])
                yield from self._span(offset + words.end() + 1, block[words.end() + 1 :])
                return
        yield Unreadable(UNKNOWN_FORMAT, offset, block)

    def _by_line(self, offset: int, block: bytes) -> Reading:
        for ended in block[:-1].split(b"\n"):
            line = ended.removesuffix(b"\r")
            again = header_again(line, self._format)
            if again is not None and again != self._format:
                yield from self._flush()
                self._format = again
            elif again is None and line:
                assert self._format is not None
                reason = fault(self._format, line)
                if reason is None:
                    self._lines.append((offset, line))
                else:
                    yield Unreadable(reason, offset, line[:LONGEST_LINE])
            offset += len(ended) + 1
        if len(self._lines) > _MOST_LINES:
            yield from self._parse_lines()

    def _parse_lines(self) -> Reading:
        """Good lines that stood beside damaged ones become a table."""
        lines, self._lines = self._lines, []
        assert self._format is not None
        for part in checked_lines(self._format, lines):
            if isinstance(part, Unreadable):
                yield part
            else:
                self._tables.append(part[0])

    def _flush(self) -> Reading:
        if self._lines:
            yield from self._parse_lines()
        if not self._tables:
            return
        assert self._format is not None
        table = pa.concat_tables(self._tables).combine_chunks()
        self._tables = []
        for start in range(0, table.num_rows, MOST_ROWS):
            yield self._rows(self._format, table.slice(start, MOST_ROWS))

    def _rows(self, layout: Format, table: pa.Table) -> Rows:
        fields, unknown = columns_by_name(layout, table)
        return Rows(VPC_FLOW_LOGS.name, self._builder.rows(fields, unknown, table.num_rows))
