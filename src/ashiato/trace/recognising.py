"""What was pasted: an ARN, an access key, an address, an id, an event id, an account, a reference, or a name.

By its form alone; whether the lake knows it, and as what, `subjects` finds out. Forms:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal

from ashiato.core.errors import WrongUse
from ashiato.formats.entities import MAX_VALUE
from ashiato.formats.refs import Ref, parse_ref

Form = Literal[
    "arn", "access_key", "address", "event", "account", "instance", "interface", "unique", "name", "ref"
]

_KEY: Final = re.compile(r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,124}")
_UNIQUE: Final = re.compile(r"A(?:ROA|IDA|GPA|NPA|IPA|NVA)[A-Z0-9]{12,124}")
_EVENT: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_QUOTES: Final = "\"'`“”‘’「」<>"


@dataclass(frozen=True)
class Pasted:
    """`form` and `value`, the latter as records have it; `ref` where a reference was pasted."""

    form: Form
    value: str
    ref: Ref | None = None


def recognise(text: str) -> Pasted:
    """What a text is. Quotes, blanks and a trailing comma around it are left out; an address is made canonical.

    Raises WrongUse for no text, and for one too long to name anything.

    >>> recognise(' "2001:DB8::1", ').value, recognise("i-0a1b2c3d4e5f60718").form
    ('2001:db8::1', 'instance')
    """
    value = text.strip().rstrip(",;").strip(_QUOTES).strip()
    if not value or "\n" in value:
        raise WrongUse(
            "name one thing to trace", remedy="A name, key, address, id, ARN or event id, such as i-0a1b2c3d."
        )
    if len(value) > MAX_VALUE:
        raise WrongUse(f"nothing has a name of {len(value):,} characters", remedy=f"At most {MAX_VALUE:,}.")
    ref = parse_ref(value)
    if ref is not None:
        return Pasted("ref", value, ref)
    if value.startswith("arn:"):
        return Pasted("arn", value)
    address = _address(value)
    if address is not None:
        return Pasted("address", address)
    for form, pattern in _FORMS:
        if pattern.fullmatch(value):
            return Pasted(form, value.lower() if form == "event" else value)
    return Pasted("name", value)


_FORMS: Final[tuple[tuple[Form, re.Pattern[str]], ...]] = (
    ("access_key", _KEY),
    ("unique", _UNIQUE),
    ("event", _EVENT),
    ("account", re.compile(r"\d{12}")),
    ("instance", re.compile(r"i-[0-9a-f]{8,17}")),
    ("interface", re.compile(r"eni-[0-9a-f]{8,17}")),
)


def _address(value: str) -> str | None:
    """Canonical text of an address, also of one with a mask of its full length or in brackets."""
    bare = value.strip("[]")
    for mask in ("/32", "/128"):
        bare = bare.removesuffix(mask)
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)
