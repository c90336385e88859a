"""Detections as pages: what is looked for, how often it was right, and trying it before switching it on."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

import ashiato
from ashiato.lake.home import Home
from ashiato.ledger.alert_tables import audit_log
from ashiato.ledger.detection_tables import rule_states
from ashiato.ledger.job_tables import jobs
from web.conftest import Estate, Visiting

#: A bucket policy lets everybody in.
RULE = "9e04eb86-70c1-4091-9ca0-e9b2be3682f7"


def test_the_list_says_how_many_are_on_and_narrows(visit: Visiting) -> None:
    answer = visit("/detections")
    assert "rules are on" in answer.words
    assert "techniques of ATT&CK" in answer.words
    found = visit("/detections?q=policy+lets+everybody")
    assert f"/detections/{RULE}" in found.links
    assert f"/detections/{RULE}" not in visit("/detections?q=policy+lets+everybody&level=low").links
    assert (
        f"/detections/{RULE}"
        in visit("/detections?technique=T1530&sort=title&level=high&log=cloudtrail").links
    )
    assert "No rule is like this." in visit("/detections?q=none-such-anywhere").words


@pytest.mark.parametrize("query", ["state=x", "sort=x", "after=-1", "after=x"])
def test_what_cannot_be_meant_is_told(visit: Visiting, query: str) -> None:
    assert visit(f"/detections?{query}").status == 400


@pytest.mark.parametrize("sort", ["hits", "title", "-title", "level", "alerts", "precision", "-precision"])
def test_every_way_to_sort_shows_rules(visit: Visiting, sort: str) -> None:
    assert visit(f"/detections?sort={sort}").status == 200


def test_coverage_leads_to_the_rules_of_a_technique(visit: Visiting) -> None:
    answer = visit("/detections/coverage")
    assert "/detections?technique=T1530" in answer.links
    assert "Data from Cloud Storage" in answer.words


def test_one_rule_shows_its_source_tests_and_next_steps(visit: Visiting) -> None:
    answer = visit(f"/detections/{RULE}")
    for said in (
        "eventName: PutBucketPolicy",
        "must be left alone",
        "What to check next",
        "Backtest",
        "Switch it off",
    ):
        assert said in answer.words
    assert str(Path(ashiato.__file__).parent) not in answer.words, (
        "where we are installed is nobody's business"
    )
    japanese = visit(f"/detections/{RULE}", language="ja").words
    assert "バケットポリシーが全員に許可した" in japanese
    assert "まずアクセスを閉じ" in japanese
    assert visit("/detections/none-such").status == 404


def test_an_admin_switches_and_it_is_audited(visit: Visiting, own_estate: Estate) -> None:
    address = f"/detections/{RULE}/switch"
    assert visit(address, role="analyst", form={"to": "off"}, of=own_estate).status == 403
    assert (
        visit(address, role="admin", groups=("customer-a",), form={"to": "off"}, of=own_estate).status == 403
    )
    assert visit(address, form={"to": "off"}, of=own_estate).status == 303
    with Home.open_for_reading(own_estate.home) as home:
        said = home.ledger.rows(sa.select(rule_states).where(rule_states.c.rule == RULE))
        assert [r.enabled for r in said] == [0]
        # Visits of other tests were searches: the copy has them too.
        acts = home.ledger.rows(sa.select(audit_log).where(audit_log.c.what.like("rule%")))
        assert [(r.who, r.what, r.target) for r in acts] == [("erin", "rule switched", RULE)]
    off = visit(f"/detections/{RULE}", of=own_estate)
    assert "Switch it on" in off.words
    assert "Try it on the past first." in off.words
    assert f"/detections/{RULE}" in visit("/detections?state=off", of=own_estate).links
    assert visit(address, form={"to": "on"}, of=own_estate).status == 303
    assert visit(address, form={"to": "sideways"}, of=own_estate).status == 400


def test_a_backtest_is_asked_for_and_found_again(visit: Visiting, own_estate: Estate) -> None:
    form = {"rule": RULE, "from": "2026-11-01", "to": ""}
    answer = visit("/detections/backtest", role="analyst", form=form, of=own_estate)
    assert answer.headers["location"] == "/jobs/J-1"
    assert "waiting" in visit("/jobs/J-1", role="analyst", of=own_estate).words
    assert "/jobs/J-1" in visit(f"/detections/{RULE}", role="analyst", of=own_estate).links
    assert (
        visit("/detections/backtest", role="analyst", form={"from": "x", "rule": RULE}, of=own_estate).status
        == 400
    )
    assert visit("/detections/backtest", role="analyst", form={}, of=own_estate).status == 400


def test_rules_are_brought_in_as_text_or_from_the_server(visit: Visiting, own_estate: Estate) -> None:
    text = "title: x\nlogsource: {product: aws}\ndetection: {it: {eventName: X}, condition: it}\n"
    address = "/detections/import"
    assert (
        visit(address, form={"text": text, "pack": "mine"}, of=own_estate).headers["location"] == "/jobs/J-1"
    )
    assert visit(address, form={"text": text, "path": "/tmp"}, of=own_estate).status == 400
    assert visit(address, form={"path": "/none/such"}, of=own_estate).status == 400
    assert visit(address, role="analyst", form={"text": text}, of=own_estate).status == 403
    with Home.open_for_reading(own_estate.home) as home:
        assert [r.kind for r in home.ledger.rows(sa.select(jobs))] == ["rule_import"]
