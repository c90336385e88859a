"""Users: who there is, what each is, and changing that. Each method is one transaction, and in the audit log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.access import audit, passwords
from ashiato.access.ending import end_sessions
from ashiato.access.identity import Identity, Language, groups_of
from ashiato.access.names import a_display, a_language, a_name, a_zone, the_groups
from ashiato.access.roles import Role, role_named
from ashiato.core import clock
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Settings
from ashiato.core.text import printable
from ashiato.ledger import Ledger
from ashiato.ledger.access_tables import api_tokens, links, sessions, users
from ashiato.ledger.locking import lock

#: For the advisory lock: any number that nothing else uses.
_NUMBER = 0x41534855


@dataclass(frozen=True)
class User:
    """`groups`: account groups that it is limited to, or None. `ready`: a password was set."""

    id: int
    name: str
    display: str
    role: Role
    groups: tuple[str, ...] | None
    language: Language
    zone: str
    ready: bool
    disabled: bool
    created_at: datetime
    created_by: str
    entered_at: datetime | None
    password_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The documented JSON of `ashiato user list`."""
        return {
            "name": self.name,
            "display": self.display,
            "role": self.role,
            "groups": None if self.groups is None else list(self.groups),
            "language": self.language,
            "zone": self.zone,
            "state": "disabled" if self.disabled else "active" if self.ready else "invited",
            "created": self.created_at,
            "created_by": self.created_by,
            "last_entered": self.entered_at,
        }


class Changes(TypedDict, total=False):
    """What of a user may be changed; `groups`: None lifts the limit."""

    display: str
    role: str
    groups: list[str] | None
    language: str
    zone: str


def user_of(row: Any) -> User:
    """A row of the table; the password stays behind."""
    return User(
        row.id,
        row.name,
        row.display,
        row.role,
        groups_of(row.groups),
        row.language,
        row.zone,
        row.password is not None,
        row.disabled_at is not None,
        row.created_at,
        row.created_by,
        row.entered_at,
        row.password_at,
    )


