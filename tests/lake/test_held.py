"""What is kept of files says the same as their records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest

from ashiato.formats.entities import entity_hash
from ashiato.lake.held import SOUGHT, calling, during, has_records, newest_record, skipping, split
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import everything
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.table_plan import TablePlan
from ashiato.trace.openings import CLOSING, OPENING
from ashiato.trace.origins import _CREATING
from lake.homes import ACCOUNT, DAY, OTHER, event, events, flow_lines, take_in, write_events, write_flows

SKIPPED = "eni-000000000000000ff"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PinnedLake]:
    """A file for each of 40 days, among which are one user's making, one data event and one window left out."""
    folder = tmp_path_factory.mktemp("held")
    random = Random(11)
    at = DAY + timedelta(days=9, hours=3)
    records = [e for e in events(random, 200, days=40) if e["eventName"] != "RunInstances"]
    records += [
        event(random, at, eventName="CreateUser", recipientAccountId=ACCOUNT),
        event(random, at, eventCategory="Data", recipientAccountId=OTHER),
    ]
    write_events(folder / "logs", records)
    start = int(at.timestamp())
    left_out = f"2 {ACCOUNT} {SKIPPED} - - - - - - - {start} {start + 59} - SKIPDATA"
    write_flows(folder / "logs", [*flow_lines(random, 100, days=20), left_out])
    take_in(folder / "home", folder / "logs")
    with Home.open_for_reading(folder / "home") as home, PinnedLake(home) as pinned:
        yield pinned


def files_where(plan: TablePlan, condition: str) -> set[str]:
    source = relation(plan.files, plan.iceberg_schema)
    with reading() as connection:
        rows = connection.execute(f"SELECT DISTINCT filename FROM {source} WHERE {condition}").fetchall()
    return {path for (path,) in rows}


@pytest.mark.parametrize("accounts", [[ACCOUNT], [OTHER], [ACCOUNT, OTHER], ["999999999999"], []])
def test_the_newest_record_of_accounts(lake: PinnedLake, accounts: list[str]) -> None:
    plan = lake.plan("cloudtrail", everything())
    with reading() as connection:
        source = relation(plan.files, plan.iceberg_schema)
        sql = f"SELECT max(eventTime) FROM {source} WHERE list_contains($1::VARCHAR[], recipientAccountId)"
        [(newest,)] = connection.execute(sql, [accounts]).fetchall()
    assert newest_record(plan, accounts) == newest
    assert has_records(plan, accounts) == (newest is not None)
    assert has_records(plan, accounts, data_events=True) == (OTHER in accounts)
    assert len(plan.files) > 30


def test_files_of_rare_records_are_all_that_are_chosen(lake: PinnedLake) -> None:
    events_, flows = lake.plan("cloudtrail", everything()), lake.plan("vpc_flow_logs", everything())
    assert set(calling(events_, ["CreateUser"]).files) == files_where(events_, "eventName = 'CreateUser'")
    assert calling(events_, ["CreateRole"]).files == ()
    known, other = entity_hash("interface", SKIPPED), entity_hash("interface", "eni-00000000000000001")
    assert set(skipping(flows, [other, known]).files) == files_where(flows, "log_status = 'SKIPDATA'")
    assert skipping(flows, [other]).files == ()
    assert {*OPENING, *CLOSING, *(name for names in _CREATING.values() for name in names)} <= set(SOUGHT)


@pytest.mark.parametrize("oldest", [True, False])
def test_spans_are_cut_without_a_moment_lost(lake: PinnedLake, oldest: bool) -> None:
    spans = [(DAY + timedelta(days=d), DAY + timedelta(days=d, hours=30)) for d in range(0, 40, 2)]
    plan = during(lake.plan("cloudtrail", everything()), spans)
    first, rest = split(plan, spans, 8, oldest=oldest)
    assert 8 <= len(during(plan, first).files) < len(plan.files) / 2
    whole = sum((last - start for start, last in spans), timedelta())
    cut = sum((last - start for start, last in [*first, *rest]), timedelta())
    assert timedelta() <= whole - cut <= timedelta(microseconds=1)
    assert (max(first) < min(rest)) if oldest else (min(first) > max(rest))
    assert split(plan, spans, 40, oldest=oldest) == (spans, [])
