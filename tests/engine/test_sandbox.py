"""Ways out of a query: files, writing, settings, several statements, bombs. Each ends in a clear error."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pytest

from ashiato.core.errors import QueryRefused, QueryStopped
from ashiato.engine import Limits, run
from ashiato.engine.sandbox import ChildFailed, Request, Sandbox
from engine.expect import Ask
from engine.home import Home

REFUSED = [
    # writing
    "COPY cloudtrail TO '/tmp/out.parquet'",
    "COPY (SELECT 1) TO '/tmp/out.csv'",
    "EXPORT DATABASE '/tmp/out'",
    "IMPORT DATABASE '/tmp/out'",
    "CREATE TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW cloudtrail AS SELECT 1",
    "DROP VIEW cloudtrail",
    "INSERT INTO cloudtrail SELECT * FROM cloudtrail",
    "DELETE FROM cloudtrail",
    "UPDATE cloudtrail SET eventname = 'x'",
    "SELECT 1 INTO t",
    "MERGE INTO cloudtrail USING vpcflow ON true WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE cloudtrail",
    "WITH x AS (DELETE FROM cloudtrail RETURNING *) SELECT * FROM x",
    # other databases and extensions
    "ATTACH '/tmp/x.db' AS x",
    "ATTACH ':memory:' AS x",
    "DETACH memory",
    "USE memory",
    "INSTALL httpfs",
    "LOAD '/tmp/x.duckdb_extension'",
    "LOAD httpfs",
    "FORCE INSTALL inet FROM community",
    "CREATE SECRET s (TYPE S3)",
    # settings
    "SET threads = 8",
    "SET enable_external_access = true",
    "RESET allowed_paths",
    "PRAGMA database_list",
    "PRAGMA version",
    "CALL pragma_version()",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "DESCRIBE cloudtrail",
    "SUMMARIZE cloudtrail",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE SELECT 1",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN TRANSACTION",
    "SET VARIABLE x = 1",
    "CREATE MACRO m() AS 1",
    "CREATE TYPE t AS ENUM ('a')",
    "CREATE SEQUENCE s",
    "SELECT current_setting('allowed_paths')",
    "SELECT current_setting('temp_directory')",
    "SELECT getvariable('x')",
    "SELECT getenv('HOME')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_views()",
    "SELECT sql FROM duckdb_views",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM duckdb_functions()",
    "SELECT * FROM pragma_database_size()",
    "SELECT * FROM pragma_table_info('cloudtrail')",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM information_schema.tables",
    "SELECT view_definition FROM information_schema.views",
    "SELECT * FROM pg_catalog.pg_views",
    "SELECT pg_get_viewdef(1)",
    "SELECT current_query()",
    "SELECT * FROM which_secret('s3://x', 's3')",
    "SELECT write_log('x')",
    "SELECT nextval('s')",
    # files and the network
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_ndjson_objects('/etc/passwd')",
    "SELECT * FROM read_parquet('x.parquet')",
    "SELECT * FROM parquet_scan('x.parquet')",
    "SELECT * FROM parquet_metadata('x.parquet')",
    "SELECT * FROM parquet_file_metadata('x.parquet')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM 'x.parquet'",
    "SELECT * FROM '/etc/passwd'",
    'SELECT * FROM "/etc/passwd"',
    'SELECT * FROM "x.csv"',
    "SELECT * FROM 'https://example.com/x.parquet'",
    "SELECT * FROM read_parquet('https://example.com/x.parquet')",
    "SELECT * FROM read_parquet('s3://bucket/key')",
    "SELECT * FROM \"read_text\"('/etc/passwd')",
    "SELECT \"current_setting\"('threads')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('cloudtrail')",
    "SELECT * FROM json_execute_serialized_sql('{}')",
    "SELECT json_serialize_sql('SELECT 1')",
    "SELECT * FROM sql_auto_complete('SEL')",
    "SELECT * FROM sql",  # names that a replacement scan would find in the running program
    "SELECT * FROM request",
    "SELECT * FROM connection",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM python_map_function(1)",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT 1 WHERE EXISTS (SELECT * FROM glob('/*'))",
    "WITH t AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM t",
    "SELECT main.read_text('/etc/passwd')",
    "SELECT * FROM system.main.duckdb_settings()",
    "SELECT c.* FROM cloudtrail c, LATERAL read_text('/etc/passwd')",
    "SELECT * FROM cloudtrail CROSS JOIN LATERAL (SELECT * FROM glob('/*'))",
    "SELECT * FROM register_external_resource('x')",
    "SELECT ashiato_day(1)",
    "SELECT filename FROM cloudtrail",
    "SELECT file_row_number FROM cloudtrail",
    # several statements, and text that hides one
    "SELECT 1; DROP VIEW cloudtrail",
    "SELECT 1; SELECT 2",
    "SELECT 1;/* x */COPY (SELECT 1) TO '/tmp/x'",
    "SELECT 1 -- x\n; ATTACH '/tmp/x.db'",
    "/* SELECT 1 */ ATTACH '/tmp/x.db'",
    "-- SELECT\nSET threads = 1",
    "PIVOT cloudtrail ON awsregion",
    "FROM read_text('/etc/passwd')",
    "TABLE duckdb_settings",
    "SELECT $1",
    "SELECT ?",
    "",
    ";",
]


@pytest.mark.parametrize("dialect", ["athena", "duckdb"])
@pytest.mark.parametrize("statement", REFUSED)
def test_ways_out_are_refused(
    home: Home, statement: str, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before a child sees it: nothing here may depend on the child's own locks."""
    monkeypatch.setattr(Sandbox, "run", lambda *_: pytest.fail("the statement reached the child"))
    with pytest.raises(QueryRefused) as caught:
        run(statement, home.planner(), dialect=dialect)  # type: ignore[arg-type]
    assert str(home.folder) not in str(caught.value)