class Users:
    """The users of a control database. `by` is who acts: it needs the ability `users`, but for what is its own."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings

    def all(self) -> list[User]:
        """Every user, by name."""
        return [user_of(row) for row in self._ledger.rows(sa.select(users).order_by(users.c.key))]

    def get(self, name: str) -> User:
        """Raises WrongUse where there is none of that name."""
        with self._ledger.engine.connect() as connection:
            return user_named(connection, name)

    def add(
        self,
        name: str,
        role: str,
        by: Identity,
        *,
        groups: list[str] | None = None,
        display: str = "",
        language: str = "auto",
        zone: str = "UTC",
        password: str | None = None,
    ) -> User:
        """A new user; without a password nobody can enter as it until a link set one. Raises WrongUse, Forbidden."""
        by.require("users")
        values = self._values(
            Changes(display=display, role=role, groups=groups, language=language, zone=zone)
        )
        name = a_name(name)
        hashed = None if password is None else self._hashed(password, name, values["display"])
        with self._ledger.begin() as connection:
            return insert_user(connection, name, by, hashed, values)

    def change(self, name: str, by: Identity, **changes: Unpack[Changes]) -> User:
        """Change what is given. Another role, or other groups, end the user's sessions. One may change one's own
        display name, language and time zone. Raises WrongUse, Forbidden."""
        with self._ledger.begin() as connection:
            lock(connection, _NUMBER)
            old = user_named(connection, name)
            if not by.owns(old.id) or {"role", "groups"} & set(changes):
                by.require("users")
            before = {"display": old.display, "role": old.role, "groups": old.groups}
            values = self._values(changes, before)
            if values["role"] != "admin":
                _leave_an_admin(connection, old)
            connection.execute(sa.update(users).where(users.c.id == old.id).values(**values))
            new = user_named(connection, name)
            if (new.role, new.groups) != (old.role, old.groups):
                end_sessions(connection, clock.now(), user=old.id)
            audit.record(connection, by, "user changed", _target(old), dict(changes), clock.now())
            return new

    def set_password(self, name: str, password: str, by: Identity, *, keep: int | None = None) -> User:
        """A new password; ends the user's sessions, but for the one numbered `keep`, and open links. Raises WrongUse,
        Forbidden."""
        user = self.get(name)
        if not by.owns(user.id):
            by.require("users")
        hashed = self._hashed(password, user.name, user.display)
        with self._ledger.begin() as connection:
            store_password(connection, user, hashed, by, keep=keep)
            return user_named(connection, name)

    def disable(self, name: str, by: Identity) -> User:
        """It can enter no more: sessions end, tokens and links are of no use. Raises WrongUse, Forbidden."""
        return self._disabled(name, by, clock.now())

    def enable(self, name: str, by: Identity) -> User:
        """It can enter again, with the password and the tokens that it has. Raises WrongUse, Forbidden."""
        return self._disabled(name, by, None)

    def remove(self, name: str, by: Identity) -> None:
        """The user with sessions, tokens and links; the audit log keeps the name. Raises WrongUse, Forbidden."""
        by.require("users")
        with self._ledger.begin() as connection:
            lock(connection, _NUMBER)
            user = user_named(connection, name)
            _leave_an_admin(connection, user)
            for table in (sessions, api_tokens, links):
                connection.execute(sa.delete(table).where(table.c.user == user.id))
            connection.execute(sa.delete(users).where(users.c.id == user.id))
            audit.record(connection, by, "user removed", _target(user), {"role": user.role}, clock.now())

    def _disabled(self, name: str, by: Identity, at: datetime | None) -> User:
        by.require("users")
        with self._ledger.begin() as connection:
            lock(connection, _NUMBER)
            user = user_named(connection, name)
            if at is not None:
                _leave_an_admin(connection, user)
                end_sessions(connection, at, user=user.id)
            connection.execute(sa.update(users).where(users.c.id == user.id).values(disabled_at=at))
            what = "user enabled" if at is None else "user disabled"
            audit.record(connection, by, what, _target(user), {}, clock.now())
            return user_named(connection, name)

    def _hashed(self, password: str, name: str, display: str) -> str:
        least = self._settings.access.password_length
        passwords.check_rules(password, name=name, display=display, least=least)
        return passwords.hash_password(password)

    def _values(self, changes: Changes, before: dict[str, Any] | None = None) -> dict[str, Any]:
        """Columns of what is given, each checked; `before`: the rest of the user."""
        values: dict[str, Any] = dict(before or {})
        if "display" in changes:
            values["display"] = a_display(changes["display"])
        if "role" in changes:
            values["role"] = role_named(changes["role"])
        if "groups" in changes:
            values["groups"] = the_groups(changes["groups"], self._settings)
        if "language" in changes:
            values["language"] = a_language(changes["language"])
        if "zone" in changes:
            values["zone"] = a_zone(changes["zone"])
        if values["role"] == "admin" and values["groups"] is not None:
            raise WrongUse(
                "an admin cannot be limited to account groups: who manages users may lift any limit",
                where="groups",
                remedy="Give the role analyst or viewer, or no groups.",
            )
        groups = values["groups"]
        return {**values, "groups": None if groups is None else json.dumps(list(groups))}


def user_named(connection: Connection, name: str) -> User:
    """Raises WrongUse where there is none of that name."""
    row = connection.execute(sa.select(users).where(users.c.key == printable(name.lower(), 64))).first()
    if row is None:
        raise WrongUse(
            f"there is no user {printable(name, 64)}", remedy="`ashiato user list` shows who there is."
        )
    return user_of(row)


def insert_user(
    connection: Connection, name: str, by: Identity, hashed: str | None, values: dict[str, Any]
) -> User:
    """A row of checked values. Raises WrongUse where the name is taken."""
    lock(connection, _NUMBER)
    now = clock.now()
    key = name.lower()
    if connection.execute(sa.select(users.c.id).where(users.c.key == key)).first():
        raise WrongUse(f"there is a user {name} already", where="name", remedy="Choose another name.")
    connection.execute(
        sa.insert(users).values(
            name=name,
            key=key,
            password=hashed,
            password_at=None if hashed is None else now,
            created_at=now,
            created_by=printable(by.name, 200),
            **values,
        )
    )
    user = user_named(connection, name)
    detail = {"role": user.role, "groups": user.groups, "display": user.display or None}
    audit.record(connection, by, "user added", _target(user), detail, now)
    return user


def store_password(
    connection: Connection, user: User, hashed: str, by: Identity, *, keep: int | None = None
) -> None:
    """A hash in place of the one before; ends sessions (but `keep`) and open links of the user."""
    now = clock.now()
    connection.execute(sa.update(users).where(users.c.id == user.id).values(password=hashed, password_at=now))
    end_sessions(connection, now, user=user.id, keep=keep)
    connection.execute(sa.delete(links).where(links.c.user == user.id, links.c.used_at.is_(None)))
    audit.record(connection, by, "password set", _target(user), {}, now)


def _leave_an_admin(connection: Connection, user: User) -> None:
    """Raises WrongUse where nobody could manage users after `user` is gone."""
    if user.role != "admin" or user.disabled:
        return
    others = sa.select(users.c.id).where(
        users.c.role == "admin", users.c.disabled_at.is_(None), users.c.id != user.id
    )
    if connection.execute(others).first() is None:
        raise WrongUse(
            f"{user.name} is the last admin", remedy="Add or enable another admin first: `ashiato user add`."
        )


def _target(user: User) -> str:
    return f"user {user.name}"
