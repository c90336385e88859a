"""One delivered object → its records, whatever shape AWS delivered them in.

Recognised by content, never by name. Small objects share the tables that come out of `LogReader.flush`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ashiato.formats import flow_records
from ashiato.formats.carried import begins_json
from ashiato.formats.cloudtrail import EventRows
from ashiato.formats.documents import DocumentReader
from ashiato.formats.event_gather import EventGather
from ashiato.formats.flow_gather import MOST_BYTES, FlowGather
from ashiato.formats.inflate import ZIP, Chunks, Damage, inflate, inflate_small, peel, zip_members
from ashiato.formats.large_documents import read_large
from ashiato.formats.log_exports import is_export, read_export
from ashiato.formats.reading import Gathered, ObjectOrigin, Part, Rows, Skipped, Unreadable
from ashiato.formats.streams import as_utf8
from ashiato.formats.tars import is_tar, tar_members
from ashiato.formats.text_records import (
    flow_separator,
    is_csv_of_messages,
    read_csv,
    read_inside_text,
    records_within,
    with_spaces,
)

#: JSON is read whole up to this size; larger documents in windows of it.
WINDOW = 32 << 20
HEAD = 64 << 10
MAX_NESTED_ZIP = 2
#: A zip archive inside of gzip or of another archive is read in memory.
MAX_INNER_ZIP = 256 << 20

_BLANK = b"\xef\xbb\xbf \t\r\n\0"
_FOREIGN = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"MZ", "a program"),
    # Without the NUL bytes that they begin with: what macOS puts beside the files of a folder.
    (b"\x05\x16\x07", "a file's attributes by macOS"),
    (b"\x01Bud1", "a folder's view by macOS"),
)
#: May hold logs, and cannot be opened here.
_CLOSED = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xff\x06", "a snappy stream"),
    (b"age-encryption.org/", "a file encrypted with age"),
    (b"-----BEGIN PGP MESSAGE", "a file encrypted with PGP"),
    (b"Salted__", "a file encrypted with OpenSSL"),
)


class LogReader:
    """Reads objects one after another.

    Small objects are gathered and read together: their parts come out of `settle`. CloudTrail events
    gather until `flush` or `max_events`.
    """

    def __init__(self, *, max_events: int = 20_000, threads: bool = False) -> None:
        self.events = EventRows(max_rows=max_events)
        self.files = EventGather(self.events)
        self.flows = FlowGather()
        self.max_events = max_events
        self.threads = threads

    def read(self, content: bytes, origin: ObjectOrigin) -> Iterator[Part]:
        """Parts of one object; they may come out of `settle`, its CloudTrail events of a later `flush`."""
        text = inflate_small(content)
        if text is not None and self.files.add(text, origin):
            return
        if content[:4] in ZIP:
            yield from self._zip(content, origin, MAX_NESTED_ZIP)
        else:
            yield from self._stream(inflate(content), origin, MAX_NESTED_ZIP)
        yield from self.events.overflow()

    @property
    def full(self) -> bool:
        """Whether enough is gathered for `settle`."""
        return self.files.full or self.flows.full

    def settle(self) -> Iterator[Gathered]:
        """Read what was gathered so far."""
        yield from self.files.take()
        yield from self.flows.take()

    def flush(self) -> Rows | None:
        """The CloudTrail events read so far; to be asked for after `settle`."""
        return self.events.take()

    def _zip(self, content: bytes, origin: ObjectOrigin, zips: int) -> Iterator[Part]:
        members = ((name, peel(chunks, len(content))) for name, chunks in zip_members(content))
        yield from self._members(members, origin, zips)

    def _members(
        self, members: Iterator[tuple[str, Chunks]], origin: ObjectOrigin, zips: int
    ) -> Iterator[Part]:
        skipped: Skipped | None = Skipped("an archive without files")
        for name, chunks in members:
            for part in self._stream(chunks, origin, zips - 1):
                if isinstance(part, Unreadable) and name:
                    yield Unreadable(f"{name}: {part.reason}", part.offset, part.content)
                else:
                    yield part
            skipped = None
        if skipped is not None:
            yield skipped

    def _stream(self, stream: Chunks, origin: ObjectOrigin, zips: int) -> Iterator[Part]:
        damage: list[Damage] = []
        chunks = as_utf8(_sound(stream, damage), damage)
        head, base = b"", 0
        for chunk in chunks:
            if not head.strip(_BLANK):
                base += len(head)
                head = chunk
            else:
                head += chunk
            if len(head) >= HEAD and head.strip(_BLANK):
                break
        for part in self._content(head, chain([head], chunks), base, origin, zips, damage):
            if not (isinstance(part, Skipped) and damage):
                yield part
        for d in damage:
            yield Unreadable(d.reason, d.offset, d.content)

    def _content(
        self,
        head: bytes,
        chunks: Iterator[bytes],
        base: int,
        origin: ObjectOrigin,
        zips: int,
        damage: list[Damage],
    ) -> Iterator[Part]:
        text = head.lstrip(_BLANK)
        if not text:
            nul = b"\0" in head
            empty = not nul or damage
            yield Skipped("an empty object") if empty else Unreadable("nothing but NUL bytes", 0, b"")
        elif head[:4] == b"PAR1":
            content = b"".join(chunks)
            if len(content) > MOST_BYTES or damage or not self.flows.add_parquet(content, origin):
                yield from flow_records.read_parquet(content, origin)
        elif head[:4] in ZIP and zips:
            yield from self._inner_zip(chunks, origin, zips)
        elif is_tar(head) and zips:
            members = ((name, peel(packed, size)) for name, size, packed in tar_members(chunks))
            yield from self._members(members, origin, zips)
        elif begins_json(text):
            yield from self._json(chunks, base, origin, damage)
        elif is_export(text):
            yield from read_export(chunks, base, DocumentReader(self.events, origin))
        elif is_csv_of_messages(text[:4096]):
            yield from read_csv(chunks, DocumentReader(self.events, origin))
        elif flow_records.resembles_flow_text(text[:4096], origin.flow_format):
            # A head shorter than HEAD is the whole content.
            if len(head) >= HEAD or damage or not self.flows.add_text(head, origin):
                yield from flow_records.read_text(chunks, origin, threads=self.threads)
        elif (separator := flow_separator(text[:4096])) is not None:
            yield from flow_records.read_text(with_spaces(chunks, separator), origin, threads=self.threads)
        else:
            yield from self._text(text, chunks, base, origin, damage)

    def _text(
        self, text: bytes, chunks: Iterator[bytes], base: int, origin: ObjectOrigin, damage: list[Damage]
    ) -> Iterator[Part]:
        """Something else, in which there may be records."""
        within = records_within(text[:HEAD])
        if within is None or _is_page(text):
            yield _foreign(text)
            return
        documents = DocumentReader(self.events, origin)
        yield from (
            read_csv(chunks, documents) if within == "cells" else read_inside_text(chunks, base, documents)
        )
        if damage and documents.half and not damage[-1].content:
            damage.pop()

    def _inner_zip(self, chunks: Iterator[bytes], origin: ObjectOrigin, zips: int) -> Iterator[Part]:
        archive = bytearray()
        for chunk in chunks:
            archive += chunk
            if len(archive) > MAX_INNER_ZIP:
                yield Unreadable("an archive inside of another that is larger than 256 MiB", 0, b"")
                return
        yield from self._zip(bytes(archive), origin, zips)

    def _json(
        self, chunks: Iterator[bytes], base: int, origin: ObjectOrigin, damage: list[Damage]
    ) -> Iterator[Part]:
        documents = DocumentReader(self.events, origin)
        window: list[bytes] = []
        size = 0
        for chunk in chunks:
            window.append(chunk)
            size += len(chunk)
            if size >= WINDOW:
                yield from read_large(b"".join(window), chunks, base, documents, WINDOW)
                break
        else:
            content = window[0] if len(window) == 1 else b"".join(window)
            if not damage and base == 0 and self.files.add(content, origin):
                return
            yield from documents.whole(content, base, truncated=bool(damage))
        if damage and documents.half and not damage[-1].content:
            # The half record at the end and the truncated stream are one loss, told once.
            damage.pop()


def _sound(parts: Chunks, damage: list[Damage]) -> Iterator[bytes]:
    for part in parts:
        if isinstance(part, Damage):
            damage.append(part)
        else:
            yield part


def _is_page(text: bytes) -> bool:
    return text[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<error"))


def _foreign(text: bytes) -> Part:
    if _is_page(text):
        return Unreadable(
            "a page of HTML or XML in place of a log: a proxy, a login page or an error answered", 0, b""
        )
    for magic, what in _FOREIGN:
        if text.startswith(magic):
            return Skipped(what)
    for magic, what in _CLOSED:
        if text.startswith(magic):
            return Unreadable(f"{what}: unpack it and take in what it holds", 0, b"")
    sample = text[:4096]
    printable = sum(32 <= b < 127 or b in (9, 10, 13) or b >= 128 for b in sample)
    try:
        sample.decode()
        clean = True
    except UnicodeDecodeError as error:
        clean = error.start >= len(sample) - 4
    if clean and printable >= 0.97 * len(sample):
        return Skipped("text that is no log of CloudTrail, Config or flow records")
    return Unreadable("neither text nor a format that AWS delivers logs in", 0, b"")
