"""The index of rules leaves out no rule that matches, and evaluating many at once says what each says alone."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato.detect.conditions import (
    Compared,
    Condition,
    Every,
    FieldPresence,
    FieldsCompared,
    FieldTest,
    InNetwork,
    Keyword,
    NumberIs,
    OneOf,
    RegularExpression,
    Some,
    TextPattern,
    TimePart,
    Without,
    text_of,
)
from ashiato.detect.derived import derived_fields
from ashiato.detect.json_paths import leaves, segments, values
from ashiato.detect.literals import LiteralIndex, needed, sql_filter
from ashiato.detect.matching import INDEXED, RuleIndex
from ashiato.detect.record_view import RecordView
from ashiato.formats.tables import TABLES
from detect.evaluating import AROUND, MORE, event, table_of

NAMES = ["CreateUser", "createuser", "DeleteUser", "Get*", "ConsoleLogin", "AssumeRole"]
FIELDS = [
    "eventName", "errorCode", "eventSource", "userIdentity.type", "userAgent", "readOnly", "requestParameters.v",
    "requestParameters.list.name", "unknown.field", "eventTime", "sourceIPAddress", "ashiato.outcome", "ashiato.agent",
]  # fmt: skip
pieces = st.sampled_from(["C", "User", "create", "5", "true", "a", "Denied", ""])
parts = st.lists(st.one_of(pieces.filter(bool), st.none(), st.just(False)), max_size=4).map(tuple)
single = st.one_of(
    st.sampled_from(NAMES).map(lambda n: TextPattern((n,))),
    st.builds(TextPattern, parts, st.booleans()),
    st.builds(RegularExpression, st.sampled_from(["User$", "^Create", "[0-9]+", ".", "(?i)denied", "x{3}"])),
    st.builds(NumberIs, st.sampled_from([5, 5.5, 0])),
    st.builds(Compared, st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from([0, 5])),
    st.builds(InNetwork, st.sampled_from(["198.51.100.0/24", "2001:db8::/32"])),
    st.builds(TimePart, st.sampled_from(["hour", "minute", "day"]), st.integers(0, 12)),
)
tests = st.one_of(single, st.lists(single, min_size=1, max_size=4).map(lambda t: OneOf(tuple(t))))
leaf: st.SearchStrategy[Condition] = st.one_of(
    st.builds(FieldTest, st.sampled_from(FIELDS), tests),
    st.builds(FieldTest, st.just("eventName"), tests),
    st.builds(FieldPresence, st.sampled_from(FIELDS), st.booleans()),
    st.builds(FieldsCompared, st.sampled_from(FIELDS), st.sampled_from(FIELDS),
              st.sampled_from(["equals", "startswith", "endswith", "contains"])),
    st.builds(Keyword, tests),
)  # fmt: skip
conditions: st.SearchStrategy[Condition] = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda p: Every(tuple(p))),
        st.lists(inner, max_size=3).map(lambda p: Some(tuple(p))),
        st.builds(Without, inner),
    ),
    max_leaves=8,
)


@st.composite
def records(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(1, 8))):
        made = event(number, eventName=draw(st.sampled_from([*NAMES, "GetUser", None])))
        made["userIdentity"] = {"type": draw(st.sampled_from(["IAMUser", "Root", "root"]))}
        value = st.sampled_from([None, 5, "5", 5.5, True, "aa", ["a", 5], {"x": "a"}, "C5"])
        made["requestParameters"] = {"v": draw(value), "list": [{"name": draw(value)}, {"name": "a"}]}
        for field, choices in (
            ("errorCode", ["AccessDenied", "denied"]),
            ("unknown", [{"field": "a"}, {"field": ["x", "C"]}, "User"]),
            ("userIdentity.type", ["Odd", "a"]),
            ("readOnly", [True, False]),
            ("sourceIPAddress", ["2001:db8::1", "x"]),
        ):
            if draw(st.booleans()):
                made[field] = draw(st.sampled_from(choices))
        if "userIdentity.type" in made:
            # Where a record has both, the member of the structure is the field.
            del made["userIdentity"]
        found.append(made)
    return found


def alone(condition: Condition, record: dict[str, Any], derived: dict[str, Any]) -> bool:
    """The condition's meaning over one record as it was written."""

    def of(name: str) -> list[Any]:
        if name.startswith("ashiato."):
            return [derived[name]] if derived[name] is not None else []
        return values(record, segments(name))

    match condition:
        case FieldTest(name=name, test=test):
            return any(test(v) for v in of(name))
        case FieldPresence(name=name, present=present):
            return bool(of(name)) is present
        case FieldsCompared(name=name, other=other):
            return any(condition(a, b) for a in of(name) for b in of(other))
        case Keyword(test=test):
            return any(test(v) for v in leaves(record))
        case Every(parts=several):
            return all(alone(p, record, derived) for p in several)
        case Some(parts=several):
            return any(alone(p, record, derived) for p in several)
        case Without(part=part):
            return not alone(part, record, derived)


@settings(max_examples=150 * MORE)
@given(events=records(), several=st.lists(conditions, min_size=1, max_size=6))
def test_many_rules_at_once_say_what_each_says_alone(
    events: list[dict[str, Any]], several: list[Condition]
) -> None:
    view = RecordView(table_of(events), TABLES["cloudtrail"], derived_fields("cloudtrail", AROUND))
    found = {n: rows.tolist() for n, rows in RuleIndex("cloudtrail", several).matches(view).items()}
    names = [f for f in FIELDS if f.startswith("ashiato.")]
    for number, condition in enumerate(several):
        expected = [
            row
            for row, record in enumerate(events)
            if alone(condition, record, {n: next(iter(view.values_of(n, row)), None) for n in names})
        ]
        assert found.get(number, []) == expected


@settings(max_examples=200 * MORE)
@given(events=records(), condition=conditions)
def test_what_a_rule_needs_leaves_out_no_match(events: list[dict[str, Any]], condition: Condition) -> None:
    view = RecordView(table_of(events), TABLES["cloudtrail"], derived_fields("cloudtrail", AROUND))
    for field in INDEXED["cloudtrail"]:
        need = needed(condition, field)
        if need is None:
            continue
        index = LiteralIndex([(7, need)])
        for row, record in enumerate(events):
            if alone(
                condition,
                record,
                {n: next(iter(view.values_of(n, row)), None) for n in FIELDS if "ashiato" in n},
            ):
                told = view.values_of(field, row)
                assert any(need.admits(text_of(v)) for v in told)
                assert any(index.rules(text_of(v)) == (7,) for v in told)


def test_records_are_picked_by_what_all_rules_need() -> None:
    columns = {"eventName": '"eventName"', "errorCode": '"errorCode"'}
    name = needed(FieldTest("eventName", TextPattern(("CreateUser",))), "eventName")
    pattern = needed(FieldTest("eventName", TextPattern(("Create", None))), "eventName")
    assert name is not None
    assert pattern is not None
    found = sql_filter([{"eventName": name}], columns)
    assert found is not None
    assert found[1] == {"literals0": ["createuser"]}
    assert sql_filter([{"eventName": name}, {"eventName": pattern}], columns) is None
    assert sql_filter([{"eventName": name}, {}], columns) is None
    assert sql_filter([], columns) == ("false", {})
