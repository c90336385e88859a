"""What is typed into the box means what docs/search.md says, for ordinary and hostile records alike."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from ashiato.search.query import Search
from ashiato.search.refusals import SearchRefused
from ashiato.search.terms import parse, written
from search import records
from search.conftest import Lake


def _low(value: Any) -> str:
    return "" if value is None else str(value).lower()


def _name(e: records.Record) -> str | None:
    found: str | None = e["userIdentity"].get("userName")
    return found


def _buckets(e: records.Record) -> list[str]:
    value = (e["requestParameters"] or {}).get("bucketName")
    values = value if isinstance(value, list) else [value]
    return ["true" if v is True else str(v) for v in values if v is not None]


def _inside(address: str | None, network: str) -> bool:
    try:
        found = ip_address((address or "").replace("010.", "10."))
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found) in ip_network(network)


CASES: list[tuple[str, Callable[[records.Record], Any]]] = [
    ("", lambda e: True),
    ("eventName:GetObject", lambda e: _low(e["eventName"]) == "getobject"),
    ("eventname=getobject", lambda e: _low(e["eventName"]) == "getobject"),
    ("event:(GetObject, PutObject)", lambda e: _low(e["eventName"]) in ("getobject", "putobject")),
    ("event:GetObject,PutObject", lambda e: _low(e["eventName"]) in ("getobject", "putobject")),
    ("-event:GetObject", lambda e: _low(e["eventName"]) != "getobject"),
    ("NOT event:GetObject", lambda e: _low(e["eventName"]) != "getobject"),
    ("eventName:*Object", lambda e: _low(e["eventName"]).endswith("object")),
    ("service:s3", lambda e: e["eventSource"] == "s3.amazonaws.com"),
    ("errorCode:*", lambda e: "errorCode" in e),
    ("-errorCode:*", lambda e: "errorCode" not in e),
    ("errorCode:* service:s3 readOnly:false",
     lambda e: "errorCode" in e and e["eventSource"] == "s3.amazonaws.com" and not e["readOnly"]),
    ("user:alice", lambda e: _low(_name(e)) == "alice"),
    ('user:"O\'Brien"', lambda e: _name(e) == "O'Brien"),
    ('user:"100%_sure"', lambda e: _name(e) == "100%_sure"),
    ("user:100%*", lambda e: _low(_name(e)).startswith("100%")),
    ('user:"back\\\\slash"', lambda e: _name(e) == "back\\slash"),
    ('user:"say \\"hi\\""', lambda e: _name(e) == 'say "hi"'),
    ("user:太郎", lambda e: _name(e) == "太郎"),
    ("user:àéî", lambda e: _name(e) == "ÀÉÎ"),
    ('user:"*"', lambda e: _name(e) == "*"),
    ('user:"a,b"', lambda e: _name(e) == "a,b"),
    ("ip:198.51.100.0/24", lambda e: _inside(e["sourceIPAddress"], "198.51.100.0/24")),
    ("ip:203.0.113.0/24", lambda e: _inside(e["sourceIPAddress"], "203.0.113.0/24")),
    ("ip:2001:db8::/48", lambda e: _inside(e["sourceIPAddress"], "2001:db8::/48")),
    ("198.51.100.7", lambda e: e["sourceIPAddress"] == "198.51.100.7"),
    ("key:AKIAIOSFODNN7EXAMPLE", lambda e: e["userIdentity"].get("accessKeyId") == "AKIAIOSFODNN7EXAMPLE"),
    ("requestParameters.bucketName:logs", lambda e: "logs" in [b.lower() for b in _buckets(e)]),
    ('requestParameters.bucketName:"my bucket"', lambda e: "my bucket" in _buckets(e)),
    ("requestParameters.bucketName:*", lambda e: bool(_buckets(e))),
    ("requestParameters.maxResults:>20", lambda e: (e["requestParameters"] or {}).get("maxResults", 0) > 20),
    ("requestParameters.instancesSet.items.instanceId:i-00000000000000002",
     lambda e: len((e["requestParameters"] or {}).get("instancesSet", {}).get("items", [])) > 2),
    ("resource:arn:aws:s3:::data",
     lambda e: any(r["ARN"] == "arn:aws:s3:::data" for r in e.get("resources", []))),
    ("time:2026-11-02", lambda e: e["eventTime"].startswith("2026-11-02")),
    ("time:>=2026-11-03T12:00", lambda e: e["eventTime"] >= "2026-11-03T12:00:00Z"),
    ("time:<=2026-11-02", lambda e: e["eventTime"] < "2026-11-03"),
]  # fmt: skip


@pytest.mark.parametrize(("q", "test"), CASES, ids=[q for q, _ in CASES])
def test_a_search_finds_exactly_what_it_means(
    lake: Lake, q: str, test: Callable[[records.Record], Any]
) -> None:
    assert lake.found(q) == lake.expected(test)


FLOWS: list[tuple[str, Callable[[records.Record], Any]]] = [
    ("port:22", lambda f: 22 in (f["srcport"], f["dstport"])),
    ("dstport:1..1024 bytes:>=2000", lambda f: f["dstport"] <= 1024 and f["bytes"] >= 2000),
    ("action:ACCEPT -protocol:6", lambda f: f["action"] == "ACCEPT" and f["protocol"] != 6),
    ("ip:10.0.1.0/30", lambda f: False),
    ("ip:10.0.1.4/31", lambda f: "10.0.1.5" in (f["srcaddr"], f["dstaddr"])),
    ("2001:db8::1", lambda f: f["srcaddr"] == "2001:db8::1"),
]


@pytest.mark.parametrize(("q", "test"), FLOWS, ids=[q for q, _ in FLOWS])
def test_flow_records_by_address_port_and_size(
    lake: Lake, q: str, test: Callable[[records.Record], Any]
) -> None:
    columns = ("srcaddr", "dstaddr", "srcport", "dstport", "bytes", "start")
    found = lake.rows(q=q, table="vpc_flow_logs", columns=",".join(columns))
    key = sorted(tuple(str(r[c]) for c in columns) for r in found)
    assert key == sorted(tuple(str(f[c]) for c in columns) for f in lake.flows if test(f))


def test_configuration_items_by_tag_and_property(lake: Lake) -> None:
    found = lake.rows(q="tags.Team:ops configuration.ipPermissions.fromPort:22", table="config_items")
    expected = [
        i
        for i in lake.items
        if i["tags"]["Team"] == "ops" and i["configuration"]["ipPermissions"][0]["fromPort"] == 22
    ]
    assert len(found) == len(expected) > 0


@pytest.mark.parametrize("name", [n for n in records.NAMES if n])
def test_a_value_that_a_facet_offers_is_read_again_as_itself(lake: Lake, name: str) -> None:
    search = Search(q="readOnly:true").narrowed("userIdentity.userName", name)
    wanted = lake.expected(lambda e: e["readOnly"] and _low(_name(e)) == name.lower())
    assert lake.found(search.q) == wanted
    assert parse(f"user:{written(name)}", "cloudtrail")[0].values[0].text == name
    narrowed = parse(search.q, "cloudtrail")
    assert search.without(narrowed[-1]).q == "readOnly:true"


@pytest.mark.parametrize(
    ("q", "code", "start"),
    [
        ("foo:bar", "no_field", 0),
        ("eventNam:x", "meant_field", 0),
        ("a user:", "no_value", 2),
        ('user:"x', "open_quote", 5),
        ("user:(a, b", "open_parenthesis", 5),
        ("a OR b", "or_between", 2),
        ("(a)", "stray_parenthesis", 0),
        ("readOnly:yes", "not_a_boolean", 9),
        ("ip:1.2.3.4/99", "not_a_network", 3),
        ("time:yesterday", "not_a_time", 5),
        ("userIdentity:x", "has_fields", 0),
        ("eventName:>5", "not_ordered", 10),
        ("-", "nothing_negated", 0),
        ("x" * 4001, "too_long", None),
        ("event:" + ",".join("x" * 201), "too_many", None),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place_and_a_remedy(
    q: str, code: str, start: int | None
) -> None:
    with pytest.raises(SearchRefused) as refused:
        parse(q, "cloudtrail")
    assert (refused.value.code, refused.value.start) == (code, start)
    assert refused.value.remedy


def test_an_address_of_a_page_means_the_same_again() -> None:
    given = {
        "table": "vpc_flow_logs", "q": "port:22", "from": "-7d", "to": "now", "columns": "srcaddr,dstaddr",
        "sort": "oldest", "group": "prod", "rows": "20",
    }  # fmt: skip
    assert Search.from_parameters(given).parameters() == given
    assert Search.from_parameters({}).parameters() == {}
