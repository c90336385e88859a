"""A principal's page tells habit from what is new, and a host's with whom it talks."""

from __future__ import annotations

from web.conftest import Estate, Visiting


def test_a_principal_has_its_operations_addresses_and_keys(visit: Visiting, estate: Estate) -> None:
    attack = estate.truth["attack"]
    answer = visit(f"/principal?id={attack['leakedUser']}&all=yes")
    assert answer.status == 200, answer.words[:500]
    for text in ("iam:CreateUser", attack["attackerAddress"], attack["leakedKey"], "By hour of the week"):
        assert text in answer.words
    assert 'class="chart histogram"' in answer.text


def test_who_did_nothing_leads_to_the_trace(visit: Visiting) -> None:
    answer = visit("/principal?id=nobody-at-all")
    assert "No operation of nobody-at-all" in answer.words
    assert "/trace?q=nobody-at-all" in answer.links


def test_a_host_has_its_peers_services_and_volumes(visit: Visiting, estate: Estate) -> None:
    attack = estate.truth["attack"]
    answer = visit(f"/host?id={attack['instance']['id']}")
    assert answer.status == 200, answer.words[:500]
    for text in (attack["commandAndControl"]["address"], "8443/tcp", "offered here", "used at peers"):
        assert text in answer.words
    assert attack["securityGroup"] in answer.words


def test_what_is_no_host_is_refused(visit: Visiting) -> None:
    answer = visit("/host?id=alice")
    assert answer.status == 400
    assert "alice is no host" in answer.words


def test_other_accounts_stay_unseen(visit: Visiting, estate: Estate) -> None:
    attack = estate.truth["attack"]
    principal = visit(f"/principal?id={attack['leakedUser']}", groups=("operations",))
    assert attack["attackerAddress"] not in principal.text
    host = visit(f"/host?id={attack['instance']['id']}", groups=("operations",))
    assert attack["commandAndControl"]["address"] not in host.text
    assert "orders-legacy" not in host.text
