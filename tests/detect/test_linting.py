"""Static checks: what can never match, or is misspelt, is said before a rule is trusted."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigma.collection import SigmaCollection

import ashiato
from ashiato.detect.catalogue import Catalogue
from ashiato.detect.conditions import (
    Condition,
    Every,
    FieldPresence,
    FieldTest,
    OneOf,
    Some,
    TextPattern,
    Without,
)
from ashiato.detect.impossible import why_never
from ashiato.detect.linting import Remark, lint

HEAD = """
title: {title}
id: {id}
level: low
tags: [attack.t1078.004]
logsource: {{product: aws, service: {service}}}
detection:
{detection}
"""


def remarks(detection: str, service: str = "cloudtrail", **more: Any) -> list[Remark]:
    text = HEAD.format(
        title="A rule",
        id="11111111-1111-4111-8111-111111111111",
        service=service,
        detection="\n".join(f"  {line}" for line in detection.strip().splitlines()),
    )
    rules = SigmaCollection.from_yaml(text, collect_errors=True).rules
    return lint([(r, "a.yml") for r in rules], texts={"a.yml": text}, **more)


def codes(found: list[Remark]) -> list[str]:
    return [r.code for r in found]


def test_a_good_rule_has_no_remarks() -> None:
    assert (
        remarks(
            """
selection: {eventSource: signin.amazonaws.com, eventName: ConsoleLogin, userIdentity.type: Root}
filter: {additionalEventData.MFAUsed: 'Yes'}
condition: selection and not filter
"""
        )
        == []
    )


@pytest.mark.parametrize(
    "detection",
    [
        "a: {eventName: StopLogging}\nb: {eventName: DeleteTrail}\ncondition: a and b",
        "a: {eventName: [StopLogging, DeleteTrail]}\nb: {eventName|startswith: Put}\ncondition: a and b",
        "a: {eventName: StopLogging}\nb: {eventName|startswith: Stop}\ncondition: a and not b",
        "a: {requestParameters.x: 1}\nb: {requestParameters.x: 1}\ncondition: a and not b",
        "a: {errorCode: null}\nb: {errorCode: AccessDenied}\ncondition: a and b",
        "a: {errorCode|exists: true}\nb: {errorCode|exists: false}\ncondition: a and b",
        "a: {eventSource: ec2.amazonaws.com}\nb: {eventSource: s3.amazonaws.com}\ncondition: all of them",
    ],
)
def test_contradictions_never_match(detection: str) -> None:
    found = remarks(detection)
    assert "never-matches" in codes(found)
    assert found[0].severity == "error"


def test_numbers_that_cannot_be() -> None:
    found = remarks("a: {dstport|gt: 1024, dstport|lt: 22}\ncondition: a", "vpcflow")
    assert codes(found) == ["never-matches"]
    assert remarks("a: {dstport|gte: 22, dstport|lte: 22}\ncondition: a", "vpcflow") == []


@pytest.mark.parametrize(
    "detection",
    [
        # A list has many elements: one of them may be a, another b.
        "a: {requestParameters.x: a}\nb: {requestParameters.x: b}\ncondition: a and b",
        "a: {resources.ARN|contains: role}\nb: {resources.ARN|contains: bucket}\ncondition: a and b",
        "a: {eventName: StopLogging}\nb: {eventName: DeleteTrail}\ncondition: a or b",
        "a: {eventName: [StopLogging, DeleteTrail]}\nb: {eventName: DeleteTrail}\ncondition: a and not b",
        "a: {eventName|startswith: Stop}\nb: {eventName|endswith: ging}\ncondition: a and b",
    ],
)
def test_what_may_match_is_left_alone(detection: str) -> None:
    assert "never-matches" not in codes(remarks(detection))


def test_misspelt_fields_are_told_with_what_was_meant() -> None:
    found = remarks("a:\n  eventname: StopLogging\n  userIdentiy.type: Root\ncondition: a")
    assert codes(found) == ["unknown-field", "unknown-field"]
    assert "eventName" in found[0].remedy
    assert "userIdentity.type" in found[1].remedy
    assert [r.line for r in found] == [9, 10]
    assert "srcaddr" in remarks("a: {scraddr: 10.0.0.1}\ncondition: a", "vpcflow")[0].remedy
    assert "log_status" in remarks("a: {log-status: OK}\ncondition: a", "vpcflow")[0].remedy
    assert "requestParameters.name" in remarks("a: {requestParameter.name: x}\ncondition: a")[0].remedy
    assert "userIdentity.invokedBy" in remarks("a: {invokedBy: x}\ncondition: a")[0].remedy


def test_values_that_a_field_never_has() -> None:
    assert codes(remarks("a: {readOnly: 'no'}\ncondition: a")) == ["impossible-value"]
    assert codes(remarks("a: {userIdentity.type: IamRole}\ncondition: a")) == ["impossible-value"]
    assert codes(remarks("a: {action: DENY}\ncondition: a", "vpcflow")) == ["impossible-value"]
    assert codes(remarks("a: {dstport: ssh}\ncondition: a", "vpcflow")) == ["impossible-value"]
    assert "quotes" in remarks("a: {recipientAccountId: 12345678901}\ncondition: a")[0].text
    assert remarks("a: {readOnly: false, action|contains: x}\ncondition: a")[0].code == "unknown-field"
    assert remarks("a: {dstport: 22, action: reject}\ncondition: a", "vpcflow") == []


def test_names_that_nobody_writes() -> None:
    (found,) = remarks("a: {eventSource: cloudtrail.amazonaws.com, eventName: StopLoging}\ncondition: a")
    assert (found.code, found.line, found.remedy) == (
        "event-not-in-catalogue",
        8,
        "Did you mean StopLogging?",
    )
    assert "not in the catalogue" in found.text
    (found,) = remarks("a: {eventSource: cloudwatch.amazonaws.com, eventName: DeleteAlarms}\ncondition: a")
    assert "monitoring.amazonaws.com" in found.remedy
    (found,) = remarks("a: {eventSource: s3.amazonaws.com, eventName: ListBucket}\ncondition: a")
    assert "permission" in found.remedy
    (found,) = remarks("a: {eventSource: lambda.amazonaws.com, eventName: UpdateFunctionCode}\ncondition: a")
    assert "UpdateFunctionCode20150331v2" in found.text


def test_the_lake_may_know_better() -> None:
    detection = "a: {eventSource: ec2.amazonaws.com, eventName: BrandNew}\ncondition: a"
    assert codes(remarks(detection)) == ["event-not-in-catalogue"]
    assert remarks(detection, catalogue=Catalogue([("ec2.amazonaws.com", "BrandNew")])) == []


def test_head_of_a_rule() -> None:
    text = """
