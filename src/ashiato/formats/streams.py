"""Bytes that come in pieces: what may go wrong with them, as a file to read from, and in UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Damage:
    """Why decompression ended early: `offset` counts decompressed bytes; `content` is what was left.

    Empty `content`: nothing stands for itself, the delivered object as a whole is what must be kept.
    """

    reason: str
    offset: int
    content: bytes = b""


Chunks = Iterator[bytes | Damage]

#: No reader asks for more at once; a header that claims so is damaged.
MAX_READ: Final = 256 << 20


class Readable:
    """Chunks as a file to read from. It ends at a Damage, which `damage` then holds."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self._rest = b""
        self._at = 0
        self.damage: Damage | None = None
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, or fewer at the end. Raises ValueError for a size beyond reason."""
        if not 0 <= size <= MAX_READ:
            raise ValueError(f"{size} bytes asked for at once")
        parts: list[bytes] = []
        while size:
            if self._at == len(self._rest) and not self._next():
                break
            part = self._rest[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _next(self) -> bool:
        chunk = next(self._chunks, None) if self.damage is None else None
        if isinstance(chunk, Damage):
            self.damage = chunk
        if not isinstance(chunk, bytes):
            return False
        self._rest, self._at = chunk, 0
        return True

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Never."""
        return False

    def writable(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Nothing is held."""


UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


def as_utf8(chunks: Iterator[bytes], damage: list[Damage]) -> Iterator[bytes]:
    """The same text in UTF-8 where it begins as UTF-16 does, as Windows writes what a command prints.

    What is no UTF-16 ends it with a Damage. Anything else comes out as it is.
    """
    first = next(chunks, b"")
    while len(first) == 1 and (more := next(chunks, None)) is not None:
        first += more
    if first[:2] not in UTF_16:
        if first:
            yield first
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder("utf-16")()
    order = "utf-16-le" if first[:2] == UTF_16[0] else "utf-16-be"
    made = 0
    piece: bytes | None = first
    while piece is not None:
        following = next(chunks, None)
        try:
            text = decoder.decode(piece, final=following is None and not damage)
        except UnicodeDecodeError as error:
            text = error.object[: error.start].decode(order).removeprefix("\ufeff")
            damage.append(Damage(f"not UTF-16: {error.reason}", made + len(text.encode())))
            following = None
        encoded = text.encode()
        made += len(encoded)
        yield encoded
        piece = following
