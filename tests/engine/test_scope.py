"""A limited user's SQL: the answer is that of a lake in which nobody else's records ever were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ashiato.core.errors import AshiatoError, QueryRefused
from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.engine import Limits, explain, run
from ashiato.engine.names import VIEWS
from engine.home import Home

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
#: What says whose a row is.
ACCOUNT = {
    "cloudtrail": "recipientAccountId",
    "config_items": "awsAccountId",
    "vpc_flow_logs": "account_id",
    "footprints": "account",
}
AT = datetime(2026, 11, 10, tzinfo=UTC)
#: Of the first account alone every name is a number; an error would tell of the others' rows.
NAMES = {ONE: "17", TWO: "secret-of-two", THREE: "secret-of-three", None: "secret-of-nobody"}


def rows() -> dict[str, list[dict[str, Any]]]:
    """Records of three accounts and of none, in the same files; second copies, a corrected event."""
    made: dict[str, list[dict[str, Any]]] = {name: [] for name in [*ACCOUNT, "quarantine"]}
    for number, account in zip(range(32), cycle([ONE, TWO, THREE, None]), strict=False):
        at, name = AT + timedelta(hours=number), NAMES[account]
        made["cloudtrail"].append(
            {
                "eventID": f"e-{number}", "recipientAccountId": account, "eventName": name, "eventTime": at,
                "eventSource": "iam.amazonaws.com", "variant": number % 5 // 4, "awsRegion": f"r-{number % 3}",
                "userIdentity": {"type": "IAMUser", "userName": name, "accountId": account},
                "requestParameters": f'{{"name": "{name}", "n": {number}}}', "entities": [number % 4],
            }
        )  # fmt: skip
        made["config_items"].append(
            {
                "awsAccountId": account, "resourceId": f"i-{number}", "resourceName": name, "ARN": f"arn:{name}",
                "resourceType": "AWS::EC2::Instance", "configurationItemCaptureTime": at, "variant": number % 5 // 4,
                "configuration": f'{{"name": "{name}"}}', "tags": f'{{"owner": "{name}"}}',
            }
        )  # fmt: skip
        made["vpc_flow_logs"].append(
            {
                "account_id": account, "interface_id": name, "srcaddr": "10.0.0.1", "dstaddr": "192.0.2.1",
                "bytes": number, "packets": 1, "start": int(at.timestamp()), "end": int(at.timestamp()) + 60,
                "action": "ACCEPT",
            }
        )  # fmt: skip
        made["footprints"].append(
            {"entity": name, "kind": "name", "account": account, "role": "actor", "table": "cloudtrail",
             "day": at.date(), "first": at, "last": at, "count": number, "hours": 1}
        )  # fmt: skip
    made["quarantine"].append(
        {"id": "q", "object": "secret-object", "reason": "damaged", "content": b"secret"}
    )
    return made


@pytest.fixture(scope="module")
def lake_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[AccountScope], Home]:
    """A lake that holds a scope's records and no other."""

    @cache
    def make(scope: AccountScope) -> Home:
        home = Home(tmp_path_factory.mktemp("lake"))
        for table, all_rows in rows().items():
            kept = [r for r in all_rows if not scope.limited or scope.allows(r.get(ACCOUNT.get(table, "-")))]
            for part in (kept[:20], kept[20:]):
                if part:
                    home.append(table, part)
        return home

    return make


def answer(home: Home, sql: str, scope: AccountScope, dialect: Any = "athena") -> tuple[Any, ...]:
    """Names, types and rows; or which error, in which words."""
    try:
        got = run(
            sql, home.planner(["e-0", "e-1"]), dialect=dialect, scope=scope, limits=Limits(threads=1), now=AT
        )
    except AshiatoError as error:
        return type(error).__name__, error.what
    return got.schema.names, list(map(str, got.schema.types)), Counter(map(repr, got.to_pylist()))


