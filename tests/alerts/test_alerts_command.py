"""`ashiato alerts`: what a person types, also while another process writes to the home."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.samples import ALICE, NOON, a_ledger, change, event, finding, raise_, settings
from alerts.services import Webhook, webhook
from ashiato.core.locks import WriterLock
from ashiato.core.settings import Channel
from ashiato.ledger.alert_tables import audit_log
from cli.command import Command, Result
from docs.repository import tool

DOCUMENTS = tool("json_documents").DOCUMENTS


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path, hook: Webhook) -> Path:
    path = tmp_path / "ashiato.toml"
    path.write_text(
        f"""
        [[accounts]]
        id = "111111111111"
        name = "shop-prod"
        [[channels]]
        name = "hook"
        url = "{hook.url}"
        """
    )
    return path


@pytest.fixture
def home(tmp_path: Path, hook: Webhook) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    told = settings(Channel(name="hook", url=hook.url))
    with a_ledger(folder) as ledger:
        raise_(ledger, finding(NOON, explanation={"next": {"en": ["Close it."]}}), told)
        record = event("CreateAccessKey", source="iam", at=NOON)
        raise_(
            ledger,
            [change(finding(NOON, rule="key-created", level="medium", title="=Key", example=record))],
            told,
        )
        raise_(
            ledger,
            [
                change(
                    finding(NOON, rule="old", principal=ALICE + "2", addresses=(), resources=()), live=False
                )
            ],
            told,
        )
    return folder


Alerts = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, home: Path, config: Path) -> Alerts:
    command = Command(monkeypatch)

    def typed(name: str, *args: object) -> Result:
        return command("alerts", name, "--home", home, "--config", config, *args)

    return typed


def paths(value: Any, at: str = "") -> Iterator[str]:
    if at.rstrip(".") in OPEN:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{at}{key}"
            yield from paths(inner, f"{at}{key}.")
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at.rstrip('.')}[].")


#: Objects whose keys are data.
OPEN = (
    {"group", "[].group", "alerts[].group", "raised[].group", "grown[].group", "older[].group"}
    | {f"finding_list[].{name}" for name in ("group", "explanation", "examples")}
    | {"history[].detail"}
)


def documented(words: str, number: int = 0) -> set[str]:
    return {key for key in DOCUMENTS[f"ashiato alerts {words}"][number].keys if key != "[]"}


def test_the_list(run: Alerts) -> None:
    listed = run("list", "--json").json
    assert set(paths(listed)) == documented("list")
    by_rule = {a["rule"]: a for a in listed}
    first = by_rule["sg-opened"]
    assert (first["id"], first["state"], first["level"], first["hits"]) == ("A-1", "open", "high", 1)
    assert (first["account"], first["account_name"], first["principal"]) == (
        "111111111111",
        "shop-prod",
        ALICE,
    )
    assert (first["first"], first["told"], first["amended"]) == (
        "2026-11-20T12:00:00Z",
        "2026-11-20T12:00:00Z",
        False,
    )
    assert first["event_ids"] == ["e-AuthorizeSecurityGroupIngress-20120000"]
    assert first["incident"] == by_rule["key-created"]["incident"] == "I-1"
    assert by_rule["old"]["told"] is None
    table = run("list").out
    assert "Security group opened to the world" in table
    assert "shop-prod" in table
    assert "'=Key" in run("list", "--format", "csv").out, "no formula"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--level", "high"], {"A-1", "A-3"}),
        (["--rule", "key-*"], {"A-2"}),
        (["--rule", "key_created"], set()),
        (["--incident", "i1"], {"A-1", "A-2"}),
        (["--account", "shop-prod"], {"A-1", "A-2", "A-3"}),
        (["--since", "2026-11-21"], set()),
        (["--since", "2026-11-20T11:00"], {"A-1", "A-2", "A-3"}),
        (["--state", "closed"], set()),
        (["--state", "closed", "--state", "open", "--limit", "2"], {"A-3", "A-2"}),
    ],
)
def test_filters(run: Alerts, options: list[str], expected: set[str]) -> None:
    assert {a["id"] for a in run("list", "--json", *options).json} == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "A-99"], "there is no alert A-99"),
        (["show", "I-99"], "there is no incident I-99"),
        (["show", "x y"], "this is no id: x y"),
        (["ack", "S-1"], "this is no id: S-1"),
        (["list", "--state", "opne"], "no state opne"),
        (["list", "--since", "tomorrow"], "--since is no time"),
        (["list", "--account", "nowhere"], "there is no account nowhere"),
        (["test", "nowhere"], "there is no channel nowhere"),
        (["suppress", "--until", "7 days", "--reason", "x"], "must name something"),
        (["suppressions", "--end", "S-9"], "there is no suppression S-9"),
        (["plan", "T", "--from", "2026-01-02", "--to", "2026-01-01"], "must end after it begins"),
    ],
)
def test_wrong_use_says_what_is_right(run: Alerts, words: list[str], said: str) -> None:
    result = run(*words)
    assert result.status == 2
    assert said in result.err
    assert "what to do:" in result.err or "where:" in result.err


def test_show_an_alert(run: Alerts) -> None:
    document = run("show", "1", "--json").json
    assert set(paths(document)) == documented("show")
    assert document["related"] == ["A-2"]
    assert [h["what"] for h in document["history"]] == ["raised", "told", "related"]
    text = run("show", "A-1").out
    assert text.startswith("2026-11-20 12:00:00 UTC: alice opened port 22 of sg-0a1 to the world")
    for part in (
        "A-1: high, open",
        "- Close it.",
        "What happened:",
        "Related: A-2 (I-1)",
        "told: channels hook",
    ):
        assert part in text


def test_show_an_incident(run: Alerts) -> None:
    document = run("show", "I-1", "--json").json
    assert set(paths(document)) == documented("show", 1)
    assert [s["alerts"] for s in document["story"]] == [["A-1"], ["A-2"]]
    assert "I-1: high, 2 alerts" in run("show", "i1").out


def test_from_open_to_closed_and_back_while_another_process_writes(run: Alerts, home: Path) -> None:
    with WriterLock(home / "lock", "ashiato watch"):
        assert run("ack", "A-1", "--by", "ann").out == "A-1: acknowledged.\n"
        assert run("ack", "A-1", "--by", "ann").out == "Nothing to change: they were so already.\n"
        assert run("note", "A-1", "asked alice", "--by", "ann").status == 0
        assert run("assign", "A-1", "--to", "bob", "--by", "ann").status == 0
        closed = run("close", "I-1", "--as", "true", "--note", "an attack", "--by", "bob", "--json").json
        assert closed == {"changed": ["A-1", "A-2"], "what": "closed as true"}
    shown = run("show", "A-1", "--json").json
    assert (shown["state"], shown["closed_as"], shown["assignee"]) == ("closed", "true", "bob")
    done = [(h["what"], h["who"]) for h in shown["history"] if h["who"]]
    assert done == [("acknowledged", "ann"), ("note", "ann"), ("assigned", "ann"), ("closed", "bob")]
    assert run("reopen", "A-1").status == 0
    assert run("show", "A-1", "--json").json["state"] == "open"
    with a_ledger(home) as ledger:
        audited = [row.what for row in ledger.rows(sa.select(audit_log).order_by(audit_log.c.id))]
    assert audited == ["acknowledged", "note", "assigned", "closed", "closed", "reopened"]


def test_precision(run: Alerts) -> None:
    run("close", "A-1", "--as", "false")
    rows = run("precision", "--json").json
    assert set(paths(rows)) == documented("precision")
    by_rule = {r["rule"]: r for r in rows}
    assert (by_rule["sg-opened"]["precision"], by_rule["sg-opened"]["noise"]) == (0.0, 1.0)
    assert by_rule["old"]["precision"] is None
    assert "sg-opened" in run("precision").out


def test_suppress_and_plan(run: Alerts) -> None:
    made = run(
        "suppress", "key-created", "--until", "30 days", "--reason", "known", "--by", "ann", "--json"
    ).json
    assert made == {"id": "S-1", "alerts": 1}
    listed = run("suppressions", "--json").json
    assert set(paths(listed)) == documented("suppressions")
    assert "S-1" in run("suppressions").out
    assert run("suppressions", "--end", "S-1").out == "No suppressions.\n"
    assert "(over)" in run("suppressions", "--all").out
    planned = run(
        "plan", "CHG-1", "--from", "2026-11-20T20:00+09:00", "--to", "2026-11-20T22:00+09:00", "--who", "alice",
        "--account", "shop-prod", "--operation", "ec2:Authorize*", "--json",
    ).json  # fmt: skip
    assert planned == {"id": "P-1", "ticket": "CHG-1", "alerts": 1}
    [work] = run("plans", "--json").json
    assert set(paths([work])) == documented("plans")
    assert work["alerts"] == ["A-1"]
    assert "CHG-1" in run("plans").out
    assert "(called off)" in run("plans", "--end", "P-1").out


def test_test_a_channel(run: Alerts, hook: Webhook) -> None:
    assert run("test", "hook").out == "The channel hook took a test message.\n"
    assert hook.got[0]["message"].startswith(
        "This is a test: alerts of Ashiato reach you by the channel hook."
    )
    hook.status = 403
    failed = run("test", "hook")
    assert failed.status == 3
    assert "403" in failed.err


def test_undelivered_and_retry(run: Alerts, hook: Webhook) -> None:
    assert run("undelivered").out == "Everything was delivered.\n"
    hook.status = 500
    assert run("retry").status == 1
    listed = run("undelivered", "--json")
    assert listed.status == 1
    assert set(paths(listed.json)) == documented("undelivered")
    assert listed.json[0]["attempts"] == 1
    assert "500" in run("undelivered").out


def test_digest(run: Alerts, hook: Webhook) -> None:
    until = ["--until", "2026-11-20T23:00"]
    text = run("digest", *until).out
    assert text.startswith("Alerts of the day until 2026-11-20 23:00: 3 new, 3 open\n")
    assert "New, by level: high 2, medium 1." in text
    document = run("digest", "--json", *until).json
    assert {p for p in paths(document) if not p.startswith(("grown[]", "older[]"))} == {
        k for k in documented("digest") if not k.startswith(("grown[]", "older[]"))
    }
    later = run("digest", "--json", "--period", "week", "--until", "2026-11-29", "--send", "hook").json
    assert (len(later["older"]), later["raised"], later["open"]) == (3, [], 3)
    assert hook.got[-1]["title"] == "Alerts of the week until 2026-11-29 00:00: 0 new, 3 open"
    assert json.dumps(later)
    assert run("digest", "--format", "csv", *until).status == 0


def test_a_home_that_may_not_be_written_says_so(
    run: Alerts, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    allowed = os.access

    def access(path: Any, mode: int, **keys: Any) -> bool:
        return (path, mode) != (home, os.W_OK) and allowed(path, mode, **keys)

    monkeypatch.setattr(os, "access", access)
