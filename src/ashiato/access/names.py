"""What a user may be called and may choose."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from ashiato.access.identity import LANGUAGES, Language
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Settings

# ASCII alone: no two names look the same and differ.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
#: Controls, directions and other invisible characters, lone surrogates, separators of lines, private use.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def a_name(text: str) -> str:
    """Raises WrongUse for what is no user's name."""
    if not is_name(text):
        raise WrongUse(
            "this is no name for a user",
            where="name",
            remedy="At most 64 of the letters a–z, digits and . _ @ + -, beginning with a letter or digit.",
        )
    return text


def visible(text: str, most: int, where: str) -> str:
    """At most `most` characters that can be seen, of any script. Raises WrongUse."""
    text = unicodedata.normalize("NFC", text[: most + 1]).strip()
    if len(text) > most or any(unicodedata.category(c) in _INVISIBLE for c in text):
        raise WrongUse(
            f"this is no text for {where}",
            where=where,
            remedy=f"At most {most} characters; none that is invisible or turns the direction of writing.",
        )
    return text


def a_display(text: str) -> str:
    """Raises WrongUse."""
    return visible(text, 100, "display")


def a_language(text: str) -> Language:
    """Raises WrongUse."""
    for language in LANGUAGES:
        if language == text:
            return language
    raise WrongUse(
        "there is no such language", where="language", remedy="en, ja, or auto: what the browser asks for."
    )


@cache
def _zones() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def a_zone(text: str) -> str:
    """Raises WrongUse."""
    if text == "UTC" or text in _zones():
        return text
    raise WrongUse(
        "there is no such time zone", where="zone", remedy="A name of the IANA database, such as Asia/Tokyo."
    )


def the_groups(names: Sequence[str] | None, settings: Settings) -> tuple[str, ...] | None:
    """Account groups, each once, in order. Raises WrongUse for one that no account of the settings is in."""
    if names is None:
        return None
    known = {g for a in settings.accounts for g in a.groups}
    for name in names:
        if name not in known:
            raise WrongUse(
                f"no account is in a group {name[:60]!r}",
                where="groups",
                remedy="Groups of the settings: " + (", ".join(sorted(known)) or "there are none") + ".",
            )
    if not names:
        raise WrongUse("a user limited to no group sees nothing", where="groups", remedy="Name a group.")
    return tuple(sorted(set(names)))
