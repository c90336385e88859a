"""Proving who one is. Passwords are one way; others come as further `Authenticator`s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import sqlalchemy as sa

from ashiato.access import audit, passwords
from ashiato.access.limiting import Gate, LockedOut, address_kept
from ashiato.access.names import is_name
from ashiato.access.users import User, user_of
from ashiato.core import clock
from ashiato.core.errors import AshiatoError
from ashiato.core.settings import Settings
from ashiato.ledger import Ledger
from ashiato.ledger.access_tables import sessions, users


class SignInRefused(AshiatoError):  # noqa: N818 - named like the errors of core/errors.py
    """Name and password do not go together; which of them is wrong is not said."""


class Authenticator(Protocol):
    """A way to prove who one is. `Sessions.begin` then lets the user in."""

    @property
    def name(self) -> str:
        """What it is called in the audit log."""

    def authenticate(self, credentials: Mapping[str, str], *, address: str) -> User:
        """The user that the credentials prove: fields of a form, or parameters that another service sent back with.

        Raises SignInRefused, LockedOut, TooManySignIns.
        """


class PasswordAuthenticator:
    """`name` and `password`. Whether a user exists shows neither in the answer nor in the time that it takes."""

    name = "password"

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings.access
        self._gate = Gate(settings.access)

    def authenticate(self, credentials: Mapping[str, str], *, address: str) -> User:
        typed, password = credentials.get("name", "").strip(), credentials.get("password", "")
        row = self._row(typed, address)
        may_enter = row is not None and row.disabled_at is None
        try:
            self._gate.admit(typed, address, known=row is not None and bool(row.known))
        except LockedOut as locked:
            if locked.first:
                self._note(row, address, "sign-in locked", locked.seconds)
            raise
        if not passwords.verify(row.password if row is not None and may_enter else None, password):
            self._note(row, address, "sign-in refused")
            raise SignInRefused(
                "name or password is wrong",
                remedy="Try again, or ask an admin for a link to set a new password.",
            )
        assert row is not None
        self._gate.forgive(typed, address)
        if passwords.outdated(row.password):
            hashed = passwords.hash_password(password)
            with self._ledger.begin() as connection:
                connection.execute(
                    sa.update(users)
                    .where(users.c.id == row.id, users.c.password == row.password)
                    .values(password=hashed)
                )
        return user_of(row)

    def _row(self, typed: str, address: str) -> Any:
        """The user, and whether it came from there before; one statement whether it exists or not."""
        known = sa.exists().where(
            sessions.c.user == users.c.id,
            sessions.c.address == address_kept(address),
            sessions.c.created_at > clock.now() - self._settings.known_for,
        )
        # What is no name finds nobody: else "ann" with something dropped would count its tries apart.
        key = typed.lower() if is_name(typed) else ""
        with self._ledger.engine.connect() as connection:
            asked = sa.select(users, known.label("known")).where(users.c.key == key)
            return connection.execute(asked).first()

    def _note(self, row: Any, address: str, what: str, seconds: int | None = None) -> None:
        """What was typed for a name that nobody has may be a password, and is not written down."""
        who = "unknown" if row is None else row.name
        detail = {"address": address_kept(address), "by": self.name, "for_seconds": seconds}
        with self._ledger.begin() as connection:
            audit.record(connection, who, what, f"user {who}", detail, clock.now())
