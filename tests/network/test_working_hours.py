"""When somebody may be expected at work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.core.errors import WrongUse
from ashiato.core.settings import Detection
from ashiato.network.working_hours import WorkingHours

TOKYO = WorkingHours("Asia/Tokyo", "JP", [date(2026, 12, 29)])


@pytest.mark.parametrize(
    ("time", "working"),
    [
        ("2026-11-20T01:00Z", True),  # Friday, 10:00 in Tokyo
        ("2026-11-19T22:30Z", False),  # 07:30
        ("2026-11-20T11:00Z", False),  # 20:00
        ("2026-11-21T01:00Z", False),  # Saturday
        ("2026-11-23T01:00Z", False),  # Labour Thanksgiving Day, a Monday
        ("2026-05-06T01:00Z", False),  # substitute for Constitution Day, a Sunday
        ("2026-12-29T01:00Z", False),  # a day off of one's own
        ("2026-12-28T01:00Z", True),
    ],
)
def test_working_hours_in_japan(time: str, working: bool) -> None:
    assert TOKYO.is_working_hour(datetime.fromisoformat(time)) is working


def test_a_holiday_counts_as_sunday() -> None:
    assert TOKYO.hour_of_week(datetime(2026, 11, 20, 1, tzinfo=UTC)) == 4 * 24 + 10
    assert TOKYO.hour_of_week(datetime(2026, 11, 23, 1, tzinfo=UTC)) == 6 * 24 + 10
    assert TOKYO.hour_of_week(datetime(2026, 12, 29, 1, tzinfo=UTC)) == 6 * 24 + 10


def test_without_a_country_there_are_only_weekends() -> None:
    plain = WorkingHours.of(Detection())
    assert plain.is_working_hour(datetime(2026, 11, 23, 10, tzinfo=UTC))
    assert not plain.is_working_hour(datetime(2026, 11, 22, 10, tzinfo=UTC))


def test_a_weekend_may_be_other_days() -> None:
    bahrain = WorkingHours("Asia/Bahrain", "BH")
    assert not bahrain.is_working_day(date(2026, 11, 20))  # Friday
    assert bahrain.is_working_day(date(2026, 11, 22))  # Sunday


def test_wrong_settings_say_what_to_do() -> None:
    with pytest.raises(WrongUse, match="Asia/Tokyo"):
        WorkingHours("Asia/Tokio")
    with pytest.raises(WrongUse, match="no time zone"):
        WorkingHours("../etc/passwd")
    with pytest.raises(WrongUse, match="no holidays of 'XX'"):
        WorkingHours("UTC", "XX")


@given(st.integers(0, 20 * 366 * 24 * 60))
def test_hours_follow_each_other(minutes: int) -> None:
    time = datetime(2018, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    now, then = TOKYO.hour_of_week(time), TOKYO.hour_of_week(time + timedelta(hours=1))
    assert 0 <= now < 168
    assert then % 24 == (now + 1) % 24
