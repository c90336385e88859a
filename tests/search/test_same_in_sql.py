"""The statement that a search is switched to gives the search's rows."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashiato import engine
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.engine import macros
from ashiato.engine.names import VIEWS
from ashiato.engine.statements import transpile
from ashiato.engine.views import scope_filter, view_sql
from ashiato.search.completing import complete
from ashiato.search.fields import fields
from ashiato.search.query import Search
from ashiato.search.refusals import SearchRefused
from ashiato.search.statements import names, statement
from ashiato.search.terms import written
from search import records
from search.conftest import NOW, Lake


def _key(rows: list[tuple[Any, ...]]) -> list[str]:
    return sorted(json.dumps(r, default=str, sort_keys=True) for r in rows)


def _as_engine_runs_it(lake: Lake, sql: str, scope: AccountScope = EVERY_ACCOUNT) -> list[tuple[Any, ...]]:
    """The statement by the engine's own translation and views, without the child process, for speed."""
    made = transpile(sql, "athena")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for one in macros.statements(made.sql):
            connection.execute(one)
        for view in made.tables:
            plan = lake.pinned.plan(VIEWS[view][0], scope_filter(view, scope))
            connection.execute(view_sql(view, plan, lake.pinned.superseded, scope))
        return connection.execute(made.sql).fetchall()


def _same(lake: Lake, **parameters: str) -> None:
    with lake.reader(**parameters) as reader:
        sql = statement(reader)
    assert _key(_as_engine_runs_it(lake, sql)) == _key(
        [tuple(row.values()) for row in lake.rows(**parameters)]
    ), sql


_texts = st.sampled_from(
    (*[n for n in records.NAMES if n], "ali", "%", "_", "\\", "'", "logs", "GetObject", "17")
)
_patterns = st.builds(
    lambda a, b: f"{a}*{b}", st.sampled_from(("", "a", "G", "10", "%")), st.sampled_from(("", "e"))
)
_values = st.one_of(_texts.map(written), _texts.map(lambda t: written(t + " ")), _patterns, st.just("*"))
_cloudtrail_terms = st.one_of(
    st.builds(
        lambda minus, field, value: f"{minus}{field}:{value}",
        st.sampled_from(("", "-")),
        st.sampled_from((
            "eventName", "user", "principal", "errorCode", "errorMessage", "resource", "resources.type", "userAgent",
            "requestParameters.bucketName", "requestParameters.key", "requestParameters.instancesSet.items.instanceId",
            "requestParameters.empty", "requestParameters.nothing.such", "ip",
        )),
        _values,
    ),
    st.sampled_from(records.ADDRESSES[:-1]).map(lambda a: "ip:" + written(a)),
    st.sampled_from(("ip:198.51.100.0/24", "ip:2001:db8::/32", "-ip:0.0.0.0/0", "ip:::ffff:0:0/96", "ip:::/0")),
    st.sampled_from(("readOnly:true", "-readOnly:true", "requestParameters.maxResults:>9",
                     "requestParameters.maxResults:5..20", "time:>=2026-11-02T10:00", "time:2026-11-03")),
    _texts.map(lambda t: written(t, free=True)), _texts.map(lambda t: f"-{written(t, free=True)}"),
    st.sampled_from(("198.51.100.7", "10.0.0.0/8", "AKIA*", "arn:aws:s3:::logs", "111111111111")),
)  # fmt: skip
_flow_terms = st.sampled_from((
    "port:22", "-port:443", "dstport:>1024", "srcport:1..443", "bytes:<=900", "ip:10.0.1.4/31", "src:198.51.100.7",
    "dst:2001:db8::/32", "action:acc*", "198.51.100.7", "443", "instance:*", "-direction:*", "time:<2026-11-03",
))  # fmt: skip
_item_terms = st.one_of(
    _values.map(lambda v: f"tags.Name:{v}"), _values.map(lambda v: f"name:{v}"),
    st.sampled_from(("type:*Security*", "configuration.ipPermissions.fromPort:22", "status:OK", "-tags.Team:ops",
                     "resource:sg-00000000000000003", "configuration.ipPermissions:*", "relationships:*")),
)  # fmt: skip
_terms = {"cloudtrail": _cloudtrail_terms, "vpc_flow_logs": _flow_terms, "config_items": _item_terms}


@st.composite
def _searches(draw: st.DrawFn) -> dict[str, str]:
    table = draw(st.sampled_from(("cloudtrail", "cloudtrail", "vpc_flow_logs", "config_items")))
    terms = draw(st.lists(_terms[table], min_size=1, max_size=3))
    columns = draw(st.lists(st.sampled_from(sorted(fields(table))), max_size=4, unique=True))
    span = draw(st.sampled_from(("all", "-36h", "2026-11-02T01:00", "now-18d")))
    return {"table": table, "q": " ".join(terms), "columns": ",".join(columns), "from": span}


@pytest.mark.slow
@settings(max_examples=60)
@given(given_=_searches())
def test_the_rows_of_a_search_are_those_of_its_statement(lake: Lake, given_: dict[str, str]) -> None:
    try:
        _ = Search.from_parameters(given_).terms
    except SearchRefused:
        return
    _same(lake, **given_)


@pytest.mark.parametrize(
    "given_",
    [
        {"q": "errorCode:* user:\"O'Brien\"", "columns": "eventTime,principal,requestParameters.bucketName,resources.ARN"},
        {"table": "vpc_flow_logs", "q": "ip:10.0.1.4/31 dstport:22"},
    ],
)  # fmt: skip
def test_the_engine_itself_runs_it_with_the_same_answer_and_names(lake: Lake, given_: dict[str, str]) -> None:
    with lake.reader(**given_) as reader:
        answer = engine.run(statement(reader), lake.pinned)
        assert [n.lower() for n in answer.column_names] == [n.lower() for n in names(reader)]
    rows = lake.rows(**given_)
    assert rows
    assert _key([tuple(r.values()) for r in answer.to_pylist()]) == _key([tuple(r.values()) for r in rows])


@pytest.mark.parametrize(
    "column", ['requestParameters.a"b', "requestParameters.it's", "requestParameters.$v0", "tags.x\\y"]
)
def test_names_of_members_that_look_like_sql_are_names(lake: Lake, column: str) -> None:
    table = "config_items" if column.startswith("tags") else "cloudtrail"
    _same(lake, table=table, columns=column, q="")
    found = complete(
        lake.pinned, Search(table=table, q=f"{column}:", since="all"), 99, EVERY_ACCOUNT, moment=NOW
    )
    assert found.items == ()


def test_a_limited_user_gets_the_same_from_both(lake: Lake) -> None:
    scope = AccountScope.of(["222222222222"])
    with lake.reader(scope, q="service:s3") as reader:
        sql = statement(reader)
    rows = lake.rows(scope, q="service:s3")
    assert rows
    assert {r["recipientAccountId"] for r in rows} == {"222222222222"}
    assert _key(_as_engine_runs_it(lake, sql, scope)) == _key([tuple(r.values()) for r in rows])
