"""What a responder sees of the sample incident, and how few steps lead from the beacon to the leaked key."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.lake.plans import PinnedLake
from ashiato.trace import flows_out, touching
from ashiato.trace.keys import Key, Window
from ashiato.trace.refs import record_of
from ashiato.trace.touching import alerts_of

Tracer = Callable[..., dict[str, Any]]


def values(document: dict[str, Any]) -> set[str]:
    """Everything that can be traced next."""
    found = {thing["value"] for thing in document["related"]}
    found |= {thing["value"] for answer in document["answers"] for thing in answer["things"]}
    for hop in document["entity"].get("origin", ()):
        found |= {hop["value"], hop["access_key"]}
    found |= {
        v for spell in document["entity"].get("hosts", ()) for v in (spell["instance"], *spell["groups"])
    }
    return {v for v in found if v}


def test_from_the_beacon_to_the_leaked_key_in_four_pivots(traced: Tracer, attack: dict[str, Any]) -> None:
    at = attack["commandAndControl"]["address"]
    for following in (
        attack["instance"]["id"],
        attack["createdUser"],
        attack["leakedUser"],
        attack["leakedKey"],
    ):
        named = values(traced(at))
        matching = [v for v in named if v == following or v.endswith(f"/{following}")]
        assert matching, f"{following} is not among what {at} leads to"
        at = min(matching, key=len)


def test_the_instance_opens_with_five_answers(traced: Tracer, attack: dict[str, Any]) -> None:
    document = traced(attack["instance"]["id"])
    answers = {a["id"]: a for a in document["answers"]}
    assert [*answers] == ["data_left", "peers", "credentials_elsewhere", "touched", "going_on"]
    beacon = attack["commandAndControl"]["address"]
    assert beacon in answers["data_left"]["answer"]
    assert answers["credentials_elsewhere"]["verdict"] == "yes"
    assert beacon in answers["credentials_elsewhere"]["answer"]
    assert answers["going_on"]["verdict"] == "no"
    for answer in answers.values():
        assert answer["evidence"] or answer["gap"], f"{answer['question']} has neither evidence nor gap"


def test_peers_beyond_those_counted_are_a_gap(
    traced: Tracer, attack: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows_out, "_MOST_PEERS", 3)
    answers = {a["id"]: a for a in traced(attack["instance"]["id"])["answers"]}
    for question in ("data_left", "peers", "going_on"):
        assert "only the 3 that it sent most to" in answers[question]["gap"]


def test_the_leaked_key_was_used_elsewhere_and_was_stopped(traced: Tracer, attack: dict[str, Any]) -> None:
    answers = {a["id"]: a for a in traced(attack["leakedKey"])["answers"]}
    assert answers["credentials_elsewhere"]["verdict"] == "yes"
    assert attack["attackerAddress"] in answers["credentials_elsewhere"]["answer"]
    assert "iam:UpdateAccessKey" in answers["going_on"]["answer"]


def test_the_new_user_leads_to_who_created_it(traced: Tracer, attack: dict[str, Any]) -> None:
    document = traced(attack["createdUser"])
    [hop] = document["entity"]["origin"]
    assert (hop["how"], hop["name"], hop["from"]) == (
        "created by", attack["leakedUser"], attack["attackerAddress"],
    )  # fmt: skip
    made = traced(attack["createdKey"])["entity"]["origin"]
    assert [h["how"] for h in made][:2] == ["used by", "created by"]
    read = next(a for a in document["answers"] if a["id"] == "data_left")
    assert attack["bucket"] in read["answer"]


def test_operation_change_and_connection_are_linked(traced: Tracer, attack: dict[str, Any]) -> None:
    document = traced(attack["securityGroup"])
    opened = datetime.fromisoformat(attack["times"]["portOpened"])
    made = [link for link in document["links"] if link["how"] == "made" and link["from"].startswith("event:")]
    let = [link for link in document["links"] if link["how"] == "let"]
    assert made
    assert let
    assert let[0]["from"] in {link["to"] for link in made}
    assert let[0]["connection"]["port"] == 22
    assert 0 <= (let[0]["time"] - opened).total_seconds() < 7200
    change = next(c for c in document["changes"] if c["ref"] == let[0]["from"])
    assert any("tcp 22 0.0.0.0/0" in d["path"] for d in change["diff"])
    assert attack["createdUser"] in change["causes"][0]["text"]
    assert change["let"]["ref"] == let[0]["to"]


def test_what_led_to_what_is_said_in_japanese_with_its_units(traced: Tracer, attack: dict[str, Any]) -> None:
    let = [link for link in traced(attack["securityGroup"], language="ja")["links"] if link["how"] == "let"]
    assert re.search(r"その \d+ (秒|分|時間|日)後、", let[0]["text"])


def test_an_address_was_a_host_at_that_time(traced: Tracer, attack: dict[str, Any]) -> None:
    document = traced(attack["instance"]["privateIp"])
    assert attack["instance"]["id"] in {s["instance"] for s in document["entity"]["hosts"]}
    assert document["answers"]


def test_each_reference_opens_to_its_record(lake: PinnedLake, traced: Tracer, attack: dict[str, Any]) -> None:
    document = traced(attack["instance"]["id"], limit=3)
    refs = [o["ref"] for o in document["operations"]] + [c["ref"] for c in document["changes"]]
    refs += [c["ref"] for c in document["connections"]] + [
        r for a in document["answers"] for r in a["evidence"][:2]
    ]
    refs += [cause["ref"] for c in document["changes"] for cause in c["causes"]]
    for ref in dict.fromkeys(refs):
        record = record_of(lake, ref, EVERY_ACCOUNT)
        assert record is not None, ref
        assert record.record
        assert record.object
        assert record.ingested_at


def test_alerts_that_touch_it_are_told(traced: Tracer, attack: dict[str, Any]) -> None:
    document = traced(attack["createdUser"])
    assert document["alerts"]
    assert {"id", "title", "level", "time", "status"} <= set(document["alerts"][0])


def test_alerts_are_those_of_the_scope_and_time_asked_for_whatever_came_later(
    lake: PinnedLake, attack: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(key: Key, scope: AccountScope = EVERY_ACCOUNT, window: Window = Window()) -> list[Any]:  # noqa: B008
        return [a["id"] for a in alerts_of(lake.home.ledger, [key], scope, window, "en")]

    every = alerts_of(lake.home.ledger, [Key("account", attack["account"])], EVERY_ACCOUNT, Window(), "en")
    oldest = min(every, key=lambda a: a["time"])
    assert oldest["time"] < every[0]["time"]
    monkeypatch.setattr(touching, "_MOST", 1)
    window = Window(None, oldest["time"] + timedelta(microseconds=1))
    assert told(Key("account", attack["account"]), window=window)
    assert told(Key("account", attack["account"]), AccountScope.of([attack["account"]]))


def test_alerts_of_a_name_are_those_of_its_own_account(lake: PinnedLake, attack: dict[str, Any]) -> None:
    """Another account's user of that name is somebody else."""

    def told(account: str) -> list[Any]:
        key = Key("user", attack["createdUser"], account)
        return alerts_of(lake.home.ledger, [key], EVERY_ACCOUNT, Window(), "en")

    assert told(attack["account"])
    assert told("999988887777") == []


