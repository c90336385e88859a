"""Passwords: the rules, and argon2id.

Parameters above the least that OWASP names (19 MiB, 2 passes; https://cheatsheetseries.owasp.org, "Password
Storage"): 32 MiB, 3 passes, one lane, about 0.1 s.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from ashiato.core.errors import AshiatoError, WrongUse

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LONGEST = 1024
#: Hashes that are computed at once: each takes 32 MiB, which whoever asks for many must not multiply.
_AT_ONCE = threading.BoundedSemaphore(2)
_WAIT_SECONDS = 10.0


class TooManySignIns(AshiatoError):  # noqa: N818 - named like the errors of core/errors.py
    """So many passwords wait to be checked that this one is not."""


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher, Type

    return PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1, type=Type.ID)


@cache
def _nobodys() -> str:
    """What the password of a user is checked against who does not exist."""
    from ashiato.access.digests import new_secret

    return _hasher().hash(new_secret())


@contextmanager
def _turn() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=_WAIT_SECONDS):
        raise TooManySignIns("too many people sign in at this moment", remedy="Try again in a minute.")
    try:
        yield
    finally:
        _AT_ONCE.release()


def _as_typed(password: str) -> bytes:
    """One form of what keyboards write in several (full width, composed characters), as NIST SP 800-63B has it."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def check_rules(password: str, *, name: str, display: str = "", least: int = 12) -> None:
    """Raises WrongUse for a password that is too short, too long, the user's own name, or one character again and
    again. Nothing else is asked: length is what guessing meets."""
    plain = unicodedata.normalize("NFKC", password[: LONGEST + 1])
    why = None
    if len(plain) < least:
        why = f"it has fewer than {least} characters"
    elif len(password) > LONGEST:
        why = f"it has more than {LONGEST} characters"
    elif len(set(plain)) < 5:
        why = "it is the same few characters again and again"
    else:
        rest = plain.casefold()
        for own in (name, display, "ashiato"):
            if own:
                rest = rest.replace(own.casefold(), "")
        if len(rest) < least // 2:
            why = "it is little more than the user's name"
    if why:
        raise WrongUse(
            f"this password will not do: {why}",
            where="password",
            remedy="Four or five unrelated words are easy to keep and hard to guess.",
        )


def hash_password(password: str) -> str:
    """argon2id's text, with its parameters and salt. Raises TooManySignIns."""
    _hasher()
    with _turn():
        return _hasher().hash(_as_typed(password))


def verify(stored: str | None, password: str) -> bool:
    """Whether it is the password. Without a stored one it takes as long, and is not. Raises TooManySignIns."""
    from argon2.exceptions import InvalidHashError, VerificationError

    against = _nobodys() if stored is None else stored
    typed = _as_typed(password[:LONGEST])
    with _turn():
        try:
            right = _hasher().verify(against, typed)
        except (VerificationError, InvalidHashError):
            return False
    return right and stored is not None and len(password) <= LONGEST


def outdated(stored: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _hasher().check_needs_rehash(stored)
