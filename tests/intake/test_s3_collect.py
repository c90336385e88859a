"""A bucket over HTTP: thousands of tiny objects, delivered twice, late, and with failures in between."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from ashiato.core.errors import SourceUnavailable
from ashiato.intake.coverage import coverage
from ashiato.lake.home import Home
from ashiato.ledger import tables as t
from ashiato.sources.options import SourceOptions
from intake.lake_counts import ask, count
from intake.small_objects import SmallObjects, write_small_objects
from intake.taking_in import balanced, collect, ledger_rows, states
from sources.served import Asked, Bucket, Fault, Proxy


def fill(bucket: Bucket, made: SmallObjects, prefix: str = "") -> dict[str, bytes]:
    """Put a folder's files into the bucket."""
    files = sorted(p for p in made.folder.rglob("*") if p.is_file())
    held = {prefix + str(p.relative_to(made.folder)): p.read_bytes() for p in files}
    bucket.put(held)
    return held


def options(bucket: Bucket, **more: object) -> SourceOptions:
    more.setdefault("attempts", 1)
    return SourceOptions(endpoint_url=bucket.endpoint, **more)  # type: ignore[arg-type]


def exact(home: Path, made: SmallObjects) -> None:
    assert {i for (i,) in ask(home, "cloudtrail", "SELECT eventID FROM {}")} == made.events
    assert count(home, "cloudtrail") == len(made.events)
    assert count(home, "vpc_flow_logs") == made.flows
    assert count(home, "config_items") == made.items


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallObjects:
    """A few hundred objects, written once."""
    return write_small_objects(tmp_path_factory.mktemp("small"), objects=60, events_each=3, seed=5)


@pytest.mark.slow
def test_thousands_of_tiny_objects_a_third_delivered_twice_are_counted_exactly(
    tmp_path: Path,
    bucket: Bucket,
) -> None:
    made = write_small_objects(tmp_path / "files", objects=1800, events_each=4, seed=9)
    fill(bucket, made, "o-abc1234567/")
    home = tmp_path / "home"
    address = f"s3://{bucket.name}"
    report = collect(home, address, options=options(bucket), processes=2)
    found = balanced(report, records=made.offered_events + made.offered_flows + made.items)
    assert report.seen == report.taken == made.objects > 2000
    assert found["records"] == {
        "cloudtrail": len(made.events), "config_items": made.items, "vpc_flow_logs": made.flows,
    }  # fmt: skip
    exact(home, made)
    again = collect(home, address, options=options(bucket))
    assert (again.seen, again.already, again.bytes) == (made.objects, made.objects, 0)


def test_late_keys_that_sort_before_all_others_are_found(
    tmp_path: Path,
    bucket: Bucket,
    small: SmallObjects,
) -> None:
    held = fill(bucket, small)
    late = {k for k in held if "CloudTrail" in k and sorted(held).index(k) % 3 == 0}
    for key in late:
        bucket.delete(key)
    home, address = tmp_path / "home", f"s3://{bucket.name}"
    first = collect(home, address, options=options(bucket))
    assert first.taken == len(held) - len(late)
    bucket.put({k: held[k] for k in late})
    second = collect(home, address, options=options(bucket))
    assert (second.taken, second.already) == (len(late), first.taken)
    exact(home, small)


FAULTS = {
    "denied": Fault(403, "AccessDenied", "Access Denied"),
    "throttled": Fault(503, "SlowDown", "Please reduce your request rate."),
    "gone": Fault(404, "NoSuchKey", "The specified key does not exist."),
}


def failing(keys: dict[str, str]) -> object:
    def rule(asked: Asked) -> Fault | None:
        if asked.listing or asked.method != "GET":
            return None
        kind = keys.get(asked.key)
        return FAULTS[kind] if kind else None

    return rule


def test_failures_are_told_by_object_and_made_up_for_by_the_next_run(
    tmp_path: Path,
    bucket: Bucket,
    proxy: Proxy,
    small: SmallObjects,
) -> None:
    held = fill(bucket, small)
    chosen = dict(zip(sorted(held)[3:60:6], 4 * list(FAULTS), strict=False))
    proxy.rule = failing(chosen)  # type: ignore[assignment]
    home, address = tmp_path / "home", f"s3://{bucket.name}"
    report = collect(home, address, options=options(bucket))
    balanced(report)
    assert {
        f.ref.name.removeprefix(address + "/"): f.reason.partition(":")[0] for f in report.failures
    } == chosen
    assert all(f.remedy for f in report.failures)
    assert report.needs_a_person
    assert report.taken == len(held) - len(chosen)
    assert states(home)["failed"] == len(chosen)
    with Home.open_for_reading(home) as opened:
        failed = coverage(opened)["failed"]
    assert {f["object"].removeprefix(address + "/") for f in failed} == set(chosen)

    proxy.rule = lambda asked: None
    again = collect(home, address, options=options(bucket))
    assert (again.taken, again.already, again.failures) == (len(chosen), report.taken, [])
    assert "failed" not in states(home)
    exact(home, small)


def test_a_failed_object_is_tried_again_even_where_its_folder_is_not_listed_again(
    tmp_path: Path,
    bucket: Bucket,
    proxy: Proxy,
    small: SmallObjects,
) -> None:
    held = fill(bucket, small)
    chosen = dict.fromkeys(sorted(held)[10:40:10], "denied")
    proxy.rule = failing(chosen)  # type: ignore[assignment]
    home, address = tmp_path / "home", f"s3://{bucket.name}"
    collect(home, address, options=options(bucket))
    proxy.rule = lambda asked: None
    proxy.asked.clear()
    # Only what the cadence says is due: these days rest.
    again = collect(home, address, options=options(bucket, full=False))
    assert (again.taken, again.already) == (len(chosen), 0)
    assert {asked.key for asked in proxy.gets()} == set(chosen)
    exact(home, small)


