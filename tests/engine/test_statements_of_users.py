"""Statements in the shapes that people write beside AWS's own, against answers worked out from the same records."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from ashiato.core.errors import QueryRefused
from ashiato.engine import run
from engine import records
from engine.expect import Ask, Rows, plain, rows_of
from engine.home import NOW, Home, Record
from engine.record_items import ITEMS
from engine.records import FLOWS, VISIBLE

JST = timedelta(hours=9)


def text(value: Any) -> str | None:
    """What CloudTrail Lake's maps hold: text as it is, anything else as compact JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def issuer(e: Record) -> Any:
    return ((e["userIdentity"].get("sessionContext") or {}).get("sessionIssuer") or {}).get("userName")


def counted(values: Iterable[Any]) -> Rows:
    """Rows of a GROUP BY with its count."""
    return [(*key, n) if isinstance(key, tuple) else (key, n) for key, n in Counter(values).items()]


def requests() -> list[tuple[Record, dict[str, Any]]]:
    return [(e, e["requestParameters"]) for e in VISIBLE if isinstance(e.get("requestParameters"), dict)]


def gone(item: Record) -> bool:
    return str(item["configurationItemStatus"]).startswith("ResourceDeleted")


def newest_items() -> list[Record]:
    newest: dict[tuple[str, str], Record] = {}
    for item in sorted(ITEMS, key=lambda i: i["configurationItemCaptureTime"]):
        newest[item["resourceType"], item["resourceId"]] = item
    return [i for i in newest.values() if not gone(i)]


