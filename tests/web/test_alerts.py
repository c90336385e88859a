"""Alerts as pages: what needs somebody, what each is about, and what people do with them."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from ashiato.alerts.raising import raise_findings
from ashiato.core.clock import now
from ashiato.lake.home import Home
from ashiato.ledger.alert_tables import alert_history, alerts, audit_log, suppressions
from ashiato.ledger.finding_rows import finding_uid, write_findings
from ashiato.ledger.findings import Finding, FindingChange
from ashiato.web.pages.alerts.one import _chart
from web.client import Answer
from web.conftest import Estate, Visiting, site_of

PROD, AUDIT = "111122223333", "123456789012"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\u202e'


def rows(estate: Estate, where: Any = True) -> list[Any]:
    """Rows of alerts, the gravest first."""
    with Home.open_for_reading(estate.home) as home:
        return list(
            home.ledger.rows(
                sa.select(alerts)
                .where(sa.true() if where is True else where)
                .order_by(alerts.c.level.desc(), alerts.c.id)
            )
        )


def audited(estate: Estate) -> list[tuple[str, str, str]]:
    with Home.open_for_reading(estate.home) as home:
        return [
            (r.who, r.what, r.target) for r in home.ledger.rows(sa.select(audit_log).order_by(audit_log.c.id))
        ]


def open_of(estate: Estate, account: str = PROD, level: int = 1) -> Any:
    c = alerts.c
    return rows(estate, sa.and_(c.state == "open", c.account == account, c.level >= level))[0]


def raised(estate: Estate, **more: Any) -> None:
    """An alert with texts of an attacker."""
    at = now() - timedelta(hours=1)
    record = {
        "eventID": HOSTILE, "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}", "eventSource": "ec2.amazonaws.com",
        "eventName": HOSTILE, "awsRegion": HOSTILE, "sourceIPAddress": HOSTILE, "userAgent": HOSTILE,
        "recipientAccountId": PROD, "errorCode": HOSTILE, "userIdentity": {"type": "IAMUser", "arn": HOSTILE},
    }  # fmt: skip
    group = {"sourceIPAddress": HOSTILE, "x": "y" * 100_000}
    values: dict[str, Any] = {
        "uid": finding_uid("hostile", group, at), "rule": "=" + HOSTILE, "title": HOSTILE, "level": "critical", "kind": "match",
        "table": "cloudtrail", "group": group, "hour": at, "first": at, "last": at, "window_start": at, "hits": 1,
        "account": PROD, "region": "us-east-1", "principal": HOSTILE, "actor": "person", "addresses": (HOSTILE,),
        "access_keys": (HOSTILE,), "resources": (HOSTILE, "r" * 100_000), "examples": (record,),
        "explanation": {"description": HOSTILE, "next": {"en": [HOSTILE]}}, **more,
    }  # fmt: skip
    with Home.open_for_writing(estate.home, "test") as home, home.ledger.begin() as connection:
        finding = Finding(**values)
        write_findings(connection, [(finding, True)], now())
        raise_findings(connection, [FindingChange("new", finding)], estate.settings, now())


def test_the_list_says_how_many_need_somebody_and_what_each_is(visit: Visiting, estate: Estate) -> None:
    answer = visit("/alerts")
    count = len(rows(estate, sa.and_(alerts.c.state == "open", alerts.c.level >= 1)))
    assert f"{count} alerts need somebody." in answer.words
    assert "svc-backup-sync" in answer.words
    assert "shop-prod" in answer.words


def test_each_filter_narrows_and_is_in_the_address(visit: Visiting, estate: Estate) -> None:
    every = len(rows(estate, alerts.c.level >= 3))
    assert f"{every} alerts need somebody." in visit("/alerts?level=high").words
    found = visit("/alerts?q=svc-backup-sync&level=informational")
    assert "alice" not in " ".join(link for link in found.links if link.startswith("/alerts/A-"))
    assert "No alert is like this" in visit("/alerts?q=none-such-anywhere").words
    assert "No alert is like this" in visit("/alerts?state=closed").words
    dev = visit("/alerts?group=operations&level=informational")
    assert "shop-prod" not in dev.words.split("Suppress", 1)[-1] or "shop-audit" in dev.words
    only = visit(f"/alerts?account={AUDIT}&level=informational")
    assert f'title="{PROD}"' not in only.text


@pytest.mark.parametrize("query", ["state=none", "level=x", "sort=1;drop", "incident=zzz", "n=x"])
def test_what_cannot_be_meant_is_told(visit: Visiting, query: str) -> None:
    assert visit(f"/alerts?{query}").status == 400


def test_pages_go_on_where_the_one_before_ended(visit: Visiting, estate: Estate) -> None:
    seen: list[str] = []
    address = "/alerts?level=informational&sort=-level"
    while True:
        answer = visit(address)
        seen += [
            link.split("?")[0]
            for link in answer.links
            if link.startswith("/alerts/A-") and "act=" not in link
        ]
        further = [link for link in answer.links if "after=" in link and "sort=-level" in link]
        if not further:
            break
        address = further[-1]
    listed = list(dict.fromkeys(seen))
    assert len(listed) == len(rows(estate, alerts.c.state == "open"))


def test_the_export_is_what_is_seen_and_no_formula(visit: Visiting, own_estate: Estate) -> None:
    raised(own_estate)
    told = visit("/alerts/export?format=csv&level=critical", of=own_estate)
    assert told.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(told.text)))
    assert [line["level"] for line in lines] == ["critical"]
    assert lines[0]["rule"].startswith("'=")
    document = json.loads(visit("/alerts/export?format=json&level=high", of=own_estate).text)
    assert {d["level"] for d in document} == {"high", "critical"}
    assert ("erin", "alerts exported", "csv") in audited(own_estate)


def test_one_alert_is_one_file(visit: Visiting, estate: Estate) -> None:
    row = open_of(estate)
    told = visit(f"/alerts/A-{row.id}/export")
    assert told.headers["content-disposition"].endswith(f"A-{row.id}.json")
    document = told.json()
    assert document["id"] == f"A-{row.id}"
    assert document["story"]
    assert document["history"][0]["what"] == "raised"
    assert visit("/alerts/A-99999999/export").status == 404


def test_one_alert_says_who_when_what_and_what_resulted(visit: Visiting, estate: Estate) -> None:
    row = rows(estate, sa.and_(alerts.c.level == 3, alerts.c.principal.is_not(None)))[0]
    answer = visit(f"/alerts/A-{row.id}")
    for said in (
        "Who, when, what, and what resulted",
        "Why am I shown this?",
        "What to check next",
        "The story",
    ):
        assert said in answer.words
    assert any(link.startswith("/record?ref=event") for link in answer.links)
    assert any(link.startswith("/trace?q=") for link in answer.links)
    assert any(link.startswith("/incidents/I-") for link in answer.links)


def test_an_alert_that_is_not_there_or_not_ones_own_is_not_found(visit: Visiting, estate: Estate) -> None:
    row = open_of(estate, AUDIT, level=0)
    assert visit(f"/alerts/A-{row.id}").status == 200
    assert visit(f"/alerts/A-{row.id}", groups=("customer-a",)).status == 404
    assert visit(f"/alerts/A-{row.id}?group=customer-a").status == 404
    assert visit("/alerts/A-99999999").status == 404
    assert visit("/alerts/none").status == 404


def test_what_an_attacker_wrote_is_text(visit: Visiting, own_estate: Estate) -> None:
    raised(own_estate)
    row = rows(own_estate, alerts.c.level == 4)[0]
    for path in (
        f"/alerts/A-{row.id}", "/alerts?level=critical", "/alerts?level=critical&q=%22%3E%3Cscript%3E",
        "/suppressions/new?rule=*&principal=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ):  # fmt: skip
        answer = visit(path, of=own_estate)
        assert answer.status == 200
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert path.startswith("/suppressions") or "{{7*7}}" in answer.words
        assert len(answer.body) < 300_000


def test_hits_stand_at_their_days_however_far_apart() -> None:
    visit: Any = SimpleNamespace(zone=UTC, _=lambda message, **_: message)
    newest = datetime(2026, 11, 19, 10, tzinfo=UTC)
    found: Any = [SimpleNamespace(hour=newest - timedelta(days=d), hits=d + 1) for d in (0, 1, 4000)]
    chart = _chart(visit, found)
    assert chart is not None
    days = {start: count for start, count in chart.rows if count}
    assert days == {newest.replace(hour=0): 1, newest.replace(hour=0) - timedelta(days=1): 2}


def acted(visit: Visiting, estate: Estate, **form: Any) -> Answer:
    return visit("/alerts/act", role="analyst", form=form, of=estate)


def test_an_analyst_works_through_alerts_and_each_act_is_audited(visit: Visiting, own_estate: Estate) -> None:
    row = open_of(own_estate)
    id_ = f"A-{row.id}"
    answer = acted(visit, own_estate, id=id_, do="acknowledge", back=f"/alerts?level=low#at-{id_}")
    assert (answer.status, answer.headers["location"]) == (
        303,
        f"/alerts?level=low&done=acknowledge&n=1#at-{id_}",
    )
    assert (
        rows(own_estate, alerts.c.id == row.id)[0].state,
        rows(own_estate, alerts.c.id == row.id)[0].assignee,
    ) == (
        "acknowledged",
        "erin",
    )
    assert acted(visit, own_estate, id=id_, do="note", note="asked alice").status == 303
    assert acted(visit, own_estate, id=id_, do="assign", to="mallory").status == 303
    assert (
        acted(visit, own_estate, id=id_, do="close", **{"as": "benign", "note": "was planned"}).status == 303
    )
    closed = rows(own_estate, alerts.c.id == row.id)[0]
    assert (closed.state, closed.closed_as, closed.assignee) == ("closed", "benign", "mallory")
    shown = visit(f"/alerts/{id_}", of=own_estate).words
    assert "asked alice" in shown
    assert "was planned" in shown
    assert acted(visit, own_estate, id=id_, do="reopen").status == 303
    assert rows(own_estate, alerts.c.id == row.id)[0].state == "open"
    told = [
        (who, what) for who, what, target in audited(own_estate) if target == id_ and "export" not in what
    ]
    assert told == [("erin", w) for w in ("acknowledged", "note", "assigned", "closed", "reopened")]


def test_many_at_once_and_a_whole_incident(visit: Visiting, own_estate: Estate) -> None:
    some = rows(own_estate, sa.and_(alerts.c.state == "open", alerts.c.incident.is_(None)))[:3]
    ids = [f"A-{row.id}" for row in some]
    answer = acted(visit, own_estate, id=ids, do="close", **{"as": "false"})
    assert answer.headers["location"] == "/alerts?done=close&n=3"
    assert "3 alerts closed." in visit("/alerts?done=close&n=3", of=own_estate).words
    incident = rows(own_estate, alerts.c.incident.is_not(None))[0].incident
    acted(visit, own_estate, id=f"I-{incident}", do="acknowledge", back=f"/incidents/I-{incident}")
    assert not rows(own_estate, sa.and_(alerts.c.incident == incident, alerts.c.state == "open"))


def test_nobody_acts_on_what_they_may_not_see(visit: Visiting, own_estate: Estate) -> None:
    row = open_of(own_estate, AUDIT, level=0)
    form = {"id": f"A-{row.id}", "do": "close", "as": "false"}
    assert (
        visit("/alerts/act", role="analyst", groups=("customer-a",), form=form, of=own_estate).status == 404
    )
    assert visit("/alerts/act", role="viewer", form=form, of=own_estate).status == 403
    assert rows(own_estate, alerts.c.id == row.id)[0].state == "open"


@pytest.mark.parametrize(
    "form",
    [
        {"do": "close", "id": "A-1"},
        {"do": "close", "id": "A-1", "as": "whatever"},
        {"do": "note", "id": "A-1", "note": " "},
        {"do": "explode", "id": "A-1"},
        {"do": "acknowledge"},
        {"do": "acknowledge", "id": "A-x"},
        {"do": "acknowledge", "id": ["A-1"] * 501},
    ],
)
def test_an_act_that_cannot_be_meant_changes_nothing(visit: Visiting, form: dict[str, Any]) -> None:
    assert visit("/alerts/act", role="analyst", form=form).status in (400, 404)


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_an_act_never_leads_away(visit: Visiting, spare_estate: Estate, back: str) -> None:
    row = rows(spare_estate)[-1]
    answer = acted(visit, spare_estate, id=f"A-{row.id}", do="note", note="x", back=back)
    assert answer.headers["location"].startswith("/alerts?")


def test_a_suppression_is_seen_before_it_is_made(visit: Visiting, own_estate: Estate) -> None:
    raised(own_estate, rule="loud", title="Loud", principal=f"arn:aws:iam::{PROD}:user/noisy", account=PROD)
    row = rows(own_estate, alerts.c.rule == "loud")[0]
    offered = [
        link
        for link in visit(f"/alerts/A-{row.id}", of=own_estate).links
        if link.startswith("/suppressions/new")
    ]
    preview = visit(offered[0], of=own_estate)
    assert "would have hidden 1 alert (1 finding). 1 of them is open now and goes with it." in preview.words
    assert "Is it too wide?" in preview.words
    form = {"rule": "loud", "principal": row.principal, "days": "7", "reason": "a test"}
    assert (
        visit("/suppressions", role="analyst", form=form, of=own_estate).headers["location"].endswith("n=1")
    )
    assert rows(own_estate, alerts.c.rule == "loud")[0].state == "suppressed"
    listed = visit("/suppressions", of=own_estate).words
    assert "a test" in listed
    with Home.open_for_reading(own_estate.home) as home:
        made = home.ledger.rows(sa.select(suppressions))[0]
        days = (made.until - now()) / timedelta(days=1)
    assert 6.9 < days < 7.1
    assert visit(f"/suppressions/S-{made.id}/end", role="analyst", form={}, of=own_estate).status == 303
    assert "a test" not in visit("/suppressions", of=own_estate).words
    assert "a test" in visit("/suppressions?ended=1", of=own_estate).words


@pytest.mark.parametrize(
    "form",
    [
        {"reason": "why", "days": "7"},
        {"rule": "x", "days": "7"},
        {"rule": "x", "reason": "why", "days": "0"},
        {"rule": "x", "reason": "why", "days": "9999"},
        {"rule": "x", "reason": "why", "days": "x"},
    ],
)
def test_a_suppression_names_something_has_a_reason_and_ends(visit: Visiting, form: dict[str, str]) -> None:
    assert visit("/suppressions", role="analyst", form=form).status == 400


def test_planned_work_takes_in_what_belongs_to_it(visit: Visiting, own_estate: Estate) -> None:
    raised(own_estate, rule="moved", title="Moved", principal=f"arn:aws:iam::{PROD}:user/mover", account=PROD)
    local = datetime.now(UTC) + timedelta(hours=9)
    form = {
        "ticket": "CHG-7", "from": f"{local - timedelta(hours=3):%Y-%m-%dT%H:%M}",
        "to": f"{local + timedelta(hours=1):%Y-%m-%dT%H:%M}", "who": "mover",
    }  # fmt: skip
    assert (
        visit("/plans", role="analyst", form=form, of=own_estate, zone="Asia/Tokyo")
        .headers["location"]
        .endswith("n=1")
    )
    assert rows(own_estate, alerts.c.rule == "moved")[0].state == "planned"
    assert "CHG-7" in visit("/suppressions", of=own_estate).words
    assert visit("/plans/P-1/end", role="analyst", form={}, of=own_estate).status == 303
    assert visit("/plans/P-1/end", role="analyst", form={}, of=own_estate).status == 400


def test_who_sees_some_accounts_neither_suppresses_nor_sees_the_form(visit: Visiting) -> None:
    form = {"rule": "*", "reason": "quiet", "days": "7"}
    assert visit("/suppressions", role="admin", groups=("customer-a",), form=form).status == 403
    assert visit("/suppressions/new", role="admin", groups=("customer-a",)).status == 403
    assert "Suppress" not in visit("/alerts", role="analyst", groups=("customer-a",)).words


def test_a_viewer_reads_and_is_offered_no_act(visit: Visiting) -> None:
    answer = visit("/alerts", role="viewer")
    assert "Acknowledge" not in answer.words
    assert 'method="post"' not in answer.text.replace('action="/logout"', "")


def test_in_japanese_nothing_is_left_in_english(visit: Visiting, estate: Estate) -> None:
    answer = visit("/alerts", language="ja")
    assert "アラート" in answer.words
    assert "need somebody" not in answer.words


def test_history_is_kept_of_the_act(spare_estate: Estate, visit: Visiting) -> None:
    row = rows(spare_estate)[-2]
    acted(visit, spare_estate, id=f"A-{row.id}", do="note", note="kept")
    with Home.open_for_reading(spare_estate.home) as home:
        found = home.ledger.rows(sa.select(alert_history).where(alert_history.c.alert == row.id))
        assert [json.loads(r.detail)["text"] for r in found if r.what == "note"] == ["kept"]


def test_a_demo_without_accounts_is_read_only(estate: Estate) -> None:
    from ashiato.web.app import make_app
    from ashiato.web.door import READER
    from web.client import Client

    with Home.open_for_reading(estate.home) as home:
        client = Client(make_app(site_of(home, estate.settings, READER)))
        assert client.get("/alerts").status == 200
        assert client.post("/alerts/act", {"id": "A-1", "do": "acknowledge"}).status == 403