#: What the child must refuse by itself, were the guard to let it through.
LOCKED = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/hostname')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_parquet('{folder}/secret.parquet')",
    "SELECT * FROM read_parquet('{folder}/link.parquet')",
    "SELECT * FROM read_parquet('{folder}/allowed/../secret.parquet')",
    "SELECT * FROM '{folder}/secret.parquet'",
    "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "COPY (SELECT 1) TO '{folder}/out.parquet'",
    "COPY (SELECT 1 AS x) TO '{folder}/allowed.parquet' (USE_TMP_FILE false)",
    "EXPORT DATABASE '{folder}/out'",
    "ATTACH '{folder}/x.db' AS x",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET allowed_paths",
    "SET temp_directory = '/tmp'",
    "PRAGMA enable_profiling",
    "CREATE VIEW v AS SELECT 1",
    "SELECT getenv('HOME')",
    "SELECT * FROM request",
    "SELECT 1; SELECT 2",
]


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """A folder with one planned file, one that is not, and a link to that one."""
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "allowed.parquet")
    pq.write_table(pa.table({"x": ["secret"]}), tmp_path / "secret.parquet")
    (tmp_path / "link.parquet").symlink_to(tmp_path / "secret.parquet")
    return tmp_path


@pytest.mark.parametrize("statement", LOCKED)
def test_the_child_is_locked_without_the_guard(planned: Path, statement: str) -> None:
    before = {p.name: p.read_bytes() for p in planned.iterdir()}
    request = Request(statement.format(folder=planned), [], [str(planned / "allowed.parquet")])
    with Sandbox() as child, pytest.raises((ChildFailed, QueryStopped)):
        child.run(request, Limits(seconds=10))
    assert {p.name: p.read_bytes() for p in planned.iterdir()} == before


def test_the_child_reads_planned_files(planned: Path) -> None:
    path = planned / "allowed.parquet"
    with Sandbox() as child:
        answer = child.run(
            Request(f"SELECT sum(x) AS s FROM read_parquet('{path}')", [], [str(path)]), Limits()
        )
    assert answer.to_pylist() == [{"s": 3}]


def test_the_child_holds_no_credentials_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-leak")
    monkeypatch.setenv("ASHIATO_TOKEN", "do-not-leak")
    with Sandbox() as child:
        pid = child._process.pid
        environment = Path(f"/proc/{pid}/environ")
        if environment.exists():
            deadline = time.monotonic() + 5
            while (
                b"child.py" not in Path(f"/proc/{pid}/cmdline").read_bytes() and time.monotonic() < deadline
            ):
                time.sleep(0.01)
            assert b"do-not-leak" not in environment.read_bytes()
            assert b"AWS_" not in environment.read_bytes()


