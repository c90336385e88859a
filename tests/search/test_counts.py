"""Totals, histograms and facets are what is in the records; what was not counted is told."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ashiato.core.scope import AccountScope
from ashiato.search.counting import MOST_BUCKETS, counts
from ashiato.search.reading import Deadline
from search.conftest import Lake


@pytest.mark.parametrize("q", ["", "errorCode:*", "service:s3 -readOnly:true", "eventName:nothing"])
def test_total_histogram_and_facets_add_up(lake: Lake, q: str) -> None:
    rows = lake.rows(q=q, columns="eventTime,eventName,errorCode")
    with lake.reader(q=q) as reader:
        found = counts(reader, Deadline(60), facets=("eventName", "errorCode"))
    assert found.exact
    assert found.total == len(rows) == sum(b.count for b in found.buckets)
    assert 0 < len(found.buckets) <= MOST_BUCKETS
    for bucket in found.buckets:
        inside = [r for r in rows if bucket.start <= r["eventTime"] < bucket.end]
        assert bucket.count == len(inside)
    for facet in found.facets:
        expected = Counter(r[facet.field] for r in rows)
        assert facet.distinct == len(expected)
        assert {v.value: v.count for v in facet.values} == dict(expected)


def test_facets_and_counts_obey_the_scope(lake: Lake) -> None:
    scope = AccountScope.of(["111111111111"])
    with lake.reader(scope) as reader:
        found = counts(reader, Deadline(60), facets=("recipientAccountId",))
    assert [v.value for v in found.facets[0].values] == ["111111111111"]
    assert found.total == len(lake.expected(lambda e: e["recipientAccountId"] == "111111111111"))


def test_days_begin_where_they_do_in_the_zone(lake: Lake) -> None:
    zone = ZoneInfo("Asia/Tokyo")
    with lake.reader(from_="2026-10-01", to="2027-03-01") as reader:
        found = counts(reader, Deadline(60), facets=(), zone=zone)
    assert found.seconds == 86400
    assert {b.start.astimezone(zone).hour for b in found.buckets} == {0}


def test_when_the_time_is_over_what_was_not_counted_is_told(lake: Lake) -> None:
    over = Deadline(60)
    over.cancel()
    with lake.reader() as reader:
        found = counts(reader, over)
    assert not found.exact
    assert found.reached is not None
    assert not any(b.counted for b in found.buckets)


def test_a_span_of_all_time_is_cut_to_what_there_is(lake: Lake) -> None:
    with lake.reader() as reader:
        found = counts(reader, Deadline(60), facets=())
    assert datetime(2026, 10, 31, tzinfo=UTC) < found.buckets[0].start
    assert found.buckets[-1].end < datetime(2026, 11, 5, tzinfo=UTC) + timedelta(hours=2)


@pytest.mark.parametrize(("first", "last"), [("0001-01-04", "9999-12-20"), ("0001-01-03", "2026-11-20")])
def test_any_span_that_can_be_written_is_counted(lake: Lake, first: str, last: str) -> None:
    for zone in map(ZoneInfo, ("UTC", "Asia/Tokyo", "America/Los_Angeles")):
        with lake.reader(from_=first, to=last) as reader:
            found = counts(reader, Deadline(60), facets=(), zone=zone)
        assert found.total == len(lake.events) == sum(b.count for b in found.buckets)
        assert all(b.start < b.end and b.start.astimezone(zone) for b in found.buckets)
