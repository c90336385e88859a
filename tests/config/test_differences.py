"""Differences are of properties: sets stay sets, policies are read, and absence in any spelling is absence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.config.differences import MOST, PropertyChange, compare
from ashiato.config.documents import ORDERED, blank, canonical, decoded
from ashiato.config.patches import applied, patch

NAMES = st.sampled_from(
    [
        "key",
        "value",
        "name",
        "arn",
        "groupId",
        "state",
        "Statement",
        "Action",
        "ports",
        "tags",
        "a/b",
        "x~y",
        "配列",
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 70_000), st.text("abcé/~\u202e", max_size=5),
    st.sampled_from(["0.0.0.0/0", "s3:GetObject", "[", "{", '"', "null"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=14,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["configuration", "tags", "supplementaryConfiguration"]), VALUES)
CIDRS = st.sampled_from([f"10.0.{n}.0/24" for n in range(6)] + ["0.0.0.0/0"])
RULES = st.builds(
    lambda port, protocol, ranges, groups: {
        "ipProtocol": protocol,
        "fromPort": port,
        "toPort": port,
        "ipv4Ranges": [{"cidrIp": c} for c in ranges],
        "ipRanges": ranges,
        "userIdGroupPairs": [{"groupId": g, "userId": "111122223333"} for g in groups],
        "ipv6Ranges": [],
        "prefixListIds": [],
    },
    st.sampled_from([22, 80, 443]),
    st.sampled_from(["tcp", "udp"]),
    st.lists(CIDRS, unique=True, max_size=3),
    st.lists(st.sampled_from(["sg-1", "sg-2"]), unique=True, max_size=2),
)


def found(before: Any, after: Any) -> list[PropertyChange]:
    return list(compare({"configuration": before}, {"configuration": after}))


def paths(before: Any, after: Any) -> list[tuple[str, str]]:
    return [(p.kind, p.path.removeprefix("configuration.")) for p in found(before, after)]


def another_order(value: Any, shuffle: Callable[[list[Any]], Any]) -> Any:
    """The same content, its lists and keys in another order."""
    if isinstance(value, dict):
        names = list(value)
        shuffle(names)
        return {k: another_order(value[k], shuffle) for k in names}
    if isinstance(value, list):
        inner = [another_order(v, shuffle) for v in value]
        shuffle(inner)
        return inner
    return value


@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_the_order_of_lists_and_keys_is_no_difference(document: dict[str, Any], random: Any) -> None:
    shuffled = another_order(document, random.shuffle)
    assert list(compare(document, shuffled)) == []
    assert patch(document, shuffled) == []


@given(DOCUMENTS, DOCUMENTS)
def test_there_is_a_difference_where_the_contents_differ(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    changes = list(compare(before, after))
    if canonical(before) == canonical(after):
        assert changes == []
    assert bool(changes) == bool(list(compare(after, before)))
    for p in changes:
        assert p.path
        assert not (blank(p.before) and blank(p.after))


@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_makes_the_one_document_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    operations = patch(before, after)
    assert canonical(applied(before, operations)) == canonical(after)
    assert {o["op"] for o in operations} <= {"add", "remove", "replace"}
    if not operations:
        assert list(compare(before, after)) == []


@given(st.lists(RULES, max_size=4), st.lists(RULES, max_size=4))
def test_rules_are_compared_source_by_source_however_they_are_grouped(a: list[Any], b: list[Any]) -> None:
    """A plain model: the multiset of (protocol, port, source)."""

    def flat(rules: list[Any]) -> list[tuple[str, int, str]]:
        return sorted(
            (r["ipProtocol"], r["fromPort"], source)
            for r in rules
            for source in [
                *(x["cidrIp"] for x in r["ipv4Ranges"]),
                *(g["groupId"] for g in r["userIdGroupPairs"]),
            ]
            or [""]
        )

    gone, new = flat(a), flat(b)
    for each in list(gone):
        if each in new:
            gone.remove(each)
            new.remove(each)
    changes = found({"ipPermissions": a}, {"ipPermissions": b})
    assert sum(p.kind == "added" for p in changes) == len(new)
    assert sum(p.kind == "removed" for p in changes) == len(gone)
    assert len(changes) == len(new) + len(gone)


@given(st.dictionaries(st.text("abc:/", min_size=1, max_size=4), st.text("xyz", min_size=1, max_size=3), max_size=5),
       st.dictionaries(st.text("abc:/", min_size=1, max_size=4), st.text("xyz", min_size=1, max_size=3), max_size=5))  # fmt: skip
def test_tags_are_a_set_by_key(a: dict[str, str], b: dict[str, str]) -> None:
    def listed(tags: dict[str, str]) -> dict[str, Any]:
        return {"tagSet": [{"key": k, "value": v} for k, v in tags.items()]}

    changes = found(listed(a), listed(b))
    assert len(changes) == len(a.items() ^ b.items()) - len({k for k in a.keys() & b.keys() if a[k] != b[k]})


STATEMENT = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}


@pytest.mark.parametrize(
    "write", [json.dumps, lambda p: quote(json.dumps(p)), lambda p: json.dumps(json.dumps(p))]
)
def test_policy_documents_are_decoded(write: Callable[[Any], Any]) -> None:
    wider = STATEMENT | {"Action": ["s3:GetObject", "s3:PutObject"]}
    before = {"policyDocument": write({"Version": "2012-10-17", "Statement": [STATEMENT]})}
    assert found(before, {"policyDocument": {"Statement": STATEMENT, "Version": "2012-10-17"}}) == []
    assert paths(before, {"policyDocument": write({"Version": "2012-10-17", "Statement": [wider]})}) == [
        ("added", "policyDocument.Statement[Read].Action[s3:PutObject]")
    ]


def test_an_action_as_text_is_a_list_of_one() -> None:
    assert found({"p": {"Action": "s3:*"}}, {"p": {"Action": ["s3:*"]}}) == []
    assert paths({"p": {"Action": "s3:*"}}, {"p": {"Action": ["s3:*", "ec2:*"]}}) == [
        ("added", "p.Action[ec2:*]")
    ]


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_null_empty_and_absent_are_the_same(nothing: Any) -> None:
    assert found({"a": nothing, "b": 1}, {"b": 1}) == []
    assert found({"b": 1}, {"a": nothing, "b": 1}) == []


def test_false_zero_and_absent_are_not() -> None:
    assert paths({"a": False}, {}) == [("removed", "a")]
    assert paths({"a": 0}, {"a": False}) == [("changed", "a")]
    assert paths({"a": 1}, {"a": True}) == [("changed", "a")]


def test_a_rule_that_is_there_twice_is_seen_to_go() -> None:
    rule = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": ["10.0.0.0/8"]}
    assert paths({"ipPermissions": [rule, rule]}, {"ipPermissions": [rule]}) == [
        ("removed", "ipPermissions[tcp 22 10.0.0.0/8]")
    ]


def test_one_property_of_an_element_is_one_difference() -> None:
    before = {
        "instances": [{"instanceId": "i-1", "state": "running"}, {"instanceId": "i-2", "state": "running"}]
    }
    after = {
        "instances": [{"instanceId": "i-2", "state": "stopped"}, {"instanceId": "i-1", "state": "running"}]
    }
    assert paths(before, after) == [("changed", "instances[i-2].state")]


def test_order_counts_in_a_command() -> None:
    assert "command" in ORDERED
    assert paths({"command": ["a", "b"]}, {"command": ["b", "a"]}) == [("changed", "command")]
    assert patch({"command": ["a", "b"]}, {"command": ["b", "a"]}) == [
        {"op": "replace", "path": "/command", "value": ["b", "a"]}
    ]


def test_names_in_a_pointer_are_escaped() -> None:
    assert patch({"tags": {"a/b~c": "1"}}, {"tags": {"a/b~c": "2"}}) == [
        {"op": "replace", "path": "/tags/a~1b~0c", "value": "2"}
    ]


def test_hostile_states_end() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    deeper: Any = "y"
    for _ in range(5000):
        deeper = {"a": deeper}
    assert found({"a": deep}, {"a": deeper})
    many = {"list": [{"v": n, "w": n % 7} for n in range(20_000)]}
    more = {"list": [{"v": n + 7, "w": n % 7} for n in range(20_000)]}
    assert 0 < len(found(many, more)) <= MOST
    assert decoded("%7B" * 100_000) == "%7B" * 100_000
    assert decoded("[" * 100_000) == "[" * 100_000