BOMBS = [
    "SELECT repeat('a', 2000000000)",
    "SELECT length(lpad('x', 2147483647, 'y'))",
    "SELECT cardinality(sequence(1, 1000000000))",
    "SELECT count(*) FROM UNNEST(sequence(1, 100000000)) t(x) CROSS JOIN UNNEST(sequence(1, 100000)) u(y)",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    ("SELECT count(*) FROM cloudtrail a, cloudtrail b, cloudtrail c, cloudtrail d, cloudtrail e"),
    "SELECT array_agg(a.eventid || b.eventid || c.eventid) FROM cloudtrail a, cloudtrail b, cloudtrail c",
    "SELECT a.*, b.* FROM cloudtrail a, cloudtrail b, vpcflow c ORDER BY a.eventid || b.eventid || c.srcaddr",
    "SELECT DISTINCT a.eventid || b.eventid || c.eventid FROM cloudtrail a, cloudtrail b, cloudtrail c",
    "SELECT array_join(transform(sequence(1, 100000000), x -> cast(x AS varchar)), ',')",
    "SELECT regexp_replace(repeat('a', 1000000), '(a*)*b', repeat('x', 1000)) FROM UNNEST(sequence(1, 9999))",
]


@pytest.mark.parametrize("statement", BOMBS)
def test_bombs_end_in_time(ask: Ask, statement: str) -> None:
    start = time.monotonic()
    with pytest.raises((QueryStopped, QueryRefused)) as caught:
        ask(statement, seconds=3, memory_mb=256, disk_mb=64, rows=1000, answer_mb=16)
    assert time.monotonic() - start < 8
    assert "--max-" in str(caught.value) or isinstance(caught.value, QueryRefused)


def test_deep_nesting_is_refused_plainly(ask: Ask) -> None:
    for statement in ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT " + "NOT " * 20000 + "true"):
        with pytest.raises((QueryRefused, QueryStopped)):
            ask(statement)


def test_a_spilling_query_stays_within_its_disk(ask: Ask) -> None:
    with pytest.raises(QueryStopped, match=r"--max-(disk|memory)"):
        ask(
            "SELECT x, md5(to_utf8(cast(x AS varchar))) FROM UNNEST(sequence(1, 5000000)) t(x) ORDER BY 2",
            memory_mb=96, disk_mb=1, seconds=30, rows=10_000_000,
        )  # fmt: skip


def test_rows_and_bytes_of_an_answer(ask: Ask) -> None:
    with pytest.raises(QueryStopped, match=r"more than 10 rows.*--max-rows"):
        ask("SELECT * FROM cloudtrail", rows=10)
    with pytest.raises(QueryStopped, match=r"larger than 1 MiB.*--max-answer"):
        ask("SELECT a.eventid, b.eventid FROM cloudtrail a CROSS JOIN cloudtrail b", answer_mb=1)
    assert ask("SELECT * FROM cloudtrail LIMIT 10", rows=10).num_rows == 10


def test_time_is_named_with_its_option(ask: Ask) -> None:
    with pytest.raises(QueryStopped, match=r"stopped after 1 seconds.*--max-seconds"):
        ask(
            "SELECT count(*) FROM UNNEST(sequence(1, 100000000)) t(x), UNNEST(sequence(1, 1000)) u(y)",
            seconds=1,
        )


def test_nothing_is_left_behind(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ask("SELECT count(*) FROM cloudtrail")
    with pytest.raises(QueryStopped):
        ask(
            "SELECT count(*) FROM cloudtrail a, cloudtrail b, cloudtrail c, cloudtrail d, cloudtrail e",
            seconds=0.8,
        )
    assert list(tmp_path.iterdir()) == []


def test_errors_of_the_database_do_not_name_files(home: Home, ask: Ask) -> None:
    with pytest.raises(QueryRefused) as caught:
        ask("SELECT cast(eventname AS array(bigint))[1] + strptime(eventname, 'x') FROM cloudtrail")
    assert str(home.folder) not in str(caught.value)
    assert ".parquet" not in str(caught.value)


def test_a_sandbox_started_early_is_used_once(home: Home) -> None:
    child = Sandbox()
    assert run("SELECT 1 AS x", home.planner(), sandbox=child).to_pylist() == [{"x": 1}]
    assert child._process.poll() is not None
