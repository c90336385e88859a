"""Every modifier of the Sigma specification does what it says: as SQLite evaluates it where it can, else as written
down here."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ashiato.detect.engine import Engine
from detect.evaluating import AROUND, event, matching, plain, rules_of, table_of
from detect.sqlite_oracle import Oracle, Record

ODD = [
    r"C:\Windows\System32\cmd.exe", "a*b", "a?b", "axb", r"a\*b", "100%", "under_score", "undeRscore", "it's",
    "[abc]", "", " ", "LINE\nTWO", "Ünïcode", "AKIA" + "X" * 16, "/tmp/x -Enc abc", "—flag –x -y /z", "true", "5", "05",
]  # fmt: skip
#: To SQLite the text "5" is no number, to us it is: AWS writes many numbers as text.
NUMBERS: list[Any] = [0, 1, -1, 5, 5.0, 5.5, 10, 1e3, 123456789012, None]


def odd_events() -> list[Record]:
    found = []
    for number, text in enumerate(ODD):
        found.append(event(number, errorMessage=text, requestParameters={"name": text, "same": ODD[number // 2]}))
    for number, value in enumerate(NUMBERS, 100):
        found.append(event(number, requestParameters={"count": value, "flag": bool(number % 2)}))
    addresses = ["10.0.0.1", "10.0.1.255", "10.1.0.0", "192.0.2.77", "2001:db8::1", "2001:db9::1", "AWS Internal"]
    found += [event(n, sourceIPAddress=a) for n, a in enumerate(addresses, 200)]
    times = ["2026-01-01T00:00:00Z", "2026-01-05T00:59:59Z", "2026-12-31T23:30:00Z", "2025-02-28T12:30:30Z"]
    found += [event(n, eventTime=t) for n, t in enumerate(times, 300)]
    return found


#: Detections that SQLite can judge as we do.
COMPARED: list[dict[str, Any]] = [
    {"errorMessage": "a*b"},
    {"errorMessage": r"a\*b"},
    {"errorMessage": r"a\?b"},
    {"errorMessage": "a?b"},
    {"errorMessage": r"a\\\*b"},
    {"errorMessage": r"C:\Windows\System32\cmd.exe"},
    {"errorMessage": r"c:\\windows\\*"},
    {"errorMessage|contains": "%"},
    {"errorMessage|contains": "_"},
    {"errorMessage|contains": ["[", "'"]},
    {"errorMessage": ""},
    {"errorMessage": None},
    {"errorMessage": [None, "100%"]},
    {"errorMessage|contains|all": ["und", "score"]},
    {"errorMessage|startswith": ["UNDER", "c:"]},
    {"errorMessage|endswith": ".EXE"},
    {"errorMessage|cased": "undeRscore"},
    {"errorMessage|contains|cased": "deR"},
    {"errorMessage|startswith|cased": "AK"},
    {"errorMessage|endswith|cased": "core"},
    {"errorMessage|windash|contains": " -enc"},
    {"errorMessage|windash|contains|all": ["-flag", "-y"]},
    {"errorMessage|re": r"^under.core$"},
    {"errorMessage|re|i": r"^UNDER.core$"},
    {"errorMessage|re|m": r"^TWO$"},
    {"errorMessage|re|s": r"LINE.TWO"},
    {"errorMessage|re|i|s": r"line.two"},
    {"errorMessage|re": r"\d{2,}|AKIA[A-Z]{16}"},
    {"errorMessage|exists": True},
    {"errorMessage|exists": False},
    {"requestParameters.count": 5},
    {"requestParameters.count": [0, 10]},
    {"requestParameters.count|gt": 5},
    {"requestParameters.count|gte": 5},
    {"requestParameters.count|lt": 5},
    {"requestParameters.count|lte": 5.5},
    {"requestParameters.count|neq": 5},
    {"requestParameters.flag": True},
    {"requestParameters.flag": False},
    {"requestParameters.flag": "true"},
    {"requestParameters.name|fieldref": "requestParameters.same"},
    {"requestParameters.name|fieldref|startswith": "requestParameters.same"},
    {"requestParameters.name|fieldref|endswith": "requestParameters.same"},
    {"requestParameters.name|fieldref|contains": "requestParameters.same"},
    {"errorMessage|neq": "100%"},
    {"errorMessage|contains|neq": "under"},
    {"sourceIPAddress|cidr": "10.0.0.0/16"},
    {"sourceIPAddress|cidr": ["10.1.0.0/16", "192.0.2.0/24"]},
    {"eventTime|year": 2025},
    {"eventTime|month": [1, 12]},
    {"eventTime|day": 31},
    {"eventTime|hour": 0},
    {"eventTime|minute": 30},
    {"eventTime|week": [0, 1, 52]},
    {"eventName|base64": "x", "errorMessage": None},
    {"a": {"eventName": "CreateUser"}, "b": {"errorMessage|contains": "a"}, "condition": "a and not b"},
    {"a": {"eventName": "CreateUser"}, "b_1": {"errorMessage": "a*b"}, "b_2": {"errorMessage": "100%"},
     "condition": "a and 1 of b_*"},
    {"b_1": {"errorMessage|contains": "a"}, "b_2": {"errorMessage|contains": "b"}, "condition": "all of b_*"},
    {"b_1": {"errorMessage|contains": "a"}, "b_2": {"errorMessage|contains": "b"}, "condition": "1 of them"},
    {"b_1": {"errorMessage|contains": "a"}, "b_2": {"errorMessage|contains": "b"}, "condition": "all of them"},
    {"b_1": {"errorMessage|contains": "a"}, "b_2": {"errorMessage|contains": "b"},
     "condition": "not (b_1 and not (b_2 or not b_1))"},
    {"b_1": {"errorMessage|contains": "a"}, "b_2": {"requestParameters.count|gt": 1}, "condition": "not 1 of b_*"},
    {"sel": [{"errorMessage": "a*b"}, {"errorMessage|startswith": "c:", "eventName": "createuser"}],
     "condition": "sel"},
    {"sel": {"errorMessage|contains": ["a", "b"], "eventName|re": "User$"}, "condition": ["sel", "not sel"]},
    {"sel": {"errorMessage": ["a*", "b*"]}, "no": {"errorMessage|endswith": "b"}, "condition": "sel and not no"},
    {"userIdentity.type|contains": "iam", "userIdentity.userName": "ANN", "sourceIPAddress|startswith": "1"},
    {"eventSource|endswith": ".amazonaws.com", "userIdentity.sessionContext.sessionIssuer.arn|exists": False},
    {"userIdentity.sessionContext.sessionIssuer.arn|fieldref|contains": "userIdentity.sessionContext.sessionIssuer.userName"},
    {"userIdentity.accountId|fieldref": "recipientAccountId"},
    {"errorCode|contains": ["Denied", "Unauthorized"], "readOnly": True},
    {"errorCode|exists": True, "awsRegion|re": "^(us|eu)-"},
    {"eventName|startswith": ["Get", "List", "Describe"], "errorCode": None},
    {"requestParameters|contains": "policy"},
    {"additionalEventData.MFAUsed": "No"},
    {"userAgent|re|i": r"terraform|stratus"},
]  # fmt: skip


def test_sqlite_agrees_over_the_corpora_and_odd_records(raw: list[Record]) -> None:
    events = [*raw, *odd_events()]
    documents = [plain(d, n) for n, d in enumerate(COMPARED)]
    oracle = Oracle(events, documents)
    expected = oracle.events()
    rules = rules_of(*documents)
    table = table_of(events)
    ids = table["eventID"].to_pylist()
    matches = Engine(rules, AROUND).look("cloudtrail", table).matches
    for rule in rules.values():
        found = {ids[row] for row in matches.get(rule.id, ())}
        detection = yaml.safe_load(documents[int(rule.id[-12:])])["detection"]
        assert found == expected[rule.id], detection
    assert sum(1 for e in expected.values() if e) > len(COMPARED) * 0.9


def hits(detection: dict[str, Any], *values: Any, lists: Any = None) -> list[int]:
    """Places of the values of `requestParameters.v` that match."""
    events = [event(n, requestParameters={"v": v}) for n, v in enumerate(values)]
    found = matching(plain(detection), events, lists)
    return [n for n in range(len(values)) if f"e{n:06d}" in found]


def test_networks() -> None:
    values = ["10.0.0.1", "10.0.0.130", "::ffff:10.0.0.1", "2001:db8::5", "2001:DB8:0:0::5", "2001:db8:1::", "x", "10.0.0.1 "]
    assert hits({"requestParameters.v|cidr": "10.0.0.0/25"}, *values) == [0]
    assert hits({"requestParameters.v|cidr": "10.0.0.0/8"}, *values) == [0, 1]
    assert hits({"requestParameters.v|cidr": "2001:db8::/48"}, *values) == [3, 4]
    assert hits({"requestParameters.v|cidr": ["2001:db8::/32", "10.0.0.128/30"]}, *values) == [1, 3, 4, 5]


def test_base64() -> None:
    def coded(text: str, before: str = "") -> str:
        return base64.b64encode((before + text).encode()).decode()

    values = [coded("curl http"), coded("curl http", "x"), coded("curl http", "xy"), "curl http", coded("CURL HTTP")]
    assert hits({"requestParameters.v|base64": "curl http"}, *values) == [0]
    assert hits({"requestParameters.v|base64|contains": "curl h"}, *values) == [0]
    assert hits({"requestParameters.v|base64offset|contains": "curl http"}, *values) == [0, 1, 2]
    wide = [base64.b64encode(("ping".encode("utf-16-le"))).decode(), base64.b64encode("ping".encode("utf-16")).decode(),
            base64.b64encode("ping".encode("utf-16-be")).decode(), coded("ping")]  # fmt: skip
    assert hits({"requestParameters.v|wide|base64": "ping"}, *wide) == [0]
    assert hits({"requestParameters.v|utf16le|base64": "ping"}, *wide) == [0]
    assert hits({"requestParameters.v|utf16|base64": "ping"}, *wide) == [1]
    assert hits({"requestParameters.v|utf16be|base64": "ping"}, *wide) == [2]
    assert hits({"requestParameters.v|utf16le|base64offset|contains": "ping"}, *wide) == [0, 1]


def test_lists_match_when_one_of_their_elements_does() -> None:
    values = [["a", "b"], ["c"], [], None, "a", [{"x": "a"}, {"x": "b"}], {"x": ["a", "z"]}, [["a"]]]
    assert hits({"requestParameters.v": "a"}, *values) == [0, 4, 7]
    assert hits({"requestParameters.v.x": "a"}, *values) == [5, 6]
    assert hits({"requestParameters.v[].x": "a"}, *values) == [5, 6]
    assert hits({"requestParameters.v{}.x": "a"}, *values) == [5, 6]
    assert hits({"requestParameters.v.x|contains|all": ["a", "b"]}, *values) == [5]
    assert hits({"requestParameters.v|exists": True}, *values) == [0, 1, 2, 4, 5, 6, 7]
    assert hits({"requestParameters.v": None}, *values) == [3]
    assert hits({"requestParameters.v.x|exists": False}, *values) == [0, 1, 2, 3, 4, 7]
    assert hits({"sel": {"requestParameters.v": "a"}, "condition": "not sel"}, *values) == [1, 2, 3, 5, 6]


def test_objects_and_lists_are_their_json_too() -> None:
    values = [{"enable": False}, {"enable": True, "z": 1}, [1, 2], ["a b"], '{"enable": false}']
    assert hits({"requestParameters.v|contains": '"enable":false'}, *values) == [0]
    assert hits({"requestParameters.v|contains": '"enable": false'}, *values) == [0, 4]
    assert hits({"requestParameters.v": "[]"}, [], {}, "[]") == [0, 2]


def test_policies_in_text_are_opened() -> None:
    """AWS writes policy documents as JSON within text."""
    policy = '{"Statement": [{"Effect": "Allow", "Action": "*", "Principal": {"AWS": ["*", "x"]}}]}'
    assert hits({"requestParameters.v.Statement.Action": r"\*"}, policy, "{broken", '{"Statement": 3}') == [0]
    assert hits({"requestParameters.v.Statement.Principal.AWS": r"\*"}, policy, "[]") == [0]


def test_keys_with_dots_are_reached() -> None:
    events = [event(1, requestParameters={"x.y": {"z": "1"}, "plain": {"tag.key": 7}})]
    assert matching(plain({"requestParameters.x.y.z": "1"}), events) == {"e000001"}
    assert matching(plain({"requestParameters.plain.tag.key": 7}), events) == {"e000001"}


def test_numbers_and_text() -> None:
    values = [5, "5", 5.0, "5.0", "05", True, "five", [5, 6], 1e300, "١"]
    assert hits({"requestParameters.v": 5}, *values) == [0, 1, 2, 3, 7]
    assert hits({"requestParameters.v": "5"}, *values) == [0, 1, 7]
    assert hits({"requestParameters.v|gt": 5}, *values) == [7, 8]
    assert hits({"requestParameters.v|gte": 1}, True, 1, "1") == [1, 2]
    assert hits({"requestParameters.v": 1}, True, 1) == [1]


def test_keywords_look_at_every_value() -> None:
    events = [
        event(1, requestParameters={"a": [{"b": "needle in hay"}]}),
        event(2, userAgent="NEEDLE"),
        event(3, requestParameters={"needle": "a key is no value"}),
        event(4, unknownField={"x": "needles"}),
        event(5, requestParameters={"n": 4711}),
        event(6),
    ]
    needle = {"keywords": ["needle"], "condition": "keywords"}
    assert matching(plain(needle), events) == {"e000001", "e000002", "e000004"}
    both = {"keywords": {"|all": ["needle", "hay"]}, "condition": "keywords"}
    assert matching(plain(both), events) == {"e000001"}
    assert matching(plain({"keywords": ["n*dle", "4711"], "condition": "keywords"}), events) == {
        "e000001", "e000002", "e000004", "e000005",
    }  # fmt: skip
    without = {"keywords": ["needle"], "condition": "not keywords"}
    assert matching(plain(without), events) == {"e000003", "e000005", "e000006"}
    cased = {"keywords": {"|re": "^NEED"}, "condition": "keywords"}
    assert matching(plain(cased), events) == {"e000002"}


def test_placeholders_stand_for_lists_of_the_settings() -> None:
    lists = {"admins": ["ann", "b*b", r"c\*"], "none": [], "parts": ["x", "y"]}
    values = ["ann", "bob", "cx", "c*", "pre-ann-post", "x.y", "y.x"]
    assert hits({"requestParameters.v|expand": "%admins%"}, *values, lists=lists) == [0, 1, 3]
    assert hits({"requestParameters.v|contains|expand": "%admins%"}, *values, lists=lists) == [0, 1, 3, 4]
    assert hits({"requestParameters.v|expand": "%none%"}, *values, lists=lists) == []
    assert hits({"requestParameters.v|expand": "%parts%.%parts%"}, *values, lists=lists) == [5, 6]
    excluded = {"a": {"eventName": "*"}, "b": {"requestParameters.v|expand": "%admins%"}, "condition": "a and not b"}
    assert hits(excluded, *values, lists=lists) == [2, 4, 5, 6]


def test_fields_that_no_column_has_are_found() -> None:
    events = [event(1, brandNew={"deep": ["x"]}), event(2, brandNew="x"), event(3)]
    assert matching(plain({"brandNew.deep": "x"}), events) == {"e000001"}
    assert matching(plain({"brandNew|exists": True}), events) == {"e000001", "e000002"}
    assert matching(plain({"userIdentity.newKind": "q"}), [event(1, userIdentity={"type": "Root", "newKind": "Q"})]) == {
        "e000001"
    }


@pytest.mark.parametrize("table", ["vpc_flow_logs", "config_items"])
def test_other_tables(table: str) -> None:
    flows = [
        {"interface_id": "eni-1", "srcaddr": "198.51.100.1", "dstaddr": "10.0.0.9", "srcport": 50000, "dstport": p,
         "action": a, "start": 1770000000 + n, "bytes": 10 * n}
        for n, (p, a) in enumerate([(22, "ACCEPT"), (443, "REJECT"), (3389, "ACCEPT"), (None, None)])
    ]  # fmt: skip
    items = [
        {"resourceType": "AWS::S3::Bucket", "resourceId": f"b{n}", "awsAccountId": "111111111111", "awsRegion": "eu-west-1",
         "configurationItemStatus": "OK", "configurationItemCaptureTime": f"2026-03-02T09:00:0{n}Z", "tags": {"env": e},
         "configuration": {"publicAccess": n % 2 == 0}}
        for n, e in enumerate(["prod", "test"])
    ]  # fmt: skip
    told, source, detection, expected = {
        "vpc_flow_logs": (flows, "vpcflow", {"dstport": [22, 3389], "action": "accept", "bytes|lt": 15}, [0]),
        "config_items": (items, "config", {"configuration.publicAccess": True, "tags.env": "PROD"}, [0]),
    }[table]
    rule = plain(detection, logsource={"product": "aws", "service": source})
    looked = Engine(rules_of(rule), AROUND).look(table, table_of(told, table))
    assert [r.tolist() for r in looked.matches.values()] == [expected]


texts = st.text(st.sampled_from("aA*?\\bß%_"), max_size=6)


@given(pattern=texts, value=texts)
def test_wildcards_and_escapes_are_read_as_pysigma_reads_them(pattern: str, value: str) -> None:
    """A pattern matches what its parts, `*` as any text and `?` as one character, can be made to spell."""
    from sigma.types import SigmaString, SpecialChars

    parts = SigmaString(pattern).s

    def fits(parts: Any, text: str) -> bool:
        if not parts:
            return not text
        first, rest = parts[0], parts[1:]
        if isinstance(first, str):
            return text.startswith(first.lower()) and fits(rest, text[len(first) :])
        if first is SpecialChars.WILDCARD_SINGLE:
            return bool(text) and fits(rest, text[1:])
        return any(fits(rest, text[n:]) for n in range(len(text) + 1))

    from ashiato.detect.compiling import _joined
    from ashiato.detect.conditions import TextPattern

    assert TextPattern(_joined(parts))(value) == fits(parts, value.lower())