def test_a_gap_is_told_as_a_gap(traced: Tracer, estate: tuple[Any, dict[str, Any]]) -> None:
    lost = estate[1]["gaps"]["fileThatNeverCame"].rpartition("/")[2]
    account = lost.partition("_")[0]
    gaps = traced(account, parts=frozenset({"gaps"}))["gaps"]
    found = [g for g in gaps if lost in g["why"]]
    assert found
    assert set(found[0]) == {"log", "account", "region", "from", "to", "why"}


def test_a_window_cuts_all_lanes(traced: Tracer, attack: dict[str, Any]) -> None:
    begin = datetime.fromisoformat(attack["times"]["beaconFirst"])
    window = Window(begin, begin.replace(hour=16, minute=0))
    document = traced(attack["commandAndControl"]["address"], window=window, limit=None)
    times = [o["time"] for o in document["operations"]] + [c["first"] for c in document["connections"]]
    assert times
    assert all(begin <= t.astimezone(UTC) < window.end for t in times)
    assert begin <= document["entity"]["first"] <= document["entity"]["last"] < window.end
    whole = traced(attack["commandAndControl"]["address"])
    assert document["entity"]["count"] < whole["entity"]["count"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_both_languages_say_everything(traced: Tracer, attack: dict[str, Any], language: str) -> None:
    document = traced(attack["instance"]["id"], language=language, limit=5)
    wide = any("\u3040" <= c <= "\u30ff" for c in document["answers"][0]["answer"])
    assert wide == (language == "ja")


def test_an_event_leads_to_the_change_that_it_made_and_to_the_alerts(
    traced: Tracer, attack: dict[str, Any]
) -> None:
    group = traced(attack["securityGroup"])
    opening = next(o for o in group["operations"] if o["event_name"] == "AuthorizeSecurityGroupIngress")
    for text in (opening["event_id"], opening["ref"]):
        document = traced(text)
        assert document["entity"]["count"] == 1
        assert [o["ref"] for o in document["operations"]] == [opening["ref"]]
        assert [c["resource"] for c in document["changes"]] == [attack["securityGroup"]]
        assert {link["how"] for link in document["links"]} == {"made", "let"}
        assert document["alerts"]
        assert attack["createdUser"] in {r["value"] for r in document["related"]}
    [change] = traced(document["changes"][0]["ref"])["changes"]
    assert change["causes"][0]["ref"] == opening["ref"]
    let = next(link for link in group["links"] if link["how"] == "let")
    assert [c["port"] for c in traced(let["to"])["connections"]] == [22]
    assert traced(opening["event_id"], AccountScope.of(["999988887777"]))["entity"]["count"] == 0