NAME_OF = {
    "cloudtrail": "eventname", "cloudtrail_all": "eventname", "config_items": "resourcename",
    "config_items_all": "resourcename", "vpc_flow_logs": "interface_id", "footprints": "entity",
    "quarantine": "object",
}  # fmt: skip
SHOWN = (
    "*", "count(*)", "{name}, count(*) n", "min({name}) a, max({name}) z", "count(distinct {name}) n",
    "array_agg({name} ORDER BY {name}) names", "cast({name} AS integer) n", "approx_distinct({name}) n",
    "{name}, row_number() OVER (ORDER BY {name}) n",
)  # fmt: skip
WHERE = (
    "", "WHERE {name} LIKE 'secret%'", "WHERE {name} IS NULL OR {name} <> '17'", "WHERE NOT ({name} = '17')",
    "WHERE cast({name} AS integer) > 3", "WHERE {name} IN (SELECT {name} FROM {table})",
    "WHERE length({name}) / (length({name}) - 13) > 0", "WHERE 1 = 1 OR true",
    "WHERE {name} NOT IN (SELECT entity FROM footprints WHERE entity IS NOT NULL)",
)  # fmt: skip
FORMS = (
    "SELECT {shown} FROM {table} {where}{group}",
    "WITH w AS (SELECT * FROM {table} {where}) SELECT {shown} FROM w{group}",
    "SELECT {shown} FROM {table} {where}{group} UNION ALL SELECT {shown} FROM {table}{group}",
)
SCOPES = [AccountScope.of(a) for a in ([], [ONE], [TWO], [ONE, THREE], ["999999999999"])]


@st.composite
def statements(draw: st.DrawFn) -> str:
    table = draw(st.sampled_from(sorted(VIEWS)))
    shown, where = draw(st.sampled_from(SHOWN)), draw(st.sampled_from(WHERE))
    group = " GROUP BY 1" if ", count" in shown else ""
    names = {"table": table, "name": NAME_OF[table]}
    form = draw(st.sampled_from(FORMS))
    return form.format(shown=shown.format(**names), where=where.format(**names), group=group, **names)


CAST = "SELECT count(*) n FROM cloudtrail WHERE cast(eventname AS integer) = 17"


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sql=statements(), scope=st.sampled_from(SCOPES), dialect=st.sampled_from(["athena", "duckdb"]))
@example(sql=CAST, scope=SCOPES[1], dialect="duckdb")
@example(sql="SELECT * FROM cloudtrail_all", scope=SCOPES[3], dialect="athena")
@example(sql="SELECT * FROM config_items_all", scope=SCOPES[1], dialect="athena")
@example(sql="SELECT * FROM quarantine", scope=SCOPES[3], dialect="athena")
@example(sql="SELECT entity, sum(count) n FROM footprints GROUP BY 1", scope=SCOPES[0], dialect="athena")
def test_a_scoped_query_answers_as_a_lake_of_these_accounts_alone(
    lake_of: Callable[[AccountScope], Home], sql: str, scope: AccountScope, dialect: str
) -> None:
    of_all = answer(lake_of(EVERY_ACCOUNT), sql, scope, dialect)
    assert of_all == answer(lake_of(scope), sql, EVERY_ACCOUNT, dialect)


def test_the_scope_is_not_vain(lake_of: Callable[[AccountScope], Home]) -> None:
    """Everything that the property leaves out is there for somebody who may see all."""
    home = lake_of(EVERY_ACCOUNT)
    for table, name in NAME_OF.items():
        whole = answer(home, f"SELECT {name} FROM {table}", EVERY_ACCOUNT)
        assert "secret" in repr(whole)
        assert "secret" not in repr(answer(home, f"SELECT {name} FROM {table}", SCOPES[1]))
    assert answer(home, CAST, EVERY_ACCOUNT, "duckdb")[0] == "QueryRefused"


