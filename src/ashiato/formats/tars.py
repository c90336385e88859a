"""Members of a tar archive, read one after another without a seek."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO, cast

from ashiato.formats.inflate import CHUNK
from ashiato.formats.streams import Chunks, Damage, Readable

_ERRORS = (tarfile.TarError, OSError, ValueError, EOFError, OverflowError, MemoryError)


def is_tar(head: bytes) -> bool:
    """Whether content is a tar archive: by its first header's checksum, which text cannot have by chance.

    What a log holds is chosen by others, so JSON is none in any case.
    """
    if head[257:262] != b"ustar" or head[:1] in (b"{", b"["):
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except _ERRORS:
        return False
    return True


def tar_members(chunks: Iterator[bytes]) -> Iterator[tuple[str, int, Chunks]]:
    """(name, size, content) of each file; names are for messages only, never paths. What is damaged comes at
    the end, as a member without a name.

    Each is to be read before the next one is asked for.
    """
    stream = cast("IO[bytes]", Readable(iter(chunks)))
    header = _headers()
    try:
        # Behind a damaged header the next sound one is looked for, where tarfile would end without a word.
        with tarfile.open(
            fileobj=stream, mode="r|", bufsize=CHUNK, tarinfo=header, ignore_zeros=True
        ) as archive:
            for member in archive:
                if member.isreg():
                    yield member.name, member.size, _content(archive, member)
                # The archive would keep every header that it has read.
                archive.members = []  # type: ignore[attr-defined]
    except _ERRORS as error:
        yield "", 0, iter([Damage(f"the tar archive is damaged: {error}", 0)])
    if header.broken:
        reason = f"the tar archive is damaged: {header.broken} blocks stand where a header should"
        yield "", 0, iter([Damage(reason, 0)])


class _Header(tarfile.TarInfo):
    broken = 0


def _headers() -> type[_Header]:
    """A class of its own for one archive, which counts the blocks that are no headers."""

    class Header(_Header):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Header:
            try:
                return super().frombuf(buf, encoding, errors)
            except tarfile.TarError:
                if buf.strip(b"\0"):
                    cls.broken += 1
                raise

    return Header


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Chunks:
    made = 0
    try:
        file = archive.extractfile(member)
        while file is not None and (chunk := file.read(CHUNK)):
            made += len(chunk)
            yield chunk
    except _ERRORS as error:
        yield Damage(f"the archive's member is damaged: {error}", made)
        return
    if made < member.size:
        yield Damage("the archive ends inside this member", made)
