"""The page Search: rows, histogram, facets, completions, exports, SQL; what it says in every state; whose rows."""

from __future__ import annotations

import csv
import io
import json
import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import sqlalchemy as sa

from ashiato.lake.home import Home
from ashiato.ledger.alert_tables import audit_log
from ashiato.search.refusals import TEXTS
from ashiato.web.app import make_app
from ashiato.web.pages.search.words import REFUSALS
from web.client import Client
from web.conftest import Estate, Visiting, site_of, someone


def _found(words: str) -> int:
    match = re.search(r"([\d,]+) records?\b", words)
    assert match, words[:600]
    return int(match[1].replace(",", ""))


def test_it_shows_rows_and_how_many_there_are(visit: Visiting) -> None:
    answer = visit("/search?from=all")
    assert answer.status == 200, answer.words[:500]
    assert _found(answer.words) > 5000
    assert answer.text.count('href="/record?ref=') == 50
    assert 'class="histogram"' in answer.text
    assert "shop-prod" in answer.words, "names of accounts where digits would stand"


def test_a_facet_leads_to_what_it_counts(visit: Visiting) -> None:
    answer = visit("/search?from=all")
    link = next(a for a in answer.links if "q=errorCode%3A" in a and "errorCode%3A%2A" not in a)
    count = re.search(re.escape(link.replace("&", "&amp;")) + r'".*?</meter>([\d,]+)', answer.text, re.DOTALL)
    assert count
    assert _found(visit(link).words) == int(count[1].replace(",", ""))
    without = [a for a in answer.links if "q=-errorCode%3A%2A" in a]
    assert len(without) > 0


def test_a_bar_of_the_histogram_leads_to_its_time(visit: Visiting) -> None:
    answer = visit("/search?from=-24h")
    bar = next(a for a in answer.links if a.startswith("/search?") and "from=20" in a and "to=20" in a)
    narrowed = visit(bar)
    assert narrowed.status == 200
    assert 0 < _found(narrowed.words) < _found(answer.words)


def test_pages_follow_each_other_by_cursor(visit: Visiting) -> None:
    first = visit("/search?from=-24h&q=readOnly:false")
    following = next(a for a in first.links if "after=" in a)
    second = visit(following)
    refs = [[a for a in x.links if a.startswith("/record")] for x in (first, second)]
    assert not set(refs[0]) & set(refs[1])
    assert any(a.startswith("/search") and "after=" not in a for a in second.links)


def test_times_of_the_visitors_clock_become_times_that_mean_the_same_to_everybody(visit: Visiting) -> None:
    answer = visit("/search?from=2026-11-20T09:00&to=2026-11-21T09:00&q=a", zone="Asia/Tokyo")
    assert answer.status == 303
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert told == {"from": ["2026-11-20T00:00:00Z"], "to": ["2026-11-21T00:00:00Z"], "q": ["a"]}


def test_columns_are_chosen_and_kept_by_the_address(visit: Visiting) -> None:
    answer = visit("/search?from=all&columns=eventTime&columns=requestParameters.bucketName,eventID&columns=")
    head = re.findall(r'<th scope="col"[^>]*>\s*([^<\s]+)', answer.text)
    assert head[-3:] == ["eventTime", "requestParameters.bucketName", "eventID"]
    assert any("columns=eventTime%2CrequestParameters.bucketName%2CeventID" in a for a in answer.links)


@pytest.mark.parametrize("table", ["config_items", "vpc_flow_logs"])
def test_every_log_has_its_fields(visit: Visiting, table: str) -> None:
    answer = visit(f"/search?table={table}&from=all")
    assert answer.status == 200, answer.words[:500]
    assert _found(answer.words) > 10


def test_what_is_wrong_is_shown_where_it_was_typed(visit: Visiting) -> None:
    answer = visit("/search?q=" + quote("errorCode:* eventNam:x"))
    assert answer.status == 400
    assert "There is no field eventNam" in answer.words
    assert "Did you mean eventName?" in answer.words
    assert "<mark>eventNam</mark>" in answer.text
    assert 'value="errorCode:* eventNam:x"' in answer.text
    for path in (
        "/search?from=soon",
        "/search?table=x",
        "/search?columns=nope",
        "/search?after=x",
        "/search/export?q=%22",
    ):
        assert visit(path).status == 400, path


def test_the_messages_are_those_of_the_engine() -> None:
    assert set(REFUSALS) == set(TEXTS)
    for code, texts in REFUSALS.items():
        for ours, engines in zip(texts, TEXTS[code], strict=True):
            written = re.sub(r"%\((\w+)\)s", r"{\1}", ours)
            assert written.lower() == engines.lower()


def test_nothing_found_says_what_to_try(visit: Visiting) -> None:
    answer = visit("/search?q=eventName:Nothing")
    assert "No record of this time has all of this." in answer.words
    assert any("from=all" in a for a in answer.links)


def test_what_records_hold_is_shown_as_text(visit: Visiting) -> None:
    hostile = '"><script>alert(1)</script>{{7*7}}\u202e=cmd'
    for path in (
        "/search?q=",
        "/search?from=",
        "/search?group=",
        "/search?after=",
        "/search?columns=",
        "/search/sql?sql=",
    ):
        text = visit(path + quote(hostile)).text
        assert "<script>alert" not in text
        assert ">49<" not in text


