"""One alert for findings of one rule and principal; told once, and again only when its level rises."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from alerts.samples import ALICE, BANK, NOON, SHOP, change, finding, partition, raise_, rows, settings
from ashiato.alerts.acts import Desk
from ashiato.alerts.raising import raise_findings
from ashiato.core.settings import Channel
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import alert_history, outbox
from ashiato.ledger.findings import LEVELS

ON_CALL = Channel(name="on-call", url="json://127.0.0.1:1/")
TOLD = settings(ON_CALL)
HOUR = timedelta(hours=1)


def waiting(ledger: Ledger) -> list[tuple[str, str]]:
    return [(r.key, r.state) for r in ledger.rows(sa.select(outbox).order_by(outbox.c.id))]


def happened(ledger: Ledger, alert: int) -> list[str]:
    asked = sa.select(alert_history).where(alert_history.c.alert == alert).order_by(alert_history.c.id)
    return [row.what for row in ledger.rows(asked)]


def test_findings_of_one_rule_and_principal_are_one_alert_with_a_count(ledger: Ledger) -> None:
    first, second = finding(NOON), finding(NOON + 5 * HOUR, hits=36)
    report = raise_(ledger, first, TOLD)
    assert (report.raised, report.told) == ([1], 1)
    report = raise_(ledger, second, TOLD)
    assert (report.raised, report.grown, report.told) == ([], [1], 0)
    [alert] = rows(ledger)
    assert (alert.hits, alert.findings, alert.first, alert.last) == (37, 2, NOON, NOON + 5 * HOUR)
    assert (alert.state, LEVELS[alert.level], alert.principal, alert.account) == ("open", "high", ALICE, SHOP)
    assert waiting(ledger) == [("alert.1.1.on-call", "pending")]
    assert happened(ledger, 1) == ["raised", "told"]


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "another"},
        {"principal": ALICE.replace("alice", "bob")},
        {"account": BANK, "group": {"x": "y"}},
        {"at": NOON + 7 * HOUR},
    ],
)
def test_another_rule_principal_account_or_time_is_another_alert(ledger: Ledger, other: dict) -> None:
    raise_(ledger, [change(finding(NOON)), change(finding(**{"at": NOON, **other}))], TOLD)
    assert len(rows(ledger)) == 2


def test_without_a_principal_the_group_decides(ledger: Ledger) -> None:
    groups = [{"srcaddr": "10.0.0.1"}, {"srcaddr": "10.0.0.2"}, {"srcaddr": "10.0.0.1"}]
    times = [NOON, NOON, NOON + HOUR]
    found = [finding(t, principal=None, group=g) for t, g in zip(times, groups, strict=True)]
    raise_(ledger, [change(f) for f in found], TOLD)
    assert partition(ledger) == {frozenset({found[0].uid, found[2].uid}), frozenset({found[1].uid})}


def test_the_same_changes_again_do_no_harm(ledger: Ledger) -> None:
    changes = [change(finding(NOON)), change(finding(NOON, rule="another"))]
    for _ in range(3):
        raise_(ledger, changes, TOLD)
    assert [(a.hits, a.findings) for a in rows(ledger)] == [(1, 1), (1, 1)]
    assert len(waiting(ledger)) == 2


def test_a_finding_between_two_alerts_makes_them_one_and_the_older_survives(ledger: Ledger) -> None:
    late, early = finding(NOON + 10 * HOUR), finding(NOON)
    raise_(ledger, late, TOLD)
    raise_(ledger, early, TOLD)
    report = raise_(ledger, finding(NOON + 5 * HOUR), TOLD)
    assert report.merged == {2: 1}
    kept, merged = rows(ledger)
    assert (kept.state, kept.findings, kept.first) == ("open", 3, NOON)
    assert (merged.state, merged.merged_into) == ("merged", 1)
    # The second was never sent, and the first says it all.
    assert waiting(ledger) == [("alert.1.1.on-call", "pending"), ("alert.2.1.on-call", "superseded")]
    assert "took over" in happened(ledger, 1)


def test_what_was_to_be_told_of_a_merged_alert_is_told_of_the_survivor(ledger: Ledger) -> None:
    raise_(ledger, [change(finding(NOON), live=False)], TOLD)
    raise_(ledger, finding(NOON + 10 * HOUR), TOLD)
    raise_(ledger, [change(finding(NOON + 5 * HOUR), live=False)], TOLD)
    [sent] = ledger.rows(sa.select(outbox))
    assert (sent.alert, sent.key, sent.state) == (1, "alert.2.1.on-call", "pending")


def test_a_part_that_nothing_connects_any_more_gets_an_alert_of_its_own(ledger: Ledger) -> None:
    bridge = finding(NOON + 5 * HOUR)
    raise_(ledger, [change(finding(NOON)), change(finding(NOON + 10 * HOUR)), change(bridge)], TOLD)
    report = raise_(ledger, [change(replace(bridge, standing=False), "withdrawn")], TOLD)
    assert report.split == {2: 1}
    first, second = rows(ledger)
    assert (first.findings, second.findings, second.split_from) == (1, 1, 1)
    assert len(waiting(ledger)) == 1, "its findings were told of before"


def test_history_is_listed_and_nobody_is_told(ledger: Ledger) -> None:
    raise_(ledger, [change(finding(NOON), live=False)], TOLD)
    [alert] = rows(ledger)
    assert (alert.state, alert.told_at) == ("open", None)
    assert waiting(ledger) == []
    # News of the same alert are told, also of the finding itself.
    raise_(ledger, [change(finding(NOON, hits=2), "grown")], TOLD)
    assert waiting(ledger) == [("alert.1.1.on-call", "pending")]


def test_it_is_told_again_only_if_its_level_rises(ledger: Ledger) -> None:
    raise_(ledger, finding(NOON, level="medium"), TOLD)
    raise_(ledger, [change(finding(NOON, level="medium", hits=50), "grown")], TOLD)
    raise_(ledger, [change(finding(NOON, level="low", hits=50), "amended")], TOLD)
    raise_(ledger, [change(finding(NOON, level="medium", hits=50), "amended")], TOLD)
    assert len(waiting(ledger)) == 1
    raise_(ledger, finding(NOON + HOUR, level="critical"), TOLD)
    [_, again] = ledger.rows(sa.select(outbox).order_by(outbox.c.id))
    assert (again.key, json.loads(again.detail)) == ("alert.1.2.on-call", {"risen": True})
    assert rows(ledger)[0].amended_at is not None


def test_a_withdrawn_alert_is_kept_and_comes_back_with_its_finding(ledger: Ledger) -> None:
    one = finding(NOON)
    raise_(ledger, one, TOLD)
    report = raise_(ledger, [change(replace(one, standing=False), "withdrawn")], TOLD)
    assert report.withdrawn == [1]
    [alert] = rows(ledger)
    assert (alert.state, alert.findings, alert.hits) == ("withdrawn", 0, 0)
    raise_(ledger, [change(one, "amended")], TOLD)
    assert [(a.state, a.findings) for a in rows(ledger)] == [("open", 1)]
    assert len(waiting(ledger)) == 1
    assert happened(ledger, 1)[:4] == ["raised", "told", "withdrawn", "opened again"]


def test_a_finding_that_never_stood_makes_no_alert(ledger: Ledger) -> None:
    raise_(ledger, [change(finding(NOON, standing=False), "withdrawn")], TOLD)
    assert rows(ledger) == []


def test_closed_alerts_take_nothing_in_and_the_next_one_says_so(ledger: Ledger) -> None:
    raise_(ledger, finding(NOON), TOLD)
    with ledger.begin() as connection:
        Desk(connection, TOLD, "ann", NOON).close(["A-1"], "benign")
    raise_(ledger, finding(NOON + HOUR), TOLD)
    closed, new = rows(ledger)
    assert (closed.state, closed.closed_as, closed.findings) == ("closed", "benign", 1)
    assert (new.state, new.follows) == ("open", 1)
    assert len(waiting(ledger)) == 2


def test_an_acknowledged_alert_stays_so_until_its_level_rises(ledger: Ledger) -> None:
    raise_(ledger, finding(NOON, level="medium"), TOLD)
    with ledger.begin() as connection:
        Desk(connection, TOLD, "ann", NOON).acknowledge(["1"])
    raise_(ledger, finding(NOON + HOUR, level="medium"), TOLD)
    assert rows(ledger)[0].state == "acknowledged"
    report = raise_(ledger, finding(NOON + 2 * HOUR, level="high"), TOLD)
    assert (report.reopened, report.told, rows(ledger)[0].state) == ([1], 1, "open")


def test_only_channels_that_want_it_are_told(ledger: Ledger) -> None:
    told = settings(
        Channel(name="all", url="x://", levels=["low", "high"]),
        Channel(name="critical", url="x://", levels=["critical"]),
        Channel(name="tagged", url="x://", tags=["ATTACK.T1562.007"]),
        Channel(name="other-tag", url="x://", tags=["attack.t1078"]),
        Channel(name="shop", url="x://", accounts=[SHOP]),
        Channel(name="bank", url="x://", accounts=[BANK]),
        Channel(name="production", url="x://", groups=["production"]),
        Channel(name="development", url="x://", groups=["development"]),
    )
    raise_(ledger, finding(NOON), told)
    assert [key.rsplit(".", 1)[1] for key, _ in waiting(ledger)] == ["all", "tagged", "shop", "production"]


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger) -> None:
    def killed() -> None:
        with ledger.begin() as connection:
            raise_findings(connection, [change(finding(NOON))], TOLD, NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        killed()
    assert rows(ledger) == []
    assert waiting(ledger) == []


def test_the_most_human_of_its_actors_is_shown_and_nothing_lowered_again(ledger: Ledger) -> None:
    raise_(ledger, finding(NOON, actor="automation", level="low"), TOLD)
    assert (rows(ledger)[0].actor, LEVELS[rows(ledger)[0].level]) == ("automation", "low")
    raise_(ledger, finding(NOON + HOUR, actor="person", level="low"), TOLD)
    assert rows(ledger)[0].actor == "person"


def test_log_text_that_no_database_takes_does_not_stop_it(ledger: Ledger) -> None:
    hostile = "arn:aws:iam::111111111111:user/\x00\ud800" + "x" * 9000
    raise_(ledger, finding(NOON, principal=hostile, resources=("\ud800",), tags=("a",)), TOLD)
    assert len(rows(ledger)) == 1


def test_a_long_history_is_raised_at_once(ledger: Ledger) -> None:
    people = [ALICE + str(n) for n in range(60)]
    found = [
        finding(NOON + timedelta(hours=h), principal=p, addresses=(), resources=())
        for h in range(0, 400, 8)
        for p in people
    ]
    report = raise_(ledger, [change(f, live=False) for f in found], TOLD)
    assert len(report.raised) == 60 * 50
