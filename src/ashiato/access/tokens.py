"""API tokens, for programs: a user's, with some of the user's abilities, until a day.

They begin with `ash_`, so that scanners of leaked secrets can know them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ashiato.access import audit
from ashiato.access.digests import digest, new_secret
from ashiato.access.identity import Identity
from ashiato.access.names import visible
from ashiato.access.roles import abilities_named, abilities_of
from ashiato.access.users import user_named
from ashiato.core import clock
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Settings
from ashiato.core.text import printable
from ashiato.ledger import Ledger
from ashiato.ledger.access_tables import api_tokens, users

PREFIX = "ash_"
#: A token's last use is written at most so often.
_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Token:
    """`start`: its first characters, to know it by. `scopes`: abilities; it has those that its user has too."""

    number: int
    name: str
    user: str
    start: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The documented JSON of `ashiato token list`."""
        expired = self.expires_at <= clock.now()
        return {
            "number": self.number,
            "name": self.name,
            "user": self.user,
            "start": self.start,
            "scopes": list(self.scopes),
            "state": "revoked" if self.revoked_at else "expired" if expired else "active",
            "created": self.created_at,
            "created_by": self.created_by,
            "expires": self.expires_at,
            "last_used": self.used_at,
        }


class Tokens:
    """The tokens of a control database. One's own, or with the ability `users` anybody's."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings.access

    def create(
        self,
        user_name: str,
        name: str,
        scopes: Iterable[str],
        by: Identity,
        *,
        lifetime: timedelta | None = None,
    ) -> tuple[str, Token]:
        """A new token of a user: its text, which is shown this once, and what is kept. `scopes`: abilities or roles.

        Raises WrongUse, also for abilities that the user lacks, and Forbidden.
        """
        wanted = abilities_named(scopes)
        lifetime = self._settings.token_lifetime if lifetime is None else lifetime
        if not timedelta(0) < lifetime <= self._settings.token_longest:
            raise WrongUse(
                f"a token lasts at most {self._settings.token_longest.days} days", where="expiry",
                remedy="Choose an earlier day, or raise access.token_longest.",
            )  # fmt: skip
        name = visible(name, 100, "name")
        now, secret = clock.now(), new_secret(PREFIX)
        with self._ledger.begin() as connection:
            user = user_named(connection, user_name)
            if not by.owns(user.id):
                by.require("users")
            lacking = wanted - abilities_of(user.role, limited=user.groups is not None)
            if lacking:
                raise WrongUse(
                    f"{user.name} has no right to {', '.join(sorted(lacking))} itself",
                    where="scope",
                    remedy="Leave it out, or make the token for another user.",
                )
            made = connection.execute(
                sa.insert(api_tokens).values(
                    digest=digest(secret, PREFIX),
                    start=secret[: len(PREFIX) + 4],
                    name=name,
                    user=user.id,
                    abilities=json.dumps(sorted(wanted)),
                    created_at=now,
                    created_by=printable(by.name, 200),
                    expires_at=now + lifetime,
                )
            ).inserted_primary_key
            assert made is not None
            token = _token(connection.execute(_rows().where(api_tokens.c.id == made[0])).one())
            audit.record(
                connection, by, "token created", f"token {token.number}",
                {"user": user.name, "name": name, "scopes": token.scopes, "expires": token.expires_at}, now,
            )  # fmt: skip
            return secret, token

    def find(self, text: str, *, address: str | None = None) -> Identity | None:
        """Who a token stands for, as its user is now; None for what is over, revoked or never was."""
        key, now = digest(text, PREFIX), clock.now()
        if key is None:
            return None
        t, u = api_tokens.c, users.c
        asked = (
            sa.select(
                t.id.label("number"),
                t.user,
                t.abilities,
                t.used_at,
                u.name,
                u.display,
                u.role,
                u.groups,
                u.language,
                u.zone,
            )
            .join(users, u.id == t.user)
            .where(t.digest == key, t.revoked_at.is_(None), t.expires_at > now, u.disabled_at.is_(None))
        )
        with self._ledger.engine.connect() as connection:
            row = connection.execute(asked).first()
        if row is None:
            return None
        if row.used_at is None or now - row.used_at >= _USED_EVERY:
            with self._ledger.begin() as connection:
                connection.execute(
                    sa.update(api_tokens)
                    .where(t.id == row.number, t.used_at.is_not_distinct_from(row.used_at))
                    .values(used_at=now)
                )
        given = frozenset(json.loads(row.abilities))
        return Identity.of(row, via="token", address=address, given=given, token=row.number)

    def all(self, by: Identity, *, user_name: str | None = None) -> list[Token]:
        """Tokens, the newest first, also those that are over. Raises WrongUse, Forbidden."""
        with self._ledger.engine.connect() as connection:
            asked = _rows().order_by(api_tokens.c.id.desc())
            user = None if user_name is None else user_named(connection, user_name)
            if user is None or not by.owns(user.id):
                by.require("users")
            if user is not None:
                asked = asked.where(api_tokens.c.user == user.id)
            return [_token(row) for row in connection.execute(asked)]

    def revoke(self, number: int, by: Identity) -> Token:
        """It is of no use any more. Raises WrongUse."""
        now = clock.now()
        with self._ledger.begin() as connection:
            row = connection.execute(_rows().where(api_tokens.c.id == number)).first()
            # To others it is as if it were not there.
            if row is None or not (by.owns(row.user_id) or by.may("users")):
                raise WrongUse(f"there is no token {number}", remedy="`ashiato token list` lists them.")
            if row.revoked_at is None:
                connection.execute(
                    sa.update(api_tokens).where(api_tokens.c.id == number).values(revoked_at=now)
                )
                detail = {"user": row.user, "name": row.name}
                audit.record(connection, by, "token revoked", f"token {number}", detail, now)
            return _token(connection.execute(_rows().where(api_tokens.c.id == number)).one())


def _rows() -> sa.Select[Any]:
    t = api_tokens.c
    return sa.select(
        t.id, t.name, users.c.name.label("user"), users.c.id.label("user_id"), t.start, t.abilities,
        t.created_at, t.created_by, t.expires_at, t.used_at, t.revoked_at,
    ).join(users, users.c.id == t.user)  # fmt: skip


def _token(row: Any) -> Token:
    return Token(
        row.id,
        row.name,
        row.user,
        row.start,
        tuple(json.loads(row.abilities)),
        row.created_at,
        row.created_by,
        row.expires_at,
        row.used_at,
        row.revoked_at,
    )
