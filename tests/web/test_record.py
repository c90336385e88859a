"""A record is shown as AWS wrote it, with where it came from; a reference to nothing says so."""

from __future__ import annotations

from web.conftest import Estate, Visiting


def _ref(estate: Estate, step: int = 0) -> str:
    return f"event:{estate.truth['steps'][step]['events'][0]}@{estate.truth['attack']['account']}"


def test_an_event_is_told_in_words_and_shown_raw_with_its_object(visit: Visiting, estate: Estate) -> None:
    answer = visit(f"/record?ref={_ref(estate)}")
    assert answer.status == 200, answer.words
    assert "What does this event say?" in answer.words
    assert '"eventID": "' + estate.truth["steps"][0]["events"][0] in answer.text.replace("&#34;", '"')
    assert ".json.gz" in answer.words
    assert "later" in answer.words
    assert any(a.startswith("/trace?q=AKIAI44QH8DHBEXAMPLE") for a in answer.links)


def test_every_record_that_a_trace_shows_can_be_opened(visit: Visiting, estate: Estate) -> None:
    instance = estate.truth["attack"]["instance"]["id"]
    found = visit(f"/trace/export?q={instance}").json()
    for lane in ("operations", "changes", "connections"):
        assert found[lane]
        for row in (found[lane][0], found[lane][-1]):
            assert visit(visit_link(row["ref"])).status == 200, row["ref"]


def visit_link(ref: str) -> str:
    from urllib.parse import urlencode

    return "/record?" + urlencode({"ref": ref})


def test_the_export_is_the_record_and_its_origin(visit: Visiting, estate: Estate) -> None:
    found = visit(f"/record/export?ref={_ref(estate)}").json()
    assert found["record"]["eventID"] == estate.truth["steps"][0]["events"][0]
    assert found["object"]
    assert found["lag"] > 0


def test_a_reference_to_nothing_says_so(visit: Visiting) -> None:
    for ref in ("event:0000@111122223333", "nonsense", "flow:" + "0" * 32):
        answer = visit(f"/record?ref={ref}")
        assert answer.status == 404
        assert "There is no such record" in answer.words


def test_another_accounts_record_is_no_record(visit: Visiting, estate: Estate) -> None:
    for path in ("/record", "/record/export"):
        answer = visit(f"{path}?ref={_ref(estate)}", groups=("operations",))
        assert answer.status == 404
        assert "deploy-bot" not in answer.text


def test_without_a_reference_it_asks_for_one(visit: Visiting) -> None:
    assert "Paste the reference of a record" in visit("/record").words
    assert visit("/record/export").headers["location"] == "/record"
