"""`ashiato detections` as a person runs it: import, list, show, switch, check, test, look back, tune."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.command import Command
from detect.evaluating import UUID, event, plain
from detect.test_correlations import correlation
from intake.taking_in import collect, write_events

DAY = 86_400
USERS = plain(
    {"eventName": "CreateUser"},
    1,
    name="users",
    level="high",
    tags=["attack.t1136.003"],
    description="A user.",
)
BURST = correlation(
    2,
    "event_count",
    ["users"],
    {"gte": 3},
    timespan="5m",
    generate=True,
    **{"group-by": ["userIdentity.userName"]},
)
WAITING = plain({"eventName|expand": "%nobodys%"}, 3)
TESTED = plain(
    {"eventName": "DeleteUser"}, 4, name="deleted",
    ashiato={"tests": [
        {"name": "it is deleted", "events": [event(1, eventName="DeleteUser")], "expect": "match"},
        {"name": "it is made", "events": [event(1)], "expect": "match"},
        {"name": "near", "events": [event(1)], "expect": "none"},
    ]},
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Twenty-five users made on the first day, most of them by one tool, five on the third."""
    tool = {
        "type": "IAMUser",
        "arn": "arn:aws:iam::111111111111:user/tool",
        "userName": "tool",
        "accountId": "111111111111",
    }
    events = [event(n, seconds=n * 10, userIdentity=tool, userAgent="a*b?") for n in range(1, 22)]
    events += [event(n, seconds=n * 10) for n in range(22, 26)]
    events += [event(n, seconds=2 * DAY + n) for n in range(30, 35)]
    write_events(tmp_path / "logs" / "a.json.gz", events)
    collect(tmp_path / "home", tmp_path / "logs")
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    (made / "deeper").mkdir(parents=True)
    (made / "users.yml").write_text(USERS)
    (made / "deeper" / "burst.yml").write_text(BURST)
    (made / "waiting.yml").write_text(WAITING)
    (made / "notes.md").write_text("no rule")
    return made


@pytest.fixture
def only_mine(tmp_path: Path) -> Path:
    path = tmp_path / "only.toml"
    path.write_text("[detect]\nown_pack = false\n")
    return path


def told(ashiato: Command, *args: object, status: int = 0) -> Any:
    result = ashiato("detections", *args, "--json")
    assert result.status == status, (result.err, result.out)
    return result.json


def test_an_import_names_what_cannot_be_evaluated(
    ashiato: Command, home: Path, folder: Path, only_mine: Path
) -> None:
    at = ("--home", home, "--config", only_mine)
    report = told(ashiato, "import", folder, *at, status=1)
    assert {k: report[k] for k in ("pack", "files", "rules", "correlations")} == {
        "pack": "mine", "files": 3, "rules": 2, "correlations": 1,
    }  # fmt: skip
    [problem] = report["problems"]
    assert "%nobodys%" in problem["reason"]
    assert "[detect.lists]" in problem["reason"]
    listed = told(ashiato, "list", *at)
    assert [(r["id"], r["level"], r["kind"], r["enabled"], r["pack"]) for r in listed["rules"]] == [
        (UUID.format(2), "medium", "correlation", True, "mine"),
        (UUID.format(1), "high", "match", True, "mine"),
    ]
    assert listed["problems"] == told(ashiato, "list", "--problems", *at, status=1)["problems"]
    only_mine.write_text('[detect]\nown_pack = false\n[detect.lists]\nnobodys = ["x"]\n')
    assert told(ashiato, "import", folder, *at)["rules"] == 3
    assert told(ashiato, "list", *at)["problems"] == []


def test_what_is_listed_can_be_chosen(ashiato: Command, home: Path, folder: Path) -> None:
    told(ashiato, "import", folder, "--home", home, "--pack", "a pack", status=1)
    mine = told(ashiato, "list", "--pack", "a-pack", "--home", home)["rules"]
    assert {r["title"] for r in mine} == {"rule 1", "correlation 2"}
    assert [
        r["id"]
        for r in told(ashiato, "list", "--tag", "attack.t1136.003", "--pack", "a-pack", "--home", home)[
            "rules"
        ]
    ] == [UUID.format(1)]
    high = told(ashiato, "list", "--level", "high", "--home", home)["rules"]
    assert UUID.format(1) in {r["id"] for r in high}
    assert {r["level"] for r in high} == {"high"}
    table = ashiato("detections", "list", "--pack", "a-pack", "--home", home)
    assert (table.status, "rule 1" in table.out, "Not evaluated: rule 3" in table.out) == (0, True, True)
    rows = list(
        csv.DictReader(io.StringIO(ashiato("detections", "list", "--format", "csv", "--home", home).out))
    )
    assert len(rows) > 200


