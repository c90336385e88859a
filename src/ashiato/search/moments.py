"""Times as people and addresses of pages write them, absolute and counted back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_UNITS: Final = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_RELATIVE: Final = re.compile(r"(?:(now)\s*)?-(\d{1,6})([mhdw])")
_PARTS: Final = (
    (re.compile(r"\d{4}-\d{2}-\d{2}"), timedelta(days=1)),
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"), timedelta(minutes=1)),
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}"), timedelta(seconds=1)),
)
#: Outside these, days cannot be counted on from.
_FIRST, _LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 28, tzinfo=UTC)


def parse_absolute(text: str, zone: tzinfo = UTC) -> tuple[datetime, datetime] | None:
    """The first moment that a text means and the first after it (a whole day, minute, second); None for no time.

    Text without a zone is in `zone`.

    >>> [m.isoformat() for m in parse_absolute("2026-11-20T10:00") or ()]
    ['2026-11-20T10:00:00+00:00', '2026-11-20T10:01:00+00:00']
    """
    text = text.strip()
    if not re.match(r"\d{4}-\d{2}-\d{2}", text) or len(text) > 40:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("z", "Z").replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        if not _FIRST <= moment <= _LAST:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    plain = re.sub(r"(Z|[+-]\d{2}:?\d{2})$", "", text) if len(text) > 10 else text
    span = next((s for p, s in _PARTS if p.fullmatch(plain)), timedelta(microseconds=1))
    return moment, moment + span


def parse_relative(text: str) -> tuple[timedelta, bool] | None:
    """How far a text counts back, and whether from now (else from the newest record); None for other text.

    >>> parse_relative("-24h"), parse_relative("now-7d")
    ((datetime.timedelta(days=1), False), (datetime.timedelta(days=7), True))
    """
    match = _RELATIVE.fullmatch(text.strip())
    if match is None:
        return None
    return timedelta(seconds=min(int(match[2]) * _UNITS[match[3]], 200 * 366 * 86400)), bool(match[1])