def test_a_failed_object_outside_the_prefix_or_the_days_asked_for_is_left(
    tmp_path: Path,
    bucket: Bucket,
    proxy: Proxy,
    small: SmallObjects,
) -> None:
    held = fill(bucket, small)
    chosen = {k: "denied" for k in held if "/us-east-1/" in k and "CloudTrail" in k}
    proxy.rule = failing(chosen)  # type: ignore[assignment]
    home = tmp_path / "home"
    collect(home, f"s3://{bucket.name}", options=options(bucket))
    proxy.rule = lambda asked: None
    account = next(iter(chosen)).split("/")[1]
    within = {k for k in chosen if k.startswith(f"AWSLogs/{account}/")}
    report = collect(home, f"s3://{bucket.name}/AWSLogs/{account}/", options=options(bucket, full=False))
    assert report.taken == len(within)
    assert states(home)["failed"] == len(chosen) - len(within)


def test_an_object_overwritten_between_listing_and_reading_is_read_as_it_is_now(
    tmp_path: Path,
    bucket: Bucket,
    proxy: Proxy,
    small: SmallObjects,
) -> None:
    held = fill(bucket, small)
    key, other = [k for k in sorted(held) if "CloudTrail" in k][:2]
    bucket.delete(other)

    def overwrite(asked: Asked) -> None:
        if asked.key == key and asked.method == "GET":
            bucket.put({key: held[other]})

    proxy.rule = overwrite  # type: ignore[assignment]
    home = tmp_path / "home"
    report = collect(home, f"s3://{bucket.name}", options=options(bucket))
    assert report.failures == []
    assert report.taken == len(held) - 1
    proxy.rule = lambda asked: None
    again = collect(home, f"s3://{bucket.name}", options=options(bucket))
    assert (again.taken, again.already) == (0, len(held) - 1)


def test_a_failure_of_a_content_that_was_overwritten_is_forgotten(
    tmp_path: Path,
    bucket: Bucket,
    proxy: Proxy,
    small: SmallObjects,
) -> None:
    held = fill(bucket, small)
    key, other = [k for k in sorted(held) if "CloudTrail" in k][:2]
    proxy.rule = failing({key: "denied"})  # type: ignore[assignment]
    home = tmp_path / "home"
    collect(home, f"s3://{bucket.name}", options=options(bucket))
    proxy.rule = lambda asked: None
    bucket.put({key: held[other]})
    assert collect(home, f"s3://{bucket.name}", options=options(bucket)).taken == 1
    assert "failed" not in states(home)


def test_days_are_chosen_by_from_and_to(tmp_path: Path, bucket: Bucket, small: SmallObjects) -> None:
    from datetime import date

    held = fill(bucket, small)
    home = tmp_path / "home"
    day = date(2026, 10, 2)
    # The folder after the last day is read too: its first objects hold the day's last records.
    wanted = [
        k for k in held if any(d in k for d in ("/2026/10/02/", "/2026/10/2/", "/2026/10/03/", "/2026/10/3/"))
    ]
    report = collect(home, f"s3://{bucket.name}", options=options(bucket, from_=day, to=day))
    assert 0 < report.taken == len(wanted) < len(held)
    everything = collect(home, f"s3://{bucket.name}", options=options(bucket))
    assert everything.taken == len(held) - len(wanted)
    exact(home, small)


def test_one_bucket_that_is_not_there_does_not_keep_the_others_from_being_taken_in(
    tmp_path: Path,
    bucket: Bucket,
    small: SmallObjects,
) -> None:
    held = fill(bucket, small)
    home = tmp_path / "home"
    report = collect(home, "s3://no-such-bucket-1", f"s3://{bucket.name}", options=options(bucket))
    assert report.taken == len(held)
    assert "no-such-bucket-1" in " ".join(report.problems)
    assert report.needs_a_person
    with pytest.raises(SourceUnavailable):
        collect(home, "s3://no-such-bucket-1", options=options(bucket))


def test_a_copy_of_a_bucket_holds_nothing_new(tmp_path: Path, bucket: Bucket, small: SmallObjects) -> None:
    held = fill(bucket, small, "first/")
    home = tmp_path / "home"
    collect(home, f"s3://{bucket.name}/first", options=options(bucket))
    fill(bucket, small, "mirror/")
    report = collect(home, f"s3://{bucket.name}/mirror", options=options(bucket))
    found = balanced(report, records=small.offered_events + small.offered_flows + small.items)
    assert report.taken == len(held)
    assert sum(found["records"].values()) == 0
    exact(home, small)


def test_what_listing_costs_is_kept_by_day(tmp_path: Path, bucket: Bucket, small: SmallObjects) -> None:
    fill(bucket, small)
    home = tmp_path / "home"
    collect(home, f"s3://{bucket.name}", options=options(bucket))
    with Home.open_for_reading(home) as opened:
        [listed] = coverage(opened)["list_requests"]
    assert listed["source"] == f"s3://{bucket.name}"
    assert listed["requests"] > 3
    total = ledger_rows(home, sa.select(sa.func.sum(t.requests.c.count)))
    assert [(listed["requests"],)] == [tuple(map(int, row)) for row in total]