title: Bare
logsource: {product: aws, service: cloudtrail}
detection: {a: {eventName: StopLogging}, condition: a}
---
title: Old
level: low
tags: [attack.t1562.008, attack.t1108]
logsource: {product: aws, service: cloudtrail}
detection: {a: {eventName: StopLogging}, condition: a}
"""
    found = lint([(r, "a.yml") for r in SigmaCollection.from_yaml(text).rules], texts={"a.yml": text})
    assert codes(found) == ["no-level", "no-tags", "revoked-technique", "revoked-technique", "same-condition"]
    assert found[2].remedy == "Write attack.t1685.002."


def test_duplicates() -> None:
    one = HEAD.format(
        title="One",
        id="11111111-1111-4111-8111-111111111111",
        service="cloudtrail",
        detection="  a: {eventName: [A, B]}\n  b: {errorCode: c}\n  condition: a and b",
    )
    other = one.replace("One", "Other").replace("a and b", "b and a").replace("[A, B]", "[b, a]")
    rules = [*SigmaCollection.from_yaml(one).rules, *SigmaCollection.from_yaml(other).rules]
    found = lint(zip(rules, ["one.yml", "other.yml"], strict=True))
    assert {"same-id", "same-condition"} <= set(codes(found))
    assert all(r.file == "other.yml" for r in found if r.code.startswith("same-"))


def test_what_cannot_be_compiled_is_left_to_the_list() -> None:
    assert codes(remarks("a: {eventName|expand: '%names%'}\ncondition: a")) == []


def test_sigmahq(corpora: Path) -> None:
    rules = []
    for path in sorted((corpora / "sigma-rules-aws").rglob("*.yml")):
        rules += [
            (r, path.name) for r in SigmaCollection.from_yaml(path.read_text(), collect_errors=True).rules
        ]
    told = " ".join(r.text for r in lint(rules))
    for name in (
        "ReplicateObject",
        "AuthorizeCacheSecurityGroupEgress",
        "RevokeCacheSecurityGroupEgress",
    ):
        assert f"eventName {name} is not in the catalogue" in told
    for name in ("ConsoleLogin", "UpdateFunctionCode20150331v2", "monitoring.amazonaws.com"):
        assert name not in told
    assert "never matches" not in told


def test_the_own_pack_has_no_remarks() -> None:
    pack = Path(ashiato.__file__).parent / "detect" / "rules"
    rules = SigmaCollection.load_ruleset([pack]).rules
    assert [(r.rule, r.text) for r in lint((r, "pack") for r in rules)] == []


VALUE = st.sampled_from(["a", "b", "ab"])
TEST = st.one_of(
    VALUE.map(lambda v: TextPattern((v,))),
    VALUE.map(lambda v: TextPattern((v, None))),
    st.lists(VALUE, min_size=1, max_size=3).map(lambda vs: OneOf(tuple(TextPattern((v,)) for v in vs))),
)
LEAF = st.one_of(
    st.builds(FieldTest, st.sampled_from(["x", "y"]), TEST),
    st.builds(lambda n, p: FieldPresence(n, present=p), st.sampled_from(["x", "y"]), st.booleans()),
)
TREE: st.SearchStrategy[Condition] = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        inner.map(Without),
        st.lists(inner, min_size=1, max_size=3).map(lambda p: Every(tuple(p))),
        st.lists(inner, min_size=1, max_size=3).map(lambda p: Some(tuple(p))),
    ),
    max_leaves=8,
)


def _meets(condition: Condition, record: dict[str, str | None]) -> bool:
    match condition:
        case FieldTest(name=name, test=test):
            value = record[name]
            return value is not None and test(value)
        case FieldPresence(name=name, present=present):
            return (record[name] is not None) == present
        case Without(part=part):
            return not _meets(part, record)
        case Every(parts=parts):
            return all(_meets(p, record) for p in parts)
        case Some(parts=parts):
            return any(_meets(p, record) for p in parts)
    raise AssertionError(condition)


@given(TREE)
def test_never_is_said_only_of_what_no_record_meets(condition: Condition) -> None:
    values = ["a", "b", "ab", "abc", "z", None]
    some_record = any(_meets(condition, {"x": x, "y": y}) for x, y in product(values, values))
    if some_record:
        assert why_never(condition, lambda _: True) is None
