"""What others did to logs before they came here: tar, other compressions, another encoding."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
from collections.abc import Callable, Sequence

import pyarrow as pa
import pytest

from ashiato.formats import inflate as module
from formats.cloudtrail_samples import file_of, plain, read, said, skipped, tight, unreadable, zipped

RECORDS = [plain(i) for i in range(40)]
FILE = file_of(RECORDS)
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda content: pa.compress(content, "zstd", asbytes=True),
    "lz4": lambda content: pa.compress(content, "lz4", asbytes=True),
}


def tarred(members: Sequence[tuple[str, bytes]], format_: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as archive:
        folder = tarfile.TarInfo("AWSLogs")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize("way", PACKED)
def test_other_compressions_are_unpacked(way: str) -> None:
    pack = PACKED[way]
    for content in (pack(FILE), pack(pack(FILE)), gzip.compress(pack(FILE)), zipped([pack(FILE)])):
        assert said(content) == said(FILE)
    if way != "lz4":  # Arrow stops behind the first frame
        assert said(pack(FILE) + pack(b"\n") + pack(file_of([plain(99)]))) == said(
            file_of([*RECORDS, plain(99)])
        )


@pytest.mark.parametrize("way", PACKED)
def test_a_cut_of_any_compression_costs_what_is_behind_it(way: str) -> None:
    content = b"\n".join(
        tight(plain(i, userAgent=random.Random(i).randbytes(9000).hex())).encode() for i in range(60)
    )
    packed = PACKED[way](content)
    for part in (0.3, 0.9):
        rows, others = read(packed[: int(len(packed) * part)])
        assert unreadable(others)
        assert (rows.rows.num_rows if rows else 0) < 60


@pytest.mark.parametrize("way", ["bzip2", "xz", "zstd"])
def test_no_compression_is_a_way_around_the_bound(way: str) -> None:
    bomb = PACKED[way](b"\0" * (module.FREE + (8 << 20)))
    (lost,) = unreadable(read(bomb)[1])
    assert "bomb" in lost.reason


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_archive_is_read_member_by_member(format_: int, pack: Callable[[bytes], bytes]) -> None:
    halves = [file_of(RECORDS[:20]), file_of(RECORDS[20:])]
    members = [
        ("AWSLogs/._a.json.gz", b"\0\5\26\7\0\2\0\0Mac OS X" + b"\0" * 100),
        ("AWSLogs/" * 8 + "a" * 90 + ".json.gz", gzip.compress(halves[0])),
        ("README", b"logs\n"),
        ("../../etc/b.zip", zipped([halves[1]])),
    ]
    content = pack(tarred(members, format_))
    assert said(content) == said(FILE)
    assert not unreadable(read(content)[1])


def test_a_damaged_tar_archive_gives_what_is_whole() -> None:
    big = tight(plain(9, userAgent="x" * 60_000)).encode()
    content = tarred([("a", file_of([plain(1)])), ("b", big), ("c", big)])
    for end in (20_000, 80_000):
        rows, others = read(content[:end])
        assert rows is not None
        assert plain(1)["eventID"] in rows.rows["eventID"].to_pylist()
        assert any(lost.reason.startswith(("b:", "c:")) for lost in unreadable(others))
    torn = bytearray(content)
    at = content.index(b"ustar", 1500) - 200
    torn[at : at + 8] = b"\xff" * 8
    assert any(
        "tar archive" in lost.reason or "member" in lost.reason for lost in unreadable(read(bytes(torn))[1])
    )


def test_what_a_record_says_makes_no_archive_of_its_file() -> None:
    record = plain(1)
    file = file_of([record | {"userAgent": "u" * 300}])
    start = file.index(b"uuuu")
    disguised = file[:257] + b"ustar" + file[262:] if start < 257 else file.replace(b"uuuuu", b"ustar", 1)
    assert len(said(disguised)) == 1


def test_archives_of_nothing_and_of_macos() -> None:
    assert skipped(read(tarred([]))[1])
    assert not unreadable(read(zipped([b"\0\0\0\1Bud1" + b"\0" * 50]))[1])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_utf_16_with_its_mark_is_read(encoding: str, end: str) -> None:
    text = end.join(tight(r) for r in [*RECORDS, plain(50, userAgent="足跡 😀")])
    content = ("" if encoding == "utf-16" else "\ufeff").encode(encoding) + text.encode(encoding)
    assert said(content) == said(text.encode())
    assert said(gzip.compress(content)) == said(text.encode())


def test_utf_16_that_is_damaged_gives_what_stands_before() -> None:
    text = "\n".join(tight(r) for r in RECORDS)
    content = bytearray(b"\xff\xfe" + text.encode("utf-16-le"))
    at = 2 + 2 * text.index(RECORDS[30]["eventID"])
    content[at : at + 2] = b"\x00\xdc"
    for bad in (bytes(content), content[: at - 1]):
        rows, others = read(bytes(bad))
        assert rows is not None
        assert rows.rows.num_rows == 30
        assert unreadable(others)


@pytest.mark.parametrize("content", [b"7z\xbc\xaf\x27\x1c\0\4", b"Rar!\x1a\x07\x01\0", b"Salted__12345678"])
def test_what_may_hold_logs_and_cannot_be_opened_says_so(content: bytes) -> None:
    (lost,) = unreadable(read(content + bytes(range(256)))[1])
    assert "unpack" in lost.reason
