"""Rows come a page at a time, each once, in order; scopes and limits hold."""

from __future__ import annotations

import pytest

from ashiato.core.scope import AccountScope
from ashiato.formats.refs import parse_ref
from ashiato.search.reading import Deadline
from ashiato.search.refusals import SearchRefused
from ashiato.search.rows import page
from search.conftest import Lake
from search.records import Record


def _of_one_moment(event: Record) -> bool:
    within = "2026-11-01T01:00:00Z" <= event["eventTime"] < "2026-11-01T01:11:00Z"
    return within and event["eventSource"] == "s3.amazonaws.com"


@pytest.mark.parametrize("rows", ["1", "7", "500"])
@pytest.mark.parametrize("sort", ["", "oldest"])
def test_pages_together_hold_each_record_once_in_order(lake: Lake, rows: str, sort: str) -> None:
    # Many records lie at one moment: pages end inside it.
    q = "time:2026-11-01T01:00..2026-11-01T01:10 service:s3" if rows == "1" else ""
    found = lake.rows(q=q, columns="eventTime,eventID", rows=rows, sort=sort)
    expected = [e for e in lake.events if not q or _of_one_moment(e)]
    assert expected
    assert sorted(r["eventID"] for r in found) == sorted(e["eventID"] for e in expected)
    times = [r["eventTime"] for r in found]
    assert times == sorted(times, reverse=not sort)


def test_flow_records_that_nothing_tells_apart_are_paged_too(lake: Lake) -> None:
    assert len(lake.rows(table="vpc_flow_logs", rows="11")) == len(lake.flows)


def test_a_limited_scope_sees_its_accounts_alone_and_none_sees_nothing(lake: Lake) -> None:
    for table, account in (("cloudtrail", "recipientAccountId"), ("config_items", "awsAccountId")):
        found = lake.rows(AccountScope.of(["111111111111"]), table=table)
        assert {r[account] for r in found} == {"111111111111"}
        assert not lake.rows(AccountScope(frozenset()), table=table)


def test_the_time_range_is_counted_back_from_the_newest_record_that_the_scope_shows(lake: Lake) -> None:
    newest = max(e["eventTime"] for e in lake.events)
    with lake.reader(from_="-24h") as reader:
        assert reader.newest is not None
        assert f"{reader.newest:%Y-%m-%dT%H:%M:%SZ}" == newest
        shown = page(reader, Deadline(30)).rows
    assert f"{shown[0]['eventTime']:%Y-%m-%dT%H:%M:%SZ}" == newest
    with lake.reader(AccountScope(frozenset()), from_="-24h") as reader:
        assert reader.newest is None


def test_each_row_has_a_reference_to_its_record(lake: Lake) -> None:
    with lake.reader(columns="eventID,recipientAccountId") as reader:
        found = page(reader, Deadline(30))
    for row, ref in zip(found.rows, found.refs, strict=True):
        parsed = parse_ref(ref)
        assert parsed is not None
        assert parsed.parts == (row["eventID"], row["recipientAccountId"])


def test_when_the_time_is_over_the_page_says_how_far_it_came_and_the_next_goes_on(lake: Lake) -> None:
    over = Deadline(60)
    with lake.reader() as reader:
        assert reader.slices
        assert reader.found
        over.cancel()
        stopped = page(reader, over)
    assert stopped.reached is not None
    assert not stopped.rows
    rest = lake.rows(columns="eventID")
    assert {r["eventID"] for r in rest} == lake.expected(lambda e: True)
    with lake.reader(after=stopped.next) as reader:
        assert page(reader, Deadline(60)).rows


@pytest.mark.parametrize("after", ["x", "W10", "é", "WyIyMDI2Il0", "A" * 30_000])
def test_a_cursor_that_is_none_is_refused(lake: Lake, after: str) -> None:
    with lake.reader(after=after) as reader, pytest.raises(SearchRefused):
        page(reader, Deadline(30))


@pytest.mark.parametrize(
    "given", [{"columns": "nope"}, {"columns": "userIdentity"}, {"from_": "soon"}, {"table": "x"}]
)
def test_parameters_that_mean_nothing_are_refused(lake: Lake, given: dict[str, str]) -> None:
    with pytest.raises(SearchRefused):
        lake.reader(**given)
