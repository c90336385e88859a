"""Language, zone and theme of a visit: the user's setting, else a cookie, else what the browser or the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from ashiato.access.identity import Identity
    from ashiato.core.settings import Settings
    from ashiato.web.visit import Language, Theme

LANGUAGES = ("en", "ja")
THEMES = ("auto", "light", "dark")


def language_of(request: HTTPConnection, identity: Identity | None, settings: Settings) -> Language:
    for found in (None if identity is None else identity.language, request.cookies.get("language")):
        if found in LANGUAGES:
            return cast("Language", found)
    accepted = request.headers.get("accept-language", "")
    for _, tag in sorted(_weighed(accepted), key=lambda entry: -entry[0]):
        base = tag.partition("-")[0]
        if base in LANGUAGES:
            return cast("Language", base)
    return settings.language


def _weighed(header: str) -> list[tuple[float, str]]:
    """Accept-Language as weights and tags; what cannot be read counts nothing."""
    found = []
    for part in header[:500].split(","):
        tag, _, rest = part.strip().lower().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        found.append((weight, tag))
    return found


def zone_of(request: HTTPConnection, identity: Identity | None, settings: Settings) -> str:
    own = identity.zone if identity is not None and identity.user is not None else None
    for found in (own, request.cookies.get("zone"), settings.detect.time_zone):
        if found and known_zone(found):
            return found
    return "UTC"


def known_zone(name: str) -> bool:
    """Whether the machine's zone data knows it.

    >>> known_zone("Asia/Tokyo"), known_zone("../etc/passwd")
    (True, False)
    """
    try:
        ZoneInfo(name)
    except (ValueError, OSError):
        return False
    return True


def theme_of(request: HTTPConnection) -> Theme:
    """A choice of the browser's, not of the user's: screens differ."""
    found = request.cookies.get("theme")
    return cast("Theme", found) if found in THEMES else "auto"
