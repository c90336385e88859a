"""Quiet is told from silent, and each finding says what it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ashiato.core.settings import Settings, WatchedSource
from ashiato.intake.lags import LagBook, Place, kept_lags
from ashiato.intake.watched import ProcessState, write_watched
from ashiato.lake.home import Home
from ashiato.ledger import tables as t
from ashiato.ledger.finding_rows import from_row, to_row
from ashiato.ledger.findings import Finding
from ashiato.sources.live import SourceState
from ashiato.watch.habits import Habits
from ashiato.watch.silence import silent
from postgres_server import Server

#: A Wednesday.
NOW = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)
ACCOUNT = "111122223333"
HOUR = timedelta(hours=1)


class Estate:
    """A ledger with deliveries, and a source that was polled a minute ago."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.number = 0
        self.source: dict[str, Any] = {"name": "trail", "type": "s3", "bucket": "corp"}
        self.polled: datetime | None = NOW - timedelta(minutes=1)
        self.since = NOW - timedelta(days=40)

    def deliver(
        self, times: Iterable[datetime], *, log: str = "vpc_flow_logs", region: str = "us-east-1"
    ) -> None:
        rows = []
        for at in times:
            self.number += 1
            rows.append(
                {
                    "source": "s3://corp", "name": f"s3://corp/{self.number}", "file_name": f"{self.number}",
                    "log": log, "etag": "1", "size": 1, "delivered_at": at, "taken_at": at, "state": "taken",
                    "records": 1, "account": ACCOUNT, "region": region,
                }
            )  # fmt: skip
        with self.home.ledger.begin() as connection:
            connection.execute(sa.insert(t.objects), rows)

    def digests(self, ends: Iterable[datetime], region: str = "us-east-1") -> None:
        ends = list(ends)
        self.deliver([end + timedelta(minutes=40) for end in ends], log="digest", region=region)
        with self.home.ledger.begin() as connection:
            connection.execute(
                sa.insert(t.digests),
                [
                    {
                        "account": ACCOUNT, "region": region, "start": end - HOUR, "end": end, "bucket": "corp",
                        "key": f"{region}/{end.isoformat()}", "object": f"s3://corp/{region}/{end.isoformat()}",
                    }
                    for end in ends
                ],
            )  # fmt: skip

    def found(self, now: datetime = NOW, habits: Habits | None = None) -> list[Finding]:
        state = SourceState("trail", self.source["type"], since=self.since, last_poll=self.polled)
        write_watched(self.home.ledger, now, ProcessState(True, self.since), [(state, ["s3://corp"])])
        settings = Settings(home=self.home.folder, sources=[WatchedSource(**self.source)])
        return silent(self.home, settings, now, habits)


