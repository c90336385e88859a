"""Files are left out only where they cannot matter: over the planned files the answer is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.expressions import AlwaysTrue, BooleanExpression

from ashiato.engine import TablePlan, explain, run, transpile
from engine import records
from engine.expect import rows_of
from engine.home import Home, TestPlanner

TIMES = sorted({e["eventTime"].strftime("%Y-%m-%dT%H:%M:%SZ") for e in records.EVENTS})

#: Conditions that must leave files out, each true for some event.
NARROW = [
    "eventtime >= '2023-11-01T00:00:00Z'",
    "eventtime > '2023-11-01 00:00:00' AND eventtime < '2023-12-01 00:00:00'",
    "eventtime BETWEEN '2023-07-01' AND '2023-07-31'",
    "eventtime LIKE '2023-07%'",
    "eventtime >= '2023-11-01T%'",
    "substr(eventtime, 1, 10) = '2023-01-22'",
    "from_iso8601_timestamp(eventtime) > timestamp '2023-11-01 00:00:00'",
    "date_parse(eventtime, '%Y-%m-%dT%H:%i:%sZ') > timestamp '2023-11-01 00:00:00'",
    "cast(eventtime AS timestamp) > timestamp '2023-11-01 00:00:00'",
    "date(eventtime) = date '2023-01-22'",
    "cast(eventtime AS date) BETWEEN date '2023-01-22' AND date '2023-01-23'",
    "date_trunc('day', eventtime) = timestamp '2023-01-22 00:00:00'",
    "eventtime > current_timestamp - interval '30' day",
    "from_iso8601_timestamp(eventtime) > date_add('day', -30, now())",
    "eventtime > date_format(current_timestamp - interval '30' day, '%Y-%m-%dT%H:%i:%sZ')",
    "date_partition = '2023/01/22'",
    "date_partition IN ('2023/01/22', '2023/11/16')",
    "date_partition >= date_format(date_add('day', -30, current_timestamp), '%Y/%m/%d')",
    "dt >= '2023-11-01'",
    "day = '2023/01/22'",
    "timestamp >= '2023/11/01'",
    "year = '2026'",
    "year = '2023' AND month = '07'",
    "eventname = 'StopInstances'",
    "eventname IN ('StopInstances', 'scan')",
    "(eventtime > '2026-01-01' OR eventtime < '2021-07-01')",
]
#: Conditions under which every file must be read.
WIDE = [
    "eventname LIKE '%Instances'",
    "eventtime > '2026-01-01' OR eventname = 'scan' OR errorcode IS NULL",
    "NOT eventtime > '2023-01-01'",
    "eventtime <> '2023-01-01'",
    "coalesce(eventtime, current_timestamp) > timestamp '2023-01-01 00:00:00'",
    "day_of_week(eventtime) = 3",
]


class Everything(TestPlanner):
    """A planner that leaves nothing out."""

    def plan(
        self, table: str, row_filter: BooleanExpression, columns: Sequence[str] | None = None
    ) -> TablePlan:
        return super().plan(table, AlwaysTrue())


def both(home: Home, sql: str) -> tuple[Counter[object], int, int]:
    """The answer (the same by both plans), files planned, files there are."""
    everything = run(sql, Everything(home), now=records.NOW)
    planned = run(sql, home.planner(), now=records.NOW)
    assert Counter(rows_of(planned)) == Counter(rows_of(everything))
    files = explain(sql, home.planner(), now=records.NOW).tables[0].files
    all_files = explain(sql, Everything(home), now=records.NOW).tables[0].files
    return Counter(rows_of(planned)), len(files), len(all_files)


@pytest.mark.parametrize("condition", NARROW)
def test_narrow_conditions_leave_files_out(home: Home, condition: str) -> None:
    rows, planned, all_ = both(home, f"SELECT eventid, eventtime FROM cloudtrail WHERE {condition}")
    assert rows
    assert planned < all_


@pytest.mark.parametrize("condition", WIDE)
def test_other_conditions_lose_nothing(home: Home, condition: str) -> None:
    _, planned, all_ = both(home, f"SELECT eventid FROM cloudtrail WHERE {condition}")
    assert planned == all_ or condition.startswith("NOT")


STATEMENTS = [
    ("SELECT a.eventid, b.eventid FROM cloudtrail a LEFT JOIN cloudtrail b ON a.eventid = b.eventid "
    "AND b.eventtime > '2023-06-01' WHERE a.eventtime > '2023-02-01'"),
    ("SELECT a.eventid FROM cloudtrail a LEFT JOIN cloudtrail b ON a.eventid = b.eventid "
    "WHERE b.eventtime > '2023-02-01'"),
    ("SELECT eventid FROM cloudtrail WHERE eventtime > '2023-11-01' UNION ALL "
    "SELECT eventid FROM cloudtrail WHERE eventtime < '2021-07-01'"),
    ("WITH t AS (SELECT * FROM cloudtrail WHERE eventtime > '2023-01-01') SELECT eventid FROM t "
    "WHERE eventtime < '2023-01-05'"),
    ("SELECT eventid FROM cloudtrail WHERE eventname IN (SELECT eventname FROM cloudtrail "
    "WHERE eventtime > '2026-01-01')"),
    ("SELECT eventid FROM cloudtrail a WHERE eventtime > '2023' AND NOT EXISTS (SELECT 1 FROM cloudtrail b "
    "WHERE b.eventname = a.eventname AND b.eventtime < '2023-01-01')"),
]  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS)
def test_joins_and_subqueries_lose_nothing(home: Home, statement: str) -> None:
    rows, _, _ = both(home, statement)
    assert rows


_operator = st.sampled_from(["<", "<=", ">", ">=", "=", "<>"])
_time = st.one_of(
    st.sampled_from(TIMES),
    st.sampled_from(TIMES).map(lambda t: t[:10]),
    st.sampled_from(TIMES).map(lambda t: t[:19].replace("T", " ")),
    st.sampled_from(TIMES).map(lambda t: t[:7]),
    st.sampled_from(TIMES).map(lambda t: t[:11] + "%"),
)
_subject = st.sampled_from(
    ["eventtime", "substr(eventtime, 1, 10)", "substr(eventtime, 1, 7)", "CAST(eventtime AS varchar)"]
)
_day = st.sampled_from(TIMES).map(lambda t: t[:10].replace("-", "/"))
_simple = st.one_of(
    st.builds("{} {} '{}'".format, _subject, _operator, _time),
    st.builds("eventtime BETWEEN '{}' AND '{}'".format, _time, _time),
    st.builds("date_partition {} '{}'".format, _operator, _day),
    st.builds("date_trunc('month', eventtime) {} timestamp '{}'".format, _operator,
              st.sampled_from(TIMES).map(lambda t: t[:10] + " 00:00:00")),
    st.builds("year {} '{}'".format, _operator, st.sampled_from(["2021", "2022", "2023", "2026"])),
    st.builds("eventname {} '{}'".format, _operator, st.sampled_from(["scan", "Scan", "GetObject", "A",
        "z"])),
    st.builds("readonly = {}".format, st.booleans()),
)  # fmt: skip
_condition = st.recursive(
    _simple,
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=4,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=_condition)
def test_any_condition_loses_nothing(home: Home, condition: str) -> None:
    both(home, f"SELECT eventid FROM cloudtrail WHERE {condition}")


def test_one_plan_for_all_mentions_of_a_table() -> None:
    statement = transpile(
        "SELECT * FROM cloudtrail a JOIN cloudtrail_logs b ON a.eventid = b.sharedeventid "
        "WHERE a.eventtime > '2023-01-01' AND b.eventtime > '2022-01-01'"
    )
    assert list(statement.tables) == ["cloudtrail"]
    assert "Or" in str(statement.tables["cloudtrail"])
