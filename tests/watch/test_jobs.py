"""Long jobs: progress that survives, cancelling, bounds, what a limited person sees, and what a kill leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ashiato.access import audit
from ashiato.core.clock import now
from ashiato.core.errors import WrongUse
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.core.settings import Account, Settings, WatchedSource
from ashiato.intake.quarantine import entries, note_try
from ashiato.lake.home import Home
from ashiato.ledger.alert_tables import audit_log
from ashiato.ledger.job_tables import jobs
from ashiato.watch import job_runner
from ashiato.watch.job_kinds import JobKind, Work, kinds, quarantine_retry
from ashiato.watch.job_kinds.rule_import import keep_upload
from ashiato.watch.job_runner import JobRunner, running_jobs
from ashiato.watch.jobs import (
    MOST_OF_ONE,
    Job,
    cancel,
    checked,
    list_jobs,
    parse_job_id,
    read_job,
    settle_dead,
    submit,
)
from intake.lake_counts import count
from intake.taking_in import write, write_events
from postgres_server import Server
from watch.watching import ACCOUNT, content, events, running, until
from watch.watching import settings as watching_settings

OTHER = "444455556666"
RULE = """
title: A bucket was listed
id: 5f0c1d6e-0000-4000-8000-000000000001
status: test
logsource: {product: aws, service: cloudtrail}
detection:
  it: {eventSource|exists: true}
  condition: it
level: low
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home.open_for_writing(tmp_path / "home", "test") as opened:
        yield opened


@pytest.fixture
def told(home: Home) -> Settings:
    return Settings(home=home.folder, accounts=[Account(id=ACCOUNT, name="shop", groups=["a"])])


@contextmanager
def runner(home: Home, told: Settings, **more: Any) -> Iterator[JobRunner]:
    """A runner in a thread."""
    stop = threading.Event()
    made = JobRunner(home, told, **more)
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        made.look()
        thread.join(30)
        assert not thread.is_alive()


def asked(
    home: Home, told: Settings, kind: str, scope: AccountScope = EVERY_ACCOUNT, **parameters: Any
) -> int:
    kept = checked(kind, parameters, home=home, settings=told, scope=scope)
    with home.ledger.begin() as connection:
        return submit(connection, kind, kept, by="ann", scope=scope, now=now())


def job(home: Home, number: int) -> Job:
    with home.ledger.engine.connect() as connection:
        return read_job(connection, number, EVERY_ACCOUNT)


def ended(home: Home, number: int, seconds: float = 60) -> Job:
    until(lambda: job(home, number).finished, f"job {number} ends", seconds)
    return job(home, number)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> JobKind:
    """A kind that goes on until it is told to end."""

    def check(given: Mapping[str, Any], settings: Settings, home: Home) -> dict[str, Any]:
        del settings, home
        return dict(given)

    def run(work: Work) -> dict[str, Any]:
        for n in range(10_000):
            work.progress("walking", n / 10_000, n, "steps")
            work.go_on()
            time.sleep(0.01)
        return {}

    kind = JobKind("slow", whole=False, writes=False, apart=False, check=check, run=run)
    monkeypatch.setitem(kinds(), "slow", kind)
    return kind


def test_progress_is_there_for_whoever_looks_and_a_job_can_be_cancelled(
    home: Home, told: Settings, slow: JobKind
) -> None:
    with runner(home, told):
        number = asked(home, told, "slow")
        until(lambda: (job(home, number).counted or 0) > 5, "progress")
        seen = job(home, number)
        assert (seen.state, seen.step, seen.unit, seen.by) == ("running", "walking", "steps", "ann")
        until(lambda: job(home, number).rate(now()), "a rate")
        assert job(home, number).as_json(now())["rate"] > 0
        with home.ledger.begin() as connection:
            cancel(connection, number, by="bob", scope=EVERY_ACCOUNT, now=now())
        done = ended(home, number, 10)
    assert (done.state, done.cancelled_by) == ("cancelled", "bob")
    heard = home.ledger.rows(sa.select(audit_log.c.who, audit_log.c.what).order_by(audit_log.c.id))
    assert [tuple(r) for r in heard] == [
        ("ann", "job asked for"), ("bob", "job cancelled"), ("ann", "job cancelled"),
    ]  # fmt: skip


