"""Second copies: those that say more are kept as variants, all others are duplicates, in whatever order."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ashiato import engine
from ashiato.formats.json_text import says_more
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from intake.lake_counts import ask
from intake.small_objects import event
from intake.taking_in import balanced, collect, write, write_events

TIME = datetime(2026, 10, 1, 12, tzinfo=UTC)


def an_event(seed: int = 1, **changes: Any) -> dict[str, Any]:
    made = event(random.Random(seed), "111122223333", "us-east-1", TIME)
    made["requestParameters"] = {"instanceId": "i-1", "tags": ["b", "a"]}
    return {**copy.deepcopy(made), **changes}


def with_context(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "eventContext": {"tagContext": [{"resourceArn": "arn:aws:ec2:::i-1"}]}}


def kept(home: Path) -> list[tuple[str, int, str | None]]:
    return ask(home, "cloudtrail", "SELECT eventID, variant, requestParameters FROM {} ORDER BY 1, 2")


def totals(home: Path, *copies: dict[str, Any], together: bool = False) -> tuple[int, int, int]:
    """Taken, duplicates, variants of these copies, each in an object and a run of its own, or in one."""
    folder = home.parent / f"logs-{home.name}"
    reports = []
    if together:
        reports.append(collect(home, write_events(folder / "all.json", copies)))
    else:
        for number, record in enumerate(copies):
            reports.append(collect(home, write_events(folder / f"{number}.json", [record])))
    found = [balanced(r) for r in reports]
    counts = (
        sum(f["records"]["cloudtrail"] for f in found),
        sum(f["duplicates"] for f in found),
        sum(f["variants"] for f in found),
    )
    assert sum(counts) == len(copies)
    return counts


@pytest.mark.parametrize("together", [False, True], ids=["in runs of their own", "in one batch"])
def test_a_copy_with_more_context_is_a_variant_and_its_second_copy_a_duplicate(
    tmp_path: Path, together: bool
) -> None:
    first = an_event()
    more = with_context(first)
    assert totals(tmp_path / "home", first, more, more, first, more, together=together) == (1, 3, 1)
    assert [(i, v) for i, v, _ in kept(tmp_path / "home")] == [(first["eventID"], 0), (first["eventID"], 1)]


def test_an_untruncated_field_is_a_variant_and_a_truncated_one_is_not(tmp_path: Path) -> None:
    long = an_event(requestParameters={"policy": "x" * 200})
    short = an_event(requestParameters={"policy": "x" * 100 + "..."})
    omitted = an_event(requestParameters={"omitted": True, "originalSize": 300000})
    assert totals(tmp_path / "shorter first", short, long) == (1, 0, 1)
    assert totals(tmp_path / "longer first", long, short, omitted) == (1, 2, 0)
    assert totals(tmp_path / "omitted first", omitted, long) == (1, 0, 1)


@pytest.mark.parametrize(
    "second",
    [
        an_event(requestParameters={"tags": ["a", "b"], "instanceId": "i-1"}),
        an_event(requestParameters={"instanceId": "i-1"}),
        an_event(responseElements={}),
        dict(reversed(an_event().items())),
    ],
    ids=["another order", "less", "empty", "fields in another order"],
)
def test_a_copy_that_says_no_more_is_a_duplicate(tmp_path: Path, second: dict[str, Any]) -> None:
    assert totals(tmp_path / "home", an_event(), second) == (1, 1, 0)


def test_each_copy_that_says_more_than_all_before_gets_the_next_number(tmp_path: Path) -> None:
    copies = [
        an_event(requestParameters={"instanceId": "i-1", **{f"k{i}": i for i in range(n)}}) for n in range(3)
    ]
    assert totals(tmp_path / "home", *copies, *copies) == (1, 3, 2)
    assert [v for _, v, _ in kept(tmp_path / "home")] == [0, 1, 2]


def test_the_default_view_shows_one_row_an_event_and_the_other_one_all_copies(tmp_path: Path) -> None:
    totals(tmp_path / "home", an_event(), with_context(an_event()), an_event(2))
    with Home.open_for_reading(tmp_path / "home") as home, PinnedLake(home) as lake:
        for name, rows in (("cloudtrail", 2), ("cloudtrail_all", 3)):
            [answer] = engine.run(f"SELECT count(*) n FROM {name}", lake).to_pylist()
            assert answer["n"] == rows, name


def test_records_without_an_id_are_one_however_they_are_spelled(tmp_path: Path) -> None:
    """Their key is the hash of all they say: keys in another order are no other record."""
    old = an_event(eventVersion="1.0")
    del old["eventID"]
    turned = dict(reversed(old.items()))
    turned["requestParameters"] = dict(reversed(turned["requestParameters"].items()))
    other = {**old, "userAgent": "curl/8"}
    assert totals(tmp_path / "home", old, turned, other, old) == (2, 2, 0)


@pytest.mark.parametrize("depth", [500, 900, 960, 990, 5000])
def test_a_second_copy_of_any_depth_stops_nothing(tmp_path: Path, depth: int) -> None:
    """An attacker may send such parameters, and AWS delivers twice. Beyond some depth it is quarantine."""
    files = []
    for end in ("1", "2"):
        value = '{"a":' * depth + end + "}" * depth
        raw = json.dumps({"Records": [an_event(requestParameters="@")]}).replace('"@"', value)
        files.append(write(tmp_path / "logs" / f"{end}.json", raw.encode()))
    for file in files:
        balanced(collect(tmp_path / "home", file), records=1)
    assert collect(tmp_path / "home", *files).already == 2


def test_a_second_copy_with_a_number_beyond_python_is_a_variant(tmp_path: Path) -> None:
    """Python refuses to turn more than 4,300 digits into a number."""
    home = tmp_path / "home"
    for digit in "98":
        raw = json.dumps({"Records": [an_event(requestParameters="@")]}).replace(
            '"@"', '{"n":' + digit * 6000 + "}"
        )
        balanced(collect(home, write(tmp_path / f"{digit}.json", raw.encode())), records=1)
    assert [v for _, v, _ in kept(home)] == [0, 1]


def an_item(**changes: Any) -> dict[str, Any]:
    return {
        "configurationItemVersion": "1.3", "configurationItemCaptureTime": "2026-10-01T12:00:00.000Z",
        "configurationStateId": 1, "awsAccountId": "111122223333", "configurationItemStatus": "OK",
        "resourceType": "AWS::EC2::SecurityGroup", "resourceId": "sg-1", "awsRegion": "us-east-1", "tags": {},
        "relationships": [], "configuration": {"groupId": "sg-1", "rules": [1, 2]}, **changes,
    }  # fmt: skip


def test_items_of_history_and_snapshot_are_one_and_a_fuller_one_is_a_variant(tmp_path: Path) -> None:
    home = tmp_path / "home"
    files = {
        "history": {"fileVersion": "1.0", "configurationItems": [an_item()]},
        "snapshot": {"fileVersion": "1.0", "configSnapshotId": "s-1", "configurationItems": [an_item()]},
        "turned": {
            "fileVersion": "1.0",
            "configurationItems": [an_item(configuration={"rules": [2, 1], "groupId": "sg-1"})],
        },
        "fuller": {"fileVersion": "1.0", "configurationItems": [an_item(tags={"Name": "x"})]},
        "other": {"fileVersion": "1.0", "configurationItems": [an_item(resourceId="sg-2")]},
    }
    counts = []
    for name, document in files.items():
        found = balanced(
            collect(home, write(tmp_path / "logs" / f"{name}.json", json.dumps(document).encode()))
        )
        counts.append((found["records"]["config_items"], found["duplicates"], found["variants"]))
    assert counts == [(1, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0)]


# Copies of one event, as what they say grows: 0 says least, 3 says what all others do; 4 says something else.
SAYINGS: list[dict[str, Any]] = [
    {}, {"a": 1}, {"a": 1, "b": "x" * 20 + "..."}, {"a": 1, "b": "x" * 40, "c": [1]}, {"d": 4},
]  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    copies=st.lists(st.tuples(st.integers(1, 3), st.integers(0, len(SAYINGS) - 1)), min_size=1, max_size=9),
    cuts=st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_whatever_the_order_one_row_an_event_is_shown_and_all_that_was_said_is_kept(
    copies: Sequence[tuple[int, int]], cuts: Sequence[bool]
) -> None:
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        batches: list[list[tuple[int, int]]] = [[]]
        for number, one in enumerate(copies):
            batches[-1].append(one)
            if number < len(cuts) and cuts[number]:
                batches.append([])
        offered = 0
        for number, batch in enumerate(b for b in batches if b):
            records = [an_event(seed, requestParameters=SAYINGS[said]) for seed, said in batch]
            offered += len(records)
            balanced(
                collect(home, write_events(Path(folder) / f"{number}.json", records)), records=len(records)
            )
        rows = kept(home)
        ids = {an_event(seed)["eventID"]: seed for seed, _ in copies}
        # The default view: exactly one row an event.
        assert sorted(i for i, v, _ in rows if v == 0) == sorted(ids)
        for event_id, seed in ids.items():
            held = [json.loads(p or "{}") for i, _, p in rows if i == event_id]
            numbers = [v for i, v, _ in rows if i == event_id]
            assert numbers == list(range(len(held)))
            for one, said in copies:
                if one == seed:
                    assert any(not says_more({"r": h}, {"r": SAYINGS[said]}) for h in held), (held, said)
