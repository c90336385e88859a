"""A backup is a consistent whole, whoever writes meanwhile; restored anywhere, the home goes on as before."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.intake.collect import Collector
from ashiato.intake.spool import Spool
from ashiato.lake.backup import backup
from ashiato.lake.backup_store import verify
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.presence import presence
from ashiato.lake.restoring import restore
from ashiato.lake.writer import LakeWriter
from ashiato.ledger import tables as t
from ashiato.sources.objects import ObjectRef
from lake.homes import (
    DAY,
    content,
    data_files,
    event,
    events,
    flow_lines,
    item,
    mend,
    take_in,
    write_events,
    write_flows,
    write_items,
)  # fmt: skip

pytestmark = pytest.mark.slow

TABLES = ("cloudtrail", "config_items", "vpc_flow_logs", "footprints", "quarantine")


def _filled(tmp_path: Path) -> tuple[Path, Path]:
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(1)
    for day in range(3):
        start = DAY + timedelta(days=day)
        write_events(logs, events(random, 60, start=start))
        write_flows(logs, flow_lines(random, 60, start=start))
        write_items(logs, [item(random, start + timedelta(hours=i)) for i in range(20)])
        (logs / f"broken-{day}.json").write_text('{"Records": [{"eventTime": 7}, {')
        take_in(home, logs)
    mend(home)
    write_events(logs, events(random, 30))
    take_in(home, logs)
    return home, logs


def _backup(home: Path, target: Path, **options: Any) -> dict[str, Any]:
    with Home.open_for_reading(home) as opened:
        return backup(opened, target, **options).as_json()


def _all(home: Path) -> dict[str, Any]:
    return {t: content(home, t) for t in TABLES}


@pytest.mark.parametrize("name", ["kept", "kept.tar"])
def test_a_restored_home_at_another_path_is_the_same_and_goes_on_exactly_once(
    tmp_path: Path, name: str
) -> None:
    home, logs = _filled(tmp_path)
    before = _all(home)
    report = _backup(home, tmp_path / name)
    assert report["rows"]["cloudtrail"] == 210
    assert verify(tmp_path / name) == []

    other = tmp_path / "elsewhere" / "home"
    restored = restore(tmp_path / name, other)

    assert restored.rows["cloudtrail"] == 210
    assert _all(other) == before
    home.rename(tmp_path / "gone")
    assert _all(other) == before
    with Home.open_for_reading(other) as opened, PinnedLake(opened) as lake:
        assert presence(lake, ["111122223333"]).num_rows > 0
    again = take_in(other, logs)
    assert (again.taken, again.already) == (0, again.seen)
    copies = tmp_path / "copies"
    copies.mkdir()
    for path in logs.iterdir():
        (copies / f"copy-{path.name}").write_bytes(path.read_bytes())
    write_events(copies, events(Random(5), 10))
    once_more = take_in(other, copies)
    assert once_more.records == {"cloudtrail": 10, "config_items": 0, "vpc_flow_logs": 0}
    mend(other)
    mend(other, moment=now() + timedelta(days=3), grace=0)
    assert sum(content(other, "cloudtrail").values()) == 220


def test_a_second_backup_to_a_folder_copies_what_is_new_and_drops_what_is_gone(tmp_path: Path) -> None:
    home, logs = _filled(tmp_path)
    first = _backup(home, tmp_path / "kept")
    assert first["copied_files"] == first["files"]
    write_events(logs, events(Random(7), 10))
    take_in(home, logs)
    second = _backup(home, tmp_path / "kept")
    # The new data file and the ledger.
    assert second["copied_files"] == 2
    mend(home)
    _backup(home, tmp_path / "kept")
    on_disk = {p.name for p in (tmp_path / "kept" / "lake").rglob("*.parquet")}
    live = {Path(p).name for table in TABLES for p in data_files(home, table)}
    assert on_disk == live
    restore(tmp_path / "kept", tmp_path / "other")
    assert _all(tmp_path / "other") == _all(home)


def test_hard_links_cost_no_space(tmp_path: Path) -> None:
    home, _ = _filled(tmp_path)
    _backup(home, tmp_path / "kept", link=True)
    (path, *_) = data_files(home, "vpc_flow_logs")
    kept = tmp_path / "kept" / Path(path).relative_to(home)
    assert kept.stat().st_ino == Path(path).stat().st_ino
    assert verify(tmp_path / "kept") == []


def test_a_backup_while_a_writer_runs_is_one_moment(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(3)
    for i in range(40):
        write_events(logs, [event(random, DAY + timedelta(seconds=i)) for _ in range(5)], name=f"{i:03}")
    first = sorted(logs.iterdir())[:5]
    take_in(home, *first)
    stop, taken = threading.Event(), []

    def collect() -> None:
        with Home.open_for_writing(home, "writer") as opened:
            taken.extend(
                Collector(opened, processes=1).run([str(path)]).taken for path in sorted(logs.iterdir())[5:]
            )
        stop.set()

    writer = threading.Thread(target=collect)
    writer.start()
    made: list[Path] = []
    while not stop.is_set() and len(made) < 6:
        made.append(tmp_path / f"kept-{len(made)}")
        _backup(home, made[-1])
    writer.join()
    assert sum(taken) == 35
    assert made
    for kept in made:
        other = kept.with_name(f"home-of-{kept.name}")
        report = restore(kept, other)
        with Home.open_for_reading(other) as opened:
            known = opened.ledger.scalar(
                sa.select(sa.func.count()).select_from(t.objects).where(t.objects.c.state == "taken")
            )
        assert report.rows["cloudtrail"] >= known * 5
        take_in(other, logs)
        assert sum(content(other, "cloudtrail").values()) == 200


@pytest.mark.parametrize("compacted", [False, True])
def test_a_batch_between_commit_and_confirmation_is_settled_after_restoring(
    tmp_path: Path, compacted: bool
) -> None:
    home, logs = _filled(tmp_path)
    if compacted:
        mend(home, only={"compact"})
    before = {t: content(home, t) for t in TABLES if t != "footprints"}
    with Home.open_for_writing(home, "test") as opened, opened.ledger.begin() as connection:
        last = connection.execute(sa.select(t.batches).order_by(t.batches.c.id.desc())).first()
        assert last is not None
        connection.execute(sa.update(t.batches).where(t.batches.c.id == last.id).values(state="writing"))
        connection.execute(
            sa.update(t.objects)
            .where(t.objects.c.group_id == last.group_id)
            .values(state="pending", outcome="taken")
        )
    _backup(home, tmp_path / "kept")
    restore(tmp_path / "kept", tmp_path / "other")
    with Home.open_for_reading(tmp_path / "other") as opened:
        state = opened.ledger.scalar(sa.select(t.batches.c.state).where(t.batches.c.id == last.id))
    assert state == "committed"
    take_in(tmp_path / "other", logs)
    assert {t: content(tmp_path / "other", t) for t in before} == before


def test_what_was_acknowledged_but_not_taken_in_is_in_the_backup(tmp_path: Path) -> None:
    home, logs = _filled(tmp_path)
    waiting = write_events(tmp_path / "pushed", events(Random(11), 12)).read_bytes()
    Spool(home / "spool").put(ObjectRef("push", "push/1", "e", len(waiting), DAY), waiting)
    _backup(home, tmp_path / "kept.tar")
    restore(tmp_path / "kept.tar", tmp_path / "other")
    assert take_in(tmp_path / "other", logs).records["cloudtrail"] == 12


def test_restoring_overwrites_nothing(tmp_path: Path) -> None:
    home, _ = _filled(tmp_path)
    _backup(home, tmp_path / "kept")
    before = _all(home)
    with pytest.raises(WrongUse, match="not empty"):
        restore(tmp_path / "kept", home)
    assert _all(home) == before
    with pytest.raises(WrongUse, match="no finished backup"):
        restore(tmp_path / "nothing", tmp_path / "other")
    with pytest.raises(WrongUse, match="holds no backup"):
        _backup(home, tmp_path / "logs")
    with pytest.raises(WrongUse, match="in the home itself"):
        _backup(home, home / "backup")


def test_a_damaged_backup_is_refused_by_name_of_the_file(tmp_path: Path) -> None:
    home, _ = _filled(tmp_path)
    _backup(home, tmp_path / "kept")
    victim = next((tmp_path / "kept" / "lake").rglob("*.parquet"))
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-1] + b"!")
    name = str(victim.relative_to(tmp_path / "kept"))
    assert verify(tmp_path / "kept") == [f"{name} is not what was written"]
    with pytest.raises(AshiatoError, match="damaged") as refused:
        restore(tmp_path / "kept", tmp_path / "other")
    assert name in str(refused.value)
    with pytest.raises(AshiatoError, match="there is no home"):
        Home.open_for_reading(tmp_path / "other")
    # Mended, the same call works on what the first left.
    victim.write_bytes(whole)
    restore(tmp_path / "kept", tmp_path / "other")
    assert _all(tmp_path / "other") == _all(home)


def test_a_backup_that_was_cut_short_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ashiato.lake import backup_store

    home, logs = _filled(tmp_path)
    _backup(home, tmp_path / "kept")
    earlier = _all(home)
    write_events(logs, events(Random(13), 10))
    take_in(home, logs)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup_store.FolderStore, "finish", full)
    with pytest.raises(AshiatoError, match="No space left"):
        _backup(home, tmp_path / "kept")
    monkeypatch.undo()
    assert verify(tmp_path / "kept") == []
    restore(tmp_path / "kept", tmp_path / "other")
    assert _all(tmp_path / "other") == earlier


def test_paths_that_lead_out_of_a_backup_are_refused(tmp_path: Path) -> None:
    home, _ = _filled(tmp_path)
    _backup(home, tmp_path / "kept")
    manifest = tmp_path / "kept" / "backup.json"
    document = json.loads(manifest.read_text())
    document["files"][0]["path"] = "../../evil"
    manifest.write_text(json.dumps(document))
    with pytest.raises(AshiatoError, match="outside"):
        restore(tmp_path / "kept", tmp_path / "other")


def test_the_writer_opens_a_restored_home_without_work(tmp_path: Path) -> None:
    home, _ = _filled(tmp_path)
    _backup(home, tmp_path / "kept")
    restore(tmp_path / "kept", tmp_path / "other")
    with Home.open_for_writing(tmp_path / "other", "test") as opened:
        writer = LakeWriter(opened)
        assert writer.keys.known_batches()
        writer.close()