def test_one_that_waits_is_cancelled_at_once_and_one_that_ended_stays(home: Home, told: Settings) -> None:
    number = asked(home, told, "backtest", all=True)
    for _ in range(2):
        with home.ledger.begin() as connection:
            assert cancel(connection, number, by="bob", scope=EVERY_ACCOUNT, now=now()).state == "cancelled"


def test_so_many_of_one_person_and_no_more(home: Home, told: Settings, slow: JobKind) -> None:
    for _ in range(MOST_OF_ONE):
        asked(home, told, "slow")
    with pytest.raises(WrongUse, match="wait or run already"):
        asked(home, told, "slow")
    with runner(home, told):
        until(lambda: [j.state for j in _all(home)].count("running") == job_runner.MOST_READING, "two run")
        time.sleep(0.3)
        assert [j.state for j in _all(home)].count("running") == job_runner.MOST_READING
        _cancel_all(home)


def _all(home: Home, scope: AccountScope = EVERY_ACCOUNT) -> list[Job]:
    with home.ledger.engine.connect() as connection:
        return list_jobs(connection, scope)


def _cancel_all(home: Home) -> None:
    with home.ledger.begin() as connection:
        for one in list_jobs(connection, EVERY_ACCOUNT, unfinished=True):
            cancel(connection, one.id, by="ann", scope=EVERY_ACCOUNT, now=now())


def test_when_the_process_ends_its_jobs_are_interrupted_and_can_be_started_again(
    home: Home, told: Settings, slow: JobKind
) -> None:
    with runner(home, told):
        number = asked(home, told, "slow", x=1)
        until(lambda: job(home, number).state == "running", "it runs")
    assert job(home, number).state == "interrupted"
    kept = checked("slow", job(home, number).parameters, home=home, settings=told, scope=EVERY_ACCOUNT)
    with home.ledger.begin() as connection:
        new = submit(connection, "slow", kept, by="bob", scope=EVERY_ACCOUNT, now=now(), again_of=number)
    repeated = job(home, new)
    assert (repeated.state, repeated.again_of, repeated.parameters, repeated.by) == (
        "queued", number, {"x": 1}, "bob",
    )  # fmt: skip


def test_a_process_that_was_killed_leaves_them_interrupted(home: Home, told: Settings, slow: JobKind) -> None:
    number = asked(home, told, "slow")
    script = "import sys, time; from ashiato.watch.jobs import this_process; print(this_process(), flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    owner = other.stdout.readline().strip()
    values = {
        "state": "running",
        "owner": owner,
        "started_at": now(),
        "beat_at": now() - timedelta(seconds=10),
    }
    with home.ledger.begin() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.id == number).values(values))
        assert settle_dead(connection, now()) == []
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    with home.ledger.begin() as connection:
        assert settle_dead(connection, now()) == [number]
    assert job(home, number).state == "interrupted"


