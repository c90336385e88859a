"""Working hours: in the user's zone, without weekends, national holidays and the user's own days off."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from ashiato.core.errors import WrongUse
from ashiato.core.settings import Detection

#: Hours of a working day, from and to (exclusive), where nothing else is said.
FROM, TO = 8, 20
HOURS_OF_WEEK: Final = 7 * 24
_WEEKEND: Final = frozenset((5, 6))


class WorkingHours:
    """The calendar of a place. Times are of any zone; hours and days are those of `zone`.

    `country`: ISO 3166 code whose national holidays (and weekend) are no working days, from the package
    `holidays`. Raises WrongUse for a zone or country that is none.
    """

    def __init__(
        self,
        zone: str = "UTC",
        country: str | None = None,
        days_off: Iterable[date] = (),
        *,
        hours: tuple[int, int] = (FROM, TO),
    ) -> None:
        self.zone = _zone(zone)
        self._days_off = frozenset(days_off)
        self._hours = hours
        self._holidays, self._weekend = _holidays(country)
        self._day = lru_cache(maxsize=4096)(self._weekday_of)

    @classmethod
    def of(cls, detect: Detection) -> WorkingHours:
        """Those of the settings detect.time_zone, detect.holidays and detect.days_off."""
        return cls(detect.time_zone, detect.holidays, detect.days_off)

    def is_holiday(self, day: date) -> bool:
        """Whether a day is a national holiday or a day off of one's own; weekends are none by themselves."""
        return day in self._days_off or (self._holidays is not None and day in self._holidays)

    def is_working_day(self, day: date) -> bool:
        return day.weekday() not in self._weekend and not self.is_holiday(day)

    def is_working_hour(self, time: datetime) -> bool:
        """Whether somebody may be expected at work. `time` must have a zone."""
        local = time.astimezone(self.zone)
        return self._hours[0] <= local.hour < self._hours[1] and self.is_working_day(local.date())

    def hour_of_week(self, time: datetime) -> int:
        """0 (Monday, midnight) to 167, in the zone; a holiday counts as the weekend's last day (Sunday).

        >>> WorkingHours("Asia/Tokyo", "JP").hour_of_week(datetime.fromisoformat("2026-11-23T10:30+09:00"))
        154
        """
        local = time.astimezone(self.zone)
        return self._day(local.date()) * 24 + local.hour

    def _weekday_of(self, day: date) -> int:
        return max(self._weekend, default=6) if self.is_holiday(day) else day.weekday()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise _no_zone(name) from error
    except KeyError as error:
        raise _no_zone(name) from error


def _no_zone(name: str) -> WrongUse:
    from zoneinfo import available_timezones

    near = get_close_matches(name, available_timezones(), n=1)
    return WrongUse(
        f"there is no time zone {name!r}",
        where="settings, detect.time_zone",
        remedy=f"Did you mean {near[0]}?" if near else 'Write it like "Asia/Tokyo".',
    )


def _holidays(country: str | None) -> tuple[Collection[date] | None, frozenset[int]]:
    if country is None:
        return None, _WEEKEND
    import holidays

    try:
        found = holidays.country_holidays(country.strip().upper())
    except NotImplementedError as error:
        near = get_close_matches(country.upper(), holidays.list_supported_countries(), n=3)
        raise WrongUse(
            f"there are no holidays of {country!r}",
            where="settings, detect.holidays",
            remedy=f"Did you mean {', '.join(near)}?"
            if near
            else "Write the country's two letters, such as JP.",
        ) from error
    return found, frozenset(found.weekend) or _WEEKEND
