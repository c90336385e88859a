"""Decompression that stays bounded: gzip of several members and layers, zip, plain bytes."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from isal import isal_zlib

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
CHUNK = 4 << 20
#: Log text deflates to a tenth or a fiftieth; beyond this, after FREE bytes, it is a bomb.
MAX_RATIO = 200
FREE = 32 << 20
MAX_LAYERS = 4
MAX_ZIP_MEMBERS = 100_000


@dataclass(frozen=True)
class Damage:
    """Why decompression ended early: `offset` counts decompressed bytes; `content` is what was left."""

    reason: str
    offset: int
    content: bytes


def inflate(content: bytes) -> Iterator[bytes | Damage]:
    """Decompressed chunks of at most 4 MiB, then at most one Damage. Peels gzip while the magic matches.

    Several members follow one another (RFC 1952, 2.2), as Firehose concatenates them.
    """
    yield from _peel(iter([content]), len(content), MAX_LAYERS)


def _peel(chunks: Iterator[bytes | Damage], budget_base: int, layers: int) -> Iterator[bytes | Damage]:
    first = next(chunks, b"")
    if isinstance(first, Damage):
        yield first
        return
    while len(first) < 2:
        more = next(chunks, None)
        if more is None:
            break
        if isinstance(more, Damage):
            yield first
            yield more
            return
        first += more
    whole = _chain(first, chunks)
    if first[:2] != GZIP or layers == 0:
        yield from whole
        return
    yield from _peel(_gunzip(whole, budget_base), budget_base, layers - 1)


def _chain(first: bytes, rest: Iterator[bytes | Damage]) -> Iterator[bytes | Damage]:
    if first:
        yield first
    yield from rest


def _gunzip(chunks: Iterator[bytes | Damage], compressed_size: int) -> Iterator[bytes | Damage]:
    made = 0
    engine = isal_zlib.decompressobj(wbits=31)
    fresh = True
    for chunk in chunks:
        if isinstance(chunk, Damage):
            yield chunk
            return
        pending = chunk
        while pending:
            if engine.eof:
                if pending[:2] != GZIP and not (len(pending) < 2 and GZIP.startswith(pending)):
                    if pending.strip(b"\0"):
                        yield Damage(f"{len(pending)} bytes that are not gzip follow the end", made, pending)
                    return
                engine, fresh = isal_zlib.decompressobj(wbits=31), True
            try:
                out = engine.decompress(pending, CHUNK)
            except (isal_zlib.error, zlib.error) as error:
                yield Damage(f"the gzip stream is damaged: {error}", made, pending[: 1 << 20])
                return
            fresh = fresh and not out
            made += len(out)
            if out:
                yield out
            if made > FREE and made > MAX_RATIO * compressed_size:
                yield Damage(
                    f"decompression bomb: {compressed_size:,} bytes made more than {made:,}", made, b""
                )
                return
            pending = engine.unused_data if engine.eof else engine.unconsumed_tail
            if not out and not engine.eof and not pending:
                break
        while not engine.eof and not pending:
            # The engine may hold output back that fits no more into the last chunk.
            try:
                out = engine.decompress(b"", CHUNK)
            except (isal_zlib.error, zlib.error):
                break
            if not out:
                break
            made += len(out)
            yield out
    if not engine.eof:
        yield Damage("the gzip stream is truncated", made, b"")


def zip_members(content: bytes) -> Iterator[tuple[str, bytes | Damage]]:
    """Members of a zip archive, one after another; names are for messages only, never paths."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        yield "", Damage(f"the zip archive is damaged: {error}", 0, content)
        return
    if len(members) > MAX_ZIP_MEMBERS:
        yield "", Damage(f"the zip archive has {len(members):,} members", 0, b"")
        return
    made = 0
    for member in members:
        if member.is_dir():
            continue
        made += member.file_size
        if made > FREE and made > MAX_RATIO * len(content):
            yield member.filename, Damage(f"decompression bomb: {len(content):,} bytes", made, b"")
            return
        try:
            with archive.open(member) as stream:
                # The stated size is the archive's word only: read no more than that.
                data = stream.read(member.file_size + 1)
        except (zipfile.BadZipFile, OSError, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
            yield member.filename, Damage(f"the archive's member is damaged: {error}", 0, b"")
            continue
        yield member.filename, data
