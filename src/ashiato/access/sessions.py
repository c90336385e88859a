"""Sessions: who signed in, from where, until when. Kept in the database, so that they can be listed and ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ashiato.access import audit
from ashiato.access.digests import digest, new_secret
from ashiato.access.ending import end_sessions
from ashiato.access.identity import Identity
from ashiato.access.limiting import address_kept
from ashiato.access.users import User, user_named
from ashiato.core import clock
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.settings import Settings
from ashiato.core.text import printable
from ashiato.ledger import Ledger
from ashiato.ledger.access_tables import sessions, users

#: A session's last use is written at most so often.
_SEEN_EVERY = timedelta(minutes=1)


class NotEntered(AshiatoError):  # noqa: N818 - named like the errors of core/errors.py
    """The user was disabled, removed or given another password while signing in."""


@dataclass(frozen=True)
class Session:
    """`number` names it to people. `user_agent` is what a browser said: anybody's text."""

    number: int
    user: str
    created_at: datetime
    seen_at: datetime
    idle_until: datetime
    expires_at: datetime
    user_agent: str
    address: str

    def as_json(self) -> dict[str, Any]:
        """The documented JSON of `ashiato user sessions`."""
        return {
            "number": self.number,
            "user": self.user,
            "created": self.created_at,
            "last_seen": self.seen_at,
            "expires": min(self.expires_at, self.idle_until),
            "address": self.address,
            "user_agent": self.user_agent,
        }


class Sessions:
    """The sessions of a control database."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings.access

    def begin(self, user: User, *, user_agent: str, address: str) -> tuple[str, Session]:
        """Let a user in who has just proved to be it: the id for the cookie, which is kept nowhere, and the session.

        Raises NotEntered where the user may not enter any more.
        """
        now, secret = clock.now(), new_secret()
        with self._ledger.begin() as connection:
            connection.execute(
                sa.delete(sessions).where(sessions.c.expires_at < now - self._settings.known_for)
            )
            entered = connection.execute(
                sa.update(users)
                .where(
                    users.c.id == user.id,
                    users.c.disabled_at.is_(None),
                    users.c.password_at.is_not_distinct_from(user.password_at),
                )
                .values(entered_at=now)
            )
            if not entered.rowcount:
                raise NotEntered("this user may not enter", remedy="Sign in again, or ask an admin.")
            made = connection.execute(
                sa.insert(sessions).values(
                    digest=digest(secret),
                    user=user.id,
                    created_at=now,
                    seen_at=now,
                    idle_until=now + self._settings.session_idle,
                    expires_at=now + self._settings.session_lifetime,
                    user_agent=printable(user_agent, 400),
                    address=address_kept(address),
                )
            ).inserted_primary_key
            assert made is not None
            row = connection.execute(_going_on(now).where(sessions.c.id == made[0])).one()
            audit.record(
                connection,
                _identity(row, address),
                "signed in",
                f"user {user.name}",
                {"session": row.number},
                now,
            )
            return secret, _session(row)

    def find(self, session_id: str, *, address: str | None = None) -> tuple[Identity, Session] | None:
        """Who a cookie stands for, as the user is now; None for what is over or never was.

        Notes its use, at most once a minute. `address`: from where it is used now, for the audit log.
        """
        key, now = digest(session_id), clock.now()
        if key is None:
            return None
        with self._ledger.engine.connect() as connection:
            row = connection.execute(_going_on(now).where(sessions.c.digest == key)).first()
        if row is None:
            return None
        if now - row.seen_at >= _SEEN_EVERY:
            with self._ledger.begin() as connection:
                # Of requests that come at once one writes.
                connection.execute(
                    sa.update(sessions)
                    .where(sessions.c.id == row.number, sessions.c.seen_at == row.seen_at)
                    .values(seen_at=now, idle_until=now + self._settings.session_idle)
                )
        return _identity(row, address), _session(row)

    def of(self, name: str, by: Identity) -> list[Session]:
        """Those of a user that go on, the last used first; one's own, or with the ability `users` anybody's."""
        with self._ledger.engine.connect() as connection:
            user = user_named(connection, name)
            if not by.owns(user.id):
                by.require("users")
            asked = _going_on(clock.now()).where(sessions.c.user == user.id)
            return [_session(row) for row in connection.execute(asked.order_by(sessions.c.seen_at.desc()))]

    def all(self, by: Identity) -> list[Session]:
        """Everybody's, the last used first. Raises Forbidden."""
        by.require("users")
        asked = _going_on(clock.now()).order_by(sessions.c.seen_at.desc())
        return [_session(row) for row in self._ledger.rows(asked)]

    def end(self, session_id: str, by: Identity) -> None:
        """Sign out: the id is of no use any more, whoever has it."""
        key, now = digest(session_id), clock.now()
        with self._ledger.begin() as connection:
            ended = connection.execute(
                sa.update(sessions)
                .where(sessions.c.digest == (key or ""), sessions.c.ended_at.is_(None))
                .values(ended_at=now)
            )
            if ended.rowcount:
                audit.record(connection, by, "signed out", f"user {by.name}", {"session": by.session}, now)

    def revoke(self, number: int, by: Identity) -> Session:
        """End one by its number; one's own, or with the ability `users` anybody's. Raises WrongUse, Forbidden."""
        now = clock.now()
        with self._ledger.begin() as connection:
            row = connection.execute(_going_on(now).where(sessions.c.id == number)).first()
            # To others it is as if it were not there.
            if row is None or not (by.owns(row.user) or by.may("users")):
                raise WrongUse(
                    f"there is no session {number} that goes on", remedy="`ashiato user sessions` lists them."
                )
            connection.execute(sa.update(sessions).where(sessions.c.id == number).values(ended_at=now))
            audit.record(connection, by, "session revoked", f"user {row.name}", {"session": number}, now)
            return _session(row)

    def revoke_all(self, name: str, by: Identity, *, keep: int | None = None) -> int:
        """End all of a user, but for the one numbered `keep`; how many. Raises WrongUse, Forbidden."""
        now = clock.now()
        with self._ledger.begin() as connection:
            user = user_named(connection, name)
            if not by.owns(user.id):
                by.require("users")
            count = end_sessions(connection, now, user=user.id, keep=keep)
            audit.record(connection, by, "sessions revoked", f"user {user.name}", {"sessions": count}, now)
            return count


def _going_on(now: datetime) -> sa.Select[Any]:
    """Sessions that let somebody in at this moment, each with its user."""
    s, u = sessions.c, users.c
    return (
        sa.select(
            s.id.label("number"),
            s.user,
            s.created_at,
            s.seen_at,
            s.idle_until,
            s.expires_at,
            s.user_agent,
            s.address,
            u.name,
            u.display,
            u.role,
            u.groups,
            u.language,
            u.zone,
        )
        .join(users, u.id == s.user)
        .where(s.ended_at.is_(None), s.expires_at > now, s.idle_until > now, u.disabled_at.is_(None))
    )


def _session(row: Any) -> Session:
    return Session(
        row.number,
        row.name,
        row.created_at,
        row.seen_at,
        row.idle_until,
        row.expires_at,
        row.user_agent,
        row.address,
    )


def _identity(row: Any, address: str | None) -> Identity:
    return Identity.of(row, via="session", address=address, session=row.number)