def test_one_rule_is_shown_by_any_of_its_names(
    ashiato: Command, home: Path, folder: Path, only_mine: Path
) -> None:
    at = ("--home", home, "--config", only_mine)
    told(ashiato, "import", folder, *at, status=1)
    for name in (UUID.format(1), "users", "rule 1", "RULE 1"):
        shown = told(ashiato, "show", name, *at)
        assert (shown["id"], shown["condition"]) == (
            UUID.format(1),
            {"field": "eventName", "test": "CreateUser"},
        )
        assert "createuser" in shown["picked_by"]
    assert told(ashiato, "show", "burst", *at)["correlation"]["timespan_seconds"] == 300
    missing = ashiato("detections", "show", "rule 9", *at)
    assert (missing.status, "there is no rule 'rule 9'" in missing.err) == (2, True)
    assert "Did you mean" in missing.err
    assert "rule 1" in ashiato("detections", "show", "users", *at).out


def test_rules_are_switched_off_and_on(ashiato: Command, home: Path, folder: Path, only_mine: Path) -> None:
    at = ("--home", home, "--config", only_mine)
    told(ashiato, "import", folder, *at, status=1)
    assert told(ashiato, "disable", "users", *at) == [
        {"id": UUID.format(1), "title": "rule 1", "enabled": False}
    ]
    state = {r["id"]: (r["enabled"], r["reason"]) for r in told(ashiato, "list", *at)["rules"]}
    assert state == {UUID.format(1): (False, "switched off"), UUID.format(2): (True, "")}
    told(ashiato, "disable", "--pack", "mine", *at)
    assert not any(r["enabled"] for r in told(ashiato, "list", *at)["rules"])
    told(ashiato, "enable", "--pack", "mine", *at)
    assert all(r["enabled"] for r in told(ashiato, "list", *at)["rules"])
    nobody = ashiato("detections", "enable", *at)
    assert (nobody.status, "no rule is named" in nobody.err) == (2, True)


def test_the_past_of_a_rule(ashiato: Command, home: Path, folder: Path, only_mine: Path) -> None:
    at = ("--home", home, "--config", only_mine)
    told(ashiato, "import", folder, *at, status=1)
    found = told(ashiato, "backtest", "--all", *at)
    by_id = {r["id"]: r for r in found}
    users = by_id[UUID.format(1)]
    assert {k: users[k] for k in ("title", "level", "kind", "hits", "groups")} == {
        "title": "rule 1", "level": "high", "kind": "match", "hits": 30, "groups": 2,
    }  # fmt: skip
    assert (users["first"], users["last"]) == ("2026-03-02T09:00:10Z", "2026-03-04T09:00:34Z")
    assert users["days"] == {"2026-03-02": 25, "2026-03-04": 5}
    assert users["noisiest"][0] == {"principal": "arn:aws:iam::111111111111:user/tool", "hits": 21}
    assert [e["eventName"] for e in users["examples"]] == ["CreateUser"] * len(users["examples"])
    assert users["examples"]
    burst = by_id[UUID.format(2)]
    assert (burst["hits"], burst["groups"]) == (19 + 2 + 3, 2)
    assert [r["hits"] for r in found] == sorted((r["hits"] for r in found), reverse=True)
    [one] = told(ashiato, "backtest", "users", "--findings", *at)
    assert sum(f["hits"] for f in one["findings"]) == 30
    assert {e for f in one["findings"] for e in f["event_ids"]} == {
        f"e{n:06d}" for n in (*range(1, 26), *range(30, 35))
    }


