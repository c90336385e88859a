"""What a record holds is anybody's: looking at it never fails, and what is found is the same in any order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ashiato as package
from ashiato.detect.backtest import backtest
from ashiato.detect.engine import Engine
from ashiato.detect.history import LakeHistory, TablesHistory
from ashiato.detect.past import PastSearch
from ashiato.detect.sigma_rules import Document, parse
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.ledger import Ledger
from detect.evaluating import AROUND, MORE, event, matching, plain, rules_of, table_of
from detect.streaming import Stream
from detect.test_correlations import correlation
from intake.taking_in import collect, write_events

OWN = [
    Document(str(p), p.read_text(encoding="utf-8"), "ashiato")
    for p in sorted((Path(package.__file__).parent / "detect" / "rules").rglob("*.yml"))
]
NASTY = [
    plain({"k": ["x", 5], "condition": "k"}, 201, ashiato={"group_by": ["requestParameters.v", "sourceIPAddress"]}),
    plain({"requestParameters.v.a|contains": "x", "eventName|exists": True}, 202),
    plain({"requestParameters|contains": "v", "userAgent|re": "."}, 203, name="any"),
    plain({"sourceIPAddress|cidr": "0.0.0.0/0"}, 204),
    plain({"eventTime|hour": 5, "eventTime|week": 1}, 205),
    plain({"requestParameters.v|gt": 5}, 206),
    plain({"requestParameters.v|fieldref|contains": "userAgent"}, 207),
    plain({"eventName|exists": True}, 208, ashiato={"new_terms": {
        "fields": ["requestParameters.v"], "history": "3d", "learning": "0d", "peers": ["userAgent"]}}),
    plain({"eventName|exists": True}, 209, ashiato={"rate": {"group_by": ["requestParameters.v"], "weeks": 1,
                                                            "at_least": 1, "factor": 0}}),
    correlation(210, "value_count", ["any"], {"gte": 1, "field": "requestParameters.v"}, **{"group-by": ["userAgent"]}),
    correlation(211, "value_sum", ["any"], {"gt": -1e400, "field": "requestParameters.v"}),
    correlation(212, "temporal", [], "any and not c210", timespan="10m"),
    correlation(213, "event_count", ["c211"], {"gte": 1}, **{"group-by": ["requestParameters.v"]}),
]  # fmt: skip
PARSED = parse(
    [*OWN, *(Document(f"n{n}", d) for n, d in enumerate(NASTY))], {"break_glass": ["x"], "log_buckets": ["x"]}
)


def deep(levels: int) -> Any:
    value: Any = "bottom"
    for n in range(levels):
        value = {"a": value} if n % 2 else [value]
    return value


TEXTS: list[Any] = [
    "", " ", "x" * 70_000, "a\0b", "\ud800", "\udfff half", "‮txt.exe", "\x1b[31mred", "=cmd()", "{", "[", '{"a": {"a": "x"}}',
    "[" * 500, '{"a":' * 300, "%s%n", "../../etc/passwd", "null", "true", "1e999", "-0", "0x10", "9" * 400, "٣", "İ", "ß",
    "10.0.0.1/8", "::1%eth0", "2026-13-45T99:99:99Z", "arn:aws:iam::1:user/" + "n" * 3000, "\n\r\t",
]  # fmt: skip
OTHERS: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, -(10**18), 1e308, [], {}, [[]], [None], {"": ""}, {"a.b": {"a": "x"}}, deep(30), deep(90), deep(450),
    [{"a": i} for i in range(300)], {"a": ["x", {"a": "x"}, ["x"]]}, {"\0": "\0"}, {"k" * 5000: 1},
]  # fmt: skip
values = st.sampled_from([*TEXTS, *OTHERS])
FIELDS = [
    "eventName", "eventSource", "awsRegion", "sourceIPAddress", "userAgent", "recipientAccountId", "errorCode", "errorMessage",
    "eventType", "readOnly", "managementEvent", "userIdentity", "requestParameters", "responseElements", "additionalEventData",
    "serviceEventDetails", "resources", "tlsDetails", "vpcEndpointId", "eventCategory", "sharedEventID", "brandNew",
    "sessionCredentialFromConsole", "addendum", "eventVersion", "apiVersion",
]  # fmt: skip
INNER = [
    "type",
    "arn",
    "userName",
    "accountId",
    "principalId",
    "invokedBy",
    "sessionContext",
    "accessKeyId",
    "x",
]


@st.composite
def hostile(draw: st.DrawFn, number: int) -> dict[str, Any]:
    made = event(
        number,
        seconds=draw(st.sampled_from([0, 1, 3600, 86400 * 8])) + number,
        requestParameters={"v": draw(values)},
    )
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=4, unique=True)):
        made[name] = draw(values)
    if draw(st.booleans()):
        made["userIdentity"] = {
            n: draw(values) for n in draw(st.lists(st.sampled_from(INNER), max_size=4, unique=True))
        }
    if draw(st.booleans()):
        made["requestParameters"] = {draw(st.sampled_from(["v", "v.a", "V", "bucketName", ""])): draw(values)}
    if draw(st.sampled_from([False] * 9 + [True])):
        made["eventTime"] = draw(
            st.sampled_from(["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
        )
    return made


def readable(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that intake keeps; the others it puts aside."""
    kept = []
    for one in events:
        try:
            table_of([one])
        except ValueError:
            continue
        kept.append(one)
    return kept


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    opened = Ledger.at(tmp_path_factory.mktemp("hostile"), migrate=True)
    yield opened
    opened.engine.dispose()


