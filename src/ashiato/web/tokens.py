"""API tokens on pages: one's own, and those of others for who manages users."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ashiato.access.roles import ABILITIES, abilities_of
from ashiato.access.tokens import Tokens
from ashiato.core.errors import WrongUse
from ashiato.web.page import Wrong

if TYPE_CHECKING:
    from ashiato.access.users import User
    from ashiato.web.visit import Visit


def token_values(visit: Visit, user: User) -> dict[str, Any]:
    """What users/tokens.html shows of a user's tokens."""
    able = abilities_of(user.role, limited=user.groups is not None)
    found = Tokens(visit.ledger, visit.settings).all(visit.who, user_name=user.name)
    return {
        "tokens": [t.as_json() for t in found],
        "abilities": [a for a in ABILITIES.values() if a.name in able],
        "longest": visit.settings.access.token_longest.days,
        "usual": visit.settings.access.token_lifetime.days,
    }


def made_token(visit: Visit, name: str) -> tuple[str, str]:
    """A new token as the form asks for it: its text, to be shown this once, or what is wrong."""
    days = visit.told("days")
    lifetime = timedelta(days=min(whole(visit, days), 100_000)) if days else None
    try:
        text, _ = Tokens(visit.ledger, visit.settings).create(
            name, visit.told("label"), visit.form.get("scope", []), visit.who, lifetime=lifetime
        )
    except WrongUse as error:
        return "", _trouble(visit, error)
    return text, ""


def whole(visit: Visit, text: str) -> int:
    """Raises Wrong for what is no whole number."""
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise Wrong(visit._("This is no whole number"))
    return int(text)


def _trouble(visit: Visit, error: WrongUse) -> str:
    told = {
        "scope": visit._("Choose at least one right, and only such as the user has."),
        "expiry": visit._(
            "A token lasts at most %(days)s days.", days=visit.settings.access.token_longest.days
        ),
        "name": visit._("Name the token, with at most 100 characters, none of them invisible."),
    }
    return told.get(error.where or "", str(error))