def test_days_of_event_time_are_chosen(ashiato: Command, home: Path, folder: Path, only_mine: Path) -> None:
    at = ("--home", home, "--config", only_mine)
    told(ashiato, "import", folder, *at, status=1)

    def hits(*more: str) -> dict[str, int]:
        return {r["id"][-1]: r["hits"] for r in told(ashiato, "backtest", "--all", *more, *at)}

    assert hits("--from", "2026-03-03") == {"1": 5, "2": 3}
    assert hits("--to", "2026-03-02") == {"1": 25, "2": 21}
    assert hits("--from", "2026-03-02", "--to", "2026-03-04") == {"1": 30, "2": 24}
    assert hits("--from", "2026-03-03", "--to", "2026-03-03") == {"1": 0, "2": 0}
    wrong = ashiato("detections", "backtest", "--all", "--from", "2026-03-03", "--to", "2026-03-01", *at)
    assert (wrong.status, "--from is after --to" in wrong.err) == (2, True)
    assert ashiato("detections", "backtest", *at).status == 2
    assert ashiato("detections", "backtest", "users", "--all", *at).status == 2


def test_a_suggested_filter_takes_out_what_it_says(
    ashiato: Command, home: Path, folder: Path, only_mine: Path, tmp_path: Path
) -> None:
    at = ("--home", home, "--config", only_mine)
    told(ashiato, "import", folder, *at, status=1)
    [before] = told(ashiato, "backtest", "users", *at)
    suggested = before["suggestion"]
    assert suggested["hits"] == 21
    assert suggested["share"] == pytest.approx(0.7)
    assert suggested["principals"] == 1
    tuned = tmp_path / "tuned"
    tuned.mkdir()
    (tuned / "filter.yml").write_text(suggested["filter"])
    assert told(ashiato, "import", tuned, *at)["problems"] == []
    [after] = told(ashiato, "backtest", "users", *at)
    assert after["hits"] == before["hits"] - suggested["hits"]
    assert told(ashiato, "show", "users", *at)["filters"] == [yaml.safe_load(suggested["filter"])["title"]]


@pytest.mark.parametrize(
    "source", [{"product": "aws"}, {"service": "cloudtrail"}, {"product": "AWS", "service": "CloudTrail"}]
)
@pytest.mark.parametrize("agent", ["a*b?", r"c:\x\*", "%x%", "12", "true", "İstanbul", "#:'\"{"])
def test_suggestions_hold_for_any_value_and_log_source(
    ashiato: Command, tmp_path: Path, only_mine: Path, source: dict[str, str], agent: str
) -> None:
    """Of noise told by its error code: a value may look like a wildcard, a number, or YAML."""
    events = [event(n, errorCode=agent, userIdentity={"type": "IAMUser", "userName": f"u{n}"},
                    sourceIPAddress=f"10.0.0.{n}", eventName=f"e{n}") for n in range(25)]  # fmt: skip
    events += [event(50 + n, errorCode="other", awsRegion=f"r{n}", eventName="q") for n in range(5)]
    events += [event(60 + n, errorCode=f"x{agent}y", awsRegion=f"r{n}", eventName="q") for n in range(5)]
    for n, one in enumerate(events):
        one["awsRegion"] = f"r{n}"
        one["userAgent"] = f"agent{n}/1"
    write_events(tmp_path / "a.json", events)
    home = tmp_path / "home"
    collect(home, tmp_path / "a.json")
    rules = tmp_path / "rules"
    rules.mkdir()
    document = yaml.safe_load(plain({"errorCode|exists": True}, 1, logsource=source))
    del document["id"]
    (rules / "rule.yml").write_text(yaml.safe_dump(document))
    at = ("--home", home, "--config", only_mine)
    assert told(ashiato, "import", rules, *at)["problems"] == []
    [before] = told(ashiato, "backtest", "--all", *at)
    suggested = before["suggestion"]
    assert (suggested["field"], suggested["value"], suggested["hits"]) == ("errorCode", agent, 25)
    (rules / "filter.yml").write_text(suggested["filter"])
    assert told(ashiato, "import", rules, *at)["problems"] == []
    [after] = told(ashiato, "backtest", "--all", *at)
    assert (before["hits"], after["hits"]) == (35, 10)


