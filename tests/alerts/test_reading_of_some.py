"""Who sees only some accounts reads nothing of others in what a finding over several of them names."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.samples import BANK, NOON, SHOP, event, finding
from ashiato.alerts.reading import within_scope
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope

OWN = AccountScope.of([SHOP])
#: Detection keeps three records of a finding, the first by time; names it gathers from more of them.
FIRST = tuple(event(f"Get{n}") for n in range(3))
NAMED: dict[str, Any] = {
    "event_ids": ("own", "of the bank"),
    "addresses": ("203.0.113.5", "198.51.100.9"),
    "access_keys": ("AKIAOFTHEBANK0000000",),
    "resources": ("sg-0a1", "the-banks-bucket"),
}


@pytest.mark.parametrize(
    "several",
    [
        {"examples": FIRST, "hits": 40},
        {"examples": FIRST, "hits": 3, "kind": "correlation"},
        {"examples": (*FIRST[:2], event(recipientAccountId=BANK)), "hits": 3},
        {"examples": (), "hits": 1},
    ],
)
def test_what_may_be_of_another_account_is_not_named(several: dict[str, Any]) -> None:
    found = finding(NOON, group={"sourceIPAddress": "203.0.113.5"}, **NAMED, **several)
    shown = within_scope(found, OWN)
    assert (shown.event_ids, shown.addresses, shown.access_keys, shown.resources) == ((), (), (), ())
    assert {e["recipientAccountId"] for e in shown.examples} <= {SHOP}
    assert within_scope(found, EVERY_ACCOUNT) is found


@pytest.mark.parametrize(
    "alone",
    [
        {"group": {"ashiato.principal": "alice", "recipientAccountId": SHOP}, "hits": 40},
        {"group": {"sourceIPAddress": "203.0.113.5"}, "hits": 3},
    ],
)
def test_what_is_surely_of_their_own_is_named(alone: dict[str, Any]) -> None:
    found = finding(NOON, examples=FIRST, **NAMED, **alone)
    assert within_scope(found, OWN) is found
