"""What a person is told, and when: history, changed rules, silence, and an evaluation that fails."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.services import Webhook, webhook
from ashiato.core.settings import Channel, Detection, Settings, WatchedSource
from ashiato.detect.ruleset import say_enabled
from ashiato.lake.home import Home
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import alert_history, alerts
from ashiato.ledger.detection_tables import findings
from ashiato.watch import evaluating, loop
from ashiato.watch.assembled import with_rules
from ashiato.watch.evaluating import LiveEvaluation
from ashiato.watch.http import HttpService
from ashiato.watch.loop import Watch
from watch.estate import happened, zipped
from watch.watch_process import WatchProcess, free_ports, run
from watch.watching import running, settings, until

RULE = """
title: Instances were listed by {who}
id: 7f0c2b1e-95a3-4f55-8a2e-5b9d8e6c1a01
status: test
level: medium
logsource: {{product: aws, service: cloudtrail}}
detection:
  selection:
    eventName: DescribeInstances
    userIdentity.userName|contains: {who}
  condition: selection
"""


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as made:
        yield made


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


def put(drop: Path, name: str, *records: dict[str, Any]) -> None:
    (drop / f".{name}").write_bytes(zipped(*records))
    (drop / f".{name}").rename(drop / name)


def config_file(tmp_path: Path, drop: Path, hook: Webhook, port: int, more: str = "") -> Path:
    path = tmp_path / "ashiato.toml"
    path.write_text(f"""
home = "{tmp_path}/home"
{more}
[[sources]]
name = "drop"
type = "files"
path = "{drop}"

[[channels]]
name = "hook"
url = "{hook.url}"

