"""Listing S3 over HTTP: layouts, pages, order, days, late keys."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ashiato.core.errors import SourceUnavailable
from ashiato.sources.layout import day_in
from ashiato.sources.listings import MemoryListings
from ashiato.sources.objects import Source
from sources.served import ACCOUNT, Bucket, Fault, Proxy, config, flow, trail

TODAY = datetime.now(UTC).date()
DAY = timedelta(days=1)
ORG = "corp/AWSLogs/o-3h3h3h3h3h"


def keys(source: Source, confirm: bool = True) -> list[str]:
    found = [ref.name.split("/", 3)[3] for ref in source.objects()]
    if confirm:
        source.confirm()
    return found


def test_thousands_of_keys_come_once_each_newest_day_first(bucket: Bucket, proxy: Proxy) -> None:
    expected = [trail(TODAY - DAY * back, n) for back in range(40) for n in range(100)]
    bucket.put(expected)
    source = bucket.source()
    found = keys(source)
    assert sorted(found) == sorted(expected)
    assert len(found) == len(set(found)) == 4_000
    days = [day_in("/" + key) for key in found]
    assert days == sorted(days, reverse=True)  # type: ignore[type-var]
    assert source.progress.total == source.progress.objects == 4_000
    assert source.progress.bytes == 4_000
    assert source.progress.list_requests == len(proxy.lists()) < 60


def test_small_pages_and_a_day_of_many_pages(bucket: Bucket) -> None:
    expected = [trail(TODAY, n) for n in range(230)] + [trail(TODAY - DAY, n) for n in range(7)]
    bucket.put(expected)
    assert sorted(keys(bucket.source(page_size=10))) == sorted(expected)


def test_every_layout_in_one_bucket(bucket: Bucket) -> None:
    org = "o-3h3h3h3h3h"
    held = [
        trail(TODAY),
        *(trail(TODAY, service=f"CloudTrail-{kind}")
          for kind in ("Insight", "NetworkActivity", "Aggregated", "Digest")),
        trail(TODAY, base=f"corp/AWSLogs/{org}"),
        trail(TODAY, 1, base=f"{org}/AWSLogs", account="222233334444"),
        trail(TODAY, 2, base=f"{org}/AWSLogs/{org}", account="222233334444"),
        config(date(2022, 1, 9)),
        config(date(2022, 1, 10), base=f"{org}/AWSLogs", account="222233334444"),
        flow(TODAY),
        flow(TODAY, 1, hour=7),
        flow(TODAY, 2, hive=True),
        flow(TODAY, 3, hour=7, hive=True),
        f"firehose/{TODAY:%Y/%m/%d}/04/stream-1-{TODAY}-04-00-00-abc",
        "exportedlogs/0a1b/stream-a/000000.gz",
        "exportedlogs/0a1b/stream-b/000001.gz",
        "copied by hand/trail.json.gz",
        "trail.json",
    ]  # fmt: skip
    left_out = {
        f"AWSLogs/{ACCOUNT}/Config/ConfigWritabilityCheckFile": b"",
        f"AWSLogs/{ACCOUNT}/CloudTrail/": b"",
        "exportedlogs/aws-logs-write-test": b"Permission Check Successful",
        f"AWSLogs/{ACCOUNT}/elasticloadbalancing/us-east-1/2026/01/05/elb.log.gz": b"x",
    }
    bucket.put(held)
    bucket.put(left_out)
    source = bucket.source()
    found = keys(source)
    assert sorted(found) == sorted(held)
    assert source.progress.left_out == {
        "folder marker": 1, "write test": 2, "folder of another service: elasticloadbalancing": 1,
    }  # fmt: skip
    assert not source.progress.problems


@pytest.mark.parametrize(
    "prefix",
    ["", "corp", "corp/", "corp/AWSLogs", ORG, f"{ORG}/{ACCOUNT}", f"{ORG}/{ACCOUNT}/CloudTrail/",
     *(f"{ORG}/{ACCOUNT}/CloudTrail/us-east-1{below}"
       for below in ("", f"/{TODAY.year}", f"/{TODAY:%Y/%m}/", f"/{TODAY:%Y/%m/%d}",
                     f"/{TODAY:%Y/%m/%d}/{ACCOUNT}_Cloud"))],
)  # fmt: skip
def test_the_address_may_be_at_any_level(bucket: Bucket, prefix: str) -> None:
    held = [trail(TODAY, n, base=ORG) for n in range(25)]
    bucket.put([*held, "corporate/other.gz"])
    found = keys(bucket.source(prefix, page_size=10))
    assert sorted(key for key in found if key != "corporate/other.gz") == sorted(held)
    assert ("corporate/other.gz" in found) == (prefix == "")


def test_an_address_of_one_object(bucket: Bucket) -> None:
    bucket.put([trail(TODAY, 1), trail(TODAY, 11), "x.json", "x.json.gz"])
    assert keys(bucket.source("x.json")) == ["x.json"]
    assert keys(bucket.source(trail(TODAY, 1))) == [trail(TODAY, 1)]


def test_an_address_where_nothing_lies_is_told(bucket: Bucket) -> None:
    bucket.put([trail(TODAY)])
    source = bucket.source("AWSlogs/")
    assert keys(source) == []
    assert "No object lies" in source.progress.problems[0].what


def test_config_days_are_ordered_as_days(bucket: Bucket) -> None:
    days = [date(2022, 1, 1) + DAY * n for n in range(40)]
    bucket.put([config(day, n) for day in days for n in range(4)])
    found = keys(bucket.source(page_size=20))
    assert len(found) == 160
    assert [day_in("/" + key) for key in found] == [day for day in reversed(days) for _ in range(4)]


def test_from_and_to_choose_day_folders_and_the_day_after(bucket: Bucket, proxy: Proxy) -> None:
    days = [date(2022, 1, 1) + DAY * n for n in range(100)]
    hive = [flow(day, hive=True) for day in days]
    bucket.put([*(trail(day) for day in days), *(config(day) for day in days), *hive])
    source = bucket.source(from_=date(2022, 1, 30), to=date(2022, 2, 9))
    found = [day_in("/" + key) for key in keys(source)]
    assert sorted(set(found)) == [date(2022, 1, 30) + DAY * n for n in range(12)]  # type: ignore[type-var]
    assert len(found) == 36
    assert not any("2022/03" in asked.query["prefix"] for asked in proxy.lists())
    assert len(keys(bucket.source(from_=date(2022, 4, 1)))) == 30
    assert len(keys(bucket.source(to=date(2022, 1, 1)))) == 6


def test_undated_objects_are_bounded_by_their_modification_only(bucket: Bucket) -> None:
    bucket.put(["loose/a.gz", "loose/b.gz", "c.gz", "sub/loose/d.gz"])
    assert len(keys(bucket.source(from_=TODAY - DAY))) == 4
    assert len(keys(bucket.source(to=date(2020, 1, 1)))) == 4
    assert keys(bucket.source(from_=TODAY + 2 * DAY)) == []


def test_a_late_key_that_sorts_before_the_last_one_is_found(bucket: Bucket) -> None:
    listings = MemoryListings()
    bucket.put([trail(TODAY, n, minute="0915") for n in range(20)] + [config(TODAY), flow(TODAY)])
    assert len(keys(bucket.source(listings=listings, full=False))) == 22
    late = trail(TODAY, 0, minute="0910")
    bucket.put([late])
    assert late in keys(bucket.source(listings=listings, full=False))


def test_a_persons_run_finds_late_keys_of_any_age(bucket: Bucket) -> None:
    """`collect` lists a bucket of modest size as a whole each time."""
    listings = MemoryListings()
    bucket.put([trail(date(2021, 12, 31), n) for n in range(20)] + [config(date(2022, 1, 9))])
    assert len(keys(bucket.source(listings=listings))) == 21
    late = [config(date(2022, 1, 10)), trail(date(2021, 12, 1)), trail(date(2021, 12, 31), minute="0000")]
    bucket.put(late)
    found = keys(bucket.source(listings=listings))
    assert set(late) <= set(found)
    assert len(found) == 24


def test_beyond_a_modest_size_a_persons_run_lists_what_is_due_unless_full(bucket: Bucket) -> None:
    listings = MemoryListings()
    bucket.put([trail(TODAY - DAY * 60, n) for n in range(30)] + [trail(TODAY, n) for n in range(3)])
    assert len(keys(bucket.source(listings=listings, page_size=10))) == 33
    late = trail(TODAY - DAY * 60, 99)
    bucket.put([late])
    small = {"listings": listings, "page_size": 10, "whole_requests": 2}
    assert len(keys(bucket.source(**small))) == 3  # type: ignore[arg-type]
    assert len(keys(bucket.source(**small, full=True))) == 34  # type: ignore[arg-type]


def test_an_unconfirmed_or_broken_off_run_is_listed_again(bucket: Bucket) -> None:
    listings = MemoryListings()
    old = [trail(TODAY - DAY * 20, n) for n in range(30)]
    bucket.put(old)
    assert len(keys(bucket.source(listings=listings, full=False), confirm=False)) == 30
    running = bucket.source(listings=listings, full=False)
    stream = running.objects()
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    running.confirm()
    assert len(keys(bucket.source(listings=listings, full=False))) == 30
    assert keys(bucket.source(listings=listings, full=False)) == []


def test_one_denied_prefix_does_not_stop_the_others(bucket: Bucket, proxy: Proxy) -> None:
    bucket.put([trail(TODAY), trail(TODAY, account="222233334444")])
    proxy.rule = lambda asked: (
        Fault(403, "AccessDenied", "Access Denied")
        if asked.listing and asked.query["prefix"].startswith("AWSLogs/222233334444/CloudTrail/us")
        else None
    )
    listings = MemoryListings()
    source = bucket.source(listings=listings)
    assert keys(source) == [trail(TODAY)]
    assert "s3:ListBucket" in source.progress.problems[0].remedy
    assert "222233334444" in source.progress.problems[0].where
    proxy.rule = lambda asked: None
    assert len(keys(bucket.source(listings=listings, full=False))) == 2


def test_a_policy_that_allows_awslogs_only_is_enough(bucket: Bucket, proxy: Proxy) -> None:
    """The policy of facts 9.1: StringLike s3:prefix corp/AWSLogs/*."""
    bucket.put([trail(TODAY, base="corp/AWSLogs")])
    proxy.rule = lambda asked: (
        Fault(403, "AccessDenied", "Access Denied")
        if asked.listing and not asked.query["prefix"].startswith("corp/AWSLogs/")
        else None
    )
    assert keys(bucket.source("corp")) == [trail(TODAY, base="corp/AWSLogs")]


def test_slowdown_and_dropped_connections_are_ridden_out(bucket: Bucket, proxy: Proxy) -> None:
    expected = [trail(TODAY, n) for n in range(30)]
    bucket.put(expected)

    def rule(asked: object) -> Fault | None:
        number = len(proxy.lists())
        if number % 4 == 2:
            return Fault()
        return Fault(cut=100) if number % 4 == 0 else None

    proxy.rule = rule
    source = bucket.source(page_size=7, attempts=6)
    assert sorted(keys(source)) == sorted(expected)
    assert not source.progress.problems
    assert source.progress.list_requests == len(proxy.lists())


def test_a_listing_that_stays_throttled_is_a_problem_and_is_due_again(bucket: Bucket, proxy: Proxy) -> None:
    bucket.put([trail(TODAY)])
    proxy.rule = lambda asked: Fault() if "CloudTrail/us" in asked.query.get("prefix", "") else None
    listings = MemoryListings()
    source = bucket.source(listings=listings, attempts=2)
    assert keys(source) == []
    assert "slow down" in source.progress.problems[0].what
    proxy.rule = lambda asked: None
    assert keys(bucket.source(listings=listings, full=False)) == [trail(TODAY)]


def test_requester_pays_is_asked_for_in_lists_and_reads(bucket: Bucket, proxy: Proxy) -> None:
    bucket.put([trail(TODAY)])
    proxy.rule = lambda asked: (
        None if asked.headers.get("x-amz-request-payer") == "requester"
        else Fault(403, "AccessDenied", "Access Denied")
    )  # fmt: skip
    with pytest.raises(SourceUnavailable, match="--request-payer"):
        keys(bucket.source())
    source = bucket.source(request_payer=True)
    assert [source.fetch(ref) for ref in source.objects()] == [b"x"]


def test_wide_and_flat_prefixes_are_listed_by_pages(bucket: Bucket) -> None:
    expected = [f"by-host/{n:04}/log.gz" for n in range(1_100)] + [f"flat/{n:05}" for n in range(2_500)]
    bucket.put(expected)
    listings = MemoryListings()
    assert sorted(keys(bucket.source(listings=listings))) == sorted(expected)
    flat = bucket.source("flat/", listings=listings, full=False)
    assert keys(flat) == []
    assert flat.progress.resting == 1


def test_keys_of_any_characters(bucket: Bucket) -> None:
    odd = [
        "odd/ä ö.gz",
        "odd/a+b.gz",
        "odd/a%20b.gz",
        "odd/<&>.gz",
        "odd/日本/足跡.gz",
        "odd/a\tb",
        "odd/::1",
    ]
    bucket.put(odd)
    source = bucket.source(page_size=2)
    refs = list(source.objects())
    assert sorted(ref.name.split("/", 3)[3] for ref in refs) == sorted(odd)
    assert [source.fetch(ref) for ref in refs] == [b"x"] * len(odd)
