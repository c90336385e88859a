"""One delivered object → its records, whatever shape AWS delivered them in.

Recognised by content, never by name. Small objects share the tables that come out of `LogReader.flush`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ashiato.formats import flow_records
from ashiato.formats.cloudtrail import EventRows
from ashiato.formats.documents import DocumentReader
from ashiato.formats.flow_gather import MOST_BYTES, FlowGather, Gathered
from ashiato.formats.inflate import ZIP, Damage, inflate, zip_members
from ashiato.formats.reading import ObjectOrigin, Part, Rows, Skipped, Unreadable

#: JSON is read whole up to this size; larger documents in windows of it.
WINDOW = 64 << 20
HEAD = 64 << 10
MAX_NESTED_ZIP = 2

_FOREIGN = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
)


class LogReader:
    """Reads objects one after another; CloudTrail events gather until `flush` or `max_events`."""

    def __init__(self, *, max_events: int = 20_000, threads: bool = False) -> None:
        self.events = EventRows()
        self.flows = FlowGather()
        self.max_events = max_events
        self.threads = threads

    def read(self, content: bytes, origin: ObjectOrigin) -> Iterator[Part]:
        """Parts of one object; its CloudTrail events may come out of this or a later `flush`."""
        yield from self._container(content, origin, MAX_NESTED_ZIP)

    def flush(self) -> Rows | None:
        """The CloudTrail events gathered so far."""
        return self.events.take()

    def flush_flows(self) -> Iterator[Gathered]:
        """The records of small flow-log objects gathered so far, with the objects that they belong to."""
        return self.flows.take()

    def _container(self, content: bytes, origin: ObjectOrigin, zips: int) -> Iterator[Part]:
        if content[:4] == ZIP and zips:
            for name, member in zip_members(content):
                if isinstance(member, Damage):
                    yield Unreadable(f"{name}: {member.reason}" if name else member.reason, 0, member.content)
                else:
                    yield from self._container(member, origin, zips - 1)
            return
        damage: list[Damage] = []
        chunks = _sound(inflate(content), damage)
        head = next(chunks, b"")
        while len(head) < HEAD:
            more = next(chunks, None)
            if more is None:
                break
            head += more
        found = 0
        for part in self._content(head, chain([head], chunks), origin, damage):
            found += not isinstance(part, Skipped)
            if isinstance(part, Skipped) and damage:
                continue
            yield part
        for d in damage:
            yield Unreadable(d.reason, d.offset, d.content or content[: 1 << 20])

    def _content(
        self, head: bytes, chunks: Iterator[bytes], origin: ObjectOrigin, damage: list[Damage]
    ) -> Iterator[Part]:
        text = head.lstrip(b"\xef\xbb\xbf \t\r\n\0")
        if not text:
            for _ in chunks:
                pass
            yield Skipped("an empty object")
        elif head[:4] == b"PAR1":
            content = b"".join(chunks)
            if len(content) > MOST_BYTES or damage or not self.flows.add_parquet(content, origin):
                yield from flow_records.read_parquet(content, origin)
        elif text[:1] in (b"{", b"["):
            yield from self._json(chunks, origin, damage)
        elif _is_export(text):
            yield from self._export(chunks, origin)
        elif flow_records.looks_like_flow_text(text[:4096]):
            # A head shorter than HEAD is the whole content.
            if len(head) >= HEAD or damage or not self.flows.add_text(head, origin):
                yield from flow_records.read_text(chunks, origin, threads=self.threads)
        else:
            yield _foreign(text)

    def _json(self, chunks: Iterator[bytes], origin: ObjectOrigin, damage: list[Damage]) -> Iterator[Part]:
        documents = DocumentReader(self.events, origin)
        window = bytearray()
        base = 0
        whole = True
        for chunk in chunks:
            window += chunk
            if len(window) < WINDOW:
                continue
            if whole:
                documents.open(bytes(window))
                whole = False
            used = yield from documents.window(bytes(window), base, last=False)
            yield from self._full()
            del window[:used]
            base += used
        content = bytes(window)
        del window
        if whole:
            yield from documents.whole(content, truncated=bool(damage))
        else:
            yield from documents.window(content, base, last=True)
        if damage and documents.half:
            # The half record at the end and the truncated stream are one loss, told once.
            damage.clear()
        yield from self._full()

    def _full(self) -> Iterator[Part]:
        if len(self.events) >= self.max_events:
            rows = self.events.take()
            if rows is not None:
                yield rows

    def _export(self, chunks: Iterator[bytes], origin: ObjectOrigin) -> Iterator[Part]:
        """Lines of a CloudWatch Logs export: a timestamp, a space, the message."""
        documents = DocumentReader(self.events, origin)
        rest = b""
        base = 0
        for chunk in chain(chunks, [None]):
            block = rest + (chunk or b"")
            cut = len(block) if chunk is None else block.rfind(b"\n") + 1
            if cut == 0 and len(block) > WINDOW:
                yield Unreadable("a line longer than 64 MiB", base, block[: 1 << 20])
                base, rest = base + len(block), b""
                continue
            yield from documents.export_lines(block[:cut], base)
            yield from self._full()
            base, rest = base + cut, block[cut:]


def _sound(parts: Iterator[bytes | Damage], damage: list[Damage]) -> Iterator[bytes]:
    for part in parts:
        if isinstance(part, Damage):
            damage.append(part)
        else:
            yield part


def _is_export(text: bytes) -> bool:
    """`2023-01-01T00:00:00.000Z {…}` or `… 2 123456789010 eni-…`."""
    line = text[:64]
    return (
        len(line) > 25
        and line[4:5] == b"-"
        and line[7:8] == b"-"
        and line[10:11] == b"T"
        and line[23:25] == b"Z "
        and line[:4].isdigit()
        and (line[25:26] == b"{" or line[25:26].isdigit())
    )


def _foreign(text: bytes) -> Part:
    lower = text[:256].lower()
    if lower.startswith((b"<!doctype", b"<html", b"<?xml", b"<error")):
        return Unreadable(
            "a page of HTML or XML in place of a log: a proxy, a login page or an error answered", 0, text
        )
    for magic, what in _FOREIGN:
        if text.startswith(magic):
            return Skipped(what)
    sample = text[:4096]
    printable = sum(32 <= b < 127 or b in (9, 10, 13) or b >= 128 for b in sample)
    try:
        sample.decode()
        clean = True
    except UnicodeDecodeError as error:
        clean = error.start >= len(sample) - 4
    if clean and printable >= 0.97 * len(sample):
        return Skipped("text that is no log of CloudTrail, Config or flow records")
    return Unreadable("neither text nor a format that AWS delivers logs in", 0, text)
