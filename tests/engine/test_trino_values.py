"""Values as Trino's documentation gives them, where DuckDB's function of that name says something else.

https://trino.io/docs/current/functions.html
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ashiato.core.errors import QueryRefused
from engine.expect import Ask, rows_of

JST = "timestamp '2020-01-01 20:00:00 UTC' AT TIME ZONE 'Asia/Tokyo'"
VALUES: list[tuple[str, Any]] = [
    # a date and an interval are a date, and show as one
    ("date '2020-02-28' + interval '2' day", date(2020, 3, 1)),
    ("date '2020-03-31' - interval '1' month", date(2020, 2, 29)),
    ("current_date - interval '7' day", date(2026, 11, 13)),
    ("cast(current_date - interval '7' day AS varchar)", "2026-11-13"),
    ("extract(day FROM date '2020-03-02' - date '2020-02-28')", 3),
    # times without a zone stay so; with one they say it
    ("localtimestamp", datetime(2026, 11, 20, 12)),  # noqa: DTZ001
    ("date_add('hour', 5, timestamp '2020-01-31 23:00:00')", datetime(2020, 2, 1, 4)),  # noqa: DTZ001
    ("parse_datetime('2022/10/20', 'yyyy/MM/dd')", datetime(2022, 10, 20, tzinfo=UTC)),
    ("cast(timestamp '2020-01-01 01:02:03' AS varchar)", "2020-01-01 01:02:03"),
    ("cast(timestamp '2020-01-01 01:02:03.250' AS varchar)", "2020-01-01 01:02:03.250"),
    ("cast(from_unixtime(0) AS varchar)", "1970-01-01 00:00:00.000 UTC"),
    ("cast(date_parse('2020-01-02', '%Y-%m-%d') AS varchar)", "2020-01-02 00:00:00.000"),
    ("date_format(date '2021-01-03', '%x-%v')", "2020-53"),
    ("extract(dow FROM date '2020-02-02')", 7),
    ("extract(day_of_week FROM date '2020-02-03')", 1),
    ("extract(day_of_year FROM date '2020-02-01')", 32),
    ("from_iso8601_date('2020-W10')", date(2020, 3, 2)),
    ("from_iso8601_date('2020-W10-3')", date(2020, 3, 4)),
    ("from_iso8601_date('2020-060')", date(2020, 2, 29)),
    ("current_timezone()", "UTC"),
    # a moment in a zone is still that moment
    (f"date_format({JST}, '%Y-%m-%d %H:%i')", "2020-01-02 05:00"),
    (f"to_unixtime({JST})", 1577908800.0),
    (f"{JST} = timestamp '2020-01-01 20:00:00 UTC'", True),
    (f"{JST} > timestamp '2020-01-01 20:00:01 UTC'", False),
    (f"to_iso8601({JST})", "2020-01-02T05:00:00.000+09:00"),
    ("to_iso8601(from_unixtime(0, 'America/New_York'))", "1969-12-31T19:00:00.000-05:00"),
    (f"cast({JST} AS varchar)", "2020-01-02 05:00:00.000 Asia/Tokyo"),
    (f"date_diff('minute', timestamp '2020-01-01 19:00:00 UTC', {JST})", 60),
    (f"hour({JST} AT TIME ZONE 'UTC')", 20),
    (f"cast({JST} AS date)", date(2020, 1, 2)),
    # text
    ("concat_ws('/', 'a', NULL, 'b')", "a/b"),
    ("concat_ws('/', ARRAY['a', NULL, 'b'])", "a/b"),
    ("split_to_map('a=1;b=2', ';', '=')['b']", "2"),
    ("cast('abcdef' AS varchar(3))", "abc"),
    ("regexp_replace('i-12', '(?<kind>[a-z])-(?<id>\\d+)', '${id}${kind}')", "12i"),
    ("regexp_like('AKIA1', '(?<prefix>AKIA)\\d')", True),
    ("url_extract_parameter('https://a.example/p?x=1&name=a+b%2Fc#f', 'name')", "a b/c"),
    ("url_extract_parameter('https://a.example/p?x=1', 'name')", None),
    ("url_extract_fragment('https://a.example/#part')", "part"),
    ("url_decode('a+b%2Bc')", "a b+c"),
    ("url_encode('a b/c*~')", "a+b%2Fc*%7E"),
    ("hamming_distance('abc', 'abd')", 1),
    ("normalize('a')", "a"),
    ("typeof(cast(1 AS bigint))", "bigint"),
    # numbers
    ("bit_count(7, 64)", 3),
    ("bitwise_right_shift_arithmetic(-8, 1)", -4),
    ("rand(1)", 0),
    ("random(5, 6)", 5),
    ("infinity() > 1 AND is_nan(nan())", True),
    ("to_base(255, 16)", "ff"),
    # JSON functions of the SQL standard
    ("json_value('{\"a\": \"5\"}', 'lax $.a' RETURNING bigint)", 5),
    ("json_value('{\"a\": \"5\"}', 'lax $.b' DEFAULT 'none' ON EMPTY)", "none"),
    ("json_value('{\"a\": \"5\"}', 'lax $.b' NULL ON EMPTY)", None),
    ("json_query('{\"a\": {\"b\": 1}}', 'lax $.a')", '{"b":1}'),
    ("json_query('{\"a\": 1}', 'lax $.a' WITH ARRAY WRAPPER)", "[1]"),
    # JSON values compare as values; fields of rows are found whatever their case
    ("json_extract('{\"a\": {\"b\": [1, 2]}}', '$.a') = JSON '{ \"b\": [1,2] }'", True),
    ("json_extract('{\"a\": []}', '$.a') = JSON '[]'", True),
    ("cast(json_parse('{\"fromPort\": \"22\"}') AS row(fromport integer)).fromport", 22),
    (
        "cast(json_parse('[{\"Key\": \"a\", \"Value\": {\"x\": 1}}, 5, null]') AS array(row(key varchar, value json)))",
        [{"key": "a", "value": '{"x":1}'}, None, None],
    ),
    (
        ("cast(json_parse('[{\"ipRanges\": [{\"cidrIp\": \"0.0.0.0/0\"}, {}]}]') "
        "AS array(row(ipranges array(row(cidrip varchar)))))"),
        [{"ipranges": [{"cidrip": "0.0.0.0/0"}, {"cidrip": None}]}],
    ),
    ("cast(json_parse('{\"A\": {\"k\": 1}}') AS row(a map(varchar, integer))).a['k']", 1),
    # NULLs inside arrays leave a question open
    ("any_match(ARRAY[1, NULL], x -> x = 1)", True),
    ("any_match(ARRAY[1, NULL], x -> x = 5)", None),
    ("all_match(ARRAY[1, NULL], x -> x = 1)", None),
    ("all_match(ARRAY[1, NULL], x -> x = 5)", False),
    ("none_match(ARRAY[1, NULL], x -> x = 5)", None),
    ("any_match(ARRAY[], x -> true)", False),
    ("contains(ARRAY[1, NULL], 1)", True),
    ("contains(ARRAY[1, NULL], 3)", None),
    ("contains(ARRAY['a'], 'b')", False),
    ("array_max(ARRAY[1, NULL])", None),
    ("array_min(ARRAY[3, 1])", 1),
    ("ARRAY[1] || 2", [1, 2]),
    ("1 || ARRAY[2]", [1, 2]),
    ("repeat('a', 3)", ["a", "a", "a"]),
    ("trim_array(ARRAY[1, 2, 3], 1)", [1, 2]),
    (
        "sequence(date '2020-02-28', date '2020-03-01')",
        [date(2020, 2, 28), date(2020, 2, 29), date(2020, 3, 1)],
    ),
    (
        "sequence(date '2020-01-01', date '2020-03-01', interval '1' month)",
        [date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1)],
    ),
    # networks
    ("ip_prefix(ipaddress '192.168.255.9', 9)", "192.128.0.0/9"),
    ("ip_prefix(ipaddress '2001:db8:85a3::1', 33)", "2001:db8:8000::/33"),
    ("ip_subnet_min(ipprefix '192.64.1.1/9')", "192.0.0.0"),
    ("ip_subnet_max(ipprefix '192.64.1.1/9')", "192.127.255.255"),
    ("ip_subnet_max(ipprefix '2001:db8::/126')", "2001:db8::3"),
    ("ip_subnet_range(ipprefix '198.51.100.160/26')", ["198.51.100.128", "198.51.100.191"]),
    ("is_subnet_of(ipprefix '10.0.0.0/8', ipprefix '10.1.0.0/16')", True),
    ("is_subnet_of(ipprefix '10.1.0.0/16', ipprefix '10.0.0.0/8')", False),
]  # fmt: skip


def test_values(ask: Ask) -> None:
    answer = ask("SELECT " + ", ".join(f"{sql} AS v{i}" for i, (sql, _) in enumerate(VALUES)))
    got = answer.to_pylist()[0].values()
    wrong = [(sql, v, wanted) for (sql, wanted), v in zip(VALUES, got, strict=True) if v != wanted]
    assert not wrong


def test_addresses_show_in_their_short_form(ask: Ask) -> None:
    written = [
        "::",
        "::1",
        "1::",
        "2001:db8::1:0:0:1",
        "2001:db8:0:1:1:1:1:1",
        "1:0:0:2:0:0:0:3",
        "fe80::a:0:0:1",
    ]
    rows = ask(
        "SELECT a, cast(cast(a AS ipaddress) AS varchar) AS short "
        f"FROM (VALUES {', '.join(repr(w) for w in written)}) AS t(a)"
    ).to_pylist()
    for row in rows:
        wanted = str(ipaddress.ip_address(row["a"]))
        assert row["short"] == (wanted if row["a"] != "2001:db8:0:1:1:1:1:1" else row["a"])


ROWS: list[tuple[str, list[tuple[Any, ...]]]] = [
    # a key that comes twice has one value in a map
    ("SELECT map_agg(k, v)['a'] FROM (VALUES ('a', 1), ('a', 1), ('b', 2)) AS t(k, v)", [(1,)]),
    ("SELECT cardinality(map_agg(k, v)) FROM (VALUES ('a', 1), ('a', 2), (NULL, 3)) AS t(k, v)", [(1,)]),
    ("SELECT multimap_agg(k, v)['a'] FROM (VALUES ('a', 1), ('b', 2), ('a', 3)) AS t(k, v)", [((1, 3),)]),
    (
        "SELECT map_union(m)['b'] FROM (VALUES map(ARRAY['a'], ARRAY[1]), map(ARRAY['b'], ARRAY[2])) AS t(m)",
        [(2,)],
    ),
    ("SELECT every(x > 0), every(x > 1) FROM (VALUES 1, 2) AS t(x)", [(True, False)]),
    # aggregates and window functions inside functions of times
    (
        (
            "SELECT date_format(from_unixtime(min(x)), '%Y/%m/%d'), format_datetime(max(from_unixtime(x)), 'yyyy'), "
            "to_iso8601(max(from_unixtime(x))), to_iso8601(max(date(from_unixtime(x)))), "
            "cast(min(from_unixtime(x)) AS varchar) FROM (VALUES 0, 86400) AS t(x)"
        ),
        [("1970/01/01", "1970", "1970-01-02T00:00:00.000Z", "1970-01-02", "1970-01-01 00:00:00.000 UTC")],
    ),
    (
        (
            "SELECT date_format(lag(from_unixtime(x)) OVER (ORDER BY x), '%d') "
            "FROM (VALUES 0, 86400) AS t(x) ORDER BY x"
        ),
        [(None,), ("01",)],
    ),
    (
        ("SELECT date_format(d, '%m-%d') FROM UNNEST(sequence(current_date - interval '2' day, current_date)) AS t(d)"
        " ORDER BY 1"),
        [("11-18",), ("11-19",), ("11-20",)],
    ),
    (
        ("SELECT t FROM (SELECT from_unixtime(0) AT TIME ZONE 'Asia/Tokyo' AS t) AS q "
        "WHERE t = from_unixtime(0) AND hour(t) = 9"),
        [("1970-01-01T09:00:00",)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "expected"), ROWS, ids=range(len(ROWS)))
def test_rows(ask: Ask, statement: str, expected: list[tuple[Any, ...]]) -> None:
    assert rows_of(ask(statement)) == expected


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT regexp_replace('a', '(a)', x -> upper(x[1]))", "regexp_replace with a lambda"),
        (
            "SELECT approx_percentile(bytes, packets, 0.5) FROM vpc_flow_logs",
            "approx_percentile with weights",
        ),
        ("SELECT JSON '[1'", "no JSON document"),
    ],
)
def test_what_is_not_translated_is_refused_in_words(ask: Ask, statement: str, words: str) -> None:
    with pytest.raises(QueryRefused, match=words):
        ask(statement)