def test_an_explained_statement_of_a_limited_user_counts_nobodys_files(
    lake_of: Callable[[AccountScope], Home],
) -> None:
    planner = lake_of(EVERY_ACCOUNT).planner()
    assert explain("SELECT * FROM cloudtrail", planner).tables
    limited = explain("SELECT * FROM cloudtrail", planner, scope=SCOPES[1])
    assert limited.tables == ()
    assert "secret" not in limited.sql


@pytest.mark.parametrize("dialect", ["athena", "duckdb"])
@pytest.mark.parametrize(
    "way",
    [
        "read_parquet('{file}')", "parquet_scan('{file}')", "'{file}'", '"{file}"', "parquet_metadata('{file}')",
        "parquet_schema('{file}')", "read_blob('{file}')", "read_text('{file}')", "glob('{folder}/**')",
        "duckdb_views()", "duckdb_tables()", "duckdb_columns()", "information_schema.views", "pg_catalog.pg_views",
        "pg_views", "sqlite_master", "query('FROM cloudtrail')", "query_table('cloudtrail')",
        "system.information_schema.tables", "read_csv('{file}')", "sniff_csv('{file}')",
        "iceberg_scan('{folder}')", "memory.main.sqlite_master",
    ],
)  # fmt: skip
def test_nothing_reads_the_files_beside_the_tables(
    lake_of: Callable[[AccountScope], Home], way: str, dialect: Any
) -> None:
    home = lake_of(EVERY_ACCOUNT)
    file = next(Path(home.folder, "lake").rglob("*.parquet"))
    where = way.format(file=file, folder=home.folder)
    with pytest.raises(QueryRefused) as refused:
        run(f"SELECT * FROM {where}", home.planner(), dialect=dialect, scope=SCOPES[1], now=AT)
    assert "secret" not in refused.value.what
    sub = f"SELECT * FROM cloudtrail WHERE eventname IN (SELECT a FROM {where} AS t(a))"
    with pytest.raises(QueryRefused):
        run(sub, home.planner(), dialect=dialect, scope=SCOPES[1], now=AT)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT filename FROM cloudtrail", "SELECT file_row_number FROM cloudtrail",
        "SELECT rowid FROM cloudtrail", "SELECT getvariable('x') FROM cloudtrail",
        "SELECT stats(eventName) FROM cloudtrail", "SELECT current_setting('allowed_paths')",
        "SELECT current_query()", "SUMMARIZE cloudtrail", "DESCRIBE cloudtrail", "EXPLAIN SELECT * FROM cloudtrail",
        "PRAGMA table_info('cloudtrail')", "FROM duckdb_settings()", "SHOW TABLES",
    ],
)  # fmt: skip
def test_nothing_tells_of_the_files_beside_the_tables(
    lake_of: Callable[[AccountScope], Home], sql: str
) -> None:
    for dialect in ("athena", "duckdb"):
        got = answer(lake_of(EVERY_ACCOUNT), sql, SCOPES[1], dialect)
        assert len(got) == 2, got
        assert "secret" not in got[1]
        assert ".parquet" not in got[1]


def test_an_error_message_holds_nothing_of_others(lake_of: Callable[[AccountScope], Home]) -> None:
    """Errors name the value that they met: here only one's own."""
    sql = "SELECT cast(entity || 'x' AS integer) FROM footprints"
    kind, words = answer(lake_of(EVERY_ACCOUNT), sql, SCOPES[1], "duckdb")
    assert "17x" in words
    assert kind == "QueryRefused"
    assert "secret" not in words


def test_rows_that_a_limit_counts_are_ones_own(lake_of: Callable[[AccountScope], Home]) -> None:
    planner = lake_of(EVERY_ACCOUNT).planner()
    got = run("SELECT * FROM vpc_flow_logs", planner, scope=SCOPES[1], limits=Limits(rows=8), now=AT)
    assert got.num_rows == 8