CASES: list[tuple[str, Callable[[], Rows]]] = [
    # event data stores: JSON columns are maps
    (
        "SELECT eventID, cardinality(map_keys(requestParameters)) FROM eds1 WHERE requestParameters IS NOT NULL",
        lambda: [(e["eventID"], len(r)) for e, r in requests()],
    ),
    (
        "SELECT t.eventID, p.name, p.value FROM $EDS_ID t CROSS JOIN UNNEST(t.requestParameters) AS p (name, value)",
        lambda: [(e["eventID"], k, text(v)) for e, r in requests() for k, v in r.items()],
    ),
    (
        "SELECT eventID FROM <event_data_store_id> WHERE contains(map_keys(requestParameters), 'bucketName')",
        lambda: [(e["eventID"],) for e, r in requests() if "bucketName" in r],
    ),
    (
        (
            "SELECT eventID, element_at(map_filter(requestParameters, (k, v) -> k LIKE 'bucket%'), 'bucketName') "
            "FROM eds1 WHERE element_at(requestParameters, 'bucketName') IS NOT NULL"
        ),
        lambda: [(e["eventID"], text(r["bucketName"])) for e, r in requests() if "bucketName" in r],
    ),
    # times
    (
        (
            "SELECT date_format(from_iso8601_timestamp(eventtime) AT TIME ZONE 'Asia/Tokyo', '%Y-%m-%d %H') AS hour, "
            "count(*) FROM cloudtrail_logs GROUP BY 1"
        ),
        lambda: counted((e["eventTime"] + JST).strftime("%Y-%m-%d %H") for e in VISIBLE),
    ),
    (
        "SELECT eventid FROM cloudtrail_logs WHERE dt >= cast(current_date - interval '1' day AS varchar)",
        lambda: [(e["eventID"],) for e in VISIBLE if e["eventTime"].date() >= NOW.date() - timedelta(days=1)],
    ),
    (
        "SELECT from_unixtime(floor(to_unixtime(eventTime) / 300) * 300), count(*) FROM eds1 GROUP BY 1",
        lambda: counted(
            plain(e["eventTime"] - timedelta(seconds=e["eventTime"].timestamp() % 300)) for e in VISIBLE
        ),
    ),
    (
        "SELECT DISTINCT cast(from_iso8601_timestamp(eventtime) AS varchar) FROM cloudtrail_logs",
        lambda: [(t,) for t in {e["eventTime"].strftime("%Y-%m-%d %H:%M:%S.000 UTC") for e in VISIBLE}],
    ),
    (
        (
            "SELECT eventID FROM eds1 WHERE userIdentity.sessionContext.attributes.creationDate > "
            "timestamp '2021-06-30 00:00:00'"
        ),
        lambda: [(e["eventID"],) for e in VISIBLE if e["userIdentity"].get("sessionContext")],
    ),
    # text
    (
        "SELECT concat_ws('/', awsregion, errorcode, eventname), count(*) FROM cloudtrail_logs GROUP BY 1",
        lambda: counted(
            "/".join(p for p in (e["awsRegion"], e.get("errorCode"), e["eventName"]) if p) for e in VISIBLE
        ),
    ),
    (
        (
            "SELECT coalesce(useridentity.username, useridentity.sessioncontext.sessionissuer.username, '-') AS who, "
            "format('%s', max(eventtime)) FROM cloudtrail_logs GROUP BY 1"
        ),
        lambda: [
            (who, max(e["eventTime"] for e in VISIBLE if _who(e) == who).strftime("%Y-%m-%dT%H:%M:%SZ"))
            for who in {_who(e) for e in VISIBLE}
        ],
    ),
    # maps of aggregates
    (
        "SELECT awsregion, cardinality(map_agg(eventname, eventtime)) FROM cloudtrail_logs GROUP BY awsregion",
        lambda: [
            (r, len({e["eventName"] for e in VISIBLE if e["awsRegion"] == r}))
            for r in {e["awsRegion"] for e in VISIBLE}
        ],
    ),
    (
        (
            "SELECT srcaddr, date_format(from_unixtime(min(\"start\")), '%Y/%m/%d %H:%i'), count(*) "
            "FROM vpc_flow_logs WHERE \"timestamp\" >= '2020/05/04' AND p_region IS NOT NULL GROUP BY srcaddr"
        ),
        lambda: [
            (a, min(f["start_time"] for f in seen).strftime("%Y/%m/%d %H:%M"), len(seen))
            for a in {f.get("srcaddr") for f in FLOWS}
            if (seen := [f for f in FLOWS if f.get("srcaddr") == a and f.get("region")])
        ],
    ),
    # networks
    (
        (
            "SELECT ip_prefix(cast(srcaddr AS ipaddress), 24), count(*) FROM vpc_flow_logs "
            "WHERE srcaddr LIKE '%.%' GROUP BY 1"
        ),
        lambda: counted(
            ".".join(f["srcaddr"].split(".")[:3]) + ".0/24" for f in FLOWS if "." in (f.get("srcaddr") or "")
        ),
    ),
    # AWS's blog keeps a partition `latest` beside the days
    (
        (
            "SELECT item.resourceid, item.configurationitemcapturetime FROM default.aws_config_configuration_snapshot "
            "CROSS JOIN UNNEST(configurationitems) AS t(item) WHERE dt = 'latest'"
        ),
        lambda: [
            (
                i["resourceId"],
                i["configurationItemCaptureTime"].strftime("%Y-%m-%dT%H:%M:%S.")
                + f"{i['configurationItemCaptureTime'].microsecond // 1000:03}Z",
            )
            for i in newest_items()
        ],
    ),
    (
        (
            "SELECT eventData.resourceId, eventData.configurationItemStateId, eventType FROM config_event_data_store "
            "WHERE eventData.resourceType = 'AWS::EC2::Volume'"
        ),
        lambda: [
            (i["resourceId"], "1700", "AwsConfigurationItem")
            for i in ITEMS
            if i["resourceType"] == "AWS::EC2::Volume"
        ],
    ),
]


def _who(e: Record) -> str:
    return e["userIdentity"].get("userName") or issuer(e) or "-"


@pytest.mark.parametrize(("statement", "expected"), CASES, ids=range(len(CASES)))
def test_rows(ask: Ask, statement: str, expected: Callable[[], Rows]) -> None:
    wanted = expected()
    assert wanted
    assert Counter(rows_of(ask(statement))) == Counter(wanted)


def test_a_deleted_resource_is_in_no_latest_state(ask: Ask, tmp_path: Any) -> None:
    home = Home(tmp_path)
    times = [NOW - timedelta(days=d) for d in (3, 2, 1)]
    states = [
        ("a", times[0], "OK"),
        ("a", times[1], "ResourceDeleted"),
        ("b", times[2], "OK"),
        ("b", times[0], "OK"),
    ]
    home.append(
        "config_items",
        [
            {"resourceType": "AWS::EC2::VPC", "resourceId": name, "configurationItemCaptureTime": time,
             "configurationItemStatus": status, "awsAccountId": "111122223333", "awsRegion": "us-east-1",
             "configuration": json.dumps({"day": str(time.day)}), "object": "x", "variant": 0,
             "delivered_at": time}
            for name, time, status in states
        ],
    )  # fmt: skip
    answer = run(
        "SELECT c.resourceid, json_extract_scalar(c.configuration, '$.day') FROM awsconfig "
        "CROSS JOIN UNNEST(configurationitems) AS t(c) WHERE dt = 'latest'",
        home.planner(),
        now=NOW,
    )
    assert rows_of(answer) == [("b", str(times[2].day))]