[watch]
listen = "127.0.0.1:{port}"
poll_seconds = 0.5
""")
    return path


def standing(ledger: Ledger, rule: str | None = None) -> dict[str, list[str]]:
    """Event ids by uid of findings that stand."""
    rows = ledger.rows(sa.select(findings).where(findings.c.standing == 1))
    return {r.uid: sorted(json.loads(r.event_ids)) for r in rows if rule is None or r.rule == rule}


def test_collect_lists_what_it_raises_and_delivers_only_when_told_to(
    tmp_path: Path, drop: Path, hook: Webhook
) -> None:
    config = config_file(tmp_path, drop, hook, 0)
    put(drop, "a.json.gz", happened(0, datetime.now(UTC)))
    said = run("collect", drop, "--config", config)["evaluated"]
    assert (said["alerts"] > 0, said["messages"]) == (True, 0)
    listed = run("alerts", "list", "--config", config)
    assert "A trail was stopped" in [a["title"] for a in listed]
    assert hook.got == []
    put(drop, "b.json.gz", happened(4, datetime.now(UTC)))
    said = run("collect", drop, "--notify", "--config", config)["evaluated"]
    assert said["messages"] == len(hook.got) > 0
    # What the first collection raised is history, and stays untold.
    assert all("e2e-user-4-x" in m["message"] for m in hook.got)


@pytest.mark.slow
def test_what_a_killed_watch_left_is_news_also_when_a_collection_comes_first(
    tmp_path: Path, drop: Path, hook: Webhook
) -> None:
    """Killed between commit and evaluation: the batch is there as after `--no-evaluate`."""
    config = config_file(tmp_path, drop, hook, 0)
    put(drop, "first.json.gz", happened(3, datetime.now(UTC)))
    run("watch", "--once", "--config", config)
    put(drop, "news.json.gz", happened(0, datetime.now(UTC) + timedelta(seconds=1)))
    run("collect", drop, "--no-evaluate", "--config", config)
    put(drop, "collected.json.gz", happened(4, datetime.now(UTC) + timedelta(seconds=1)))
    run("collect", drop, "--config", config)
    assert hook.got == []
    run("watch", "--once", "--config", config)
    assert hook.got
    assert all("e2e-user-0-x" in m["message"] for m in hook.got)


@pytest.mark.slow
def test_rules_that_change_between_two_runs_catch_up_and_tell_what_is_news(
    tmp_path: Path, drop: Path, hook: Webhook
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    [port] = free_ports(1)
    config = config_file(tmp_path, drop, hook, port, f'[detect]\nrules = ["{rules}"]\n')
    watch = WatchProcess(config, tmp_path / "watch.log", port)
    rule = "7f0c2b1e-95a3-4f55-8a2e-5b9d8e6c1a01"

    def backtested() -> dict[str, list[str]]:
        [result] = run("detections", "backtest", rule, "--findings", "--config", config)
        return {f["uid"]: sorted(f["event_ids"]) for f in result["findings"]}

    def caught_up(count: int) -> None:
        with Home.open_for_reading(tmp_path / "home") as home:
            until(lambda: sum(map(len, standing(home.ledger, rule).values())) == count, "caught up", 60)
            assert standing(home.ledger, rule) == backtested()

    put(drop, "old.json.gz", happened(3, datetime.now(UTC) - timedelta(days=2)))
    try:
        watch.start()
        until(lambda: watch.healthz()[1]["commits"] >= 1, "history", 30)
        now = datetime.now(UTC) + timedelta(seconds=1)
        put(drop, "new.json.gz", happened(7, now), happened(11, now))
        until(lambda: watch.healthz()[1]["commits"] >= 2, "news", 30)
        watch.kill()
        (rules / "listed.yml").write_text(RULE.format(who="e2e-user"))
        watch.start()
        caught_up(3)
        until(lambda: hook.got, "told", 30)
        # Of the two days before this home was watched nobody is told.
        assert not any("e2e-user-3-x" in m["message"] for m in hook.got)
        before = len(hook.got)
        watch.kill()
        (rules / "listed.yml").write_text(RULE.format(who="e2e-user-11-x"))
        watch.start()
        caught_up(1)
        with Home.open_for_reading(tmp_path / "home") as home:
            states = home.ledger.rows(sa.select(alerts.c.state).where(alerts.c.rule == rule))
        assert sorted(s for (s,) in states) == ["open", "withdrawn", "withdrawn"]
        put(drop, "more.json.gz", happened(1111, now))
        watch.end()
    finally:
        watch.close()
    # Narrower is nothing new.
    assert len(hook.got) == before


def test_rules_that_change_while_it_runs_are_taken_up_without_a_restart(
    tmp_path: Path, drop: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(evaluating, "RECONCILE_SECONDS", 0.1)
    rules = tmp_path / "rules"
    rules.mkdir()
    source = WatchedSource(name="drop", type="files", path=drop)
    given = with_channel(tmp_path / "home", hook, source)
    given = given.model_copy(update={"detect": Detection(own_pack=False, rules=[rules])})
    rule = "7f0c2b1e-95a3-4f55-8a2e-5b9d8e6c1a01"
    put(drop, "a.json.gz", happened(3, datetime.now(UTC)))
    made = Running(given)
    with running(tmp_path / "home", given, before=made.before) as (watch, said):
        ledger = watch.home.ledger
        states = states_of(ledger, rule)
        until(lambda: watch.pipeline.state.commits == 1, "committed")
        (rules / ".new").write_text(RULE.format(who="e2e-user"))
        (rules / ".new").rename(rules / "listed.yml")
        until(lambda: states() == ["open"], "what is in the lake is found without a further commit")
        put(drop, "b.json.gz", happened(7, datetime.now(UTC)))
        until(lambda: sum(map(len, standing(ledger, rule).values())) == 2, "and what comes")
        say_enabled(ledger, [rule], enabled=False)
        until(lambda: said[-1].startswith("0 rules are evaluated"), "switched off")
        put(drop, "c.json.gz", happened(11, datetime.now(UTC)))
        until(lambda: watch.pipeline.state.commits == 3, "committed")
        say_enabled(ledger, [rule], enabled=True)
        until(lambda: sum(map(len, standing(ledger, rule).values())) == 3, "what it missed is found")
        # A folder that is gone leaves the rules as they were.
        rules.rename(tmp_path / "away")
        until(lambda: "cannot be read" in said[-1], "said")
        put(drop, "d.json.gz", happened(15, datetime.now(UTC)))
        until(lambda: sum(map(len, standing(ledger, rule).values())) == 4, "the earlier rules go on")


def test_rules_that_a_defect_keeps_from_being_read_hold_up_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(evaluating, "RECONCILE_SECONDS", 0.01)
    given = Settings(home=tmp_path / "home", detect=Detection(own_pack=False))
    said: list[str] = []
    looked = threading.Event()
    stop = threading.Event()
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        evaluation = LiveEvaluation(home, given, said.append)
        monkeypatch.setattr(evaluation.inner, "reconcile", looked.set)

        def defect() -> Any:
            raise ValueError("a defect")

        monkeypatch.setattr(evaluation, "_evaluation", defect)
        say_enabled(home.ledger, ["7f0c2b1e-95a3-4f55-8a2e-5b9d8e6c1a01"], enabled=False)
        thread = threading.Thread(target=evaluation.run, args=(stop,))
        thread.start()
        try:
            assert looked.wait(30)
        finally:
            stop.set()
            thread.join(30)
    assert any("cannot be read" in text and "ValueError: a defect" in text for text in said)


class Running:
    """A loop with rules, alerts and delivery, as `ashiato watch` puts them together."""

    def __init__(self, given: Settings) -> None:
        self.given = given
        self.url = ""
        self.evaluation: LiveEvaluation

    def before(self, watch: Watch) -> None:
        with_rules(watch)
        assert watch.evaluation is not None
        self.evaluation = watch.evaluation
        http = HttpService(watch, "127.0.0.1:0")
        watch.add_service("http", http)
        self.url = f"http://127.0.0.1:{http.port}/healthz"

    def health(self) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(self.url, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, None


def with_channel(home: Path, hook: Webhook, *sources: WatchedSource) -> Settings:
    given = settings(home, *sources)
    return given.model_copy(update={"channels": [Channel(name="hook", url=hook.url)]})


def states_of(ledger: Ledger, rule: str) -> Callable[[], list[str]]:
    return lambda: sorted(s for (s,) in ledger.rows(sa.select(alerts.c.state).where(alerts.c.rule == rule)))


@pytest.mark.slow
def test_a_silent_source_is_told_with_what_that_rests_on_and_withdrawn_when_it_speaks(
    tmp_path: Path, drop: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SILENCE_SECONDS", 0.1)
    source = WatchedSource(name="drop", type="files", path=drop, silent_after=timedelta(seconds=3))
    given = with_channel(tmp_path / "home", hook, source)
    put(drop, "a.json.gz", happened(3, datetime.now(UTC)))
    made = Running(given)
    with running(tmp_path / "home", given, before=made.before) as (watch, _):
        states = states_of(watch.home.ledger, "ashiato-silence")
        until(lambda: states() == ["open"], "silent")
        until(lambda: len(hook.got) == 1, "told")
        text = hook.got[0]["title"] + hook.got[0]["message"]
        assert "drop" in text
        assert "The settings allow it to be silent for 3 s." in text
    # Started again, and not to be asked for a while: nothing new is told, and nothing is withdrawn unasked.
    drop.rename(tmp_path / "away")
    made = Running(given)
    with running(tmp_path / "home", given, before=made.before) as (watch, _):
        ledger = watch.home.ledger
        states = states_of(ledger, "ashiato-silence")
        state = watch.runners[0].live.state
        until(lambda: state.error is not None, "it cannot be asked")
        until(lambda: datetime.now(UTC) > watch.since + timedelta(seconds=2), "looked at several times")
        assert state.last_poll is None
        assert states() == ["open"]
        (tmp_path / "away").rename(drop)
        until(lambda: state.last_poll is not None, "it was asked")
        until(lambda: len(watch.silences) == 1, "still silent")
        asked = sa.select(alert_history.c.what).where(alert_history.c.what == "withdrawn")
        assert (states(), ledger.rows(asked), len(hook.got)) == (["open"], [], 1)
        put(drop, "b.json.gz", happened(7, datetime.now(UTC)))
        until(lambda: states() == ["withdrawn"], "withdrawn")
        assert len(hook.got) == 1


def test_healthz_says_that_evaluation_fails_and_heals_without_a_further_commit(
    tmp_path: Path, drop: Path, hook: Webhook
) -> None:
    """A table of the control database is away for a while: what is committed meanwhile is told afterwards."""
    source = WatchedSource(name="drop", type="files", path=drop)
    given = with_channel(tmp_path / "home", hook, source)
    made = Running(given)
    with running(tmp_path / "home", given, before=made.before) as (watch, said):
        ledger = watch.home.ledger
        until(lambda: made.health()[0] == 200, "well")
        with ledger.begin() as connection:
            connection.execute(sa.text("ALTER TABLE findings RENAME TO findings_away"))
        record = happened(0, datetime.now(UTC) + timedelta(seconds=1))
        put(drop, "a.json.gz", record)
        until(lambda: made.health()[0] == 503, "not well")
        assert any("evaluation fails" in reason for reason in made.health()[1]["reasons"])
        assert watch.pipeline.state.records["cloudtrail"] == 1
        assert any("evaluation fails" in text for text in said)
        assert hook.got == []
        with ledger.begin() as connection:
            connection.execute(sa.text("ALTER TABLE findings_away RENAME TO findings"))
        until(lambda: made.health()[0] == 200, "well again")
        until(lambda: any("e2e-user-0-x" in m["message"] for m in hook.got), "told")
        assert watch.pipeline.state.commits == 1
        assert any("Rules are evaluated again" in text for text in said)


def test_a_batch_that_cannot_be_evaluated_holds_up_no_other(
    tmp_path: Path, drop: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logs are written by others: a defect that one record meets must not end the watch over all that follow."""
    from ashiato.detect import evaluation

    read = evaluation.rows_of

    def failing(home: Home, batch: Any) -> Any:
        for piece in read(home, batch):
            if "e2e-user-0-x" in str(piece["userIdentity"].to_pylist()):
                raise ValueError("a defect")
            yield piece

    source = WatchedSource(name="drop", type="files", path=drop)
    given = with_channel(tmp_path / "home", hook, source)
    made = Running(given)
    monkeypatch.setattr(evaluation, "rows_of", failing)
    with running(tmp_path / "home", given, before=made.before) as (watch, _):
        now = datetime.now(UTC) + timedelta(seconds=1)
        put(drop, "a.json.gz", happened(0, now))
        until(lambda: made.health()[0] == 503, "not well")
        put(drop, "b.json.gz", happened(4, now))
        until(lambda: any("e2e-user-4-x" in m["message"] for m in hook.got), "the next is told")
        assert made.health()[0] == 503
        assert watch.pipeline.alive
    # A new process begins with what could not be evaluated: it goes on taking in all the same.
    made = Running(given)
    with running(tmp_path / "home", given, before=made.before) as (watch, _):
        until(lambda: made.health()[0] == 503, "still not well")
        put(drop, "c.json.gz", happened(8, now))
        until(lambda: any("e2e-user-8-x" in m["message"] for m in hook.got), "the next is told")
        monkeypatch.setattr(evaluation, "rows_of", read)
        until(lambda: any("e2e-user-0-x" in m["message"] for m in hook.got), "all is told")
        until(lambda: made.health()[0] == 200, "well")
