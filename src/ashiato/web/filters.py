"""Filters of the templates: times, figures, ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


def register(environment: jinja2.Environment, language: str = "en") -> None:
    environment.filters.update(
        iso=iso,
        figure=figure,
        size=size,
        middle=middle,
        bounded=bounded,
        aware=aware,
        local=local,
        span=partial(span, language=language),
    )
    environment.globals["iso"] = iso


def aware(value: datetime) -> datetime:
    """With its zone; a time without one is UTC (SQLite gives such)."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def local(value: datetime, zone: tzinfo) -> datetime:
    """In a zone; in UTC where that is before or after all that can be counted: records may say any time.

    >>> from zoneinfo import ZoneInfo
    >>> local(datetime(1, 1, 1), ZoneInfo("America/Lima")).isoformat()
    '0001-01-01T00:00:00+00:00'
    """
    try:
        return aware(value).astimezone(zone)
    except OverflowError:
        return aware(value).astimezone(UTC)


def iso(value: datetime) -> str:
    """In UTC, to the second.

    >>> iso(datetime(2026, 11, 23, 10, 32)), iso(datetime(1, 1, 6))
    ('2026-11-23T10:32:00Z', '0001-01-06T00:00:00Z')
    """
    return aware(value).astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def figure(value: float | None) -> str:
    """With separators; fractions to three figures.

    >>> figure(1234567), figure(0.12345), figure(None)
    ('1,234,567', '0.123', '–')
    """
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"


def size(value: int | None) -> str:
    """Bytes in the unit that gives three figures.

    >>> size(1536), size(12)
    ('1.50 KiB', '12 B')
    """
    if value is None:
        return "–"
    amount = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            if unit == "B":
                return f"{value} B"
            return f"{amount:.3g} {unit}" if amount >= 10 else f"{amount:.2f} {unit}"
        amount /= 1024
    return f"{amount:.3g} TiB"


def middle(text: str, most: int = 28) -> str:
    """Shortened in the middle.

    >>> middle("arn:aws:iam::111111111111:user/alice", 20)
    'arn:aws:ia…ser/alice'
    """
    if len(text) <= most:
        return text
    head = most // 2
    return f"{text[:head]}…{text[len(text) - (most - head - 1) :]}"


def bounded(text: object, most: int = 2000) -> str:
    """Text of a record, no longer than a page bears."""
    whole = str(text)
    return whole if len(whole) <= most else whole[:most] + "…"


_UNITS = {"en": ("d", "h", "min", "s"), "ja": ("日", "時間", "分", "秒")}


def span(value: timedelta | float | None, language: str = "en") -> str:
    """A duration in its two largest units.

    >>> span(timedelta(minutes=125)), span(3.2), span(3.2, "ja")
    ('2 h 5 min', '3 s', '3 秒')
    """
    if value is None:
        return "–"
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else value)
    parts = []
    units = _UNITS[language]
    for unit, length in zip(units, (86400, 3600, 60, 1), strict=True):
        amount, seconds = divmod(seconds, length)
        if amount:
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2]) or f"0 {units[-1]}"