def test_rules_bring_their_tests(ashiato: Command, tmp_path: Path, home: Path, only_mine: Path) -> None:
    path = tmp_path / "tested.yml"
    path.write_text(TESTED)
    found = told(ashiato, "test", "--path", path, status=1)
    assert [(t["test"], t["passed"], t["why"]) for t in found["tests"]] == [
        ("it is deleted", True, ""), ("it is made", False, "it does not match"), ("near", True, ""),
    ]  # fmt: skip
    assert found["without_tests"] == []
    table = ashiato("detections", "test", "--path", path)
    assert (table.status, "2 of 3 tests passed" in table.out) == (1, True)
    path.write_text(USERS)
    assert told(ashiato, "test", "--path", path) == {"tests": [], "without_tests": [UUID.format(1)]}
    told(ashiato, "import", path, "--home", home, "--config", only_mine)
    assert told(ashiato, "test", "users", "--home", home, "--config", only_mine)["tests"] == []


def test_checking_says_what_is_wrong(ashiato: Command, tmp_path: Path) -> None:
    path = tmp_path / "rules"
    path.mkdir()
    (path / "good.yml").write_text(
        plain({"eventSource": "iam.amazonaws.com", "eventName": "CreateUser"}, 1, level="low", tags=["attack.t1136.003"],
              description="x", author="x", status="test", date="2026-01-01", falsepositives=["none"], references=["https://a.b/c"])
    )  # fmt: skip
    clean = ashiato("detections", "check", path, "--json")
    assert (clean.status, [r for r in clean.json if r["severity"] != "info"]) == (0, [])
    (path / "bad.yml").write_text(
        plain({"a": {"eventName": "CreateUsr"}, "b": {"eventName": "x"}, "condition": "a and b"}, 2)
        + "---\n"
        + WAITING
    )
    found = told(ashiato, "check", path, status=1)
    assert {"severity", "code", "rule", "file", "line", "text", "remedy"} == set(found[0])
    assert found[0]["severity"] == "error"
    assert any("cannot be evaluated" in r["text"] and "%nobodys%" in r["text"] for r in found)
    assert any("CreateUsr" in r["text"] for r in found)
    assert ashiato("detections", "check", tmp_path / "nowhere").status == 2


def test_coverage_counts_what_is_evaluated(
    ashiato: Command, home: Path, folder: Path, only_mine: Path
) -> None:
    at = ("--home", home, "--config", only_mine)
    told(ashiato, "import", folder, *at, status=1)
    assert "T1136.003" in json.dumps(told(ashiato, "coverage", *at)).upper()
    told(ashiato, "disable", "users", *at)
    assert "T1136.003" not in json.dumps(told(ashiato, "coverage", *at)).upper()


def test_without_a_home_there_are_rules_but_no_past(ashiato: Command, tmp_path: Path) -> None:
    at = ("--home", tmp_path / "nothing")
    assert len(told(ashiato, "list", *at)["rules"]) > 200
    result = ashiato("detections", "backtest", "--all", *at)
    assert (result.status, "there is no home yet" in result.err) == (3, True)
    lost = ashiato("detections", "import", tmp_path / "nowhere", *at)
    assert (lost.status, "no such file or folder" in lost.err) == (2, True)


def test_text_of_rules_and_records_is_made_harmless(
    ashiato: Command, tmp_path: Path, only_mine: Path
) -> None:
    """A title and a principal with terminal escapes."""
    users = [
        event(n, userIdentity={"type": "IAMUser", "arn": "arn:aws:iam::1:user/\x1b[31mred", "userName": "x"})
        for n in range(3)
    ]
    write_events(tmp_path / "a.json", users)
    collect(tmp_path / "home", tmp_path / "a.json")
    rule = tmp_path / "r.yml"
    rule.write_text(
        yaml.safe_dump(yaml.safe_load(USERS) | {"title": "\x1b[2Jclear", "description": "\x1b]0;x"})
    )
    at = ("--home", tmp_path / "home", "--config", only_mine)
    for words in (
        ("import", rule),
        ("list",),
        ("show", "users"),
        ("backtest", "--all"),
        ("disable", "users"),
        ("test",),
    ):
        assert "\x1b" not in ashiato("detections", *words, *at).out, words
