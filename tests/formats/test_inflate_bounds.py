"""Compressed content of every kind that AWS delivers, damaged in every way, never beyond its bounds."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.formats import inflate as module
from ashiato.formats.inflate import Damage, inflate, zip_members
from formats.cloudtrail_samples import zipped


def whole(content: bytes) -> tuple[bytes, list[Damage]]:
    parts = list(inflate(content))
    return b"".join(p for p in parts if isinstance(p, bytes)), [p for p in parts if isinstance(p, Damage)]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.binary(max_size=5000), max_size=5), st.integers(0, 3), st.integers(1, 64))
def test_members_and_layers(members: list[bytes], layers: int, chunk: int) -> None:
    before, module.CHUNK = module.CHUNK, chunk
    try:
        plain = b"x" + b"".join(members)
        content = gzip.compress(b"x") + b"".join(map(gzip.compress, members))
        for _ in range(layers):
            content = gzip.compress(content)
        assert whole(content) == (plain, [])
        assert all(len(p) <= max(chunk, 4) + 1 for p in inflate(content) if isinstance(p, bytes))
    finally:
        module.CHUNK = before


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=20_000), st.data())
def test_a_cut_stream_gives_its_beginning_and_says_so(plain: bytes, data: st.DataObject) -> None:
    # What begins like gzip itself would be opened once more.
    plain = b"x" + plain
    content = gzip.compress(plain)
    cut = data.draw(st.integers(2, len(content) - 1))
    found, damage = whole(content[:cut])
    assert plain.startswith(found)
    assert [d.reason for d in damage] == ["the gzip stream is truncated"]
    assert damage[0].offset == len(found)


def test_bytes_behind_the_end_are_kept_and_padding_is_not() -> None:
    content = gzip.compress(b"hello")
    assert whole(content + b"rest")[1] == [Damage("4 bytes that are not gzip follow the end", 5, b"rest")]
    assert whole(content + b"\0" * 100) == (b"hello", [])
    assert whole(content + b"\x1f")[1][0].reason == "the gzip stream is truncated"


def test_a_flipped_byte_is_damage_not_an_exception() -> None:
    rng = random.Random(1)
    content = gzip.compress(rng.randbytes(50_000))
    for _ in range(200):
        broken = bytearray(content)
        broken[rng.randrange(2, len(broken))] ^= 1 << rng.randrange(8)
        found, damage = whole(bytes(broken))
        assert damage or found


def test_plain_bytes_come_in_chunks() -> None:
    parts = list(inflate(b"x" * (9 << 20)))
    assert [len(p) for p in parts if isinstance(p, bytes)] == [4 << 20, 4 << 20, 1 << 20]
    assert list(inflate(b"")) == []


def bomb(size: int) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"\0" * (1 << 20)
    return b"".join(engine.compress(block) for _ in range(size >> 20)) + engine.flush()


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_a_gibibyte_in_a_mebibyte_is_not_inflated(layers: int) -> None:
    content = bomb(1 << 30)
    assert len(content) < 1 << 20 | 1 << 18
    for _ in range(layers):
        content = gzip.compress(content)
    made, damage = 0, []
    for part in inflate(content):
        if isinstance(part, Damage):
            damage.append(part.reason)
        else:
            made += len(part)
    assert made < module.MAX_RATIO * len(content) + module.FREE + 2 * module.CHUNK
    assert len(damage) == 1
    assert "bomb" in damage[0]


def members(content: bytes) -> list[tuple[str, bytes, list[str]]]:
    out = []
    for name, chunks in zip_members(content):
        parts = list(chunks)
        data = b"".join(p for p in parts if isinstance(p, bytes))
        out.append((name, data, [p.reason for p in parts if isinstance(p, Damage)]))
    return out


def test_zip_members_come_in_order_and_names_are_only_names() -> None:
    assert members(zipped([b"a", b"b" * 100])) == [("../0.json", b"a", []), ("../1.json", b"b" * 100, [])]
    assert members(zipped([])) == []


def test_a_damaged_archive_says_so() -> None:
    content = zipped([b"hello" * 1000, b"world"])
    assert members(content[:-30])[0][2][0].startswith("the zip archive is damaged")
    at = content.index(b"../0.json") + 20
    broken = content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :]
    (first, second) = members(broken)
    assert first[2]
    assert second == ("../1.json", b"world", [])


def test_a_bomb_in_a_zip_stops_the_archive() -> None:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("bomb", "w") as member,
    ):
        for _ in range(300):
            member.write(b"[" * (1 << 20))
    found = 0
    reasons: list[str] = []
    for _, chunks in zip_members(made.getvalue()):
        for part in chunks:
            if isinstance(part, Damage):
                reasons.append(part.reason)
            else:
                found += len(part)
    assert "bomb" in reasons[0]
    assert found < 120 << 20


def test_a_zip_with_a_password_says_so() -> None:
    content = zipped([b"secret"])
    for sign, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked = bytearray(content)
        at = content.index(sign)
        while at != -1:
            locked[at + flags] |= 1
            at = content.find(sign, at + 1)
        content = bytes(locked)
    assert [bool(reasons) for _, _, reasons in members(content)] == [True]
