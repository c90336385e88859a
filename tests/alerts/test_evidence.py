"""Where records that findings show are found again."""

from __future__ import annotations

from typing import Any

import pytest

from ashiato.alerts.evidence import flow_search, record_ref
from ashiato.formats.refs import parse_ref
from ashiato.search.query import Search
from ashiato.search.terms import parse

FLOW: dict[str, Any] = {
    "account_id": "111111111111", "srcaddr": "203.0.113.5", "dstaddr": "10.0.0.9", "dstport": 22, "start": 1795099803,
}  # fmt: skip


def test_a_reference_reads_back_whatever_the_ids_hold() -> None:
    event = {"eventID": "a@b/c:%41 \u202e", "recipientAccountId": "111111111111"}
    ref = record_ref(event)
    assert ref is not None
    read = parse_ref(ref)
    assert read is not None
    assert read.parts == (event["eventID"], "111111111111")


def test_what_cannot_be_named_has_none() -> None:
    assert record_ref({"eventID": "e"}) is None
    assert record_ref(FLOW) is None
    assert flow_search({"eventID": "e", "recipientAccountId": "111111111111"}) is None


@pytest.mark.parametrize("address", ["203.0.113.5", "2001:db8::5"])
def test_a_flow_record_is_found_by_a_search(address: str) -> None:
    found = flow_search({**FLOW, "srcaddr": address})
    assert found is not None
    asked = Search.from_parameters(found)
    assert asked.table == "vpc_flow_logs"
    terms = [(t.field and t.field.name, t.values[0].text) for t in parse(asked.q, "vpc_flow_logs")]
    assert terms == [("srcaddr", address), ("dstaddr", "10.0.0.9"), ("dstport", "22")]


@pytest.mark.parametrize(
    "odd",
    [
        {"srcaddr": "x OR dstport:1"},
        {"dstaddr": None},
        {"start": 1e30},
        {"start": "now"},
        {"start": float("nan")},
    ],
)
def test_what_is_no_flow_record_gives_no_search(odd: dict[str, Any]) -> None:
    assert flow_search({**FLOW, **odd}) is None
