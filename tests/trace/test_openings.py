"""Openings of security groups, and the first records within them: what comes later counts, whatever was kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.lake import by_file
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.trace.keys import Key, Window, footprints
from ashiato.trace.openings import openings
from ashiato.trace.reading import Asked, meeting
from config.writing import ACCOUNT, GROUP, asked, call, group, item, rule, taken
from intake.taking_in import collect, write, write_events

ITEM = item("2026-11-20T08:00:00.000Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0")))
OPEN = "AuthorizeSecurityGroupIngress"
SHUT = "RevokeSecurityGroupIngress"
AUTHORIZE = call("2026-11-20T10:00:00Z", "ec2", OPEN, asked("sg-1", 22, "0.0.0.0/0"))


def _found(home: Path, scope: AccountScope = EVERY_ACCOUNT) -> list[tuple[str, str | None]]:
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        return [
            (f"{o.opened:%H:%M}", None if o.closed is None else f"{o.closed:%H:%M}")
            for o in openings(lake, ["sg-1"], scope)
        ]


def _later(folder: Path, home: Path, *events: dict[str, Any]) -> None:
    name = f"later-{len(list(folder.glob('later-*')))}.json.gz"
    collect(home, write_events(folder / name, events))


def test_a_call_that_comes_later_opens_or_closes(tmp_path: Path) -> None:
    home = taken(tmp_path, [ITEM], [AUTHORIZE])
    assert _found(home) == [("10:00", None)]
    _later(tmp_path, home, call("2026-11-20T12:00:00Z", "ec2", SHUT, asked("sg-1", 22, "0.0.0.0/0")))
    _later(tmp_path, home, call("2026-11-20T09:00:00Z", "ec2", OPEN, asked("sg-1", 3389, "10.0.0.0/8")))
    assert _found(home) == [("09:00", None), ("10:00", "12:00")]


def test_what_failed_is_of_another_group_or_another_account_opens_nothing(tmp_path: Path) -> None:
    failed = call(
        "2026-11-20T11:00:00Z", "ec2", OPEN, asked("sg-1", 22, "0.0.0.0/0"), errorCode="Client.Unauthorized"
    )
    other = call("2026-11-20T11:30:00Z", "ec2", OPEN, asked("sg-2", 22, "0.0.0.0/0"))
    home = taken(tmp_path, [ITEM], [AUTHORIZE, failed, other])
    assert _found(home) == [("10:00", None)]
    assert _found(home, AccountScope.of([ACCOUNT])) == [("10:00", None)]
    assert _found(home, AccountScope.of(["999999999999"])) == []


def test_a_corrected_call_is_replaced_by_its_correction(tmp_path: Path) -> None:
    home = taken(tmp_path, [ITEM], [AUTHORIZE])
    assert _found(home) == [("10:00", None)]
    addendum = {
        "reason": "UPDATED_DATA", "updatedFields": "eventTime", "originalEventID": AUTHORIZE["eventID"],
    }  # fmt: skip
    own = {"eventID": "c0ffee00-0000-4000-8000-000000000000", "eventTime": "2026-11-20T10:05:00Z"}
    _later(tmp_path, home, AUTHORIZE | own | {"addendum": addendum})
    assert _found(home) == [("10:05", None)]


START = datetime(2026, 11, 20, 10, tzinfo=UTC)


def _flow(minute: int, port: int, action: str = "ACCEPT") -> str:
    start = int((START + timedelta(minutes=minute)).timestamp())
    return f"2 {ACCOUNT} eni-1 203.0.113.9 10.0.0.5 50000 {port} 6 3 180 {start} {start + 50} {action} OK"


def _write_flows(path: Path, *lines: str) -> Path:
    head = (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
        " log-status"
    )
    return write(path, "\n".join([head, *lines]).encode() + b"\n")


@pytest.mark.parametrize("most_rows", [by_file._MOST_ROWS, 0])
def test_the_first_and_the_last_record_that_meet_a_condition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_rows: int
) -> None:
    """Whether files are looked at one by one or together."""
    monkeypatch.setattr(by_file, "_MOST_ROWS", most_rows)
    home = tmp_path / "home"
    key = Key("interface", "eni-1")

    def met() -> list[list[int] | None]:
        window = Window(START, START + timedelta(minutes=30))
        wanted = [
            (Window(), "dstport = $port"),
            (window, "dstport = $port AND action = 'ACCEPT'"),
            (Window(), "dstport = 1"),
        ]
        with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
            of_key = Asked(lake, (key,), EVERY_ACCOUNT, Window())
            found = footprints(lake, (key,), EVERY_ACCOUNT, Window(), ["vpc_flow_logs"])
            spans = meeting(of_key, "vpc_flow_logs", found, wanted, {"port": 22})
        return [s and [(t - START) // timedelta(minutes=1) for t in s] for s in spans]

    collect(
        home, _write_flows(tmp_path / "one.log", _flow(10, 22), _flow(20, 22), _flow(5, 443), _flow(40, 22))
    )
    assert met() == [[10, 40], [10, 20], None]
    collect(home, _write_flows(tmp_path / "two.log", _flow(-5, 22), _flow(3, 22), _flow(25, 22, "REJECT")))
    assert met() == [[-5, 40], [3, 20], None]
    collect(home, _write_flows(tmp_path / "three.log", _flow(7, 1)))
    assert met() == [[-5, 40], [3, 20], [7, 7]]