def every(step: timedelta, begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin <= end:
        yield begin
        begin += step


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    with Home.open_for_writing(tmp_path / "home", "test") as home:
        yield Estate(home)


def rests(findings: list[Finding]) -> list[tuple[str, str | None, str]]:
    return [(f.explanation["rests_on"], f.region, f.table) for f in findings]


def test_an_hour_whose_digest_came_is_quiet_however_long_no_events_come(estate: Estate) -> None:
    start = NOW - timedelta(days=30)
    estate.digests(every(HOUR, start, NOW - 2 * HOUR))
    estate.deliver(every(timedelta(minutes=5), start, NOW - timedelta(days=2)), log="cloudtrail")
    assert estate.found() == []


def test_where_the_digests_stay_away_it_is_silent_by_digest(estate: Estate) -> None:
    start = NOW - timedelta(days=2)
    last = (NOW - 5 * HOUR).replace(minute=0)
    estate.digests(every(HOUR, start.replace(minute=0), last))
    estate.digests(every(HOUR, start.replace(minute=0), NOW - 2 * HOUR), region="eu-west-1")
    [finding] = estate.found()
    assert rests([finding]) == [("digest", "us-east-1", "cloudtrail")]
    assert finding.kind == "silence"
    assert finding.first == last
    assert finding.explanation["silent_since"] == last.isoformat()
    assert finding.explanation["usual_gap"] == 3600
    assert finding.account == ACCOUNT
    # It is a finding like any other: it can be kept and read back.
    row = to_row(finding, live=True, changed_at=NOW)
    assert json.loads(row["group_json"])["source"] == "trail"
    assert from_row(type("Row", (), row)) == finding


def test_a_trail_that_ends_everywhere_is_one_finding_that_names_the_places(estate: Estate) -> None:
    start = (NOW - timedelta(days=2)).replace(minute=0)
    for region in ("us-east-1", "eu-west-1", "ap-northeast-1"):
        estate.digests(every(HOUR, start, NOW - 6 * HOUR), region=region)
    [finding] = estate.found()
    assert (finding.region, finding.explanation["rests_on"]) == (None, "digest")
    assert [r for _, r in finding.explanation["account_regions"]] == [
        "ap-northeast-1",
        "eu-west-1",
        "us-east-1",
    ]


def test_a_busy_account_region_without_digests_is_silent_against_its_habit(estate: Estate) -> None:
    start = NOW - timedelta(days=28)
    estate.deliver(every(timedelta(minutes=30), start, NOW - timedelta(hours=3)), region="us-east-1")
    estate.deliver(every(timedelta(minutes=30), start, NOW - timedelta(minutes=20)), region="eu-west-1")
    [finding] = estate.found()
    assert rests([finding]) == [("habit", "us-east-1", "vpc_flow_logs")]
    assert finding.explanation["usual_gap"] == 1800
    # The same silence keeps its uid; a short one is none.
    assert [f.uid for f in estate.found(NOW + timedelta(minutes=5))] == [finding.uid]


def test_a_night_and_a_weekend_that_were_always_silent_are_none(estate: Estate) -> None:
    """Deliveries from 8 to 18 on working days only."""
    start = datetime(2026, 10, 26, tzinfo=UTC)
    times = [at for at in every(timedelta(minutes=15), start, NOW) if at.weekday() < 5 and 8 <= at.hour < 18]
    estate.deliver(at for at in times if at < datetime(2026, 11, 20, 18, tzinfo=UTC))

    def at(day: int, hour: int) -> list[tuple[str, str | None, str]]:
        moment = datetime(2026, 11, day, hour, 30, tzinfo=UTC)
        estate.polled = moment
        return rests(estate.found(moment))

    assert at(20, 23) == []
    assert at(21, 12) == []
    assert at(22, 12) == []
    assert at(23, 7) == []
    # On Monday it should have begun again. All of the source is silent: one finding, of the source.
    assert at(23, 9) == [("habit", None, "vpc_flow_logs")]


def test_too_little_history_says_nothing_and_what_ended_long_ago_is_forgotten(estate: Estate) -> None:
    estate.deliver(every(timedelta(minutes=30), NOW - timedelta(days=5), NOW - timedelta(days=1)))
    start = NOW - timedelta(days=28)
    estate.deliver(
        every(timedelta(minutes=30), start, NOW - timedelta(days=15)), region="sa-east-1", log="config_items"
    )
    assert estate.found() == []


def test_a_setting_counts_all_that_the_source_delivers(estate: Estate) -> None:
    estate.source["silent_after"] = "2 hours"
    estate.deliver([NOW - 5 * HOUR, NOW - 3 * HOUR])
    [finding] = estate.found()
    assert rests([finding]) == [("setting", None, "vpc_flow_logs")]
    assert finding.level == "high"
    assert finding.explanation["threshold"] == 7200
    estate.deliver([NOW - HOUR], log="digest")
    assert estate.found() == []


def test_a_source_that_never_delivered_is_silent_by_setting(estate: Estate) -> None:
    estate.source["silent_after"] = "1 day"
    [finding] = estate.found()
    assert finding.first == estate.since
    estate.since = NOW - timedelta(hours=2)
    assert estate.found() == []


def test_what_could_not_be_asked_for_is_no_silence(estate: Estate) -> None:
    """The bucket could not be listed since four hours, or not at all since the start."""
    start = NOW - timedelta(days=28)
    estate.deliver(every(timedelta(minutes=10), start, NOW - 4 * HOUR))
    estate.polled = NOW - 4 * HOUR
    assert estate.found() == []
    estate.polled = None
    assert estate.found() == []
    estate.polled = NOW
    assert rests(estate.found()) == [("habit", None, "vpc_flow_logs")]


def test_what_is_pushed_counts_from_when_it_could_be_heard(estate: Estate) -> None:
    estate.source = {"name": "trail", "type": "firehose", "silent_after": "1 hour"}
    estate.polled = None
    estate.deliver([NOW - 5 * HOUR])
    estate.since = NOW - timedelta(minutes=30)
    assert estate.found() == []
    estate.since = NOW - 2 * HOUR
    [finding] = estate.found()
    assert finding.first == NOW - 2 * HOUR


def test_sources_that_are_not_watched_are_not_judged(estate: Estate) -> None:
    start = NOW - timedelta(days=28)
    estate.deliver(every(timedelta(minutes=10), start, NOW - 4 * HOUR))
    assert silent(estate.home, Settings(home=estate.home.folder), NOW) == []
    estate.source["enabled"] = False
    assert estate.found() == []


def test_habits_that_are_kept_see_new_deliveries_at_once(estate: Estate) -> None:
    habits = Habits()
    start = NOW - timedelta(days=28)
    estate.deliver(every(timedelta(minutes=10), start, NOW - 4 * HOUR))
    assert len(estate.found(NOW, habits)) == 1
    estate.deliver([NOW + timedelta(minutes=1)])
    estate.polled = NOW + timedelta(minutes=2)
    assert estate.found(NOW + timedelta(minutes=2), habits) == []


@pytest.mark.needs_postgres
def test_on_postgresql_it_is_the_same(postgres: Server, tmp_path: Path) -> None:
    with Home.open_for_writing(tmp_path / "home", "test", ledger_url=postgres.url()) as home:
        estate = Estate(home)
        start = NOW - timedelta(days=28)
        estate.deliver(every(timedelta(minutes=30), start, NOW - timedelta(hours=3)), region="us-east-1")
        estate.deliver(every(timedelta(minutes=30), start, NOW - timedelta(minutes=20)), region="eu-west-1")
        estate.digests(every(HOUR, (NOW - timedelta(days=2)).replace(minute=0), NOW - 6 * HOUR))
        found = estate.found()
        assert sorted(rests(found)) == [
            ("digest", "us-east-1", "cloudtrail"), ("habit", "us-east-1", "vpc_flow_logs"),
        ]  # fmt: skip
        book = LagBook()
        for _ in range(2):
            book.observe(Place("s3://corp", "cloudtrail"), "evaluated", 1.0, NOW)
            book.flush(home.ledger, NOW)
        assert kept_lags(home.ledger, NOW)[Place("s3://corp", "cloudtrail")]["evaluated"] is not None


def test_the_poll_of_a_queue_is_believed_only_after_a_while(estate: Estate) -> None:
    """After a stop of days what waited in the queue comes first: it was not silent meanwhile."""
    estate.source = {"name": "trail", "type": "sqs", "queue": "https://q", "silent_after": "1 hour"}
    estate.deliver([NOW - 2 * HOUR])
    estate.polled, estate.since = NOW, NOW - timedelta(minutes=1)
    assert estate.found() == []
    estate.since = NOW - timedelta(minutes=11)
    assert len(estate.found()) == 1
