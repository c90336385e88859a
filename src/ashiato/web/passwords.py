"""What is wrong with a name or a password that somebody chose, in the visitor's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ashiato.core.errors import WrongUse
    from ashiato.web.visit import Visit


def password_trouble(visit: Visit, error: WrongUse) -> str:
    """`access` says which field will not do; the words are of the catalogues."""
    told = {
        "password": visit._(
            "This password will not do. It needs at least %(least)s characters, more than a few different ones, and"
            " more than your name: four or five unrelated words are easy to keep and hard to guess.",
            least=visit.settings.access.password_length,
        ),
        "name": visit._(
            "This name will not do, or is taken: at most 64 of the letters a–z, digits and . _ @ + -, beginning with"
            " a letter or digit."
        ),
        "display": visit._("This is no name to show: at most 100 characters, none of them invisible."),
        "groups": visit._("Choose at least one group that the settings know; an admin cannot be limited."),
    }
    return told.get(error.where or "", f"{error.what}. {error.remedy or ''}".strip())
