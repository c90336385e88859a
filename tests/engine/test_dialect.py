"""Athena's functions and rules of scope: each value as Trino's documentation gives it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from ashiato.core.errors import QueryRefused
from ashiato.engine import explain, run, schema, tables, transpile
from engine import records
from engine.expect import Ask, rows_of
from engine.home import Home

VALUES: list[tuple[str, Any]] = [
    # numbers
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("7 / 2.0", 3.5),
    ("mod(-7, 3)", -1),
    ("greatest(1, NULL)", None),
    ("round(2.5)", 3.0),
    ("bitwise_and(6, 3)", 2),
    ("try(1 / 0)", None),
    ("try_cast('x' AS integer)", None),
    ("cast('12' AS bigint)", 12),
    ("if(1 > 2, 'a', 'b')", "b"),
    # text
    ("concat('a', NULL)", None),
    ("concat('a', 'b', 'c')", "abc"),
    ("'a' || 'b'", "ab"),
    ("split_part('a.b.c', '.', 2)", "b"),
    ("split_part('a.b', '.', 3)", None),
    ("split('a,b', ',')[2]", "b"),
    ("split('a,b,c', ',', 2)[2]", "b,c"),
    ("replace('arn:x', 'arn:')", "x"),
    ("substr('abcdef', 2, 3)", "bcd"),
    ("substr('abcdef', -2)", "ef"),
    ("strpos('abc', 'c')", 3),
    ("position('c' IN 'abc')", 3),
    ("regexp_like('eventName', '^event')", True),
    ("regexp_extract('i-12 i-34', 'i-(\\d+)', 1)", "12"),
    ("regexp_extract('abc', 'x')", None),
    ("regexp_extract_all('a1b2', '\\d')", ["1", "2"]),
    ("regexp_replace('a-b', '(a)-(b)', '$2$1')", "ba"),
    ("regexp_replace('a-b-c', '-')", "abc"),
    ("'ABC' LIKE 'a%'", False),
    ("url_extract_host('https://a.example:8443/p?q=1')", "a.example"),
    ("url_extract_path('https://a.example/p/x?q=1')", "/p/x"),
    ("lpad('7', 3, '0')", "007"),
    ("reverse('abc')", "cba"),
    ("length('足跡')", 2),
    # JSON
    ("json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a.b')", "1"),
    ("json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a')", None),
    ("json_extract_scalar('no json', '$.a')", None),
    ("json_extract_scalar('{\"a.b\": true}', '$[\"a.b\"]')", "true"),
    ('json_extract_scalar(\'{"a:b": {"C": "x"}}\', \'$.a:b.C\')', "x"),
    ('json_extract_scalar(\'{"a": [1, {"b": "y"}]}\', \'$.a[1].b\')', "y"),
    ('json_extract(\'{"a": [{"b": 1}, {"b": 2}]}\', \'$.a[*].b\')', "[1,2]"),
    ("cast(json_extract('{\"a\": \"x\"}', '$.a') AS varchar)", "x"),
    ("json_extract('{\"a\": \"x\"}', '$.a')", '"x"'),
    ("json_array_get('[1, 2, 3]', 0)", "1"),
    ("json_array_get('[1, 2, 3]', -1)", "3"),
    ("json_array_length('[1, 2, 3]')", 3),
    ("json_array_length('{}')", None),
    ("json_array_contains('[1, \"x\"]', 'x')", True),
    ('json_size(\'{"a": {"b": 1, "c": 2}}\', \'$.a\')', 2),
    ("is_json_scalar('[1]')", False),
    ("cardinality(cast(json_extract('{\"a\": [1, 2]}', '$.a') AS array(json)))", 2),
    ('cast(json_parse(\'["a", "b"]\') AS array(varchar))', ["a", "b"]),
    ("cast(json_parse('{\"a\": {\"x\": 1}}') AS map(varchar, json))['a']", '{"x":1}'),
    ('cast(json_parse(\'[{"a": "x", "other": 1}]\') AS array(row(a varchar)))[1].a', "x"),
    # arrays, maps, lambdas
    ("ARRAY[1, 2, 3][2]", 2),
    ("element_at(ARRAY[1, 2], 5)", None),
    ("element_at(map(ARRAY['k'], ARRAY['v']), 'k')", "v"),
    ("cardinality(map(ARRAY['k'], ARRAY['v']))", 1),
    ("contains(ARRAY['a', 'b'], 'b')", True),
    ("any_match(ARRAY[1, 2], x -> x > 1)", True),
    ("all_match(ARRAY[1, 2], x -> x > 1)", False),
    ("none_match(ARRAY[1, 2], x -> x > 2)", True),
    ("filter(ARRAY[1, 2, 3], x -> x <> 2)", [1, 3]),
    ("transform(ARRAY['a', 'b'], x -> upper(x))", ["A", "B"]),
    ("reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s * 2)", 12),
    ("array_join(ARRAY['a', NULL, 'c'], ',')", "a,c"),
    ("array_join(ARRAY['a', NULL, 'c'], ',', '-')", "a,-,c"),
    ("array_sort(ARRAY[3, NULL, 1])", [1, 3, None]),
    ("array_position(ARRAY['a', 'b'], 'c')", 0),
    ("array_remove(ARRAY[1, 2, 1], 1)", [2]),
    ("slice(ARRAY[1, 2, 3, 4], 2, 2)", [2, 3]),
    ("slice(ARRAY[1, 2, 3, 4], -2, 2)", [3, 4]),
    ("flatten(ARRAY[ARRAY[1], ARRAY[2]])", [1, 2]),
    ("sequence(1, 5, 2)", [1, 3, 5]),
    ("zip_with(ARRAY[1, 2], ARRAY[3, 4], (x, y) -> x + y)", [4, 6]),
    ("map_keys(map_filter(map(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v > 1))", ["b"]),
    ("map_values(transform_values(map(ARRAY['a'], ARRAY[1]), (k, v) -> v + 1))", [2]),
    # times
    ("date_diff('day', timestamp '2020-01-01 10:00:00', timestamp '2020-01-02 09:00:00')", 0),
    ("date_diff('hour', timestamp '2020-01-01 10:00:00', timestamp '2020-01-01 12:59:00')", 2),
    ("date_add('month', 1, date '2020-01-31')", date(2020, 2, 29)),
    ("date_add('day', -1, current_date)", date(2026, 11, 19)),
    ("current_date - interval '7' day = date '2026-11-13'", True),
    ("date_trunc('month', date '2020-02-29')", date(2020, 2, 1)),
    ("last_day_of_month(date '2020-02-03')", date(2020, 2, 29)),
    ("date_format(timestamp '2020-02-03 04:05:06', '%Y-%m-%d %H:%i:%s')", "2020-02-03 04:05:06"),
    ("date_format(timestamp '2020-02-03 04:05:06', '%W %M %e')", "Monday February 3"),
    ("format_datetime(timestamp '2020-02-03 04:05:06', 'yyyy/MM/dd HH:mm')", "2020/02/03 04:05"),
    ("date_parse('2020-02-03 04', '%Y-%m-%d %H')", datetime(2020, 2, 3, 4)),  # noqa: DTZ001
    (
        "cast(parse_datetime('2020-02-03T04:05:06.789Z', 'yyyy-MM-dd''T''HH:mm:ss.SSSZ') AS date)",
        date(2020, 2, 3),
    ),
    ("from_unixtime(0)", datetime(1970, 1, 1, tzinfo=UTC)),
    ("to_unixtime(timestamp '1970-01-01 00:01:00')", 60.0),
    ("to_iso8601(from_unixtime(1))", "1970-01-01T00:00:01.000Z"),
    ("to_iso8601(date '2020-01-02')", "2020-01-02"),
    ("hour(at_timezone(from_unixtime(0), 'Asia/Tokyo'))", 9),
    ("hour(from_unixtime(0) AT TIME ZONE 'Asia/Tokyo')", 9),
    ("day_of_week(date '2020-02-03')", 1),
    ("day_of_week(date '2020-02-02')", 7),
    ("extract(hour FROM timestamp '2020-02-03 04:05:06')", 4),
    ("from_iso8601_timestamp('2020-02-03T04:05:06+09:00')", datetime(2020, 2, 2, 19, 5, 6, tzinfo=UTC)),
    # addresses
    ("contains('10.0.0.0/8', cast('10.255.0.1' AS ipaddress))", True),
    ("contains('10.0.0.0/8', cast('11.0.0.1' AS ipaddress))", False),
    ("contains('2001:db8::/33', cast('2001:db8:7fff::1' AS ipaddress))", True),
    ("contains('2001:db8::/33', cast('2001:db8:8000::1' AS ipaddress))", False),
    ("contains('10.0.0.0/8', cast('2001:db8::1' AS ipaddress))", False),
    ("contains('10.0.0.0/8', try_cast('ec2.amazonaws.com' AS ipaddress))", None),
    ("contains('10.0.0.0/8', try_cast('10.0.0.256' AS ipaddress))", None),
    ("contains(concat('192.168.', '4.0/22'), cast('192.168.7.255' AS ipaddress))", True),
    ("contains(concat('192.168.', '4.0/22'), cast('192.168.8.0' AS ipaddress))", False),
    ("ipaddress '10.0.0.2' < ipaddress '10.0.0.10'", True),
    ("cast('::ffff:10.0.0.1' AS ipaddress) = ipaddress '10.0.0.1'", True),
    ("cast('2001:DB8:0:0:0:0:0:1' AS ipaddress) = ipaddress '2001:db8::1'", True),
    ("cast('10.1.2.3' AS ipaddress)", "10.1.2.3"),
    ("is_subnet_of(ipprefix '172.16.0.0/12', ipaddress '172.31.255.255')", True),
]


def test_values(ask: Ask) -> None:
    """All in one statement: one child for a hundred values."""
    answer = ask("SELECT " + ", ".join(f"{sql} AS v{i}" for i, (sql, _) in enumerate(VALUES)))
    got = list(answer.to_pylist()[0].values())
    wrong = [
        (sql, value, wanted) for (sql, wanted), value in zip(VALUES, got, strict=True) if value != wanted
    ]
    assert not wrong


def test_values_of_columns(ask: Ask) -> None:
    """The same functions on columns, where nothing can be worked out beforehand."""
    addresses = ["10.1.2.3", "172.31.255.255", "2001:db8::1", "::1", "::ffff:1.2.3.4", "ec2.amazonaws.com",
        "", "1.2.3",
                 "999.1.1.1", "1:2:3:4:5:6:7:8", "fe80::1%eth0", "1::2::3", "AWS Internal"]  # fmt: skip
    values = ", ".join(f"('{a}')" for a in addresses)
    answer = ask(
        "SELECT a, try_cast(a AS ipaddress) AS i, contains('172.16.0.0/12', try_cast(a AS ipaddress)) AS p, "
        f"contains('::/0', try_cast(a AS ipaddress)) AS six FROM (VALUES {values}) AS t(a)"
    ).to_pylist()
    import ipaddress

    for row in answer:
        try:
            parsed = ipaddress.ip_address(row["a"])
        except ValueError:
            parsed = None
        if parsed is None or "%" in row["a"]:
            assert (row["i"], row["p"], row["six"]) == (None, None, None), row
            continue
        mapped = getattr(parsed, "ipv4_mapped", None)
        assert ipaddress.ip_address(row["i"]) == (mapped or parsed)
        assert row["p"] == (parsed.version == 4 and parsed in ipaddress.ip_network("172.16.0.0/12"))
        assert row["six"] is True


ROWS: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("SELECT a, b FROM UNNEST(ARRAY[1, 2], ARRAY['x']) AS t(a, b) ORDER BY a", [(1, "x"), (2, None)]),
    ("SELECT k, v FROM UNNEST(map(ARRAY['a', 'b'], ARRAY[1, 2])) AS t(k, v) ORDER BY k", [("a", 1), ("b",
        2)]),
    ("SELECT n, a FROM UNNEST(ARRAY['p', 'q']) WITH ORDINALITY AS t(a, n) ORDER BY n", [(1, "p"), (2, "q")]),
    ("SELECT x FROM (VALUES 3, NULL, 1) AS t(x) ORDER BY x DESC", [(3,), (1,), (None,)]),
    ("SELECT x FROM (VALUES 3, NULL, 1) AS t(x) ORDER BY x", [(1,), (3,), (None,)]),
    ("SELECT max_by(a, b) FROM (VALUES ('x', 1), ('y', 2), (NULL, 3)) AS t(a, b)", [(None,)]),
    (("SELECT t.arn, t.type FROM cloudtrail CROSS JOIN UNNEST(resources) AS t(arn, accountid, type, prefix) "
     "WHERE eventname = 'DeleteBucket'"), [("arn:aws:s3:::old", "AWS::S3::Bucket")]),
    ("SELECT r.arn FROM cloudtrail CROSS JOIN UNNEST(resources) AS t(r) WHERE eventname = 'DeleteBucket'",
     [("arn:aws:s3:::old",)]),
    (("SELECT requestparameters.bucketName, t.arn FROM cloudtrail LEFT JOIN UNNEST(resources) AS t ON true "
     "WHERE eventname = 'DeleteBucket' ORDER BY 1"), [("gone", None), ("old", "arn:aws:s3:::old")]),
    (("SELECT json_extract_scalar(i, '$.fromPort') FROM cloudtrail CROSS JOIN UNNEST(CAST(json_extract("
     "requestparameters, '$.ipPermissions.items') AS array(json))) AS t(i)"), [("22",)] * 3),
    ("SELECT year, month, day, min(1) FROM cloudtrail WHERE year = '2021' AND month = '03' GROUP BY 1, 2, 3",
     [("2021", "03", "01", 1)]),
    ("SELECT count(*) FROM cloudtrail WHERE recipientaccountid = 999999999999", [(40,)]),
    ("SELECT count(*) FROM cloudtrail WHERE readonly = 'true' AND eventname = 'GetUser'", [(2,)]),
    ("SELECT eventname FROM cloudtrail WHERE eventtime = from_iso8601_timestamp('2023-01-22T00:00:01Z')",
     [("StartInstances",)]),
    ("SELECT substr(eventtime, 1, 7), count(*) FROM cloudtrail WHERE eventtime LIKE '2022-05-0%' GROUP BY 1",
     [("2022-05", 6)]),
    (("SELECT DISTINCT sourceipaddress FROM cloudtrail WHERE contains('203.0.113.0/24', "
     "try_cast(sourceipaddress AS ipaddress)) ORDER BY 1"), [("203.0.113.7",), ("203.0.113.9",)]),
    (("SELECT configuration.state.name, configuration['imageId'], element_at(tags, 'Name') FROM config_items "
     "WHERE resourcetype = 'AWS::EC2::Instance'"), [("running", "ami-1", "n-i-1")]),
    (("SELECT c.eventData.resourceId, t.eventName FROM a1b2c3d4-5678-90ab-cdef-EXAMPLE11111 AS c "
     "JOIN a1b2c3d4-5678-90ab-cdef-EXAMPLE22222 AS t ON c.eventData.accountId = t.recipientAccountId "
     "WHERE c.eventData.resourceId = 'i-1' AND t.eventName = 'StopInstances'"), [("i-1", "StopInstances")]),
    ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t",
        [(15,)]),
    (("SELECT a.n FROM (SELECT eventname n, rank() OVER (PARTITION BY eventsource ORDER BY eventtime DESC) r "
     "FROM cloudtrail WHERE eventsource = 'ec2.amazonaws.com') a WHERE r = 1"), [("StopInstances",)]),
    ("SELECT sum(bytes) / count(*) FROM vpc_flow_logs WHERE date = date '2020-05-04'",
     [(sum(f["bytes"] for f in records.FLOWS if f["srcaddr"] == "10.9.9.9" and
           f["start_time"].day == 4) // 2,)]),
    ('SELECT to_iso8601(from_unixtime("start")) FROM vpc_flow_logs WHERE day = \'2026/11/14\'',
     [("2026-11-14T00:00:00.000Z",)]),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "expected"), ROWS, ids=range(len(ROWS)))
def test_rows(ask: Ask, statement: str, expected: list[tuple[Any, ...]]) -> None:
    assert rows_of(ask(statement)) == expected


@pytest.mark.parametrize(
    "source",
    ["<EDS ID>", "$EDS_ID", "${eds}", "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111",
        '"a1b2c3d4-5678-90ab-cdef-EXAMPLE11111"',
     "arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/a1b2c3d4-5678-90ab-cdef-EXAMPLE11111", "eds1",
     "EXAMPLEf852-4e8f-8bd1-bcf6cEXAMPLE", "event_data_store_ID", "default.cloudtrail_logs",
         "cloudtrail_logs_test2",
     "awsdatacatalog.default.cloudtrail_logs", '"default"."cloudtrail_logs"', "your-event-data-store-id"],
)  # fmt: skip
def test_names_of_the_event_table(ask: Ask, source: str) -> None:
    assert rows_of(ask(f"SELECT count(*) FROM {source} WHERE eventName = 'scan'")) == [(1,)]


def test_text_that_looks_like_a_placeholder_is_left_alone(ask: Ask) -> None:
    sql = "SELECT 'FROM <EDS ID>' AS a, '$EDS_ID' AS b -- FROM $X\n FROM <EDS ID> /* JOIN <Y> */ LIMIT 1"
    assert rows_of(ask(sql)) == [("FROM <EDS ID>", "$EDS_ID")]


def test_copies_and_corrected_events(ask: Ask) -> None:
    first, corrected = records.EVENTS[0]["eventID"], records.CORRECTED
    query = "SELECT count(*) FROM {} WHERE eventid = '{}'"
    counts = [ask(query.format(t, i)).to_pylist()[0]["_col0"] for i in (first, corrected)
              for t in ("cloudtrail", "cloudtrail_all")]  # fmt: skip
    assert counts == [1, 2, 0, 1]


def test_duckdb_dialect(ask: Ask) -> None:
    sql = "SELECT eventName, requestParameters ->> '$.bucketName' FROM cloudtrail WHERE day = '2022/02/02'"
    assert sorted(rows_of(ask(sql, dialect="duckdb"))) == [("DeleteBucket", "gone"), ("DeleteBucket", "old")]


def test_empty_tables_have_types(tmp_path: Any) -> None:
    home = Home(tmp_path)
    answer = run("SELECT * FROM footprints", home.planner())
    assert answer.num_rows == 0
    assert answer.schema.field("day").type == pa.date32()
    for table in tables():
        assert run(f"SELECT * FROM {table.name}", home.planner()).num_columns == table.columns


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT evntname FROM cloudtrail", "eventName"),
        ("SELECT useridentity.usrname FROM cloudtrail", "userName"),
        ("SELECT * FROM cloudtrial", "cloudtrail"),
        ("SELECT t.scraddr FROM vpcflow t", "srcaddr"),
        ("SELECT resourceId WHERE resourceType = 'AWS::EC2::Instance'", "FROM config_items"),
        ("SELECT eventname FROM cloudtrail GROUP BY awsregion", "eventname"),
        ("SELECT * FROM cloudtrail WHERE", "line 1"),
        ("SELECT no_such_function(1)", "no_such_function"),
    ],
)
def test_mistakes_are_met_with_a_correction(ask: Ask, statement: str, words: str) -> None:
    with pytest.raises(QueryRefused) as caught:
        ask(statement)
    assert words.lower() in str(caught.value).lower()
    assert caught.value.exit_status == 2


def test_explain_names_files_and_bytes(home: Home) -> None:
    explained = explain("SELECT eventname FROM cloudtrail WHERE eventtime > '2026-01-01'", home.planner())
    assert explained.tables[0].table == "cloudtrail"
    assert len(explained.tables[0].files) == 1
    assert explained.tables[0].bytes > 0
    assert "eventTime" in explained.sql


def test_schema_describes_every_column() -> None:
    rows = {r.name: r for r in schema("cloudtrail_logs")}
    assert rows["eventTime"].type == "timestamp with time zone"
    assert rows["userIdentity"].type.startswith("row(type varchar, principalId varchar")
    assert rows["requestParameters"].type == "varchar (JSON)"
    assert all(r.meaning for t in tables() for r in schema(t.name))
    with pytest.raises(QueryRefused, match="cloudtrail"):
        schema("cloudtrial")


def test_the_time_is_fixed_for_planning_and_running() -> None:
    sql = transpile("SELECT current_timestamp, now(), current_date", now=records.NOW).sql
    assert sql.count("2026-11-20T12:00:00+00:00") == 2
    assert "2026-11-20'" in sql