def test_the_box_completes_of_what_one_may_see(visit: Visiting) -> None:
    found = visit("/search/complete?q=eventN&at=6").json()
    assert found["items"][0]["insert"] == "eventName:"
    q = quote("recipientAccountId:")
    everything = visit(f"/search/complete?q={q}&from=all").json()["items"]
    mine = visit(f"/search/complete?q={q}&from=all", groups=("operations",)).json()["items"]
    assert {i["text"] for i in mine} < {i["text"] for i in everything}
    assert visit("/search/complete?q=((&from=soon").json()["items"] == []


def test_exports_hold_what_is_seen(visit: Visiting) -> None:
    asked = "q=errorCode:*&from=all&columns=eventTime,eventID,errorCode"
    shown = _found(visit(f"/search?{asked}").words)
    sheet = visit(f"/search/export?{asked}&kind=csv")
    assert sheet.headers["content-type"].startswith("text/csv")
    assert "attachment" in sheet.headers["content-disposition"]
    lines = list(csv.reader(io.StringIO(sheet.text)))
    assert lines[0] == ["eventTime", "eventID", "errorCode"]
    assert len(lines) == shown + 1
    document = json.loads(visit(f"/search/export?{asked}&kind=json").body)
    assert document["complete"] is True
    assert document["count"] == shown


@pytest.mark.parametrize(
    "path", ["/search/export?from=all", "/search/sql/export?sql=SELECT+1&kind=json", "/alerts/export"]
)
def test_an_export_that_nobody_stays_for_holds_nothing(estate: Estate, path: str) -> None:
    with Home.open_for_reading(estate.home) as home:
        before = set((estate.home / "readers").iterdir())
        Client(make_app(site_of(home, estate.settings, someone("admin")))).leave(path)
        # A lease would keep every file of its snapshots for as long as the pages are served.
        assert set((estate.home / "readers").iterdir()) == before


def test_programs_get_the_page_as_json(visit: Visiting) -> None:
    asked = "q=errorCode:*&from=-24h"
    found = visit(f"/search/json?{asked}").json()
    assert found["counts"]["total"] == _found(visit(f"/search?{asked}").words)
    assert len(found["rows"]) == 50
    assert visit(f"/search/json?{asked}&after={found['next']}").json()["rows"][0]["ref"] not in {
        r["ref"] for r in found["rows"]
    }
    assert visit("/search/json?q=eventNam:x").json()["remedy"] == "Did you mean eventName?"


def test_the_same_in_sql_has_the_same_rows(visit: Visiting) -> None:
    asked = "q=errorCode:*%20readOnly:false&from=-24h&columns=eventTime,eventID"
    page = visit(f"/search?{asked}")
    link = next(a for a in page.links if a.startswith("/search/sql"))
    answer = visit(link)
    assert answer.status == 200
    count = re.search(r'class="lead">([\d,]+) rows?<', answer.text)
    assert count
    rows = int(count[1].replace(",", ""))
    assert rows == min(1000, _found(page.words)) > 0
    assert "FROM cloudtrail" in answer.text
    export = next(a for a in answer.links if "/search/sql/export" in a and "kind=csv" in a)
    assert len(list(csv.reader(io.StringIO(visit(export).text)))) == rows + 1


def test_a_statement_that_is_wrong_or_too_large_says_what_to_do(visit: Visiting) -> None:
    wrong = visit("/search/sql?sql=" + quote("SELECT nope FROM cloudtrail"))
    assert wrong.status == 400
    assert "nope" in wrong.words
    large = visit("/search/sql?sql=" + quote("SELECT * FROM cloudtrail"))
    assert large.status == 400
    assert "LIMIT" in large.words


def test_sql_of_a_limited_analyst_sees_their_accounts(visit: Visiting) -> None:
    sql = quote("SELECT recipientAccountId AS a, count(*) AS n FROM cloudtrail GROUP BY 1")
    assert "123456789012" in visit(f"/search/sql?sql={sql}", role="analyst").text
    limited = visit(f"/search/sql?sql={sql}", role="analyst", groups=("customer-a",)).text
    assert "111122223333" in limited
    assert "123456789012" not in limited
    assert visit(f"/search/sql?sql={sql}", role="viewer").status == 403
    assert "The same in SQL" not in visit("/search", role="viewer").words


def test_searches_are_noted_in_the_audit_log(visit: Visiting, own_estate: Estate) -> None:
    visit("/search?q=user:alice&from=all", of=own_estate, role="viewer")
    visit("/search/export?q=user:alice", of=own_estate, role="viewer")
    visit("/search/sql?sql=SELECT%201", of=own_estate, role="analyst")
    from ashiato.lake.home import Home

    with Home.open_for_reading(own_estate.home) as home, home.ledger.engine.connect() as connection:
        rows = connection.execute(sa.select(audit_log.c.what, audit_log.c.target).order_by(audit_log.c.id))
        noted = [tuple(r) for r in rows if r.what.startswith(("search", "sql"))]
    assert noted[-3:] == [("search", "user:alice"), ("search exported", "user:alice"), ("sql", "SELECT 1")]


def test_it_speaks_japanese(visit: Visiting) -> None:
    answer = visit("/search?from=all", language="ja")
    assert "いつ、何が起きたか" in answer.words
    assert re.search(r"[\d,]+ 件", answer.words)
    assert "ではありませんか" in visit("/search?q=eventNam:x", language="ja").words
