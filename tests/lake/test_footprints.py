"""Where an entity was present: the same counts as going through every row, at any time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from ashiato.core.clock import now
from ashiato.formats import cloudtrail_entities, config_entities, flow_entities
from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.lake import footprints as building
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.presence import presence
from ashiato.ledger import tables as t
from lake.homes import (
    ACCOUNT,
    DAY,
    LATER,
    OTHER,
    ask,
    data_files,
    event,
    events,
    flow_lines,
    item,
    mend,
    take_in,
    write_events,
    write_flows,
    write_items,
)  # fmt: skip

ENTITIES = {
    "cloudtrail": cloudtrail_entities.entities_of,
    "config_items": config_entities.entities_of,
    "vpc_flow_logs": flow_entities.entities_of,
}
VALUES = [
    f"arn:aws:iam::{ACCOUNT}:user/alice", "203.0.113.7", "i-00000000000000003", ACCOUNT, "10.0.0.3", "198.51.100.9",
    "eni-00000000000000002", "vpc-0123456789abcdef0", "arn:aws:s3:::bucket-1", "nobody",
]  # fmt: skip
Figures = dict[tuple[Any, ...], dict[str, Any]]


def brute_force(home: Path) -> Figures:
    """Presence of VALUES by going through every row with the pure functions."""
    with Home.open_for_reading(home) as opened:
        corrected = {o for (o,) in opened.ledger.rows(sa.select(t.corrections.c.original))}
    found: Figures = {}
    peers: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for table, entities_of in ENTITIES.items():
        schema = TABLES[table].schema
        names = ", ".join(f'"{n}"' for n in schema.names)
        for values in ask(home, table, f"SELECT {names} FROM {{}}"):
            row = dict(zip(schema.names, values, strict=True))
            if row.get("variant") or row.get("eventID") in corrected:
                continue
            at: datetime = row[TABLES[table].time_column].astimezone(UTC)
            for kind, value, role in set(entities_of(row)):
                if value not in VALUES:
                    continue
                key = (at.date(), table, value, kind, role, row[ACCOUNT_REGION[table][0]])
                figures = found.setdefault(
                    key, {"first": at, "last": at, "count": 0, "hours": 0, "bytes": None, "peers": None}
                )
                figures["first"], figures["last"] = min(figures["first"], at), max(figures["last"], at)
                figures["count"] += 1
                figures["hours"] |= 1 << at.hour
                if table == "vpc_flow_logs":
                    figures["bytes"] = (figures["bytes"] or 0) + row["bytes"]
                    sides = {"origin": ["dstaddr"], "peer": ["srcaddr"]}.get(role, ["srcaddr", "dstaddr"])
                    peers[key] |= {row[s] for s in sides}
    for key, addresses in peers.items():
        found[key]["peers"] = len(addresses)
    return found


def figures(rows: pa.Table) -> Figures:
    keys = ("day", "table", "entity", "kind", "role", "account")
    names = ("first", "last", "count", "hours", "bytes", "peers")
    found = {tuple(r[k] for k in keys): {n: r[n] for n in names} for r in rows.to_pylist()}
    assert len(found) == rows.num_rows
    return found


def asked(home: Path, values: Sequence[str] = VALUES, **limits: Any) -> Figures:
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        return figures(presence(lake, values, **limits))


def dirty(home: Path) -> set[tuple[str, str]]:
    c = t.dirty_days.c
    with Home.open_for_reading(home) as opened:
        return set(opened.ledger.rows(sa.select(c.table_name, c.day).where(c.dirty != 0)))


def deliver(logs: Path, seed: int, *, days: int = 3, start: datetime = DAY) -> list[dict[str, Any]]:
    random = Random(seed)
    made = events(random, 150, days=days, start=start)
    write_events(logs, made)
    write_flows(logs, flow_lines(random, 300, days=days, start=start))
    write_items(
        logs, [item(random, start + timedelta(seconds=random.randrange(days * 86_400))) for _ in range(60)]
    )
    return made


@pytest.mark.parametrize("seed", [1, 2])
def test_counts_equal_going_through_every_row_before_and_after_building(tmp_path: Path, seed: int) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    made = deliver(logs, seed)
    take_in(home, logs)
    # Second copies, exact and fuller, and a late row.
    write_events(logs, [*made[:20], *({**e, "vpcEndpointId": "vpce-1"} for e in made[20:25])])
    deliver(logs, seed + 10, days=1)
    take_in(home, logs)
    expected = brute_force(home)
    assert len(expected) > 40
    assert asked(home) == expected

    report = mend(home)

    assert not dirty(home)
    assert asked(home) == expected
    assert report.step("footprints").counts["days"] == 9  # type: ignore[union-attr]
    assert 0 < report.peak_rss < 1_200_000_000


def test_a_row_for_a_settled_day_counts_at_once_and_the_day_is_built_again(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    deliver(logs, 3)
    take_in(home, logs)
    mend(home)
    deliver(logs, 4, days=1, start=DAY + timedelta(days=1))
    take_in(home, logs)
    expected = brute_force(home)
    day = (DAY + timedelta(days=1)).date().isoformat()
    assert dirty(home) == {(table, day) for table in ENTITIES}
    assert asked(home) == expected

    assert mend(home).step("footprints").counts["days"] == 3  # type: ignore[union-attr]

    assert not dirty(home)
    assert asked(home) == expected


def test_days_that_have_not_settled_are_counted_from_their_rows(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    deliver(logs, 5)
    take_in(home, logs)
    # The first day is over for two days and an hour, the others are not.
    report = mend(home, moment=DAY + timedelta(days=3, hours=1))
    assert report.step("footprints").counts["days"] == 3  # type: ignore[union-attr]
    assert {day for _, day in dirty(home)} == {"2026-09-15", "2026-09-16"}
    assert asked(home) == brute_force(home)


def test_a_correction_takes_its_original_out_of_the_counts_of_another_day(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    random = Random(6)
    original = event(random, DAY + timedelta(hours=5), sourceIPAddress="203.0.113.7")
    write_events(logs, [original, *events(random, 30)])
    take_in(home, logs)
    mend(home)
    before = asked(home)
    addendum = {
        "reason": "UPDATED_DATA",
        "updatedFields": "errorCode",
        "originalEventID": original["eventID"],
    }
    later = DAY + timedelta(days=1)
    write_events(logs, [event(random, later, sourceIPAddress="203.0.113.7", addendum=addendum)])
    take_in(home, logs)
    assert ("cloudtrail", "2026-09-14") in dirty(home)
    expected = brute_force(home)
    assert expected != before
    assert asked(home) == expected
    mend(home)
    assert asked(home) == expected


def test_limits_on_kind_account_and_days(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    deliver(logs, 7)
    take_in(home, logs)
    mend(home, moment=DAY + timedelta(days=4, hours=1))
    everything = brute_force(home)
    day = DAY.date() + timedelta(days=1)
    narrow = asked(home, kinds=["address"], accounts=[OTHER], since=day, until=day)
    assert narrow == {
        k: v for k, v in everything.items() if k[0] == day and k[3] == "address" and k[5] == OTHER
    }
    assert asked(home, tables=["config_items"]) == {
        k: v for k, v in everything.items() if k[1] == "config_items"
    }
    assert asked(home, ["nobody"]) == {}


def test_a_row_that_comes_while_its_day_is_built_keeps_the_day_to_be_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    deliver(logs, 8, days=1)
    take_in(home, logs)
    original = building.replace_days

    def replace_after_a_batch(*arguments: Any) -> bool:
        with building_home.ledger.begin() as connection:
            # As LakeWriter confirms a batch of that day in another thread.
            connection.execute(
                sa.update(t.dirty_days).where(t.dirty_days.c.table_name == "cloudtrail").values(dirty=1)
            )
        return original(*arguments)

    monkeypatch.setattr(building, "replace_days", replace_after_a_batch)
    with Home.open_for_writing(home, "test") as building_home:
        from ashiato.core.settings import Settings
        from ashiato.lake.maintain import maintain

        maintain(building_home, Settings(), moment=LATER, only={"footprints"})
    assert ("cloudtrail", "2026-09-14") in dirty(home)
    assert asked(home) == brute_force(home)


def test_a_reader_that_pinned_before_the_build_still_counts_right(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    deliver(logs, 9)
    take_in(home, logs)
    expected = brute_force(home)
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        deliver(logs, 10, days=1)
        take_in(home, logs)
        mend(home, grace=0, moment=now() + timedelta(days=2))
        assert figures(presence(lake, VALUES)) == expected
    assert asked(home) == brute_force(home) != expected


@pytest.mark.slow
def test_footprints_of_old_months_are_merged_and_a_late_row_still_changes_them(tmp_path: Path) -> None:
    home, logs = tmp_path / "home", tmp_path / "logs"
    for week in range(3):
        deliver(logs, 20 + week, days=2, start=DAY + timedelta(days=2 * week))
        take_in(home, logs)
        mend(home, moment=DAY + timedelta(days=2 * week + 4, hours=1))
    assert len(data_files(home, "footprints")) == 9
    mend(home)
    assert len(data_files(home, "footprints")) == 3
    assert asked(home) == brute_force(home)
    deliver(logs, 30, days=1, start=DAY + timedelta(days=2))
    take_in(home, logs)
    mend(home)
    assert not dirty(home)
    assert asked(home) == brute_force(home)
    assert date(2026, 9, 16) in {key[0] for key in asked(home)}
