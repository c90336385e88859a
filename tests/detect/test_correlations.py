"""Windows of correlations: as many, with the same ends and events, as SQLite finds, over real and made records."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ashiato.detect.rule import Rule
from ashiato.ledger.findings import MOST_EVENT_IDS, Finding
from detect.evaluating import MORE, UUID, event, found_in, plain, rules_of, table_of
from detect.sqlite_oracle import Oracle, OracleWindow, Record

HOUR = 3_600_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


def correlation(number: int, kind: str, rules: list[str], condition: Any, **more: Any) -> str:
    told: dict[str, Any] = {"type": kind, "rules": rules, "timespan": "5m", **more}
    if condition is not None:
        told["condition"] = condition
    generate = told.pop("generate", None)
    if generate is not None:
        told["generate"] = generate
    name = told.pop("name", f"c{number}")
    return yaml.safe_dump(
        {"title": f"correlation {number}", "id": UUID.format(number), "name": name, "correlation": told}
    )


@dataclass(frozen=True)
class Told:
    """A finding, or what the windows of one group that end in one hour come to."""

    hour: int
    group: tuple[tuple[str, str], ...]
    hits: int
    first: int
    last: int
    window_start: int
    events: frozenset[str]


def told_by(findings: Sequence[Finding]) -> set[Told]:
    return {
        Told(
            hour=micros(f.hour) // HOUR,
            group=tuple(sorted((k, v.lower()) for k, v in f.group.items())),
            hits=f.hits,
            first=micros(f.first),
            last=micros(f.last),
            window_start=micros(f.window_start),
            events=frozenset(f.event_ids),
        )
        for f in findings
    }


def told_by_windows(windows: Sequence[OracleWindow], times: Mapping[str, str]) -> set[Told]:
    grouped: dict[Any, list[OracleWindow]] = defaultdict(list)
    for window in windows:
        grouped[window.group, window.end // HOUR].append(window)
    return {
        Told(
            hour=hour,
            group=group,
            hits=len(several),
            first=min(w.end for w in several),
            last=max(w.end for w in several),
            window_start=min(w.start for w in several),
            events=_first(frozenset().union(*(w.events for w in several)), times),
        )
        for (group, hour), several in grouped.items()
    }


def _first(events: frozenset[str], times: Mapping[str, str]) -> frozenset[str]:
    """Those that a finding names: the first by time, then id."""
    return frozenset(sorted(events, key=lambda e: (times[e], e))[:MOST_EVENT_IDS])


def same(
    rules: Mapping[str, Rule], found: Sequence[Finding], oracle: Oracle, *, at_least: int = 0
) -> dict[str, int]:
    """Compare every correlation; how many windows each has."""
    counts: dict[str, int] = {}
    times = {r["eventID"]: r["eventTime"] for r in oracle.records}
    for id_, windows in oracle.windows().items():
        mine = [f for f in found if f.rule == id_]
        if not rules[id_].alone:
            assert mine == []
            continue
        counts[id_] = len(windows)
        assert sum(f.hits for f in mine) == len(windows), rules[id_].title
        assert told_by(mine) == told_by_windows(windows, times), rules[id_].title
        for finding in mine:
            assert len(set(finding.event_ids)) == len(finding.event_ids) <= MOST_EVENT_IDS
            assert list(finding.event_times) == sorted(finding.event_times)
    assert sum(counts.values()) >= at_least
    return counts


BASE = [
    plain({"errorCode|exists": True}, 1, name="failed"),
    plain({"eventName|startswith": ["Get", "List", "Describe"]}, 2, name="reading"),
    plain({"eventName": ["GetCallerIdentity", "DescribeInstances"]}, 3, name="looking"),
    plain({"readOnly": False}, 4, name="writing"),
    plain({"eventSource": "iam.amazonaws.com"}, 5, name="iam"),
    plain({"userIdentity.arn|exists": True}, 6, name="known"),
]
WHO = ["userIdentity.arn"]
OVER_REAL_RECORDS = [
    correlation(11, "event_count", ["failed"], {"gte": 5}, **{"group-by": WHO}),
    correlation(12, "event_count", ["failed"], {"gt": 10}, **{"group-by": ["eventSource", "awsRegion"]}, timespan="1h"),
    correlation(13, "event_count", ["writing"], {"eq": 3}, **{"group-by": WHO}, timespan="30s"),
    correlation(14, "event_count", ["failed"], {"lte": 2}, **{"group-by": ["eventName"]}),
    correlation(15, "event_count", ["failed"], {"gte": 20}, timespan="10m"),
    correlation(16, "event_count", ["failed", "writing"], {"gte": 20}, **{"group-by": WHO}, timespan="2m"),
    correlation(17, "value_count", ["failed"], {"gte": 3, "field": "eventName"}, **{"group-by": WHO}, timespan="10m"),
    correlation(18, "value_count", ["reading"], {"gte": 4, "field": "eventSource"}, **{"group-by": ["sourceIPAddress"]}),
    correlation(19, "value_count", ["known"], {"lt": 2, "field": "userAgent"}, **{"group-by": ["awsRegion"]}),
    correlation(20, "temporal", ["looking", "writing"], None, **{"group-by": WHO}, timespan="1m"),
    correlation(21, "temporal", ["looking", "writing", "iam"], {"gte": 2}, **{"group-by": WHO}, timespan="1m"),
    correlation(22, "temporal", [], "failed and not looking", **{"group-by": WHO}, timespan="2m"),
    correlation(23, "temporal", [], "(failed or iam) and looking", **{"group-by": WHO}, timespan="1m"),
    correlation(24, "temporal", [], "iam and not (looking or failed)", **{"group-by": WHO}, timespan="20s"),
    correlation(25, "temporal", [], "(failed and looking) or (iam and not failed)", **{"group-by": WHO}, timespan="30s"),
    correlation(26, "event_count", ["c17"], {"gte": 3}, **{"group-by": WHO}, timespan="1h"),
    correlation(27, "value_count", ["c18"], {"gte": 2, "field": "sourceIPAddress"}, timespan="2h"),
    correlation(28, "temporal", ["c11", "looking"], None, **{"group-by": WHO}, timespan="10m"),
    correlation(29, "event_count", ["failed"], {"gte": 2}, **{"group-by": ["who"]},
                aliases={"who": {"failed": "userIdentity.userName"}}, timespan="1m"),
    correlation(30, "temporal", ["iam", "known"], None, **{"group-by": ["name"]}, timespan="1h",
                aliases={"name": {"iam": "requestParameters.userName", "known": "userIdentity.userName"}}),
    correlation(31, "event_count", ["c17", "c13"], {"gte": 2}, **{"group-by": WHO}, timespan="30m"),
    correlation(32, "event_count", ["c22"], {"gte": 2}, **{"group-by": WHO}, timespan="30m", generate=True),
    correlation(33, "event_count", ["c26"], {"gte": 2}, **{"group-by": WHO}, timespan="1h", generate=True),
    correlation(34, "temporal", ["c17", "c28"], None, **{"group-by": WHO}, timespan="1h", generate=True),
    correlation(35, "value_sum", ["reading"], {"gt": 20, "field": "requestParameters.maxResults"}, timespan="10m"),
    correlation(36, "value_avg", ["reading"], {"gt": 20, "field": "requestParameters.maxResults"}, **{"group-by": WHO}),
    correlation(37, "value_count", ["c17"], {"gte": 2, "field": "sourceIPAddress"}, timespan="2h"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", range(11, 11 + len(OVER_REAL_RECORDS)))
def test_windows_over_real_records(raw: list[Record], number: int) -> None:
    """Each with those that it counts: a rule that is counted is no finding of its own unless it says so."""
    documents = [*BASE]
    wanted = {f"c{number}"}
    chosen: list[str] = []
    for told in reversed(OVER_REAL_RECORDS):
        document = yaml.safe_load(told)
        if document["name"] in wanted:
            chosen.insert(0, told)
            wanted |= {r for r in document["correlation"]["rules"] if r.startswith("c")}
    documents += chosen
    rules = rules_of(*documents)
    found = found_in(rules, [table_of(raw)])
    counts = same(rules, found, Oracle(raw, documents))
    assert counts[UUID.format(number)] > 0


NAMES = ["a", "b", "c"]
MADE = [plain({"eventName": n}, place, name=n) for place, n in enumerate(NAMES, 1)]


@st.composite
def made_records(draw: st.DrawFn, *, apart: bool = False) -> list[Record]:
    """Few groups, short times: windows overlap, end together, lack a field, and lie in two hours."""
    count = draw(st.integers(1, 14))
    seconds = draw(st.lists(st.integers(0, 40), min_size=count, max_size=count, unique=apart))
    found = []
    for number, second in enumerate(seconds):
        # An hour begins within.
        fields: dict[str, Any] = {"eventName": draw(st.sampled_from([*NAMES, "A", "x"]))}
        fields["sourceIPAddress"] = draw(st.sampled_from(["10.0.0.1", "10.0.0.2"]))
        user = draw(st.sampled_from(["ann", "Ann", "bob", None]))
        fields["userIdentity"] = {"type": "IAMUser"} | ({} if user is None else {"userName": user})
        n = draw(st.sampled_from([0, 1, 2, 2.5, "3", "x", -4, None]))
        fields["requestParameters"] = {"n": n, "other": draw(st.sampled_from(["ann", "bob"]))}
        found.append(event(number, seconds=3580 + second, **fields))
    return found


def conditions(kind: str) -> st.SearchStrategy[Any]:
    limits = st.tuples(st.sampled_from(["gte", "gt", "lte", "lt", "eq"]), st.integers(0, 4))
    if kind == "event_count":
        return limits.map(lambda c: {c[0]: c[1]})
    if kind == "value_count":
        field = st.sampled_from(["requestParameters.other", "userIdentity.userName", "eventName"])
        return st.tuples(limits, field).map(lambda c: {c[0][0]: c[0][1], "field": c[1]})
    if kind == "value_percentile":
        told = st.tuples(limits, st.sampled_from([0, 25, 50, 90, 100]))
        return told.map(lambda c: {c[0][0]: c[0][1], "field": "requestParameters.n", "percentile": c[1]})
    if kind.startswith("value"):
        return limits.map(lambda c: {c[0]: c[1], "field": "requestParameters.n"})
    simple = st.one_of(st.none(), st.integers(1, 3).map(lambda n: {"gte": n}))
    return st.one_of(simple, extended()) if kind == "temporal" else simple


def extended() -> st.SearchStrategy[str]:
    """Expressions whose alternatives each name a rule that has to match."""
    return st.sampled_from(
        [
            "a and not b", "a and b", "a or b", "a and (b or not c)", "(a and not b) or (b and c)", "not (not a or b)",
            "a and not (b or c)", "(a or b) and not c", "a or (b and not c)", "a and b and not c",
        ]
    )  # fmt: skip


@st.composite
def correlations(draw: st.DrawFn, kinds: Sequence[str]) -> list[str]:
    kind = draw(st.sampled_from(kinds))
    condition = draw(conditions(kind))
    rules = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    group = draw(st.sampled_from([[], ["sourceIPAddress"], ["userIdentity.userName"], ["who"]]))
    more: dict[str, Any] = {"timespan": f"{draw(st.integers(1, 25))}s"}
    if group:
        more["group-by"] = group
    if group == ["who"]:
        more["aliases"] = {
            "who": {
                n: draw(st.sampled_from(["userIdentity.userName", "requestParameters.other"])) for n in rules
            }
        }
    if isinstance(condition, str):
        rules = []
        if group == ["who"]:
            del more["group-by"], more["aliases"]
    told = [correlation(11, kind, rules, condition, **more, generate=draw(st.booleans()))]
    if draw(st.booleans()):
        outer: dict[str, Any] = {"timespan": f"{draw(st.integers(1, 40))}s"}
        outer_kind = draw(st.sampled_from(["event_count", "value_count", "temporal"]))
        outer_rules, outer_condition = ["c11"], draw(conditions("event_count"))
        if outer_kind == "temporal":
            outer_rules, outer_condition = ["c11", "a"], draw(st.sampled_from([None, {"gte": 1}]))
        if outer_kind == "value_count":
            outer_condition = {"gte": draw(st.integers(1, 2)), "field": "requestParameters.other"}
        if draw(st.booleans()):
            outer["group-by"] = ["sourceIPAddress"]
        told.append(correlation(12, outer_kind, outer_rules, outer_condition, **outer))
    return told


COUNTED = [
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_median",
    "value_percentile",
    "temporal",
]


@settings(max_examples=150 * MORE, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(records=made_records(), told=correlations(COUNTED))
def test_windows_over_made_records(records: list[Record], told: list[str]) -> None:
    documents = [*MADE, *told]
    rules = rules_of(*documents)
    shuffled = random.Random(len(told[0])).sample(records, len(records))
    same(rules, found_in(rules, [table_of(shuffled)]), Oracle(records, documents))


@settings(max_examples=60 * MORE, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(records=made_records(apart=True), told=correlations(["temporal_ordered"]))
def test_ordered_windows_of_distinct_times(records: list[Record], told: list[str]) -> None:
    """Where no two events of a group have the same time, order means the same to SQLite."""
    documents = [*MADE, *told]
    rules = rules_of(*documents)
    same(rules, found_in(rules, [table_of(records)]), Oracle(records, documents))


def test_ordered_events_of_one_second_are_in_order() -> None:
    """eventTime has a resolution of a second: what lies within one is not known to be out of order."""
    documents = [*MADE, correlation(11, "temporal_ordered", ["a", "b", "c"], None, timespan="10s")]
    rules = rules_of(*documents)

    def windows(*events: tuple[str, int]) -> int:
        told = [event(n, seconds=s, eventName=name) for n, (name, s) in enumerate(events, 1)]
        return sum(f.hits for f in found_in(rules, [table_of(told)]))

    assert windows(("a", 1), ("b", 2), ("c", 3)) == 1
    assert windows(("b", 1), ("a", 2), ("c", 3)) == 0
    assert windows(("c", 2), ("a", 1), ("b", 2)) == 1
    assert windows(("c", 1), ("b", 1), ("a", 1)) == 1
    assert windows(("a", 1), ("b", 2), ("c", 12)) == 0
    assert windows(("a", 1), ("b", 2), ("c", 11)) == 1
