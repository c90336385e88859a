"""`ashiato config`: what people type, and what programs read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ashiato.config.documents import canonical
from ashiato.config.patches import applied
from cli.command import Command, Result
from docs.repository import tool

from .conftest import TakenEstate
from .writing import GROUP, asked, call, group, item, rule, taken

DOCUMENTS = tool("json_documents").DOCUMENTS
#: Objects whose keys are data.
OPEN = {"[].tags", "[].configuration", "[].supplementaryConfiguration", "[].relationships"} | {
    f"{at}{name}" for at in ("[].diff[].", "diff[].", "patch[].") for name in ("before", "after", "value")
}
Config = Callable[..., Result]


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


def documented(words: str) -> set[str]:
    return set(DOCUMENTS[f"ashiato config {words}"][0].keys)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    hostile = {"key\x1b[31m": "=cmd()\nsecond line"}
    items = [
        item("2026-11-20T08:00:00.000Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0")), resourceName="web"),
        item("2026-11-20T10:02:00.500Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0"), rule(22, "0.0.0.0/0")),
             resourceName="web"),
        item("2026-11-20T11:02:00.500Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0"), rule(22, "0.0.0.0/0")),
             resourceName="web", tags=hostile),
    ]  # fmt: skip
    events = [
        call("2026-11-20T10:00:00Z", "ec2", "AuthorizeSecurityGroupIngress", asked("sg-1", 22, "0.0.0.0/0")),
        call("2026-11-20T12:00:00Z", "sqs", "CreateQueue", {"queueName": "q"}),
    ]
    folder: Path = taken(tmp_path_factory.mktemp("config-command"), items, events)
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> Config:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    command = Command(monkeypatch)

    def typed(*args: object, of: Path = home) -> Result:
        return command("config", *args, "--home", of)

    return typed


def test_history_tells_what_differs_and_who_did_it(run: Config) -> None:
    shown = run("history", "web").out
    assert "+ configuration.ipPermissions[tcp 22 0.0.0.0/0]" in shown
    assert "by AuthorizeSecurityGroupIngress of alice from 198.51.100.7, 2026-11-20T10:00:00Z" in shown
    assert "none: CloudTrail was there" in shown
    assert shown.index("T11:02") < shown.index("T10:02") < shown.index("T08:00"), "newest first"
    assert "\x1b" not in shown
    assert "second line" not in {line.strip() for line in shown.splitlines()}, "one line stays one line"
    assert "AuthorizeSecurityGroupIngress" not in run("history", "web", "--no-causes").out


def test_history_as_json_and_csv(run: Config, estate: TakenEstate) -> None:
    told = run("history", "web", "--json").json
    assert [c["kind"] for c in told] == ["changed", "changed", "first known"]
    assert (told[0]["none"], told[1]["none"], told[1]["causes"][0]["rank"]) == (True, False, 1)
    found = run("items", "--limit", 400, "--json", of=estate.home).json
    keys = {
        "/".join(i["resource"][k] for k in ("account", "region", "type", "id"))
        for i in found
        if i["resource"]["type"] in (GROUP, "AWS::EC2::Instance", "AWS::Lambda::Function")
    }
    documents = [told, *(run("history", key, "--json", of=estate.home).json for key in sorted(keys)[:30])]
    seen = {path for document in documents for path in paths(document)}
    assert seen <= documented("history")
    # What an estate of two days need not have is in tests of causes.
    assert documented("history") - seen <= {
        p for p in documented("history") if ".behind[]." in p or ".gap." in p
    }
    csv = run("history", "web", "--format", "csv").out.splitlines()
    assert csv[0].startswith(
        "captured,kind,status,type,id,name,account,region,path,before,after,operation,who"
    )


def test_diff_and_patch(run: Config) -> None:
    shown = run("diff", "web", "2026-11-20T09:00Z", "2026-11-20T10:30Z").out
    assert "2026-11-20T08:00:00Z → 2026-11-20T10:02:00.500Z" in shown
    assert "+ configuration.ipPermissions[tcp 22 0.0.0.0/0]" in shown
    told = run("diff", "web", "2026-11-20T09:00Z", "2026-11-20T10:30Z", "--json").json
    assert set(paths(told)) == documented("diff")
    before, after = (
        run("at", moment, "web", "--json").json[0] for moment in ("2026-11-20T09:00Z", "2026-11-20T10:30Z")
    )
    parts = ("configuration", "tags", "supplementaryConfiguration")
    made = applied(before | {"resourceName": "web"}, told["patch"])
    assert canonical({p: made[p] for p in parts}) == canonical({p: after[p] for p in parts})
    assert run("diff", "web", "2026-11-20T09:00Z", "2026-11-20T10:30Z", "--patch").json == told["patch"]
    newest = run("diff", "web", "--json").json
    assert [p["path"] for p in newest["diff"]] == ["tags.key\x1b[31m"]
    same = run("diff", "web", "2026-11-20T10:30Z", "2026-11-20T10:40Z")
    assert (same.status, "no difference" in same.out) == (0, True)


def test_at(run: Config) -> None:
    told = run("at", "2026-11-20T09:00Z", "--json").json
    assert set(paths(told)) == documented("at")
    assert [i["resource"]["id"] for i in told] == ["sg-1"]
    assert run("at", "2026-11-20", "--json").json == [], "a date is its beginning"
    assert '"toPort": 443' in run("at", "2026-11-20T09:00Z", "web").out
    table = run("at", "2026-11-21", "--type", GROUP)
    assert "sg-1" in table.out
    assert table.err == "1 resource\n"
    assert run("at", "2026-11-21", "--account", "444455556666", "--json").json == []


def test_items(run: Config) -> None:
    told = run("items", "--json").json
    assert set(paths(told)) == documented("items")
    assert len(told) == 3
    assert len(run("items", "web", "--to", "2026-11-20", "--json").json) == 3, "to the end of the day"
    assert len(run("items", "--from", "2026-11-20T10:00Z", "--limit", 1, "--json").json) == 1
    assert "sg-1" in run("items", "--type", GROUP).out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("history", "nothing"), 3, "no configuration item names a resource nothing"),
        (("at", "yesterday"), 2, "TIME is no time: yesterday"),
        (("items", "--from", "x"), 2, "--from is no time"),
        (("diff", "web", "2026-11-21", "2026-11-20"), 2, "is later than"),
        (("diff", "web", "2020-01-01"), 3, "known since 2026-11-20T08:00:00Z"),
        (("at", "2020-01-01", "web"), 3, "nothing is recorded of"),
        (("items", "--account", "shop"), 2, "shop"),
    ],
)
def test_what_cannot_be_is_said_with_a_remedy(
    run: Config, arguments: tuple[str, ...], status: int, words: str
) -> None:
    told = run(*arguments)
    assert (told.status, told.out) == (status, "")
    assert words in told.err
