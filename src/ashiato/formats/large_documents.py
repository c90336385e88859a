"""JSON that is too large to be held: read in windows, in time and memory linear in its size.

Between documents a window is read value by value. A document that is larger than a window is entered: its
records stand in an array, which is read element by element, and then left behind its closing brace.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ashiato.formats.documents import ARRAYS, DocumentReader, top_array
from ashiato.formats.json_scan import Broken, Value, elements, values
from ashiato.formats.reading import Part, Skipped, Unreadable

_BETWEEN = b" \t\r\n\0,"
#: The members behind a document's array are small: a token, a time.
_TAIL = 1 << 20
#: Elements of other arrays than CloudTrail's are read together, as a document of their own.
_BATCH = 4 << 20

#: Yields parts; returns how far the window is done with, and whether to go on in it.
Step = Generator[Part, None, tuple[int, bool]]


def read_large(
    window: bytes, chunks: Iterator[bytes], base: int, documents: DocumentReader, size: int
) -> Iterator[Part]:
    """Parts of JSON of which `window` (at offset `base`) is the beginning and `chunks` the rest.

    A window has about `size` bytes. A single value that is longer than two of them, and is no document with
    an array of records, goes to quarantine with all behind it: the object as a whole is kept then.
    """
    skipped: Skipped | None = None
    found = False
    reader = _Windows(documents)
    last = False
    while True:
        before = len(documents.events)
        steps = reader.steps(window, base, last=last)
        used = 0
        while True:
            try:
                part = next(steps)
            except StopIteration as stop:
                used = stop.value
                break
            if isinstance(part, Skipped):
                skipped = part
            else:
                found = True
                yield part
        found = found or len(documents.events) > before
        if last:
            break
        window, base = window[used:], base + used
        if len(window) >= 2 * size:
            yield Unreadable(f"a value longer than {size} bytes", base, b"")
            return
        more = [window]
        have = len(window)
        for chunk in chunks:
            more.append(chunk)
            have += len(chunk)
            if have >= size and have - len(window) >= size // 4:
                break
        else:
            last = True
        window = b"".join(more)
    if skipped is not None and not found:
        yield skipped


class _Windows:
    """Where in the JSON the window begins: between values, in an array (its key), or behind one."""

    def __init__(self, documents: DocumentReader) -> None:
        self.documents = documents
        self.array: str | None = None
        self.behind = False

    def steps(self, window: bytes, base: int, *, last: bool) -> Generator[Part, None, int]:
        """Parts of a window; returns how many of its bytes are done with."""
        at, more = 0, True
        while more:
            if self.behind:
                at, more = yield from self._behind(window, at, base, last=last)
            elif self.array is not None:
                at, more = yield from self._inside(self.array, window, at, base, last=last)
            else:
                at, more = yield from self._between(window, at, base, last=last)
        return at

    def _between(self, window: bytes, at: int, base: int, *, last: bool) -> Step:
        if not last:
            # The fast way for all lines that are whole, proven to be so by being read.
            end = max(window.rfind(b"\n"), window.rfind(b'}{"event')) + 1
            if end > at and self.documents.fast(window[at:end]):
                yield from self.documents.events.overflow()
                return end, False
        held: Value | Broken | None = None
        only = True
        for part in values(window, start=at):
            if held is not None:
                only = False
                yield from self.documents.top(held, base, base + len(window))
            held = part
        if held is None:
            return len(window), False
        if last:
            yield from self.documents.top(held, base, base + len(window))
            return len(window), False
        if only and held.offset + len(held.raw) >= len(window):
            # One value from here to the end of the window, and on.
            for key in ("",) if held.raw[:1] == b"[" else ARRAYS:
                start = 0 if key == "" else top_array(held.raw[:_TAIL], key)
                if start is not None:
                    self.array = key
                    return held.offset + start + 1, True
        return held.offset, False

    def _inside(self, key: str, window: bytes, at: int, base: int, *, last: bool) -> Step:
        documents = self.documents
        if key in ("", "Records") and not last:
            end = window.rfind(b'},{"event', at) + 1
            file = b'{"Records":[' + window[at:end].lstrip(_BETWEEN) + b"]}"
            if end > at and documents.events.add_file(file, documents.origin):
                yield from documents.events.overflow()
                return end, False
        batch: list[Value] = []
        size = 0
        half: Broken | None = None
        scan = elements(window, start=at - 1)
        while True:
            try:
                part = next(scan)
            except StopIteration as stop:
                end = stop.value
                break
            if isinstance(part, Broken) and part.offset + len(part.raw) >= len(window):
                half = part
            elif isinstance(part, Value) and key not in ("", "Records"):
                batch.append(part)
                size += len(part.raw)
                if size >= _BATCH:
                    yield from documents.rebuilt(key, batch, base)
                    batch, size = [], 0
            else:
                yield from documents.element(key, part, base)
        if batch:
            yield from documents.rebuilt(key, batch, base)
        if half is None:
            self.array, self.behind = None, key != ""
            return end, True
        if last:
            documents.half = True
            yield from documents.element(key, half, base)
            return len(window), False
        return half.offset, False

    def _behind(self, window: bytes, at: int, base: int, *, last: bool) -> Step:
        """The members behind the array, up to the document's closing brace."""
        rest = window[at : at + _TAIL]
        members = rest.lstrip(_BETWEEN)
        document = next(values(b"{" + members), None)
        if isinstance(document, Value):
            self.behind = False
            start = at + len(rest) - len(members)
            if b'"Records"' in document.raw:
                yield from self.documents.top(Value(start - 1, document.raw), base, 0)
            return start + len(document.raw) - 1, True
        if last or len(rest) == _TAIL:
            # Not what it seemed: what is there is read as what it is.
            self.behind = False
            return (len(window), False) if not members else (at, True)
        return at, False
