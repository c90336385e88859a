"""Delivered objects kept as they came, and what could not be read, given back to the byte."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from ashiato.core.errors import AshiatoError
from ashiato.intake import worker
from ashiato.intake.archive import archive_path
from ashiato.intake.quarantine import entries, entry_bytes
from ashiato.lake.home import Home
from ashiato.ledger import tables as t
from intake.lake_counts import ask, count
from intake.taking_in import balanced, collect, ledger_rows, states, write, write_events
from intake.test_variants import an_event


def archived(home: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (home / "archive").rglob("*") if p.is_file()}


def test_a_copy_of_every_delivered_object_is_kept_under_its_hash(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    first = write_events(folder / "a.json.gz", [an_event(1)])
    (folder / "same.json.gz").write_bytes(first.read_bytes())
    write(folder / "README", b"words only, and no log at all\n")
    collect(tmp_path / "home", folder, keep_objects=True)
    contents = {first.read_bytes(), (folder / "README").read_bytes()}
    assert archived(tmp_path / "home") == {hashlib.sha256(c).hexdigest(): c for c in contents}
    o = t.objects.c
    for name, size, sha in ledger_rows(tmp_path / "home", sa.select(o.name, o.size, o.sha256)):
        content = Path(name).read_bytes()
        assert (size, sha) == (len(content), hashlib.sha256(content).digest())
        assert archive_path(tmp_path / "home" / "archive", sha).read_bytes() == content


def test_without_it_nothing_is_kept_but_size_and_hash(tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.json.gz", [an_event(1)])
    collect(tmp_path / "home", file)
    assert archived(tmp_path / "home") == {}
    o = t.objects.c
    [(sha,)] = ledger_rows(tmp_path / "home", sa.select(o.sha256))
    assert sha == hashlib.sha256(file.read_bytes()).digest()


def test_an_object_that_is_no_log_of_ours_is_counted_and_not_copied(tmp_path: Path) -> None:
    write(tmp_path / "logs" / "README", b"words only, and no log at all\n")
    report = collect(tmp_path / "home", tmp_path / "logs")
    assert balanced(report, records=0)["objects"]["skipped"] == 1
    assert not report.needs_a_person
    assert count(tmp_path / "home", "quarantine") == 0


@pytest.mark.parametrize("size", [10, worker.QUARANTINE_INLINE, worker.QUARANTINE_INLINE + 1, 5 << 20])
def test_the_bytes_of_an_unreadable_object_come_back_whatever_their_size(tmp_path: Path, size: int) -> None:
    content = (b"\x01\x02\xff" + bytes(range(256)) * (size // 256 + 1))[:size]
    file = write(tmp_path / "logs" / "object", content)
    report = collect(tmp_path / "home", file)
    found = balanced(report, records=1)
    assert found["objects"]["quarantined"] == found["quarantined_records"] == 1
    with Home.open_for_reading(tmp_path / "home") as home:
        [entry] = entries(home, 10)
        assert entry["object"] == str(file)
        assert entry["reason"]
        assert entry_bytes(home, entry["id"]) == content
        # Large ones are not carried through the table.
        assert entry["size"] == (size if size <= worker.QUARANTINE_INLINE else worker.QUARANTINE_HEAD)
    assert len(archived(tmp_path / "home")) == (size > worker.QUARANTINE_INLINE)


def test_the_readable_records_are_taken_and_each_unreadable_one_has_its_place(tmp_path: Path) -> None:
    half = {"eventVersion": "1.08", "eventTime": "yesterday", "eventID": "1"}
    records = [an_event(1), half, an_event(2), {**half, "eventID": "2"}]
    file = write_events(tmp_path / "a.json", records)
    report = collect(tmp_path / "home", file)
    balanced(report, records=4)
    assert (report.taken, report.quarantined, report.quarantined_records) == (1, 0, 2)
    assert states(tmp_path / "home") == {"taken": 1}
    with Home.open_for_reading(tmp_path / "home") as home:
        listed = entries(home, 10)
        assert len({e["id"] for e in listed}) == 2
        whole = file.read_bytes()
        for entry in listed:
            content = entry_bytes(home, entry["id"])
            assert content is not None
            assert json.loads(content)["eventTime"] == "yesterday"
            assert whole[entry["offset"] : entry["offset"] + len(content)] == content
        assert entry_bytes(home, "0123456789abcdef") is None


def test_two_that_look_alike_have_ids_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ashiato.formats.reader import LogReader
    from ashiato.formats.reading import Unreadable

    monkeypatch.setattr(
        LogReader, "read", lambda *_: iter([Unreadable("why", 0, b"one"), Unreadable("why", 0, b"two")])
    )
    collect(tmp_path / "home", write(tmp_path / "a.json", b"{}"))
    with Home.open_for_reading(tmp_path / "home") as home:
        assert {entry_bytes(home, e["id"]) for e in entries(home, 10)} == {b"one", b"two"}


def test_a_reader_that_breaks_its_promise_costs_one_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ashiato.formats.reader import LogReader

    real = LogReader.read

    def read(self: LogReader, content: bytes, origin: object) -> object:
        if b"BOOM" in content:
            raise RecursionError("too deep \x00 \ud800")
        return real(self, content, origin)  # type: ignore[arg-type]

    monkeypatch.setattr(LogReader, "read", read)
    write(tmp_path / "logs" / "bad.json", b"BOOM")
    write_events(tmp_path / "logs" / "good.json", [an_event(1)])
    report = collect(tmp_path / "home", tmp_path / "logs")
    balanced(report, records=2)
    assert (report.taken, report.quarantined) == (1, 1)
    [(reason,)] = ask(tmp_path / "home", "quarantine", "SELECT reason FROM {}")
    assert "defect of Ashiato" in reason


def test_of_files_read_together_a_broken_promise_costs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ashiato.formats import cloudtrail

    real = cloudtrail.event_keys

    def keys(ids: list[str], accounts: list[str]) -> object:
        if broken["eventID"] in ids:
            raise RuntimeError("what nobody thought of")
        return real(ids, accounts)

    broken = an_event(7)
    monkeypatch.setattr(cloudtrail, "event_keys", keys)
    for number in range(5):
        write_events(tmp_path / "logs" / f"{number}.json", [an_event(number)])
    write_events(tmp_path / "logs" / "bad.json", [broken])
    report = collect(tmp_path / "home", tmp_path / "logs")
    balanced(report, records=6)
    assert (report.taken, report.quarantined) == (5, 1)
    [(reason, place)] = ask(tmp_path / "home", "quarantine", "SELECT reason, object FROM {}")
    assert "defect of Ashiato" in reason
    assert place.endswith("bad.json")


def test_what_breaks_flow_logs_read_together_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ashiato.formats import flow_gather

    def broken(*_: object) -> object:
        raise RuntimeError("what nobody thought of")

    monkeypatch.setattr(flow_gather, "read_text", broken)
    line = b"srcaddr dstaddr start end\n192.0.2.1 192.0.2.2 1704110400 1704110460\n"
    for number in range(3):
        write(tmp_path / "logs" / f"{number}.log", line)
    write_events(tmp_path / "logs" / "good.json", [an_event(1)])
    report = collect(tmp_path / "home", tmp_path / "logs")
    assert (report.taken, report.quarantined) == (1, 3)
    reasons = ask(tmp_path / "home", "quarantine", "SELECT DISTINCT reason FROM {}")
    assert ["defect of Ashiato" in reason for (reason,) in reasons] == [True]


def test_an_archive_that_lost_an_object_says_so_and_gives_no_half_of_it(tmp_path: Path) -> None:
    collect(tmp_path / "home", write(tmp_path / "object", b"\x01\xff" * (1 << 20)))
    for path in (tmp_path / "home" / "archive").rglob("*"):
        if path.is_file():
            path.unlink()
    with Home.open_for_reading(tmp_path / "home") as home:
        [entry] = entries(home, 10)
        with pytest.raises(AshiatoError, match="does not have the object"):
            entry_bytes(home, entry["id"])
