"""However a collection ends, the next one brings the lake to exactly what was offered."""

from __future__ import annotations

import errno
import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ashiato.core.errors import AshiatoError
from ashiato.intake import collect as collecting
from ashiato.lake.files import FileWriter
from ashiato.lake.writer import LakeWriter
from ashiato.ledger import tables as t
from intake.lake_counts import ask, count
from intake.small_objects import SmallObjects, write_small_objects
from intake.taking_in import balanced, collect, ledger_rows, states, write

STEPS = ("read", "begin", "keys", "files", "snapshot", "confirm", "idle")


class Killed(BaseException):
    """The process ends here: no handler of ours may catch it."""


class Killing:
    """Ends the writer when it says `step` for the `times`th time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wanted: tuple[str, int] | None = None
        self.said: list[str] = []
        real = LakeWriter.step

        def step(writer: LakeWriter, name: str) -> None:
            real(writer, name)
            self.said.append(name)
            if self.wanted and name == self.wanted[0] and self.said.count(name) == self.wanted[1]:
                raise Killed(name)

        monkeypatch.setattr(LakeWriter, "step", step)

    def at(self, step: str, times: int = 1) -> None:
        self.wanted, self.said = (step, times), []

    def never(self) -> None:
        self.wanted, self.said = None, []


@pytest.fixture
def killing(monkeypatch: pytest.MonkeyPatch) -> Killing:
    return Killing(monkeypatch)


class Mixed:
    """Events, items, flow records with second copies, and files with an unreadable record or no record."""

    def __init__(self, folder: Path) -> None:
        self.made: SmallObjects = write_small_objects(folder, objects=40, seed=3)
        torn = next(folder.rglob("*CloudTrail*.json.gz"))
        self.folder = folder
        self.bad = 2
        write(folder / "half.json", b'{"Records":[{"eventVersion":"1.08","eventTime":7}]}')
        write(folder / "page.html", b"<html><body>log in</body></html>")
        write(folder / "README.txt", b"nothing to see here, only words\n" * 3)
        self.torn = torn
        self.offered = (
            self.made.offered_events + self.made.offered_flows + self.made.items + self.bad
        )  # fmt: skip

    def check(self, home: Path) -> None:
        """The lake and the ledger say exactly what lies in the folder."""
        assert {i for (i,) in ask(home, "cloudtrail", "SELECT eventID FROM {}")} == self.made.events
        assert count(home, "cloudtrail") == len(self.made.events)
        assert count(home, "vpc_flow_logs") == self.made.flows
        assert count(home, "config_items") == self.made.items
        assert count(home, "quarantine") == self.bad
        assert set(states(home)) == {"taken", "skipped", "quarantined"}
        b = t.batches.c
        rows = ledger_rows(
            home, sa.select(b.table_name, b.state, sa.func.sum(b.rows)).group_by(b.table_name, b.state)
        )
        assert {(name, state): int(n) for name, state, n in rows} == {
            ("cloudtrail", "committed"): len(self.made.events),
            ("config_items", "committed"): self.made.items,
            ("vpc_flow_logs", "committed"): self.made.flows,
            ("quarantine", "committed"): self.bad,
        }


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Mixed:
    return Mixed(tmp_path_factory.mktemp("bucket"))


@pytest.fixture(scope="module")
def whole(mixed: Mixed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run that nothing interrupts says."""
    return counted(collect(tmp_path_factory.mktemp("whole"), mixed.folder))


def counted(report: collecting.CollectReport) -> dict[str, Any]:
    return {k: v for k, v in report.as_json().items() if k not in ("seconds", "bytes")}


@pytest.mark.parametrize(
    ("step", "times"),
    [
        ("read", 1), ("begin", 1), ("keys", 1), ("keys", 2), ("files", 2), ("snapshot", 1), ("snapshot", 2),
        ("snapshot", 3), ("snapshot", 4), ("confirm", 1), ("idle", 1),
    ],
)  # fmt: skip
def test_a_group_that_ends_at_any_step_is_finished_by_the_next_run(
    tmp_path: Path, mixed: Mixed, whole: dict[str, Any], killing: Killing, step: str, times: int
) -> None:
    home = tmp_path / "home"
    killing.at(step, times)
    with pytest.raises(Killed):
        collect(home, mixed.folder)
    killing.never()
    report = collect(home, mixed.folder)
    mixed.check(home)
    if step in ("confirm", "idle"):
        # Everything was in the lake: reconciling is enough, nothing is read again.
        assert report.already == report.seen
        assert sum(balanced(report, records=0)["records"].values()) == 0
    else:
        # What the interrupted group had committed counts as what it became, not as second copies.
        balanced(report, records=mixed.offered)
        assert counted(report) == whole
    assert collect(home, mixed.folder).taken == 0


