"""Decompression that stays bounded: gzip of several members and layers, bzip2, xz, zstd, lz4, zip, plain."""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO, Any, cast

from isal import isal_zlib

from ashiato.formats.streams import Chunks, Damage, Readable

__all__ = ["CHUNK", "GZIP", "ZIP", "Chunks", "Damage", "inflate", "peel", "zip_members"]

GZIP = b"\x1f\x8b"
#: How a zip archive begins; the second one is of an archive without members.
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
CHUNK = 4 << 20
SMALL = 256 << 10
#: Log text deflates to a tenth or a fiftieth; beyond this, after FREE bytes, it is a bomb.
MAX_RATIO = 200
FREE = 32 << 20
MAX_LAYERS = 4
MAX_ZIP_MEMBERS = 100_000

#: How a stream begins that others packed again, and what unpacks it.
_PACKED: dict[bytes, Callable[[Readable], IO[bytes]]] = {
    **{b"BZh%d1AY&SY" % level: lambda file: bz2.BZ2File(cast("IO[bytes]", file)) for level in range(1, 10)},
    b"\xfd7zXZ\0": lambda file: lzma.LZMAFile(cast("IO[bytes]", file)),  # noqa: SIM115 (nothing is held)
    b"\x28\xb5\x2f\xfd": lambda file: _arrow(file, "zstd"),
    b"\x04\x22\x4d\x18": lambda file: _arrow(file, "lz4"),
}
_MAGICS = (GZIP, *_PACKED)
_LONGEST = max(map(len, _MAGICS))
_PACKED_ERRORS = (OSError, EOFError, ValueError, lzma.LZMAError, MemoryError)
_GZIP_ERRORS: tuple[Any, ...] = (isal_zlib.error, zlib.error)
_ZIP_ERRORS = (zipfile.BadZipFile, OSError, ValueError, zlib.error, RuntimeError, EOFError)


def inflate(content: bytes) -> Chunks:
    """Decompressed chunks of at most 4 MiB, then at most one Damage. Peels gzip while the magic matches.

    Several members follow one another (RFC 1952, 2.2), as Firehose concatenates them.
    """
    return peel(_slices(content), len(content))


def inflate_small(content: bytes) -> bytes | None:
    """The text of a small gzip object of one sound member; None for anything else, which `inflate` reads.

    Most objects of AWS are so, and hold so little that the generators of `inflate` take longer than they do.
    """
    if len(content) > SMALL or content[:2] != GZIP:
        return None
    engine = isal_zlib.decompressobj(wbits=31)
    try:
        text: bytes = engine.decompress(content, CHUNK)
    except _GZIP_ERRORS:
        return None
    return text if engine.eof and not engine.unused_data else None


def peel(chunks: Chunks, compressed_size: int) -> Chunks:
    """The same of bytes that come in chunks; `compressed_size` is what the ratio is taken from."""
    return _peel(chunks, compressed_size, MAX_LAYERS)


def _slices(content: bytes) -> Chunks:
    if len(content) <= CHUNK:
        yield content
        return
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


def _peel(chunks: Chunks, compressed_size: int, layers: int) -> Chunks:
    held: list[bytes] = []
    first = b""
    while len(first) < _LONGEST and any(
        len(first) < len(magic) and magic.startswith(first) for magic in _MAGICS
    ):
        more = next(chunks, None)
        if more is None:
            break
        if isinstance(more, Damage):
            yield from held
            yield more
            return
        if more:
            held.append(more)
        first += more[:_LONGEST]
    whole = chain(held, chunks)
    if layers == 0 or not first.startswith(_MAGICS):
        yield from whole
    elif first[:2] == GZIP:
        yield from _peel(_gunzip(whole, compressed_size), compressed_size, layers - 1)
    else:
        opened = next(opener for magic, opener in _PACKED.items() if first.startswith(magic))
        yield from _peel(_unpacked(whole, opened, compressed_size), compressed_size, layers - 1)


def _arrow(file: Readable, codec: str) -> IO[bytes]:
    import pyarrow as pa

    return cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(file, mode="r"), codec))


def _unpacked(chunks: Chunks, opened: Callable[[Readable], IO[bytes]], compressed_size: int) -> Chunks:
    made = 0
    packed = Readable(chunks)
    try:
        stream = opened(packed)
        while out := stream.read(CHUNK):
            made += len(out)
            yield out
            if made > FREE and made > MAX_RATIO * compressed_size:
                yield _bomb(compressed_size, made)
                return
    except _PACKED_ERRORS as error:
        yield packed.damage or Damage(f"the compressed stream is damaged: {error}", made)
        return
    if packed.damage is not None:
        yield packed.damage


def _gunzip(chunks: Chunks, compressed_size: int) -> Chunks:
    made = 0
    engine = isal_zlib.decompressobj(wbits=31)
    for chunk in chunks:
        if isinstance(chunk, Damage):
            yield chunk
            return
        pending = chunk
        while True:
            if engine.eof and pending:
                if not (pending[:2] == GZIP or pending == GZIP[:1]):
                    # Zeros pad the end of a block; anything else does not belong there.
                    if pending.strip(b"\0"):
                        yield Damage(f"{len(pending)} bytes that are not gzip follow the end", made, pending)
                        return
                    break
                engine = isal_zlib.decompressobj(wbits=31)
            try:
                out = engine.decompress(pending, CHUNK)
            except _GZIP_ERRORS as error:
                yield Damage(f"the gzip stream is damaged: {error}", made)
                return
            made += len(out)
            if out:
                yield out
            if made > FREE and made > MAX_RATIO * compressed_size:
                yield _bomb(compressed_size, made)
                return
            pending = engine.unused_data if engine.eof else engine.unconsumed_tail
            # Without input the engine may still hold back what did not fit into the last chunk.
            if not pending and (engine.eof or not out):
                break
    if not engine.eof:
        yield Damage("the gzip stream is truncated", made)


def _bomb(compressed_size: int, made: int) -> Damage:
    return Damage(f"decompression bomb: {compressed_size:,} bytes made more than {made:,}", made)


def zip_members(content: bytes) -> Iterator[tuple[str, Chunks]]:
    """Members of a zip archive, one after another; names are for messages only, never paths.

    Each is to be read before the next one is asked for.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = archive.infolist()
    except _ZIP_ERRORS as error:
        yield "", iter([Damage(f"the zip archive is damaged: {error}", 0)])
        return
    if len(members) > MAX_ZIP_MEMBERS:
        yield "", iter([Damage(f"the zip archive has {len(members):,} members", 0)])
        return
    budget = _Budget(len(content))
    for member in members:
        if not member.is_dir():
            yield member.filename, _member(archive, member, budget)
            if budget.spent:
                return


class _Budget:
    """Bytes that the members of an archive have made together."""

    def __init__(self, compressed_size: int) -> None:
        self.compressed_size = compressed_size
        self.made = 0

    @property
    def spent(self) -> bool:
        return self.made > FREE and self.made > MAX_RATIO * self.compressed_size


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: _Budget) -> Chunks:
    made = 0
    try:
        with archive.open(member) as stream:
            while chunk := stream.read(CHUNK):
                made += len(chunk)
                budget.made += len(chunk)
                yield chunk
                if budget.spent:
                    yield _bomb(budget.compressed_size, budget.made)
                    return
    except _ZIP_ERRORS as error:
        yield Damage(f"the archive's member is damaged: {error}", made)
