"""Language, zone and theme of a visit: the user's setting, else a cookie, else what the browser or the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from ashiato.core.settings import Settings
    from ashiato.web.visit import Identity, Language, Theme

LANGUAGES = ("en", "ja")
THEMES = ("auto", "light", "dark")


def language_of(request: HTTPConnection, identity: Identity | None, settings: Settings) -> Language:
    for found in (getattr(identity, "language", None), request.cookies.get("language")):
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
    for found in (
        getattr(identity, "zone", None),
        request.cookies.get("zone"),
        settings.detect.time_zone,
    ):
        if found and known_zone(found):
            return str(found)
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


def theme_of(request: HTTPConnection, identity: Identity | None) -> Theme:
    found = getattr(identity, "theme", None) or request.cookies.get("theme")
    return cast("Theme", found) if found in THEMES else "auto"
