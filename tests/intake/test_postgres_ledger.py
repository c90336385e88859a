"""The control database on a real PostgreSQL server: the same schema, the same promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from ashiato.core.errors import AshiatoError, HomeNewer
from ashiato.intake.coverage import coverage
from ashiato.lake.home import Home
from ashiato.lake.writer import LakeWriter
from ashiato.ledger import Ledger
from ashiato.ledger import tables as t
from ashiato.ledger.database import REVISIONS
from ashiato.ledger.listings import LedgerListings
from intake.small_objects import write_small_objects
from intake.taking_in import balanced, collect, ledger_rows, write, write_events
from intake.test_coverage import log_key, put_digest
from intake.test_variants import an_event, with_context
from postgres_server import Server

pytestmark = pytest.mark.needs_postgres


def test_an_empty_database_is_migrated_and_a_newer_one_refused(postgres: Server) -> None:
    url = postgres.url()
    with pytest.raises(AshiatoError, match="must be migrated"):
        Ledger(url, migrate=False)
    ledger = Ledger(url, migrate=True)
    assert ledger.revision() == REVISIONS[-1]
    assert set(sa.inspect(ledger.engine).get_table_names()) == {*t.metadata.tables, "alembic_version"}
    with ledger.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    ledger.close()
    with pytest.raises(HomeNewer):
        Ledger(url, migrate=True)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_migrations_make_what_the_code_describes(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    url = f"sqlite:///{tmp_path}/x.db" if kind == "sqlite" else request.getfixturevalue("postgres").url()
    ledger = Ledger(url, migrate=True)
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, t.metadata) == []
    ledger.close()


def test_times_keep_their_moment_whatever_the_zones(postgres: Server, tmp_path: Path) -> None:
    moment = datetime(2026, 10, 1, 9, 30, tzinfo=timezone(timedelta(hours=9)))
    for url in (postgres.url(), f"sqlite:///{tmp_path}/x.db"):
        ledger = Ledger(url, migrate=True)
        with ledger.begin() as connection:
            for number, value in enumerate((moment, moment.astimezone(UTC), datetime(2026, 10, 1, 0, 30))):  # noqa: DTZ001
                connection.execute(
                    sa.insert(t.dirty_days).values(table_name="x", day=str(number), settled_at=value, dirty=0)
                )
        rows = ledger.rows(sa.select(t.dirty_days.c.settled_at).where(t.dirty_days.c.settled_at == moment))
        assert [value for (value,) in rows] == [moment] * 3
        ledger.close()


def test_a_whole_collection_with_late_copies_digests_and_quarantine(postgres: Server, tmp_path: Path) -> None:
    made = write_small_objects(tmp_path / "logs", objects=60, seed=8)
    put_digest(tmp_path / "logs", 0, [log_key(0)])
    write_events(tmp_path / "logs" / "z.json", [an_event(1), with_context(an_event(1))])
    write(tmp_path / "logs" / "bad", b"\x00\xff\x00")
    home, url = tmp_path / "home", postgres.url()
    report = collect(home, tmp_path / "logs", ledger_url=url)
    found = balanced(report, records=made.offered_events + made.offered_flows + made.items + 3)
    assert found["records"]["cloudtrail"] == len(made.events) + 1
    assert found["variants"] == 1
    again = collect(home, tmp_path / "logs", ledger_url=url)
    assert (again.taken, again.already) == (0, report.seen)
    assert not (home / "ledger.db").exists()
    with Home.open_for_reading(home, ledger_url=url) as opened:
        covered = coverage(opened)
    assert {s["log"] for s in covered["sources"]} == {"cloudtrail", "config_items", "vpc_flow_logs", "digest"}
    assert covered["sources"][0]["objects_a_day"] > 0
    assert [g["why"].endswith("never came") for g in covered["gaps"]] == [True]


def test_an_interrupted_group_is_finished(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_small_objects(tmp_path / "logs", objects=20, seed=8)
    home, url = tmp_path / "home", postgres.url()
    real = LakeWriter.step
    seen: list[str] = []

    def step(writer: LakeWriter, name: str) -> None:
        real(writer, name)
        seen.append(name)
        if seen.count("snapshot") == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LakeWriter, "step", step)
        with pytest.raises(KeyboardInterrupt):
            collect(home, tmp_path / "logs", ledger_url=url)
    report = collect(home, tmp_path / "logs", ledger_url=url)
    balanced(report, records=made.offered_events + made.offered_flows + made.items)
    states = ledger_rows(home, sa.select(t.batches.c.state).distinct(), url)
    assert states == [("committed",)]


def test_what_records_hold_cannot_stop_the_ledger(postgres: Server, tmp_path: Path) -> None:
    """PostgreSQL refuses NUL and text too long for its column; a record may hold both."""
    home, url = tmp_path / "home", postgres.url()
    hostile = an_event(1, awsRegion="r" * 100, recipientAccountId="9" * 50)
    torn = {"eventVersion": "1.08", "eventID": "1", "eventTime": "\x00 not a time"}
    addendum = an_event(2, addendum={"reason": "UPDATED_DATA", "originalEventID": "x" * 500})
    for number, record in enumerate((hostile, torn, addendum)):
        write_events(tmp_path / "logs" / f"{number}.json", [record])
    put_digest(tmp_path / "logs", 0, ["k" * 3000, "two\x00"], bucket="b" * 500)
    report = collect(home, tmp_path / "logs", ledger_url=url)
    balanced(report, records=3)
    assert report.quarantined_records == 1


def test_one_database_is_one_homes(postgres: Server, tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.json", [an_event(1)])
    url = postgres.url()
    collect(tmp_path / "one", file, ledger_url=url)
    with pytest.raises(AshiatoError, match="another home"):
        collect(tmp_path / "two", file, ledger_url=url)
    assert collect(tmp_path / "one", file, ledger_url=url).already == 1


def test_where_listings_stand_and_what_they_cost(postgres: Server) -> None:
    ledger = Ledger(postgres.url(), migrate=True)
    listings = LedgerListings(ledger)
    listings.save("s", {"a/100%_x/": "1", "b/": "2"})
    listings.save("s", {"a/100%_x/": "3"})
    assert listings.states("s", "a/100%_") == {"a/100%_x/": "3"}
    day = datetime(2026, 10, 1, tzinfo=UTC).date()
    listings.add_requests("s", day, {"first": 2})
    listings.add_requests("s", day, {"first": 3, "again": 1})
    assert listings.requests("s", day) == {"first": 5, "again": 1}
    ledger.close()


def test_the_command_takes_the_setting(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.command import Command

    monkeypatch.setenv("ASHIATO_LEDGER_URL", postgres.url())
    monkeypatch.setenv("ASHIATO_HOME", str(tmp_path / "home"))
    ashiato = Command(monkeypatch)
    assert ashiato("collect", write_events(tmp_path / "a.json", [an_event(1)])).status == 0
    assert ashiato("sources", "--json").json["sources"][0]["objects"] == 1
    assert ashiato("query", "SELECT count(*) n FROM cloudtrail", "--json").json == [{"n": 1}]
    assert not (tmp_path / "home" / "ledger.db").exists()
