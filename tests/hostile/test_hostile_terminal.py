"""Every command that prints what logs hold, over records that attack: a terminal obeys nothing, JSON and CSV are sound."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.command import Command
from docs.repository import tool
from hostile import harm
from hostile.conftest import Hostile

EVENTS = "SELECT userIdentity, eventName, sourceIPAddress, userAgent, requestParameters, errorMessage, eventID FROM cloudtrail"
#: Each command that reads, with arguments; the first word of each that changes or serves, to be left out.
READING: dict[str, list[list[str]]] = {
    "query": [
        [EVENTS],
        ["SELECT resourceId, resourceName, arn, tags, configuration, relationships FROM config_items"],
        ["SELECT * FROM vpc_flow_logs LIMIT 60"],
    ],
    "quarantine": [[]],
    "sources": [[]],
    "tables": [[]],
    "schema": [["cloudtrail"]],
    "alerts list": [["--all", "--level", "low"]],
    "alerts show": [["A-1"], ["A-2"], ["A-3"], ["A-50"], ["A-100"], ["A-150"], ["A-199"]],
    "alerts digest": [["--until", "2026-11-20"]],
    "alerts precision": [[]],
    "alerts plans": [[]],
    "alerts suppressions": [[]],
    "alerts undelivered": [[]],
    "config items": [[]],
    "config at": [["2026-11-19T11:30:00Z"]],
    "detections list": [[]],
    "detections coverage": [[]],
    "detections backtest": [["--all"]],
}
#: What writes, serves, makes up its own logs, or looks at rules alone.
OTHERS = (
    "backup", "restore", "collect", "maintain", "watch", "serve", "demo", "user", "token", "audit", "sources check",
    "alerts ack", "alerts assign", "alerts close", "alerts note", "alerts plan", "alerts reopen", "alerts retry",
    "alerts suppress", "alerts test", "detections check", "detections disable", "detections enable",
    "detections import", "detections show", "detections test",
)  # fmt: skip
#: A few entities that records name: plain, and attacks.
ENTITIES = (
    "203.0.113.7",
    "constructor",
    "<script>window.xatk=1</script>",
    "\u202eexe.gpj\u202c",
    "=cmd|'/C calc'!A0",
    "{{7*191*1000003}}",
)
#: Told in sentences, also where CSV is asked for.
PROSE = ("alerts show",)
CASES = [
    (name, arguments, format_)
    for name, many in READING.items()
    for arguments in many
    for format_ in ("table", "json", "csv")
    if format_ != "csv" or name not in PROSE
]


def _words() -> set[str]:
    return {c.words.removeprefix("ashiato ") for c in tool("command_pages").commands()}


def _known(words: str) -> bool:
    return words in READING or any(
        words == o or words.startswith(o + " ") for o in (*OTHERS, "search", "trace", "config")
    )


def test_no_command_without_an_entry() -> None:
    assert [w for w in sorted(_words()) if not _known(w)] == []


@pytest.fixture
def ashiato(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return Command(monkeypatch)


@pytest.mark.parametrize(
    ("name", "arguments", "format_"), CASES, ids=[f"{n} {' '.join(a)[:20]} {f}" for n, a, f in CASES]
)
def test_what_a_command_prints_does_no_harm(
    name: str, arguments: list[str], format_: str, ashiato: Command, hostile: Hostile
) -> None:
    _harmless(ashiato, hostile, [*name.split(), *arguments], format_)


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("format_", ["table", "json"])
@pytest.mark.parametrize("name", [n for n in ("trace", "search", "config history") if n in _words()])
def test_asking_for_an_attack_does_no_harm(
    name: str, entity: str, format_: str, ashiato: Command, hostile: Hostile
) -> None:
    _harmless(ashiato, hostile, [*name.split(), "--", entity], format_)


def _harmless(ashiato: Command, hostile: Hostile, words: list[str], format_: str) -> None:
    at = words.index("--") if "--" in words else len(words)
    given = [*words[:at], "--home", str(hostile.home), "--format", format_, *words[at:]]
    result = ashiato(*given)
    assert result.status in (0, 1, 2, 3), result.err
    assert harm.on_terminal(result.err) == []
    assert not re.search(harm.COMPUTED, result.out + result.err)
    if format_ == "json" and result.out:
        assert harm.in_json(result.out) == []
    elif format_ == "csv":
        assert harm.in_csv(result.out) == []
    else:
        assert harm.on_terminal(result.out) == []
