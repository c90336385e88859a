"""Suppressions end by themselves; planned work takes in what it explains; both are in the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from alerts.samples import ALICE, BANK, NOON, SHOP, change, event, finding, raise_, rows, settings
from ashiato.alerts import expecting
from ashiato.alerts.acts import Desk
from ashiato.alerts.expecting import end_suppression, plan_documents, suppression_documents
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Channel, PlannedWork
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import audit_log, outbox

ON_CALL = Channel(name="on-call", url="json://127.0.0.1:1/")
TOLD = settings(ON_CALL)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def suppress(ledger: Ledger, now: datetime = NOON, **what: object) -> tuple[int, int]:
    values = {"rules": [], "until": NOON + DAY, "reason": "known", **what}
    with ledger.begin() as connection:
        return expecting.suppress(Desk(connection, TOLD, "ann", now), **values)  # type: ignore[arg-type]


def plan(ledger: Ledger, **what: object) -> tuple[int, int]:
    values = {"start": NOON - HOUR, "end": NOON + HOUR, **what}
    with ledger.begin() as connection:
        return expecting.plan(Desk(connection, TOLD, "ann", NOON), "CHG-1", **values)  # type: ignore[arg-type]


def told(ledger: Ledger) -> int:
    return int(ledger.scalar(sa.select(sa.func.count()).select_from(outbox)))


@pytest.mark.parametrize(
    "what",
    [
        {"rules": ["sg-*"]},
        {"principals": ["alice"]},
        {"principals": [ALICE]},
        {"accounts": [SHOP], "rules": ["sg-opened"]},
        {"addresses": ["203.0.113.0/24"]},
        {"resources": ["sg-0*"]},
    ],
)
def test_what_matches_all_of_it_is_held_back(ledger: Ledger, what: dict) -> None:
    suppress(ledger, **what)
    raise_(ledger, finding(NOON), TOLD)
    [alert] = rows(ledger)
    assert (alert.state, alert.held_by, told(ledger)) == ("suppressed", "S-1", 0)


@pytest.mark.parametrize(
    "what",
    [
        {"rules": ["sg-opened"], "principals": ["bob"]},
        {"accounts": [BANK]},
        {"addresses": ["203.0.113.0/30"]},
        {"resources": ["sg-1*"]},
    ],
)
def test_what_does_not_match_is_told(ledger: Ledger, what: dict) -> None:
    suppress(ledger, **what)
    raise_(ledger, finding(NOON), TOLD)
    assert (rows(ledger)[0].state, told(ledger)) == ("open", 1)


def test_of_several_addresses_every_one_must_match(ledger: Ledger) -> None:
    suppress(ledger, addresses=["203.0.113.5"])
    raise_(ledger, finding(NOON, addresses=("203.0.113.5", "198.51.100.7")), TOLD)
    assert rows(ledger)[0].state == "open"


def test_it_ends_and_what_comes_then_is_told(ledger: Ledger) -> None:
    suppress(ledger, rules=["sg-opened"])
    raise_(ledger, finding(NOON), TOLD)
    raise_(ledger, finding(NOON + HOUR), TOLD, NOON + 2 * DAY)
    assert (rows(ledger)[0].state, told(ledger)) == ("open", 1)


def test_it_can_be_ended_and_takes_open_alerts_with_it(ledger: Ledger) -> None:
    raise_(ledger, finding(NOON), TOLD)
    assert suppress(ledger, rules=["sg-opened"]) == (1, 1)
    assert rows(ledger)[0].state == "suppressed"
    with ledger.begin() as connection:
        [listed] = suppression_documents(connection, NOON)
        assert (listed["id"], listed["by"], listed["findings"], listed["reason"]) == (
            "S-1",
            "ann",
            1,
            "known",
        )
        end_suppression(Desk(connection, TOLD, "bob", NOON), 1)
        assert suppression_documents(connection, NOON) == []
        assert suppression_documents(connection, NOON, ended=True)[0]["in_force"] is False
    asked = sa.select(audit_log.c.who, audit_log.c.what, audit_log.c.target).order_by(audit_log.c.id)
    assert [tuple(r) for r in ledger.rows(asked)] == [("ann", "suppressed", "S-1"), ("bob", "ended", "S-1")]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({}, "must name something"),
        ({"rules": ["x"], "reason": " "}, "needs a reason"),
        ({"rules": ["x"], "until": NOON - HOUR}, "in the future"),
        ({"rules": ["x"], "until": NOON + 999 * DAY}, "within a year"),
    ],
)
def test_a_suppression_without_bounds_is_refused(ledger: Ledger, what: dict, message: str) -> None:
    with pytest.raises(WrongUse, match=message):
        suppress(ledger, **what)


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ({}, "planned"),
        ({"who": ["alice"], "accounts": [SHOP], "operations": ["ec2:Authorize*"]}, "planned"),
        ({"operations": ["Authorize*"]}, "planned"),
        ({"who": ["bob"]}, "open"),
        ({"accounts": [BANK]}, "open"),
        ({"operations": ["iam:*"]}, "open"),
        ({"end": NOON - HOUR / 2}, "open"),
    ],
)
def test_planned_work_takes_in_what_it_names(ledger: Ledger, what: dict, state: str) -> None:
    plan(ledger, **what)
    raise_(ledger, finding(NOON), TOLD)
    assert (rows(ledger)[0].state, told(ledger)) == (state, int(state == "open"))


def test_it_is_shown_under_its_ticket_also_when_announced_late(ledger: Ledger) -> None:
    raise_(ledger, finding(NOON), TOLD)
    assert plan(ledger, who=["alice"]) == (1, 1)
    with ledger.begin() as connection:
        [work] = plan_documents(connection, TOLD, NOON)
    assert (work["id"], work["ticket"], work["alerts"]) == ("P-1", "CHG-1", ["A-1"])


def test_work_of_the_settings(ledger: Ledger) -> None:
    work = PlannedWork(ticket="CHG-7", **{"from": NOON - HOUR}, to=NOON + HOUR, who=["alice"])  # type: ignore[arg-type]
    announced = settings(ON_CALL, planned_work=[work])
    raise_(ledger, finding(NOON), announced)
    with ledger.begin() as connection:
        [listed] = plan_documents(connection, announced, NOON)
    assert (rows(ledger)[0].state, listed["ticket"], listed["alerts"]) == ("planned", "CHG-7", ["A-1"])


def test_one_unexpected_change_among_the_expected_is_told(ledger: Ledger) -> None:
    plan(ledger, operations=["ec2:Authorize*"])
    raise_(ledger, finding(NOON), TOLD)
    other = event("RunInstances", at=NOON + HOUR / 2)
    raise_(ledger, [change(finding(NOON + HOUR / 2, group={"other": "1"}, example=other))], TOLD)
    [alert] = rows(ledger)
    assert (alert.state, alert.findings, told(ledger)) == ("open", 2, 1)


def test_a_rule_may_say_which_operations_it_found(ledger: Ledger) -> None:
    plan(ledger, operations=["ec2:Authorize*"])
    listed = {"operations": ["ec2:AuthorizeSecurityGroupIngress", "ec2:RunInstances"]}
    raise_(ledger, finding(NOON, hits=9, explanation=listed), TOLD)
    assert rows(ledger)[0].state == "open"
