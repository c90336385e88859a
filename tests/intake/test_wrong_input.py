"""Wrong input, end to end: what is readable is taken, the rest is in quarantine, every record accounted for."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ashiato.intake.quarantine import entries, entry_bytes
from ashiato.lake.home import Home
from formats.cloudtrail_samples import ROADS, file_of, plain, tight, zipped
from intake.taking_in import balanced, collect

TEXTS = [tight(plain(i)) for i in range(5)]


def document(*elements: str | bytes) -> bytes:
    parts = [e.encode() if isinstance(e, str) else e for e in elements]
    return b'{"Records":[' + b",".join(parts) + b"]}"


def deflated_bomb(beginning: bytes, block: bytes, size: int) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    out = [engine.compress(beginning)]
    out += [engine.compress(block) for _ in range(size // len(block))]
    return b"".join(out) + engine.flush()


_MEBIBYTE = 1 << 20
_REPEATED = (TEXTS[3] + ",").encode() * 1500

#: name: (content, records taken, records in quarantine, outcome of the object)
WRONG: dict[str, tuple[Callable[[], bytes], int, int, str]] = {
    "sound": (lambda: gzip.compress(file_of([plain(0), plain(1)])), 2, 0, "taken"),
    "truncated gzip": (lambda: gzip.compress(document(*TEXTS), 0)[:-400], 4, 1, "taken"),
    "truncated gzip between records": (
        lambda: gzip.compress(document(*TEXTS), 0)[: gzip.compress(document(*TEXTS), 0).index(TEXTS[2].encode())], 2, 1, "taken",
    ),
    "gzip of which nothing is left": (lambda: gzip.compress(document(*TEXTS))[:12], 0, 1, "quarantined"),
    "trailing bytes behind gzip": (lambda: gzip.compress(document(*TEXTS)) + b"garbage", 5, 1, "taken"),
    "trailing bytes behind JSON": (lambda: document(*TEXTS) + b"garbage", 5, 1, "taken"),
    "half an event": (lambda: document(*TEXTS)[:-300], 4, 1, "taken"),
    "half an event a line": (lambda: "\n".join([TEXTS[0], TEXTS[1][:200], TEXTS[2]]).encode(), 2, 1, "taken"),
    "a wrong type": (lambda: document(TEXTS[0], TEXTS[1].replace('"2024-01-01T00:00:01Z"', "17"), TEXTS[2]), 2, 1, "taken"),
    "invalid UTF-8": (lambda: document(TEXTS[0], TEXTS[1].encode().replace(b"aws-cli", b"\xff\xfe")), 1, 1, "taken"),
    "NUL in a record": (lambda: document(TEXTS[0], TEXTS[1].encode().replace(b"aws-cli", b"\0")), 1, 1, "taken"),
    "NUL behind the records": (lambda: document(*TEXTS) + b"\0" * 4096, 5, 0, "taken"),
    "nothing but NUL": (lambda: b"\0" * 4096, 0, 1, "quarantined"),
    "depth 10,000": (
        lambda: document(TEXTS[0], TEXTS[1].replace('{"userName":"user-1"}', "[" * 10_000 + "]" * 10_000), TEXTS[2]), 2, 1, "taken",
    ),
    "depth 10,000 and nothing else": (lambda: b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 0, 1, "quarantined"),
    "a number of 400 digits": (lambda: document(TEXTS[0].replace('"user-0"', "9" * 400), TEXTS[1]), 2, 0, "taken"),
    "duplicate keys": (lambda: document(TEXTS[0].replace('"eventName"', '"eventName":"Other","eventName"'), TEXTS[1]), 2, 0, "taken"),
    "half a surrogate pair": (lambda: document(TEXTS[0].replace("aws-cli", "\\ud800"), TEXTS[1]), 2, 0, "taken"),
    "an empty file": (lambda: b"", 0, 0, "skipped"),
    "gzip of nothing": (lambda: gzip.compress(b""), 0, 0, "skipped"),
    "a bomb": (lambda: deflated_bomb(b"", b"\0" * _MEBIBYTE, 1 << 30), 0, 1, "quarantined"),
    "a bomb of JSON": (lambda: deflated_bomb(b'{"Records":[' + TEXTS[0].encode(), b" " * _MEBIBYTE, 1 << 30), 1, 1, "taken"),
    "a bomb in zip": (lambda: zipped([document(*TEXTS), b"[" * (400 * _MEBIBYTE)]), 5, 2, "taken"),
    "HTML": (lambda: b"<!DOCTYPE html>\n<html><title>Sign in</title></html>", 0, 1, "quarantined"),
    "random bytes": (lambda: random.Random(1).randbytes(3000), 0, 1, "quarantined"),
    "an ELB log": (
        lambda: gzip.compress(b'h2 2024-01-01T00:00:00.0Z app/lb/50dc 10.0.0.1:1 10.0.0.2:80 0.0 0.0 0.0 200 200 34 366 "GET / HTTP/2.0"\n'),
        0, 0, "skipped",
    ),
    "a README": (lambda: b"# These are logs\n\nOf the company.\n", 0, 0, "skipped"),
    "a PNG": (lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + random.Random(2).randbytes(500), 0, 0, "skipped"),
    "a torn archive": (lambda: zipped([document(*TEXTS)])[:-40], 0, 1, "quarantined"),
    "an archive with one torn member": (lambda: _torn(zipped([b"{" * 3000, document(*TEXTS)])), 5, 1, "taken"),
}  # fmt: skip


def _torn(archive: bytes) -> bytes:
    at = archive.index(b"../0.json") + 12
    return archive[:at] + b"\xff\xff\xff" + archive[at + 3 :]


@pytest.mark.parametrize("what", WRONG)
def test_each_wrong_input_is_accounted_for(tmp_path: Path, what: str) -> None:
    make, taken, quarantined, outcome = WRONG[what]
    content = make()
    source = tmp_path / "in"
    source.mkdir()
    (source / "object").write_bytes(content)
    report = collect(tmp_path / "home", source)
    found = balanced(report, records=taken + quarantined)
    assert found["objects"][outcome] == found["objects"]["seen"] == 1
    assert found["records"]["cloudtrail"] == taken
    assert found["quarantined_records"] == quarantined
    assert report.needs_a_person == bool(quarantined)
    with Home.open_for_reading(tmp_path / "home") as home:
        kept = entries(home, 100)
        assert len(kept) == quarantined
        for entry in kept:
            assert entry["object"].endswith("object")
            assert entry["reason"]
            assert "defect" not in entry["reason"]
            assert entry["offset"] >= 0
            kept_bytes = entry_bytes(home, entry["id"])
            assert kept_bytes
            # The bytes are those of the record, or of the whole object.
            assert kept_bytes == content or kept_bytes in content or kept_bytes in gunzipped(content)


def gunzipped(content: bytes) -> bytes:
    engine = zlib.decompressobj(31)
    try:
        return engine.decompress(content)
    except zlib.error:
        return b""


def test_all_wrong_inputs_at_once_and_again(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    chosen = {name: case for name, case in WRONG.items() if "bomb" not in name}
    for number, (make, *_) in enumerate(chosen.values()):
        (source / f"{number:02}").write_bytes(make())
    first = balanced(collect(tmp_path / "home", source), records=sum(t + q for _, t, q, _ in chosen.values()))
    assert first["objects"]["seen"] == len(chosen)
    assert first["records"]["cloudtrail"] == 5
    assert first["quarantined_records"] == sum(q for _, _, q, _ in chosen.values())
    again = balanced(collect(tmp_path / "home", source), records=0)
    assert again["objects"]["already"] == len(chosen)


def test_hostile_content_survives_as_data(tmp_path: Path) -> None:
    hostile = ["\x1b]0;x\x07", "=1+1", "%s{0}", "\u202e", "<b>", "x" * 2_000_000, "a\nb\r\0"]
    records = [plain(i, userAgent=text, requestParameters={text: text}) for i, text in enumerate(hostile)]
    source = tmp_path / "in"
    source.mkdir()
    (source / "a\nb.json").write_bytes(file_of(records))
    balanced(collect(tmp_path / "home", source), records=len(records))
    with Home.open_for_reading(tmp_path / "home") as home:
        from pyiceberg.expressions import AlwaysTrue

        from ashiato.lake.catalog import open_catalog, open_table

        table = open_table(open_catalog(home.lake), "cloudtrail").scan(AlwaysTrue()).to_arrow()
    rows = sorted(
        table.select(["eventID", "userAgent", "requestParameters"]).to_pylist(),
        key=lambda r: str(r["eventID"]),
    )
    assert [r["userAgent"] for r in rows] == hostile
    assert [json.loads(r["requestParameters"]) for r in rows] == [{text: text} for text in hostile]


def test_damaged_objects_of_every_road_never_stop_a_run(tmp_path: Path) -> None:
    rng = random.Random(5)
    source = tmp_path / "in"
    source.mkdir()
    for number, (road, make) in enumerate(ROADS.items()):
        content = bytearray(make([plain(number * 10 + i) for i in range(3)]))
        at = rng.randrange(len(content))
        content[at : at + rng.randrange(1, 9)] = rng.randbytes(rng.randrange(4))
        (source / f"{number:02} {road.replace('/', '-')}").write_bytes(content)
    found = balanced(collect(tmp_path / "home", source))
    assert found["objects"]["seen"] == len(ROADS)
    with Home.open_for_reading(tmp_path / "home") as home:
        assert not [e for e in entries(home, 1000) if "defect" in e["reason"]]


_PEAK = """
import sys
from ashiato.core.memory import peak_rss
from ashiato.formats.reader import LogReader
from ashiato.formats.reading import ObjectOrigin, Rows, Unreadable
content = open(sys.argv[1], "rb").read()
reader, rows, bad = LogReader(), 0, 0
for part in reader.read(content, ObjectOrigin("s", "o")):
    rows += part.rows.num_rows if isinstance(part, Rows) else 0
    bad += isinstance(part, Unreadable)