def test_fields_of_event_data_stores_that_stay_in_extra(tmp_path: Any) -> None:
    home = Home(tmp_path)
    event = records.stored(records.EVENTS[0]) | {
        "extra": json.dumps({"userIdentity": {"sessionContext": {"ec2IssuedInVpc": "vpc-1"}}})
    }
    home.append("cloudtrail", [event])
    sql = (
        "SELECT userIdentity.sessionContext.ec2IssuedInVPC, eventJsonChecksum, annotation FROM eds1 "
        "WHERE userIdentity.sessionContext.ec2IssuedInVpc = 'vpc-1'"
    )
    assert rows_of(run(sql, home.planner(), now=NOW)) == [("vpc-1", None, None)]


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        ("my_cloudtrail_table", "eventname"),
        ("security.cloudtrail_events_parquet", "eventname"),
        ("<database>.cloudtrail_logs", "eventname"),
        ('"${database}"."${table}"', "eventname"),
        ("{{DB}}.cloudtrail_logs", "eventname"),
        ("{m[EventDataStore]}", "eventname"),
        ('"<database>"."<table>"', "sourceaddress, numbytes"),
        ("<your table>", "srcaddr, dstaddr"),
        ("<vpc_flow_logs_table>", "action"),
        ("config_db.config_logs", "resourceid"),
        ("aws_config_data", "resourceid"),
        ('"<db>"."<table>" CROSS JOIN UNNEST(configurationitems) AS t(item)', "item.resourceid"),
    ],
)
def test_names_of_tables(ask: Ask, source: str, columns: str) -> None:
    assert ask(f"SELECT {columns} FROM {source} LIMIT 1").num_rows == 1


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT eventname FROM cloudtrail GROUP BY eventname, errormessageORDER BY 1", "between errormessage and ORDER"),
        ("SELECT eventname FROM cloudtrail ORDER BY 1 DESCLIMIT 10", "between DESC and LIMIT"),
        ("SELECT eventname FROM FROM cloudtrail", "FROM stands twice"),
        ("SELECT eventname FROM cloudtrail\nWHERE eventname = 'x", "line 2, column 19"),
        ("SELECT eventname FROM cloudtrail WHERE (eventname = 'x'", "1 parentheses are opened, 0 closed"),
        ("SELECT eventname FROM cloudtrail WHERE eventtime > = '2026-01-01'", ">="),
        ("SELECT `eventname` FROM cloudtrail", 'quoted like "this"'),
        ("SELECT eventname, FROM cloudtrail WHERE", "comma"),
        ("selekt eventname FROM cloudtrail", "starts with SELECT"),
        ("SELECT regexp_mach(eventname, 'a') FROM cloudtrail", "regexp_"),
        ("SELECT human_readable_seconds(1)", "not translated"),
        ("SELECT split_part(eventname) FROM cloudtrail", "split_part does not take these arguments"),
        ("SELECT array_sort(ARRAY[2, 1], (a, b) -> 1)", "array_sort with a comparison"),
        ("SELECT awsregion, count(*) FROM cloudtrail GROUP BY eventname", "awsRegion, or a field of it, is neither in GROUP BY"),
        ("SELECT eventname FROM cloudtrail WHERE eventname = \"ConsoleLogin\"", "'ConsoleLogin' in single quotes"),
        ("SELECT eventData.resourcId FROM config_eds", "resourceId"),
        ("SELECT a", "no table"),
        ("SELECT * FROM alb_logs", "load balancers"),
        ("SELECT * FROM waf_logs", "AWS WAF"),
        ("SELECT * FROM amazon_security_lake_table_us_east_1_vpc_flow_2_0", "Security Lake"),
        ('SELECT * FROM "default"."cloudtrail_logs$partitions"', "the catalogue's own tables"),
        ("SHOW TABLES", "ashiato tables"),
        ("EXPLAIN SELECT 1", "--explain"),
        ("SELECT version()", "not allowed"),
    ],
)  # fmt: skip
def test_mistakes_are_named(ask: Ask, statement: str, words: str) -> None:
    with pytest.raises(QueryRefused) as caught:
        ask(statement)
    assert words in str(caught.value)
    assert "ax_" not in str(caught.value)
