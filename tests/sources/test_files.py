"""Files, folders, globs, standard input and pipes; wrong addresses."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ashiato.core.errors import SourceUnavailable, WrongUse
from ashiato.sources.addresses import open_source
from ashiato.sources.fetching import fetch_all
from ashiato.sources.objects import ObjectUnavailable
from ashiato.sources.options import SourceOptions
from ashiato.sources.stream import StreamSource


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def make(name: str, content: bytes = b"x") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return make


Put = Callable[..., Path]


def names(address: object, **options: object) -> list[str]:
    root = os.path.realpath(str(address))
    source = open_source(str(address), options=SourceOptions(**options))  # type: ignore[arg-type]
    return [os.path.relpath(ref.name, root) for ref in source.objects()]


def test_a_file(put: Put) -> None:
    path = put("a.json", b"content")
    source = open_source(str(path))
    [ref] = source.objects()
    found = path.stat()
    assert (ref.source, ref.name, ref.size) == ("files", str(path.resolve()), 7)
    assert ref.etag == f"7-{found.st_mtime_ns}"
    assert ref.delivered_at == datetime.fromtimestamp(found.st_mtime, UTC)
    assert source.fetch(ref) == b"content"
    assert source.progress.total == 1
    source.confirm()


def test_a_folder_recursively_dated_folders_newest_first(put: Put, tmp_path: Path) -> None:
    for name in ("z.json", "b/y.json", "a/x.json", "2025/12/31/k", "2026/1/9/k", "2026/1/10/k", "2026/2/1/k"):
        put(name)
    assert names(tmp_path) == [
        "z.json", "2026/2/1/k", "2026/1/10/k", "2026/1/9/k", "2025/12/31/k", "a/x.json", "b/y.json",
    ]  # fmt: skip


def test_one_file_has_one_name_whichever_way_it_is_reached(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put("logs/a.json")
    (tmp_path / "link").symlink_to(tmp_path / "logs")
    monkeypatch.chdir(tmp_path)
    found = {
        ref
        for address in (
            "logs",
            "./logs/",
            "logs/../logs/a.json",
            "link",
            "link/a.json",
            "lo*",
            "**/a.json",
            str(path),
        )
        for ref in open_source(address).objects()
    }
    assert len(found) == 1


def test_hidden_files_and_what_is_no_file_are_left_out_and_counted(put: Put, tmp_path: Path) -> None:
    put("a.json")
    put(".a.json.Xyz12")
    put(".git/config")
    os.mkfifo(tmp_path / "pipe")
    source = open_source(str(tmp_path))
    assert len(list(source.objects())) == 1
    assert source.progress.left_out == {"hidden": 2, "not a regular file": 1}
    assert len(list(open_source(str(tmp_path / ".git")).objects())) == 1


def test_links_in_a_circle_end(put: Put, tmp_path: Path) -> None:
    put("a/b/c.json")
    (tmp_path / "a/b/up").symlink_to(tmp_path)
    (tmp_path / "a/self").symlink_to(tmp_path / "a")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a/file-link").symlink_to(tmp_path / "a/b/c.json")
    source = open_source(str(tmp_path))
    assert sorted(Path(ref.name).name for ref in source.objects()) == ["c.json", "file-link"]
    assert [problem.where for problem in source.progress.problems] == [str(tmp_path / "broken")]


def test_globs(put: Put, tmp_path: Path) -> None:
    for name in ("a/1.gz", "a/2.json", "b/3.gz", "b/deep/4.gz", "[odd].gz"):
        put(name)

    def found(pattern: str) -> list[str]:
        return sorted(Path(ref.name).name for ref in open_source(str(tmp_path / pattern)).objects())

    assert found("*/*.gz") == ["1.gz", "3.gz"]
    assert found("**/*.gz") == ["1.gz", "3.gz", "4.gz", "[odd].gz"]
    assert found("**") == ["1.gz", "2.json", "3.gz", "4.gz", "[odd].gz"]
    assert found("b*") == ["3.gz", "4.gz"]
    assert found("[odd].gz") == ["[odd].gz"]
    with pytest.raises(SourceUnavailable, match="Nothing matches"):
        found("*.zip")


def test_a_path_that_does_not_exist() -> None:
    with pytest.raises(SourceUnavailable, match="no file or folder"):
        list(open_source("/no/such/folder").objects())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_and_folders_are_reported_one_by_one(put: Put, tmp_path: Path) -> None:
    put("closed/a.json")
    put("b.json").chmod(0)
    put("c.json")
    (tmp_path / "closed").chmod(0)
    source = open_source(str(tmp_path))
    got = dict(fetch_all(source, source.objects()))
    (tmp_path / "closed").chmod(0o700)
    assert sorted(type(content).__name__ for content in got.values()) == ["ObjectUnavailable", "bytes"]
    assert source.progress.problems[0].where == str(tmp_path / "closed")


def test_what_the_system_refuses_is_told_by_object(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(str(put("a.json")))
    [ref] = source.objects()
    for error, reason in (
        (PermissionError(13, "Permission denied"), "denied"),
        (FileNotFoundError(2, "No such file"), "gone"),
        (OSError(5, "Input/output error"), "other"),
    ):

        def refuse(*_: object, error: OSError = error) -> int:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(os, "open", refuse)
            with pytest.raises(ObjectUnavailable) as caught:
                source.fetch(ref)
        assert caught.value.reason == reason
        assert caught.value.remedy


def test_a_folder_that_cannot_be_listed_does_not_stop_the_walk(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("closed/a.json")
    put("b.json")
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    source = open_source(str(tmp_path))
    assert [Path(ref.name).name for ref in source.objects()] == ["b.json"]
    assert "cannot be listed" in source.progress.problems[0].what


def test_a_file_that_changed_since_it_was_listed(put: Put) -> None:
    path = put("a.json", b"first")
    source = open_source(str(path))
    [ref] = source.objects()
    path.write_bytes(b"second one")
    with pytest.raises(ObjectUnavailable) as caught:
        source.fetch(ref)
    assert (caught.value.reason, caught.value.soon) == ("changed", True)
    assert caught.value.replacement is not None
    assert source.fetch(caught.value.replacement) == b"second one"


def test_a_file_that_grows_while_it_is_read(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put("a.json", b"first")
    source = open_source(str(path))
    [ref] = source.objects()
    real = os.fstat
    seen: list[int] = []

    def fstat(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        seen.append(descriptor)
        with path.open("ab") as file:
            file.write(b"more")
        return found

    monkeypatch.setattr(os, "fstat", fstat)
    with pytest.raises(ObjectUnavailable, match="changed"):
        source.fetch(ref)
    assert len(seen) == 6


def test_a_pipe_in_a_files_place_does_not_hang(put: Put) -> None:
    path = put("a.json")
    source = open_source(str(path))
    [ref] = source.objects()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ObjectUnavailable) as caught:
        source.fetch(ref)
    assert caught.value.reason == "not-a-file"


def test_too_large_a_file(put: Put) -> None:
    source = open_source(str(put("a.json", b"123456")), options=SourceOptions(max_object_bytes=5))
    [ref] = source.objects()
    with pytest.raises(ObjectUnavailable) as caught:
        source.fetch(ref)
    assert (caught.value.reason, caught.value.retry) == ("too-large", False)


def test_a_name_that_is_no_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.json")).write_bytes(b"x")
    source = open_source(str(tmp_path))
    assert list(source.objects()) == []
    assert r"\xff.json" in source.progress.problems[0].where


def test_from_and_to_over_files(put: Put, tmp_path: Path) -> None:
    for day in ("2022/1/8", "2022/1/9", "2022/1/10", "2022/1/11", "2022/1/12"):
        put(f"AWSLogs/123456789012/Config/us-east-1/{day}/ConfigHistory/x.json.gz")
    old = put("old.json")
    os.utime(old, (1e9, 1e9))
    put("new.json")
    found = names(tmp_path, from_=date(2022, 1, 9), to=date(2022, 1, 10))
    assert [name.split("/")[6] if "/" in name else name for name in found] == ["new.json", "11", "10", "9"]


def test_a_folder_of_many_files(tmp_path: Path) -> None:
    for number in range(3_000):
        (tmp_path / f"{number:05}").touch()
    source = open_source(str(tmp_path))
    assert [Path(ref.name).name for ref in source.objects()] == [f"{n:05}" for n in range(3_000)]


def test_fetch_all_holds_no_more_than_it_may(put: Put, tmp_path: Path) -> None:
    for number in range(40):
        put(f"{number:02}", b"x" * 1_000)
    source = open_source(str(tmp_path))
    pulled = 0

    def refs() -> object:
        nonlocal pulled
        for ref in source.objects():
            pulled += 1
            yield ref

    stream = fetch_all(source, refs(), workers=4, most_bytes=5_000)  # type: ignore[arg-type]
    for done, (_, content) in enumerate(stream):
        assert isinstance(content, bytes)
        assert pulled - done <= 7
    assert pulled == 40


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        buffer = io.BytesIO(b"content")

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", Piped())
    source = open_source("-")
    [ref] = source.objects()
    digest = hashlib.sha256(b"content").hexdigest()
    assert (ref.name, ref.etag, ref.size, ref.source) == (f"stdin:{digest}", digest, 7, "stdin")
    assert source.fetch(ref) == b"content"
    assert [again.name for again in source.objects()] == [ref.name]


def test_standard_input_that_is_a_terminal_or_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(WrongUse, match="nothing is piped"):
        list(open_source("-").objects())
    small = SourceOptions(max_object_bytes=3)
    with pytest.raises(SourceUnavailable, match="longer than"):
        list(StreamSource(None, name="stdin", options=small, stream=io.BytesIO(b"1234")).objects())


def test_a_named_pipe_is_read_as_a_stream(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"content"))
    writer.start()
    source = open_source(str(pipe))
    [ref] = source.objects()
    writer.join()
    assert source.fetch(ref) == b"content"


@pytest.mark.parametrize(
    "address",
    ["", "s3://", "s3:/bucket/x", "s3:bucket", "s3://bad bucket/x", "https://b.s3.amazonaws.com/k",
     "arn:aws:s3:::b", "gs://bucket/x", "a\0b"],
)  # fmt: skip
def test_addresses_that_cannot_be_meant(address: str) -> None:
    with pytest.raises(WrongUse) as caught:
        open_source(address)
    assert caught.value.remedy


def test_addresses_that_can() -> None:
    from ashiato.sources.s3 import S3Source

    source = open_source("S3://corp-logs/prefix/AWSLogs/")
    assert isinstance(source, S3Source)
    assert (source.name, source.bucket, source.prefix) == ("s3://corp-logs", "corp-logs", "prefix/AWSLogs/")
    point = open_source("s3://arn:aws:s3:us-west-2:123456789012:accesspoint/logs/AWSLogs/1")
    assert isinstance(point, S3Source)
    assert point.bucket == "arn:aws:s3:us-west-2:123456789012:accesspoint/logs"
    assert point.prefix == "AWSLogs/1"
    assert open_source("s3://corp-logs", name="trail").name == "trail"
    assert open_source("file:///tmp").name == "files"
    with pytest.raises(WrongUse, match="after"):
        open_source("x", options=SourceOptions(from_=date(2026, 1, 2), to=date(2026, 1, 1)))