for gathered in reader.settle():
    rows += gathered.part.rows.num_rows if isinstance(gathered.part, Rows) else 0
    bad += isinstance(gathered.part, Unreadable)
rest = reader.flush()
rows += rest.rows.num_rows if rest else 0
print(rows, bad, peak_rss() >> 20)
"""


def peak(path: Path) -> tuple[int, int, int]:
    """Rows, unreadable parts, peak of resident memory in MiB of a process that reads this object."""
    out = subprocess.run(
        [sys.executable, "-c", _PEAK, str(path)], check=True, capture_output=True, text=True
    ).stdout
    rows, bad, mebibytes = map(int, out.split())
    return rows, bad, mebibytes


def _large(
    path: Path, size: int, beginning: bytes, between: bytes, end: bytes, make: Callable[[int], Any]
) -> int:
    written = number = 0
    with path.open("wb") as file:
        file.write(beginning)
        while written < size:
            block = between.join(tight(make(number + i)).encode() for i in range(500))
            file.write((between if number else b"") + block)
            number += 500
            written += len(block)
        file.write(end)
    return number


@pytest.mark.slow
@pytest.mark.parametrize(
    ("beginning", "between", "end"),
    [(b'{"Records":[', b",", b"]}"), (b'{"Records": [\n', b",\n", b"\n]}\n"), (b"", b"\n", b"\n"), (b"", b"", b""), (b"[", b",", b"]")],
    ids=["file", "file with line breaks", "lines", "without delimiter", "array"],
)  # fmt: skip
@pytest.mark.slow
def test_three_hundred_megabytes_are_read_in_bounded_memory(
    tmp_path: Path, beginning: bytes, between: bytes, end: bytes
) -> None:
    path = tmp_path / "large.json"
    records = _large(path, 300_000_000, beginning, between, end, plain)
    rows, bad, mebibytes = peak(path)
    assert (rows, bad) == (records, 0)
    assert mebibytes < 1024


@pytest.mark.slow
def test_a_large_document_that_is_none_of_ours_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b'{"a":"' + b"x" * 300_000_000 + b'"}')
    rows, bad, mebibytes = peak(path)
    assert (rows, bad) == (0, 1)
    assert mebibytes < 1024