@settings(
    max_examples=12 * MORE,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(data=st.data())
def test_no_record_stops_evaluation(ledger: Ledger, data: st.DataObject) -> None:
    """Every rule of the own pack, and some that look everywhere; streamed, made anew, and searched."""
    events = readable([data.draw(hostile(n)) for n in range(data.draw(st.integers(1, 6)))])
    if not events:
        return
    table = table_of(events)
    stream = Stream(ledger, PARSED.rules)
    for row in data.draw(st.permutations(range(table.num_rows))):
        stream.commit([table.slice(row, 1)])
        stream.pending()
    stream.reconcile()
    stream.assert_equal_to_history()
    for result in backtest(Engine(PARSED.rules, AROUND), stream.history(), list(PARSED.rules)):
        json.dumps(result.as_json(findings=True), default=str)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_times_at_the_ends_of_the_calendar(ledger: Ledger, time: str) -> None:
    events = readable(
        [event(1, eventTime=time, requestParameters={"v": "x"}), event(2, requestParameters={"v": "y"})]
    )
    stream = Stream(ledger, PARSED.rules)
    for one in events:
        stream.commit([table_of([one])])
        stream.pending()
        stream.reconcile()
    stream.assert_equal_to_history()
    PastSearch(Engine(PARSED.rules, AROUND), TablesHistory({"cloudtrail": [table_of(events)]})).run()


def test_what_is_kept_beside_its_column_is_found_in_the_past_too(tmp_path: Path) -> None:
    """What picks records of history must not leave out a field that its key spells otherwise, or by a number."""
    dotted = event(1, **{"userIdentity.type": "Odd"})
    del dotted["userIdentity"]
    write_events(tmp_path / "a.json", [dotted, event(2, eventName=5), event(3)])
    collect(tmp_path / "home", tmp_path / "a.json")
    rules = rules_of(
        plain({"userIdentity.type": "odd"}, 1), plain({"eventName": 5}, 2), plain({"eventName": "5"}, 3)
    )
    with Home.open_for_reading(tmp_path / "home") as home, PinnedLake(home) as lake:
        for number, rule in enumerate(rules.values(), 1):
            past = PastSearch(Engine({rule.id: rule}, AROUND), LakeHistory(lake)).run()
            expected = {1: "e000001", 2: "e000002", 3: "e000002"}[number]
            assert [f.event_ids for f in past.findings()] == [(expected,)], number


@given(value=values)
@settings(max_examples=60 * MORE)
def test_no_value_stops_a_test(value: Any) -> None:
    events = readable([event(1, requestParameters={"v": value})])
    for detection in ({"requestParameters.v|re": "x"}, {"requestParameters.v": "a*b?c"}, {"requestParameters.v|cidr": "10.0.0.0/8"},
                      {"requestParameters.v|lt": 5}, {"requestParameters.v.a.0.a": "x"}, {"requestParameters.v|hour": 3},
                      {"requestParameters.v|contains|cased": "Ü"}, {"requestParameters.v.٣": "x"}, {"requestParameters.v.²": "x"},
                      {"requestParameters.v." + "9" * 5000: 1}):  # fmt: skip
        if events:
            matching(plain(detection), events)


def test_ids_are_short_enough_for_the_ledger(ledger: Ledger) -> None:
    """Of a configuration item with an ARN of a thousand characters, and an event whose id is anything."""
    items = [
        {"resourceType": "AWS::S3::Bucket", "resourceId": f"b{n}", "awsAccountId": "111111111111", "awsRegion": "eu-west-1",
         "ARN": f"arn:aws:s3:::{'b' * 1000}{n}", "configurationItemStatus": "OK", "tags": {"t": str(n)},
         "configurationItemCaptureTime": f"2026-03-02T09:00:0{n}Z"}
        for n in range(3)
    ]  # fmt: skip
    source = {"product": "aws", "service": "config"}
    seen = {"new_terms": {"fields": ["tags.t"], "history": "3d", "learning": "0d"}}
    rules = rules_of(plain({"resourceType|exists": True}, 1, logsource=source, ashiato=seen))
    stream = Stream(ledger, rules)
    for item in items:
        stream.commit([table_of([item], "config_items")], "config_items")
        stream.started()
        stream.pending()
    stream.assert_equal_to_history()
    odd = [event(1, eventID="i" * 500), event(2, eventID="a\0b")]
    stream = Stream(
        ledger,
        rules_of(
            plain({"eventName|exists": True}, 1, ashiato=seen | {"group_by": []}),
            plain({"eventName|exists": True}, 2),
        ),
    )
    for one in readable(odd):
        stream.commit([table_of([one])])
        stream.started()
        stream.pending()
    stream.assert_equal_to_history()