def test_one_whose_end_could_not_be_written_does_not_run_for_ever(
    home: Home, told: Settings, slow: JobKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control database is away for the moment at which the job ends."""
    monkeypatch.setattr(job_runner, "DEAD_SECONDS", 0.1)
    failures = [sa.exc.OperationalError("UPDATE jobs", {}, Exception("database is locked"))]
    record = audit.record

    def failing(*given: Any, **more: Any) -> None:
        if failures and given[2] == "job cancelled" and given[1] == "ann":
            raise failures.pop()
        record(*given, **more)

    monkeypatch.setattr(audit, "record", failing)
    said: list[str] = []
    with runner(home, told, say=said.append):
        number = asked(home, told, "slow")
        until(lambda: job(home, number).counted, "progress")
        with home.ledger.begin() as connection:
            cancel(connection, number, by="bob", scope=EVERY_ACCOUNT, now=now())
        assert ended(home, number, 10).state == "interrupted"
    assert not failures
    assert any("could not be written" in text for text in said)


def test_of_another_machine_the_signs_of_life_tell(home: Home, told: Settings, slow: JobKind) -> None:
    number = asked(home, told, "slow")
    for age, dead in ((10, []), (60, [number])):
        beat = now() - timedelta(seconds=age)
        with home.ledger.begin() as connection:
            connection.execute(sa.update(jobs).values(state="running", owner="elsewhere:1:5", beat_at=beat))
            assert settle_dead(connection, now()) == dead


def test_a_backtest_sees_only_the_accounts_of_who_asked(home: Home, told: Settings, tmp_path: Path) -> None:
    _rules(home, tmp_path)
    others = [{**e, "recipientAccountId": OTHER} for e in events(5, 2)]
    _take(home, write_events(tmp_path / "logs" / "a.json", [*events(8, 1), *others]))
    with runner(home, told):
        whole = ended(home, asked(home, told, "backtest", rules=["A bucket was listed"]))
        part = ended(
            home,
            asked(home, told, "backtest", AccountScope.of([OTHER]), rules=["A bucket was listed"]),
        )
    assert whole.result is not None, whole.error
    assert part.result is not None, part.error
    assert (whole.result["rules"][0]["hits"], part.result["rules"][0]["hits"]) == (13, 5)
    assert (whole.result["records"], part.result["records"]) == (13, 5)
    assert all(e["recipientAccountId"] == OTHER for e in part.result["rules"][0]["examples"])
    assert whole.fraction == 1.0
    # Its result tells of accounts that a limited person may not see.
    assert [j.id for j in _all(home, AccountScope.of([OTHER, ACCOUNT]))] == [part.id]
    assert _all(home, AccountScope.of([ACCOUNT])) == []
    with home.ledger.engine.connect() as connection, pytest.raises(WrongUse, match="there is no job"):
        read_job(connection, whole.id, AccountScope.of([OTHER]))


def test_a_backtest_is_ended_within_seconds(
    home: Home, told: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with runner(home, told):
        number = asked(home, told, "backtest", all=True)
        until(lambda: job(home, number).state == "running", "it runs")
        with home.ledger.begin() as connection:
            cancel(connection, number, by="ann", scope=EVERY_ACCOUNT, now=now())
        began = time.monotonic()
        assert ended(home, number, 15).state in ("cancelled", "done")
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "which rules"),
        ({"all": True, "rules": ["x"]}, "which rules"),
        ({"rules": ["no such rule at all"]}, "there is no rule"),
        ({"all": True, "from": "2026-02-31"}, "no day"),
        ({"all": True, "from": "2026-03-02", "to": "2026-03-01"}, "begins after it ends"),
    ],
)
def test_a_backtest_that_cannot_be_meant_is_refused(
    home: Home, told: Settings, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(WrongUse, match=message):
        asked(home, told, "backtest", **parameters)


def test_rules_that_were_uploaded_are_imported(home: Home, told: Settings, tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("rules/a.yml", RULE)
        zipped.writestr("../../evil.yml", RULE.replace("0001", "0002"))
        zipped.writestr("bad.yml", "title: [")
    with runner(home, told):
        upload = keep_upload(home, archive.read_bytes())
        done = ended(home, asked(home, told, "rule_import", upload=upload, name="sigma <b>.zip"))
    assert done.result is not None, done.error
    assert (done.result["files"], done.result["rules"], done.result["problem_count"]) == (3, 2, 1)
    assert sorted(p.name for p in (home.folder / "rules").iterdir()) == ["sigma-b"]
    assert not (tmp_path / "evil.yml").exists()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "which rules"),
        ({"upload": "../../../etc/passwd"}, "not there any more"),
        ({"path": "rules"}, "named from the root"),
        ({"path": "/no/such/folder"}, "no such file"),
        ({"path": "/tmp", "pack": "../x"}, "name of a pack"),
    ],
)
def test_an_import_that_cannot_be_meant_is_refused(
    home: Home, told: Settings, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(WrongUse, match=message):
        asked(home, told, "rule_import", **parameters)


def test_a_folder_is_collected_and_evaluated(home: Home, told: Settings, tmp_path: Path) -> None:
    write_events(tmp_path / "logs" / "a.json", events(8, 1))
    write(tmp_path / "logs" / "b.json", b'{"Records": [{')
    with runner(home, told):
        done = ended(home, asked(home, told, "collect", address=str(tmp_path / "logs")))
        assert done.result is not None, done.error
        assert done.result["objects"] == {
            "seen": 2, "taken": 1, "already": 0, "skipped": 0, "quarantined": 1, "failed": 0,
        }  # fmt: skip
        assert done.result["records"]["cloudtrail"] == 8
        assert done.result["evaluated"]["records"] == 8
        once_more = ended(home, asked(home, told, "collect", address=str(tmp_path / "logs")))
    assert once_more.result is not None
    assert once_more.result["objects"]["already"] == 2
    assert count(home.folder, "cloudtrail") == 8


def test_while_watch_runs_a_folder_goes_through_its_pipeline(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    write_events(tmp_path / "logs" / "a.json", events(8, 1))
    given = watching_settings(tmp_path / "home", WatchedSource(name="drop", type="files", path=drop))
    with running(tmp_path / "home", given) as (watch, _), runner(watch.home, given, watch=watch):
        (drop / "b.json.gz").write_bytes(content(events(8, 2)))
        number = asked(watch.home, given, "collect", address=str(tmp_path / "logs"))
        done = ended(watch.home, number)
        assert done.result is not None, done.error
        assert (done.result["objects"]["taken"], done.result["records"]) == (1, {"cloudtrail": 8})
        until(lambda: watch.pipeline.state.records["cloudtrail"] == 16, "both")
    assert count(tmp_path / "home", "cloudtrail") == 16


def test_what_the_end_of_the_process_left_uncommitted_is_not_told_as_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    write_events(tmp_path / "logs" / "a.json", events(8, 1))
    given = watching_settings(tmp_path / "home", WatchedSource(name="drop", type="files", path=drop))
    with running(tmp_path / "home", given) as (watch, _), runner(watch.home, given, watch=watch):
        tried = threading.Event()

        def failing(_group: object) -> None:
            tried.set()
            raise OSError("no space left on device")

        monkeypatch.setattr(watch.pipeline, "_commit", failing)
        number = asked(watch.home, given, "collect", address=str(tmp_path / "logs"))
        assert tried.wait(30)
        watch.stop.set()
        done = ended(watch.home, number)
    assert (done.state, done.result) == ("failed", None)
    assert done.error is not None
    assert "ending" in done.error["what"]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "what is to be taken in"),
        ("-", "what is to be taken in"),
        ("logs", "named from the root"),
        ("/no/such/folder", "no such file"),
        ("ftp://x/y", "no kind of source"),
        ("HOME", "own home"),
    ],
)
def test_a_collection_that_cannot_be_meant_is_refused(
    home: Home, told: Settings, address: str, message: str
) -> None:
    with pytest.raises(WrongUse, match=message):
        asked(home, told, "collect", address=str(home.folder / "lake") if address == "HOME" else address)


@pytest.mark.parametrize("kind", ["collect", "rule_import", "quarantine_retry"])
def test_what_bears_on_every_account_is_not_for_who_may_see_some(
    home: Home, told: Settings, kind: str
) -> None:
    with pytest.raises(WrongUse, match="every account"):
        asked(home, told, kind, AccountScope.of([ACCOUNT]))


def test_jobs_that_write_wait_for_the_process_that_does(tmp_path: Path, home: Home, told: Settings) -> None:
    number = asked(home, told, "collect", address=str(tmp_path))
    home.close()
    with Home.open_for_reading(home.folder) as reader, runner(reader, told):
        time.sleep(1.2)
        assert job(reader, number).state == "queued"


def test_a_process_that_serves_pages_borrows_the_home_where_nobody_has_it(
    home: Home, told: Settings, tmp_path: Path
) -> None:
    write_events(tmp_path / "logs" / "a.json", events(8, 1))
    number = asked(home, told, "collect", address=str(tmp_path / "logs"))
    with Home.open_for_reading(home.folder) as reader, running_jobs(reader, told, print):
        until(lambda: job(reader, number).started is None, "it is given back while somebody writes")
        home.close()
        done = ended(reader, number)
        assert done.result is not None, done.error
        assert done.result["records"]["cloudtrail"] == 8
    Home.open_for_writing(home.folder, "it was given back").close()


def test_what_can_be_read_now_leaves_the_quarantine(home: Home, told: Settings, tmp_path: Path) -> None:
    """Flow records without a header become readable when somebody tells their fields."""
    line = "10.0.0.9 2 eni-0a1 111122223333 10.0.0.5 443 50000 6 3 400 1763600000 1763600060 ACCEPT OK"
    write(tmp_path / "logs" / "flows.log", f"{line}\n{line}\n".encode())
    write(tmp_path / "logs" / "bad.json", b'{"Records": [{')
    _take(home, tmp_path / "logs")
    listed = entries(home, 10)
    assert len(listed) >= 2
    assert {e["tried"] for e in listed} == {None}
    fields = (
        "${dstaddr} ${version} ${interface-id} ${account-id} ${srcaddr} ${dstport} ${srcport} ${protocol}"
        " ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
    )
    with runner(home, told):
        done = ended(home, asked(home, told, "quarantine_retry", flow_format=fields))
    assert done.result is not None, done.error
    assert done.result["unreadable"] == 1, done.result
    assert done.result["taken"] >= 1
    assert count(home.folder, "vpc_flow_logs") == 2
    assert {e["tried"] for e in entries(home, 10)} == {"taken", "unreadable"}


def test_entries_that_were_taken_do_not_hide_older_ones_from_a_retry(
    home: Home, told: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / "logs" / f"{name}.json", b'{"Records": [{' + name.encode())
    _take(home, tmp_path / "logs")
    newest, *older = entries(home, 10)
    note_try(home.ledger, newest["id"], "taken", None, by="ann", at=now())
    monkeypatch.setattr(quarantine_retry, "MOST", len(older))
    with runner(home, told):
        done = ended(home, asked(home, told, "quarantine_retry"))
        one = ended(home, asked(home, told, "quarantine_retry", ids=[older[-1]["id"]]))
    assert done.result is not None, done.error
    assert {r["id"] for r in done.result["reasons"]} == {e["id"] for e in older}
    assert one.result is not None, one.error
    assert [r["id"] for r in one.result["reasons"]] == [older[-1]["id"]]


def test_a_defect_is_said_and_not_traced_back(
    home: Home, told: Settings, slow: JobKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(work: Work) -> dict[str, Any]:
        raise ValueError("\x00 <script>")

    monkeypatch.setitem(kinds(), "slow", JobKind("slow", False, False, False, slow.check, run))
    with runner(home, told):
        done = ended(home, asked(home, told, "slow"))
    assert done.state == "failed"
    assert done.error is not None
    assert done.error["what"].startswith("a defect of Ashiato")
    json.dumps(done.as_json(now()), default=str)


@pytest.mark.parametrize("text", ["J-7", "j7", "7", " 7 "])
def test_ids(text: str) -> None:
    assert parse_job_id(text) == 7


@pytest.mark.parametrize("text", ["", "J-", "-7", "J-x", "٧", "9" * 20])
def test_no_ids(text: str) -> None:
    with pytest.raises(WrongUse):
        parse_job_id(text)


def _rules(home: Home, tmp_path: Path) -> None:
    write(home.folder / "rules" / "mine" / "a.yml", RULE.encode())


def _take(home: Home, what: Path) -> None:
    from ashiato.intake.collect import Collector

    Collector(home, processes=1).run([str(what)])


@pytest.mark.needs_postgres
def test_the_same_on_postgresql(tmp_path: Path, postgres: Server, slow: JobKind) -> None:
    with Home.open_for_writing(tmp_path / "pg", "test", ledger_url=postgres.url()) as home:
        told = Settings(home=home.folder, ledger_url=home.ledger.url)
        with runner(home, told):
            number = asked(home, told, "slow", AccountScope.of([OTHER]))
            until(lambda: job(home, number).counted, "progress")
            _cancel_all(home)
            assert ended(home, number).state == "cancelled"
        assert [j.id for j in _all(home, AccountScope.of([OTHER]))] == [number]
