"""What is kept of CloudTrail's files changes no answer: later files count, corrections count, however many changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ashiato.config import heard, write_index
from ashiato.config.causes import Causes, causes
from ashiato.config.history import changes
from ashiato.config.resources import the_one
from ashiato.core.scope import EVERY_ACCOUNT
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from intake.taking_in import collect, write_events

from .writing import ACCOUNT, GROUP, asked, call, group, item, rule, taken

BEFORE = item("2026-11-20T08:00:00.000Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0")))
OPENED = item("2026-11-20T10:02:00.500Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0"), rule(22, "0.0.0.0/0")))
AUTHORIZE = call(
    "2026-11-20T10:00:00Z", "ec2", "AuthorizeSecurityGroupIngress", asked("sg-1", 22, "0.0.0.0/0")
)
WITNESS = call("2026-11-20T09:00:00Z", "sqs", "CreateQueue", {"queueName": "jobs"})


def told(home: Path, name: str) -> list[Causes]:
    with Home.open_for_reading(home) as read, PinnedLake(read) as lake:
        made = changes(lake, the_one(lake, name, EVERY_ACCOUNT), EVERY_ACCOUNT)
        return causes(lake, made, EVERY_ACCOUNT)


def delivered(folder: Path, home: Path, *events: dict[str, Any]) -> None:
    name = f"later-{len(list(folder.glob('later-*')))}.json.gz"
    collect(home, write_events(folder / name, events))


def test_what_comes_after_a_first_question_is_found(tmp_path: Path) -> None:
    home = taken(tmp_path, [BEFORE, OPENED], [WITNESS])
    assert told(home, "sg-1")[-1].gap is not None
    delivered(tmp_path, home, call("2026-11-20T11:00:00Z", "sqs", "CreateQueue", {"queueName": "mail"}))
    assert told(home, "sg-1")[-1].none
    delivered(tmp_path, home, AUTHORIZE)
    assert [c.event_id for c in told(home, "sg-1")[-1].found] == [AUTHORIZE["eventID"]]


def test_a_corrected_event_is_replaced_by_its_correction(tmp_path: Path) -> None:
    home = taken(tmp_path, [BEFORE, OPENED], [WITNESS, AUTHORIZE])
    assert [c.event_id for c in told(home, "sg-1")[-1].found] == [AUTHORIZE["eventID"]]
    addendum = {
        "reason": "UPDATED_DATA",
        "updatedFields": "requestParameters",
        "originalEventID": AUTHORIZE["eventID"],
    }
    correction = AUTHORIZE | {"eventID": "c0ffee00-0000-4000-8000-000000000000", "addendum": addendum}
    delivered(tmp_path, home, correction)
    assert [c.event_id for c in told(home, "sg-1")[-1].found] == [correction["eventID"]]


def test_changes_of_many_days_each_have_their_own_cause(tmp_path: Path) -> None:
    begin = datetime(2026, 9, 1, 10, tzinfo=UTC)
    items, calls, rules = [], [], []
    for n in range(24):
        at = begin + timedelta(days=3 * n)
        rules.append(rule(1000 + n, "0.0.0.0/0"))
        items.append(item(f"{at:%Y-%m-%dT%H:%M:30.000Z}", GROUP, "sg-1", group(*rules)))
        request = asked("sg-1", 1000 + n, "0.0.0.0/0")
        calls.append(call(f"{at:%Y-%m-%dT%H:%M:%SZ}", "ec2", "AuthorizeSecurityGroupIngress", request))
    first, *rest = told(taken(tmp_path, items, calls), "sg-1")
    assert first.change.kind == "first known"
    assert [[c.event_id for c in t.found] for t in rest] == [[c["eventID"]] for c in calls[1:]]


def test_events_that_are_not_kept_whole_are_read_again(tmp_path: Path) -> None:
    home = taken(tmp_path, [BEFORE, OPENED], [WITNESS, AUTHORIZE])
    once = told(home, "sg-1")[-1].as_json()
    write_index._events.clear()
    assert told(home, "sg-1")[-1].as_json() == once


def test_the_first_event_after_a_time_is_the_one_that_came_first(tmp_path: Path) -> None:
    times = ["2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z", "2026-11-22T09:00:00Z"]
    home = taken(
        tmp_path, [BEFORE], [call(t, "sqs", "CreateQueue", {"queueName": "jobs"}) for t in reversed(times)]
    )
    ten, noon, later = (datetime.fromisoformat(t) for t in times)
    second = timedelta(seconds=1)
    with Home.open_for_reading(home) as read, PinnedLake(read) as lake:

        def after(moment: datetime, days: int = 90, account: str = ACCOUNT) -> datetime | None:
            return heard.following(lake, account, moment, days)

        assert after(ten - second) == ten
        assert after(ten) == noon
        assert after(noon) == later
        assert after(noon, days=1) is None
        assert after(ten, account="999999999999") is None
        assert heard.spans(lake, [ACCOUNT, "999999999999"]) == {ACCOUNT: (ten, later)}
        assert heard.since(lake, ACCOUNT, later)
        assert not heard.since(lake, ACCOUNT, later + second)
