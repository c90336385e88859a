"""Ids that a person types: A-17 an alert, I-3 an incident, S-2 a suppression, P-4 planned work."""

from __future__ import annotations

import re
from typing import Literal

from ashiato.core.errors import WrongUse

Letter = Literal["A", "I", "S", "P"]

_ID = re.compile(r"(?:([AISPaisp])-?)?([0-9]{1,15})")
_NAMES = {"A": "an alert", "I": "an incident", "S": "a suppression", "P": "planned work"}


def alert_id(number: int) -> str:
    """
    >>> alert_id(17)
    'A-17'
    """
    return f"A-{number}"


def incident_id(number: int | None) -> str | None:
    """An incident's id, where there is one."""
    return None if number is None else f"I-{number}"


def parse_id(text: str, *letters: Letter) -> tuple[Letter, int]:
    """Letter and number of an id; without a letter it is of the first kind. Raises WrongUse.

    >>> parse_id("a17", "A", "I"), parse_id("I-3", "A", "I"), parse_id("17", "A")
    (('A', 17), ('I', 3), ('A', 17))
    """
    found = _ID.fullmatch(text.strip())
    letter = (found[1] or letters[0]).upper() if found else ""
    for known in letters:
        if found and letter == known:
            return known, int(found[2])
    kinds = " or ".join(f"{letter}-17 ({_NAMES[letter]})" for letter in letters)
    raise WrongUse(f"this is no id: {text}", remedy=f"Write {kinds}; `ashiato alerts list` shows them.")
