"""Who opens a resource sees its configuration over time, who changed it, and what passed through."""

from __future__ import annotations

from web.conftest import Estate, Visiting


def _group(estate: Estate) -> str:
    return str(estate.truth["attack"]["securityGroup"])


def test_each_change_has_what_differs_and_the_operation_behind_it(visit: Visiting, estate: Estate) -> None:
    answer = visit(f"/resource?id={_group(estate)}")
    assert answer.status == 200, answer.words[:500]
    assert "Who changed legacy-sg?" in answer.words
    assert "tcp 22 0.0.0.0/0" in answer.words
    assert "svc-backup-sync opened port 22" in answer.words
    assert "side by side" in answer.words
    assert 'class="effect"' in answer.text


def test_two_states_stand_side_by_side(visit: Visiting, estate: Estate) -> None:
    first = visit(f"/resource?id={_group(estate)}")
    compared = [a for a in first.links if a.endswith("#compare")]
    assert compared
    answer = visit(compared[0].removesuffix("#compare"))
    assert answer.status == 200
    assert "Nothing differs between these two." not in answer.words


def test_the_hosts_of_a_security_group_have_their_connections_there(visit: Visiting, estate: Estate) -> None:
    answer = visit(f"/resource?id={_group(estate)}")
    assert estate.truth["attack"]["instance"]["interface"] in answer.words
    assert any(a.startswith("/record?ref=flow") for a in answer.links)


def test_a_name_that_nothing_has_leads_to_the_trace(visit: Visiting) -> None:
    answer = visit("/resource?id=no-such-thing")
    assert answer.status == 200
    assert "/trace?q=no-such-thing" in answer.links


def test_another_accounts_resource_is_none(visit: Visiting, estate: Estate) -> None:
    answer = visit(f"/resource?id={_group(estate)}", groups=("operations",))
    assert "AWS Config recorded no resource" in answer.words
    assert "legacy-sg" not in answer.text


def test_a_time_that_is_none_is_refused(visit: Visiting, estate: Estate) -> None:
    assert visit(f"/resource?id={_group(estate)}&a=soon").status == 400
