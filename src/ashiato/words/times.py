"""Times for people: in their zone, with UTC beside it."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from ashiato.words.messages import Language, Message

_BOTH = Message("{local} {zone} ({utc} UTC)", "{local} {zone}({utc} UTC)")


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return ZoneInfo(name)


def when(time: datetime, zone: str | tzinfo = UTC, language: Language = "en") -> str:
    """A time to the minute in a zone and in UTC; the date of UTC where it is another one.

    `time` must have a zone. Raises ZoneInfoNotFoundError for a zone that is none.

    >>> when(datetime(2026, 11, 19, 13, 5, tzinfo=UTC), "Asia/Tokyo")
    '2026-11-19 22:05 JST (13:05 UTC)'
    """
    local = time.astimezone(_zone(zone) if isinstance(zone, str) else zone)
    utc = time.astimezone(UTC)
    if not local.utcoffset():
        return f"{utc:%Y-%m-%d %H:%M} UTC"
    name = local.strftime("%Z")
    if not name or name[0] in "+-":
        # Zones without letters of their own are told by their offset.
        name = f"UTC{local:%z}"
    day = "" if local.date() == utc.date() else f"{utc:%Y-%m-%d} "
    return _BOTH.said(
        language, {"local": f"{local:%Y-%m-%d %H:%M}", "zone": name, "utc": f"{day}{utc:%H:%M}"}
    )
