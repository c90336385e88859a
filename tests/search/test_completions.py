"""The box completes fields and values, of what the visitor may see."""

from __future__ import annotations

import pytest

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.search.completing import Completions, complete
from ashiato.search.query import Search
from ashiato.search.reading import Deadline
from ashiato.search.terms import parse
from search import records
from search.conftest import NOW, Lake


def _complete(
    lake: Lake, text: str, scope: AccountScope = EVERY_ACCOUNT, table: str = "cloudtrail"
) -> Completions:
    """At the place of `|`, or at the end."""
    at = text.find("|") if "|" in text else len(text)
    search = Search(table=table, q=text.replace("|", ""), since="all")
    return complete(lake.pinned, search, at, scope, moment=NOW, deadline=Deadline(30))


def _texts(found: Completions) -> list[str]:
    return [i.text for i in found.items]


def test_fields_by_their_beginning_and_by_parts_of_it(lake: Lake) -> None:
    assert _texts(_complete(lake, "eventN"))[0] == "eventName"
    assert "userIdentity.userName" in _texts(_complete(lake, "-userN"))
    assert _complete(lake, "errorCode:* eventN").start == len("errorCode:* ")
    assert "account" in _texts(_complete(lake, ""))


def test_members_of_json_are_those_that_records_have(lake: Lake) -> None:
    found = _texts(_complete(lake, "requestParameters."))
    assert {"requestParameters.bucketName", "requestParameters.instancesSet"} <= set(found)
    assert _texts(_complete(lake, "requestParameters.instancesSet.")) == [
        "requestParameters.instancesSet.items"
    ]
    assert "tags.Team" in _texts(_complete(lake, "tags.T", table="config_items"))


def test_values_by_frequency_those_that_begin_so_first(lake: Lake) -> None:
    found = _complete(lake, "eventName:get")
    assert set(_texts(found)) == {"GetObject", "getObject"}
    expected = {n: len(lake.expected(lambda e, n=n: e["eventName"] == n)) for n in ("GetObject", "getObject")}
    assert {i.text: i.count for i in found.items} == expected
    assert found.items[0].count == max(expected.values())


def test_values_are_of_records_where_the_other_conditions_hold(lake: Lake) -> None:
    wanted = {e["eventName"] for e in lake.events if e["eventSource"] == "iam.amazonaws.com"}
    assert set(_texts(_complete(lake, "service:iam eventName:"))) == wanted
    # One that is not finished yet stands in nobody's way.
    assert _texts(_complete(lake, "user:( eventName:")) == []
    assert _texts(_complete(lake, "foo:bar eventName:Ru"))[0] == "RunInstances"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("eventName:(GetObject, Pu", "eventName:(GetObject, PutObject"),
        ("eventName:GetObject,Pu", "eventName:GetObject,PutObject"),
        ("eventName:Put|Obj readOnly:true", "eventName:PutObject readOnly:true"),
        ('user:"say', 'user:"say \\"hi\\""'),
        ("port:3", None),
    ],
)
def test_what_is_completed_stands_in_place_of_what_was_typed(lake: Lake, text: str, made: str | None) -> None:
    if made is None:
        assert _texts(_complete(lake, text, table="vpc_flow_logs"))[0] == "3389"
        return
    found = _complete(lake, text)
    plain = text.replace("|", "")
    assert plain[: found.start] + found.items[0].insert + plain[found.end :] == made


def test_hostile_values_are_written_so_that_they_are_read_as_themselves(lake: Lake) -> None:
    seen = set()
    for name in [n for n in records.NAMES if n]:
        for item in _complete(lake, f"user:{name[:1]}").items:
            seen.add(item.text)
            assert parse(f"user:{item.insert}", "cloudtrail")[0].values[0].text == item.text
    assert len(seen) > 12


def test_nobody_learns_values_of_accounts_that_are_not_theirs(lake: Lake) -> None:
    scope = AccountScope.of(["333333333333"])
    assert _texts(_complete(lake, "account:", scope)) == ["333333333333"]
    assert not _complete(lake, "eventName:", AccountScope(frozenset())).items
    assert not _complete(lake, "requestParameters.", AccountScope(frozenset())).items


@pytest.mark.parametrize(
    "text",
    ["(((", '"', "a:b:c:", "time:2", "-", "x" * 5000, "\u202e:", "a.:", "user:\\", "eventName:))", ")|("],
)
def test_no_text_breaks_it(lake: Lake, text: str) -> None:
    found = _complete(lake, text)
    assert 0 <= found.start <= found.end <= len(text)
