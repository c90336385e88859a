"""The JSON of a trace: every key documented, the issue's keys as they are, pages that follow one another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ashiato.cli.output import to_json
from ashiato.core.errors import WrongUse
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from docs.repository import tool

Tracer = Callable[..., dict[str, Any]]

#: Keys of the issue: a contract.
CONTRACT = {
    "entity": {"kind", "value", "name", "first", "last", "count"},
    "answers": {"question", "answer", "evidence", "gap"},
    "operations": {"time", "arrived", "who", "what", "target", "from", "result", "error", "ref"},
    "changes": {"time", "resource", "type", "status", "diff", "causes", "ref"},
    "connections": {
        "first", "last", "source", "destination", "port", "protocol", "action", "bytes", "packets", "direction", "host", "ref",
    },
    "alerts": {"id", "title", "level", "time", "status"},
    "related": {"kind", "value", "name", "role", "count", "first", "last"},
}  # fmt: skip
#: Objects whose keys are data, or told in words.
OPEN = {
    "entity.counts", "operations[].calls", "changes[].diff[].before", "changes[].diff[].after", "changes[].gap",
    "changes[].let", "connections[].let_by", "links[].connection", "related_left_out",
}  # fmt: skip


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


def test_the_keys_are_those_of_the_issue_and_all_are_described(
    traced: Tracer, attack: dict[str, Any]
) -> None:
    told: set[str] = set()
    for entity in (attack["instance"]["id"], attack["createdUser"], attack["securityGroup"]):
        document = traced(entity)
        assert {*CONTRACT, "sampled", "gaps", "next"} <= set(document)
        for part, keys in CONTRACT.items():
            for row in [document[part]] if isinstance(document[part], dict) else document[part]:
                assert keys <= set(row), part
        told |= {p for p in paths(json.loads(to_json(document))) if not p.startswith("answers[].things[].")}
    described = {k for k in tool("json_documents").DOCUMENTS["ashiato trace"][0].keys if "things[]." not in k}
    assert told <= described
    # What led a service to call has its keys only where a service called.
    assert {k for k in described - told if "behind[]" not in k and "others[]" not in k} == set()


def test_rows_are_newest_first(traced: Tracer, attack: dict[str, Any]) -> None:
    document = traced(attack["instance"]["id"])
    for lane, time in (
        ("operations", "time"),
        ("changes", "time"),
        ("connections", "last"),
        ("alerts", "time"),
    ):
        times = [row[time] for row in document[lane]]
        assert times == sorted(times, reverse=True), lane


@pytest.mark.parametrize("fold", [False, True])
def test_pages_hold_everything_once(traced: Tracer, attack: dict[str, Any], *, fold: bool) -> None:
    entity, none = attack["createdUser"], frozenset[str]()
    whole = traced(entity, limit=None, fold=False, parts=none)
    assert whole["next"] is None
    operations: list[str] = []
    repeats, after, pages = 0, None, 0
    while pages == 0 or after is not None:
        page = traced(entity, limit=300, after=after, fold=fold, parts=none)
        operations += [o["event_id"] for o in page["operations"]]
        repeats += sum(o["repeats"] for o in page["operations"])
        after, pages = page["next"], pages + 1
        assert pages < 50
    everything = [o["event_id"] for o in whole["operations"]]
    assert repeats == len(everything) == whole["entity"]["counts"]["cloudtrail"]
    assert len(set(operations)) == len(operations)
    if fold:
        assert len(operations) < len(everything)
    else:
        assert operations == everything


def test_pages_of_connections_follow_one_another(traced: Tracer, attack: dict[str, Any]) -> None:
    entity, none = attack["commandAndControl"]["address"], frozenset[str]()
    whole = [c["ref"] for c in traced(entity, limit=None, parts=none)["connections"]]
    found: list[str] = []
    after = None
    for _ in range(200):
        page = traced(entity, limit=290, after=after, parts=none)
        found += [c["ref"] for c in page["connections"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(found) == sorted(whole)


def test_related_counts_are_exact_until_sampled(traced: Tracer, attack: dict[str, Any]) -> None:
    document = traced(attack["createdUser"])
    assert document["sampled"] is False
    bucket = next(r for r in document["related"] if r["value"] == f"arn:aws:s3:::{attack['bucket']}")
    whole = traced(attack["createdUser"], limit=None, parts=frozenset())
    naming = [o for o in whole["operations"] if any(n["value"] == bucket["value"] for n in o["names"])]
    assert bucket["count"] == len(naming)


def test_a_cursor_of_nobody_is_refused_with_the_remedy(traced: Tracer, attack: dict[str, Any]) -> None:
    for cursor in ("x", "bm90aGluZw", "W10", "eyJvcGVyYXRpb25zIjpbMV19"):
        with pytest.raises(WrongUse) as refused:
            traced(attack["createdUser"], after=cursor)
        assert "next" in str(refused.value)


def test_a_scope_hides_counts_related_alerts_and_names(
    traced: Tracer, attack: dict[str, Any], estate: tuple[Path, dict[str, Any]]
) -> None:
    other = next(a for a in estate[1]["accounts"] if a != attack["account"])
    nothing = AccountScope.of([other])
    for entity in (
        attack["createdUser"],
        attack["instance"]["id"],
        attack["securityGroup"],
        attack["createdKey"],
    ):
        document = traced(entity, nothing)
        assert document["entity"]["count"] == 0
        assert document["entity"]["first"] is None
        for part in ("operations", "changes", "connections", "alerts", "related", "gaps", "links"):
            assert document[part] == [], (entity, part)
        assert not document["entity"]["origin"]
        assert not document["entity"]["hosts"]
        assert attack["account"] not in to_json({**document, "entity": None})
    both = traced(attack["attackerAddress"], AccountScope.of([attack["account"]]))
    every = traced(attack["attackerAddress"], EVERY_ACCOUNT)
    assert both["entity"]["count"] == every["entity"]["count"] > 0
    assert traced(attack["attackerAddress"], AccountScope(frozenset()))["entity"]["count"] == 0


def test_a_scope_counts_only_its_own(traced: Tracer, estate: tuple[Path, dict[str, Any]]) -> None:
    accounts = list(estate[1]["accounts"])
    none = frozenset({"related"})
    service = "s3.amazonaws.com"
    parts = [traced(service, AccountScope.of([a]), kind="address", parts=none) for a in accounts]
    whole = traced(service, kind="address", parts=none)
    assert sum(p["entity"]["count"] for p in parts) == whole["entity"]["count"]
    for account, part in zip(accounts, parts, strict=True):
        assert {o["account"] for o in part["operations"]} <= {account}