def test_many_deaths_in_a_row_in_groups_of_several_units(
    tmp_path: Path, mixed: Mixed, killing: Killing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "GROUP_ROWS", 60)
    monkeypatch.setattr(collecting, "UNIT_OBJECTS", 5)
    rng = random.Random(11)
    deaths = 0
    for _ in range(8):
        killing.at(rng.choice(STEPS[1:]), rng.randrange(1, 3))
        try:
            collect(tmp_path / "home", mixed.folder)
        except Killed:
            deaths += 1
    killing.never()
    collect(tmp_path / "home", mixed.folder)
    assert deaths >= 5
    mixed.check(tmp_path / "home")


def test_dying_while_reconciling_is_no_different(
    tmp_path: Path, mixed: Mixed, killing: Killing, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    killing.at("snapshot", 2)
    with pytest.raises(Killed):
        collect(home, mixed.folder)
    killing.never()
    from ashiato.lake.keys import KeyTable

    real = KeyTable.forget

    def die(*_: object) -> None:
        raise Killed

    for dying in (lambda *a: die(), lambda self, *a: (real(self, *a), die())):
        monkeypatch.setattr(KeyTable, "forget", dying)
        with pytest.raises(Killed):
            collect(home, mixed.folder)
    monkeypatch.setattr(KeyTable, "forget", real)
    balanced(collect(home, mixed.folder), records=mixed.offered)
    mixed.check(home)


def test_a_full_disk_is_an_error_with_its_remedy_and_the_same_process_goes_on_after_it(
    tmp_path: Path, mixed: Mixed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ashiato.intake.collect import Collector
    from ashiato.lake.home import Home

    def full(self: FileWriter) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Home.open_for_writing(tmp_path / "home", "test") as home:
        with monkeypatch.context() as patched:
            patched.setattr(FileWriter, "close", full)
            with pytest.raises(AshiatoError, match="No space left") as caught:
                Collector(home, processes=1).run([str(mixed.folder)])
        assert caught.value.exit_status == 3
        assert "Free disk space" in str(caught.value.remedy)
        assert not list(home.lake.rglob("*.parquet")), "what was written for the batch is removed"
        balanced(Collector(home, processes=1).run([str(mixed.folder)]), records=mixed.offered)
    mixed.check(tmp_path / "home")


@pytest.mark.parametrize("broken", ["_begin", "_confirm"])
def test_a_ledger_that_fails_for_a_moment_loses_and_doubles_nothing(
    tmp_path: Path, mixed: Mixed, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("disk I/O error"))

    home = tmp_path / "home"
    with monkeypatch.context() as patched:
        patched.setattr(LakeWriter, broken, fail)
        if broken == "_begin":
            with pytest.raises(AshiatoError, match="disk I/O error"):
                collect(home, mixed.folder)
        else:
            # The snapshots stand: reconciling at once makes up for the confirmation.
            balanced(collect(home, mixed.folder), records=mixed.offered)
            mixed.check(home)
    report = collect(home, mixed.folder)
    mixed.check(home)
    assert report.already == (report.seen if broken == "_confirm" else 0)


def test_a_second_copy_of_a_flow_file_whose_group_was_interrupted_is_still_a_second_copy(
    tmp_path: Path, mixed: Mixed, killing: Killing
) -> None:
    flow = next(mixed.folder.rglob("*vpcflowlogs*.log.gz"))
    one, two = tmp_path / "one", tmp_path / "two"
    write(one / "a.log", b"x")
    (one / "a.log").write_bytes(flow.read_bytes())
    write(one / "half.json", b'{"Records":[{"eventVersion":"1.08","eventTime":7}]}')
    write(two / "b.log", b"x")
    (two / "b.log").write_bytes(flow.read_bytes())
    home = tmp_path / "home"
    # The group writes its flow records, then its quarantine; it dies between the two.
    killing.at("snapshot", 2)
    with pytest.raises(Killed):
        collect(home, one)
    killing.never()
    assert (count(home, "vpc_flow_logs"), count(home, "quarantine")) == (12, 0)
    for order in ((two, one), (one, two)):
        collect(home, *order)
    assert count(home, "vpc_flow_logs") == 12
    assert count(home, "quarantine") == 1


def test_the_unreadable_records_of_a_second_copy_stay_in_quarantine(tmp_path: Path, mixed: Mixed) -> None:
    """Its flow records are there already; what could not be read of it is its own."""
    import gzip

    flow = gzip.decompress(next(mixed.folder.rglob("*vpcflowlogs*.log.gz")).read_bytes()) + b"2 torn line\n"
    for name in ("one", "two"):
        write(tmp_path / "logs" / f"{name}.log", flow)
    report = collect(tmp_path / "home", tmp_path / "logs")
    found = balanced(report, records=26)
    assert found["records"]["vpc_flow_logs"] == found["duplicates"] == 12
    assert found["quarantined_records"] == count(tmp_path / "home", "quarantine") == 2
