"""Random secrets that let somebody in. Only their SHA-256 is kept: 256 random bits need no slow hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
#: 43 of 62 characters: 256 bits.
_LENGTH = 43
_SHAPE = re.compile(rf"[A-Za-z0-9]{{{_LENGTH}}}")


def new_secret(prefix: str = "") -> str:
    """256 random bits, in letters and digits only, so that a double click marks all of it."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def digest(secret: str, prefix: str = "") -> str | None:
    """SHA-256 as 64 hex digits; None for what was never made by `new_secret(prefix)`."""
    if len(secret) != len(prefix) + _LENGTH or not secret.startswith(prefix):
        return None
    if not _SHAPE.fullmatch(secret, len(prefix)):
        return None
    return hashlib.sha256(secret.encode()).hexdigest()


def form_token(session_id: str) -> str:
    """What a form of this session carries against forged requests; follows from the session's id, and not back."""
    return hmac.new(session_id.encode(), b"ashiato form", hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
