"""Whoever pastes one thing sees its story, and comes from any part of it to the next."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import parse_qs, urlsplit

from web.conftest import Estate, Visiting


def traced(address: str) -> str | None:
    """What a link traces; None for other links."""
    parts = urlsplit(address)
    return parse_qs(parts.query).get("q", [None])[0] if parts.path == "/trace" else None


def test_without_a_thing_it_asks_for_one(visit: Visiting) -> None:
    answer = visit("/trace")
    assert answer.status == 200
    assert "Paste what you have" in answer.words
    assert visit("/trace/export").headers["location"] == "/trace"


def test_what_cannot_be_traced_is_said_beside_the_box(visit: Visiting) -> None:
    answer = visit("/trace?q=x&kind=nothing")
    assert answer.status == 400
    assert "there is no kind nothing" in answer.words


def test_a_key_is_told_with_its_operations_alerts_and_what_it_touched(
    visit: Visiting, estate: Estate
) -> None:
    attack = estate.truth["attack"]
    answer = visit(f"/trace?q={attack['leakedKey']}")
    assert f"What was done with the key {attack['leakedKey']}?" in answer.words
    assert "a console password from" in answer.words
    assert {attack["attackerAddress"], attack["leakedUser"]} <= {traced(a) for a in answer.links}
    assert "shop-prod" in answer.words
    assert '<svg width="100%"' in answer.text
    assert "reading operations by" in answer.words


def test_every_operation_is_shown_when_asked(visit: Visiting, estate: Estate) -> None:
    answer = visit(f"/trace?q={estate.truth['attack']['leakedKey']}&fold=no")
    assert "reading operations by" not in answer.words
    assert "Fold what only reads" in answer.words


def test_pages_go_on_where_the_last_one_ended(visit: Visiting, estate: Estate) -> None:
    address = f"/trace?q={estate.truth['attack']['leakedKey']}&fold=no"
    first = visit(address)
    following = [a for a in first.links if "after=" in a]
    assert following
    second = visit(following[0])
    records = [{a for a in page.links if a.startswith("/record?")} for page in (first, second)]
    assert records[0]
    assert records[1]
    assert not records[0] & records[1]


def test_a_span_of_time_is_in_the_address_and_a_bad_one_is_refused(visit: Visiting, estate: Estate) -> None:
    key, day = estate.truth["attack"]["leakedKey"], estate.truth["attack"]["day"]
    found = visit(f"/trace/export?q={key}&from={day}T13:02&to={day}T13:02", zone="UTC").json()
    times = [row["time"] for row in found["operations"]]
    assert times
    assert {t[:16] for t in times} == {f"{day}T13:02"}
    assert visit(f"/trace?q={key}&from=yesterdayish").status == 400
    assert visit(f"/trace?q={key}&from={day}&to=2001-01-01").status == 400


def test_an_address_can_be_typed(visit: Visiting) -> None:
    answer = visit("/trace/arn%3Aaws%3Aiam%3A%3A111122223333%3Auser%2Falice?from=-7d")
    assert answer.status == 303
    assert answer.headers["location"] == "/trace?q=arn%3Aaws%3Aiam%3A%3A111122223333%3Auser%2Falice&from=-7d"


def test_another_accounts_records_are_no_records(visit: Visiting, estate: Estate) -> None:
    """The incident's account is none of the group's."""
    key = estate.truth["attack"]["leakedKey"]
    for address in (f"/trace?q={key}", f"/trace/export?q={key}"):
        answer = visit(address, groups=("operations",), role="viewer")
        assert answer.status == 200
        assert "deploy-bot" not in answer.text
        assert "203.0.113.66" not in answer.text
    assert "No record that you may see names" in visit(f"/trace?q={key}", groups=("operations",)).words


def test_hostile_text_stays_text(visit: Visiting) -> None:
    answer = visit("/trace?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in answer.text


def _links(visit: Visiting, thing: str) -> set[str]:
    answer = visit(f"/trace?q={thing}")
    assert answer.status == 200, answer.words[:300]
    return {found for a in answer.links if (found := traced(a))}


def test_four_clicks_lead_from_the_server_of_the_attacker_to_the_leaked_key(
    visit: Visiting, estate: Estate
) -> None:
    """Each click is a link to the trace of something that the page before names; not all pages need be opened."""
    attack: dict[str, Any] = estate.truth["attack"]
    chain = [
        attack["commandAndControl"]["address"],
        attack["instance"]["id"],
        attack["securityGroup"],
        attack["attackerAddress"],
        attack["leakedKey"],
    ]
    for thing, following in itertools.pairwise(chain):
        assert following in _links(visit, thing), f"{thing} does not lead to {following}"


def test_a_trace_can_be_saved_as_one_file_without_scripts(visit: Visiting, estate: Estate) -> None:
    key = estate.truth["attack"]["leakedKey"]
    answer = visit(f"/trace/export?q={key}&format=html")
    assert answer.status == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert key in answer.text
    assert "<script" not in answer.text
    assert visit(f"/trace/export?q={key}&format=exe").status == 400
