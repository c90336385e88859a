"""Related alerts are one incident; what everybody shares relates nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from alerts.samples import ALICE, NOON, SHOP, change, event, finding, raise_, rows, settings
from ashiato.alerts.messages import Writer
from ashiato.alerts.story import incident_story
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import incidents

TOLD = settings()
BOB = ALICE.replace("alice", "bob")
HOUR = timedelta(hours=1)
NOTHING = {"addresses": (), "resources": (), "access_keys": ()}


def together(ledger: Ledger) -> list[int | None]:
    return [row.incident for row in rows(ledger)]


def test_a_key_an_address_a_resource_or_a_principal_relates(ledger: Ledger) -> None:
    shared = [
        {"access_keys": ("AKIA1",)},
        {"addresses": ("2001:db8::1",)},
        {"resources": ("arn:aws:s3:::photos",)},
    ]
    for number, names in enumerate(shared):
        at = NOON + timedelta(days=9 * number)
        raise_(ledger, finding(at, rule="a", principal=ALICE, **{**NOTHING, **names}), TOLD)
        raise_(ledger, finding(at, rule="b", principal=BOB, **{**NOTHING, **names}), TOLD)
    raise_(ledger, finding(NOON - timedelta(days=9), rule="a", **NOTHING), TOLD)
    raise_(ledger, finding(NOON - timedelta(days=9), rule="b", **NOTHING), TOLD)
    assert together(ledger) == [1, 1, 2, 2, 3, 3, 4, 4]


def test_a_user_that_was_made_and_then_acts_is_one_story(ledger: Ledger) -> None:
    raise_(ledger, finding(rule="user-created", **{**NOTHING, "resources": (BOB,)}), TOLD)
    raise_(ledger, finding(NOON + HOUR, rule="unusual-region", principal=BOB, **NOTHING), TOLD)
    assert together(ledger) == [1, 1]


def test_what_is_far_apart_or_aws_itself_relates_nothing(ledger: Ledger) -> None:
    raise_(ledger, finding(rule="a", addresses=("AWS Internal", "cloudformation.amazonaws.com")), TOLD)
    other = {"principal": BOB, "resources": (), "addresses": ("AWS Internal", "cloudformation.amazonaws.com")}
    raise_(ledger, finding(rule="b", **other), TOLD)
    raise_(ledger, finding(NOON + timedelta(days=3), rule="c", **NOTHING), TOLD)
    raise_(ledger, finding(rule="d", actor="service", principal=None, group={"x": "1"}), TOLD)
    assert together(ledger) == [None] * 4


def test_the_address_of_an_office_glues_nobody_together(ledger: Ledger) -> None:
    office = {**NOTHING, "addresses": ("198.51.100.1",)}
    people = [f"arn:aws:iam::{SHOP}:user/u{n}" for n in range(9)]
    for number, person in enumerate(people):
        raise_(ledger, finding(NOON + timedelta(minutes=number), rule="a", principal=person, **office), TOLD)
        if number == 1:
            assert together(ledger) == [1, 1], "two people at one address are a story"
    assert together(ledger) == [None] * 9
    raise_(ledger, finding(rule="b", principal=people[0], **office), TOLD)
    assert together(ledger)[0] == together(ledger)[-1] is not None, "one person's own alerts still are"


def test_who_works_every_day_is_no_incident_but_a_key_that_is_used_every_day_is(ledger: Ledger) -> None:
    for day in range(5):
        at = NOON + timedelta(hours=20 * day)
        raise_(ledger, finding(at, rule=f"a{day}", **NOTHING), TOLD)
        raise_(
            ledger, finding(at, rule=f"b{day}", principal=BOB, **{**NOTHING, "access_keys": ("AKIA1",)}), TOLD
        )
    of_alice = {row.incident for row in rows(ledger) if row.principal == ALICE}
    of_bob = {row.incident for row in rows(ledger) if row.principal == BOB}
    assert of_alice == {None}
    assert len(of_bob) == 1
    assert None not in of_bob


def test_what_is_informational_relates_nothing_until_its_level_rises(ledger: Ledger) -> None:
    raise_(ledger, finding(rule="a"), TOLD)
    raise_(ledger, finding(rule="b", level="informational"), TOLD)
    assert together(ledger) == [None, None]
    raise_(ledger, [change(finding(rule="b", level="low"), "grown")], TOLD)
    assert together(ledger) == [1, 1]


def test_a_key_that_is_made_and_used_later(ledger: Ledger) -> None:
    key = "AKIAIOSFODNN7EXAMPLE"
    raise_(ledger, finding(rule="key-made", **{**NOTHING, "resources": (key,)}), TOLD)
    raise_(
        ledger,
        finding(NOON + HOUR, rule="key-used", principal=BOB, **{**NOTHING, "access_keys": (key,)}),
        TOLD,
    )
    assert together(ledger) == [1, 1]


def test_incidents_merge_and_the_older_survives(ledger: Ledger) -> None:
    one = {**NOTHING, "access_keys": ("AKIA1",)}
    two = {**NOTHING, "access_keys": ("AKIA2",)}
    for rule, who, names in (("a", ALICE, one), ("b", ALICE, one), ("c", BOB, two), ("d", BOB, two)):
        raise_(ledger, finding(rule=rule, principal=who, **names), TOLD)
    assert together(ledger) == [1, 1, 2, 2]
    bridge = finding(NOON + HOUR, rule="e", **{**NOTHING, "access_keys": ("AKIA1", "AKIA2")})
    raise_(ledger, bridge, TOLD)
    assert together(ledger) == [1] * 5
    first, second = ledger.rows(sa.select(incidents).order_by(incidents.c.id))
    assert (first.alerts, second.merged_into, second.alerts) == (5, 1, 0)
    # The bridge was a mistake: two stories again.
    raise_(ledger, [change(replace(bridge, standing=False), "withdrawn")], TOLD)
    assert together(ledger)[:4] in ([1, 1, 2, 2], [1, 1, 3, 3])
    assert together(ledger)[4] is None


def test_the_story_is_in_time_order_and_names_a_record_once(ledger: Ledger) -> None:
    record = event("CreateUser", source="iam", at=NOON, requestParameters={"userName": "x"})
    later = event("CreateAccessKey", source="iam", at=NOON + HOUR, errorCode="AccessDenied")
    raise_(ledger, finding(NOON + HOUR, rule="key", example=later), TOLD)
    raise_(ledger, finding(NOON, rule="user", example=record), TOLD)
    raise_(ledger, finding(NOON, rule="iam-change", example=record, level="medium"), TOLD)
    with ledger.begin() as connection:
        told = incident_story(connection, 1, Writer(TOLD))
    assert [(e["alerts"], e["level"]) for e in told["story"]] == [(["A-2", "A-3"], "high"), (["A-1"], "high")]
    assert [e["text"] for e in told["story"]] == [
        "alice created the IAM user x from 203.0.113.5",
        "alice tried to create an access key of their own from 203.0.113.5, but was denied",
    ]
    assert [a["id"] for a in told["alerts"]] == ["A-2", "A-3", "A-1"]
