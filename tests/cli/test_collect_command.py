"""`ashiato collect` as a person or a script uses it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import time
from pathlib import Path

import pytest

from cli.command import Command, finished, start
from intake.lake_counts import ask, count
from intake.small_objects import SmallObjects, write_small_objects
from intake.taking_in import write, write_events
from intake.test_variants import an_event

KEYS = {
    "objects",
    "records",
    "duplicates",
    "variants",
    "quarantined_records",
    "bytes",
    "seconds",
    "evaluated",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SmallObjects:
    return write_small_objects(tmp_path_factory.mktemp("made"), objects=30, seed=2)


def test_json_has_exactly_the_documented_keys_and_its_equations_hold(
    ashiato: Command, tmp_path: Path, made: SmallObjects
) -> None:
    for run in (1, 2):
        done = ashiato("collect", made.folder, "--home", tmp_path / "home", "--json")
        assert (done.status, done.err) == (0, "")
        found = done.json
        assert set(found) == KEYS
        assert set(found["objects"]) == {"seen", "taken", "already", "skipped", "quarantined"}
        assert set(found["records"]) == {"cloudtrail", "config_items", "vpc_flow_logs"}
        o = found["objects"]
        assert o["seen"] == made.objects == o["taken"] + o["already"] + o["skipped"] + o["quarantined"]
        assert o["taken"] == (made.objects if run == 1 else 0)
        accounted = sum(found["records"].values()) + found["duplicates"] + found["variants"]
        offered = made.offered_events + made.offered_flows + made.items
        assert accounted + found["quarantined_records"] == (offered if run == 1 else 0)
        assert isinstance(found["seconds"], float)


def test_a_table_for_people_and_csv_for_spreadsheets(
    ashiato: Command, tmp_path: Path, made: SmallObjects
) -> None:
    shown = ashiato("collect", made.folder, "--home", tmp_path / "home")
    assert f"Took {made.objects:,} of {made.objects:,} objects" in shown.out
    rows = ashiato("collect", made.folder, "--home", tmp_path / "home", "--format", "csv").out.splitlines()
    assert rows[0].startswith("objects seen,taken,already")
    assert rows[1].split(",")[:3] == [str(made.objects), "0", str(made.objects)]


def test_what_needs_a_person_is_told_and_is_status_1_in_every_format(
    ashiato: Command, tmp_path: Path
) -> None:
    for number, format_ in enumerate(("table", "json", "csv")):
        write(tmp_path / "logs" / str(number) / "page", b"<html>log in</html>")
        done = ashiato(
            "collect", tmp_path / "logs" / str(number), "--home", tmp_path / str(number), "--format", format_
        )
        assert done.status == 1
        assert "ashiato quarantine" in done.err


def test_a_pattern_takes_what_it_matches(ashiato: Command, tmp_path: Path) -> None:
    for name in ("a.json", "b.json", "c.txt"):
        write_events(tmp_path / "logs" / name, [an_event(ord(name[0]))])
    done = ashiato("collect", f"{tmp_path}/logs/*.json", "--home", tmp_path / "home", "--json")
    assert done.json["objects"]["taken"] == 2
    nothing = ashiato("collect", f"{tmp_path}/logs/*.gz", "--home", tmp_path / "home")
    assert nothing.status == 3
    assert "Nothing matches" in nothing.err


def test_days_are_chosen_by_from_and_to(ashiato: Command, tmp_path: Path, made: SmallObjects) -> None:
    home = tmp_path / "home"
    first = ashiato("collect", made.folder, "--home", home, "--json", "--from", "2026-10-03").json["objects"][
        "taken"
    ]
    days = [p for p in made.folder.rglob("*.gz") if "/2026/10/03/" in str(p) or "/2026/10/3/" in str(p)]
    assert 0 < first == len(days) < made.objects
    rest = ashiato("collect", made.folder, "--home", home, "--json").json["objects"]
    assert (rest["taken"], rest["already"]) == (made.objects - first, first)
    wrong = ashiato("collect", made.folder, "--home", home, "--from", "2026-10-03", "--to", "2026-10-01")
    assert wrong.status == 2
    assert "--from" in wrong.err
    assert "2026-13-01" in ashiato("collect", made.folder, "--home", home, "--from", "2026-13-01").err


def test_standard_input_is_taken_once_and_kept_before_it_is_read(tmp_path: Path) -> None:
    content = gzip.compress(json.dumps({"Events": [
        {"EventId": "x", "CloudTrailEvent": json.dumps(an_event(1))}
    ]}).encode())  # fmt: skip
    counts = []
    for _ in range(2):
        (tmp_path / "in").write_bytes(content)
        with (tmp_path / "in").open("rb") as stdin:
            done = finished(start("collect", "-", "--home", tmp_path / "home", "--json", stdin=stdin))
        assert done.status == 0, done.err
        counts.append((done.json["objects"]["taken"], done.json["records"]["cloudtrail"]))
    assert counts == [(1, 1), (0, 0)]
    assert not list((tmp_path / "home" / "spool").iterdir())


def test_the_same_content_under_another_name_brings_nothing(
    ashiato: Command, tmp_path: Path, made: SmallObjects
) -> None:
    copies = tmp_path / "copies"
    for number, path in enumerate(sorted(made.folder.rglob("*.gz"))):
        write(copies / f"{number}", b"")
        (copies / f"{number}").write_bytes(path.read_bytes())
    home = tmp_path / "home"
    ashiato("collect", made.folder, "--home", home)
    found = ashiato("collect", copies, "--home", home, "--json").json
    assert found["objects"]["taken"] == made.objects
    assert sum(found["records"].values()) == 0
    assert found["duplicates"] == made.offered_events + made.offered_flows + made.items


def test_one_wrong_name_among_several_is_told_and_the_rest_taken_in(ashiato: Command, tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.json", [an_event(1)])
    done = ashiato("collect", tmp_path / "nowhere", file, "--home", tmp_path / "home", "--json")
    assert (done.status, done.json["objects"]["taken"]) == (1, 1)
    assert "nowhere" in done.err
    alone = ashiato("collect", tmp_path / "nowhere", "--home", tmp_path / "home", "--json")
    assert (alone.status, alone.out) == (3, "")


def test_overlapping_addresses_take_an_object_once(ashiato: Command, tmp_path: Path) -> None:
    file = write_events(tmp_path / "logs" / "a.json", [an_event(1)])
    done = ashiato(
        "collect", file.parent, file, f"{file.parent}/../logs", "--home", tmp_path / "home", "--json"
    )
    assert done.json["objects"] == {"seen": 3, "taken": 1, "already": 2, "skipped": 0, "quarantined": 0}


def test_archive_none_or_copy(ashiato: Command, tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.json", [an_event(1)])
    wrong = ashiato("collect", file, "--home", tmp_path / "home", "--archive", "all")
    assert wrong.status == 2
    assert "none" in wrong.err
    assert "copy" in wrong.err
    assert ashiato("collect", file, "--home", tmp_path / "home", "--archive", "copy").status == 0
    [kept] = [p for p in (tmp_path / "home" / "archive").rglob("*") if p.is_file()]
    assert kept.read_bytes() == file.read_bytes()


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_ctrl_c_stops_cleanly_and_a_second_run_goes_on(
    ashiato: Command, tmp_path: Path, processes: int
) -> None:
    made = write_small_objects(tmp_path / "logs", objects=800, events_each=2, seed=4)
    home = tmp_path / "home"
    arguments = ("collect", made.folder, "--home", home, "--json", "--processes", processes)
    process = start(*arguments, start_new_session=True)
    deadline = time.monotonic() + 60
    lock = home / "lock"
    # Reading has begun when the lock says so; it takes longer than a look at a file.
    while not (lock.exists() and b'"step": "read"' in lock.read_bytes()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    # A terminal sends it to every process of the group.
    os.killpg(process.pid, signal.SIGINT)
    stopped = finished(process)
    assert stopped.status == 130, stopped.err
    assert "run the same command again to go on" in stopped.err
    first = stopped.json
    assert 0 <= first["objects"]["taken"] < made.objects
    assert sum(first["records"].values()) == sum(
        count(home, t) for t in ("cloudtrail", "config_items", "vpc_flow_logs")
    )
    second = ashiato(*arguments[:-2])
    assert second.status == 0, second.err
    assert second.json["objects"]["taken"] == made.objects - first["objects"]["taken"]
    assert {i for (i,) in ask(home, "cloudtrail", "SELECT eventID FROM {}")} == made.events
    assert count(home, "cloudtrail") == len(made.events)
    assert count(home, "vpc_flow_logs") == made.flows
