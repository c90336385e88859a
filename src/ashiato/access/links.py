"""Links that let somebody set a password, once: the first admin, somebody invited, somebody who forgot it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.access import audit, passwords
from ashiato.access.digests import digest, new_secret
from ashiato.access.identity import Identity
from ashiato.access.names import a_display, a_language, a_name, a_zone
from ashiato.access.roles import abilities_of
from ashiato.access.users import User, insert_user, store_password, user_named, user_of
from ashiato.core import clock
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.settings import Settings
from ashiato.core.text import printable
from ashiato.ledger import Ledger
from ashiato.ledger.access_tables import links, users
from ashiato.ledger.locking import lock

#: Where the pages answer a link: this and its secret.
PATH = "/link/"
#: For the advisory lock: any number that nothing else uses.
_NUMBER = 0x4153484C


def address(settings: Settings, secret: str, serving: str | None = None) -> str:
    """What somebody opens: at the pages' address of the settings, else at `serving`, where they are served."""
    base = settings.alerts.link or serving or f"http://{settings.web.listen}"
    return base.rstrip("/") + PATH + secret


class LinkOver(AshiatoError):  # noqa: N818 - named like the errors of core/errors.py
    """The link was used, is too old, or never was."""


@dataclass(frozen=True)
class Link:
    """`purpose`: setup makes the first admin, password sets that of `user`."""

    purpose: Literal["setup", "password"]
    user: User | None
    expires_at: datetime


class Links:
    """The links of a control database."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings.access

    def first_start(self) -> str | None:
        """The secret of a new set-up link, in place of any before; None where there is a user already."""
        with self._ledger.begin() as connection:
            lock(connection, _NUMBER)
            if connection.execute(sa.select(users.c.id)).first():
                return None
            connection.execute(sa.delete(links))
            return self._issue(connection, "setup", None, Identity.local("first start"))

    def issue(self, name: str, by: Identity) -> str:
        """The secret of a link by which a user sets a password, in place of any before. Raises WrongUse, Forbidden."""
        by.require("users")
        with self._ledger.begin() as connection:
            user = user_named(connection, name)
            if user.disabled:
                raise WrongUse(
                    f"{user.name} is disabled", remedy=f"First: `ashiato user enable {user.name}`."
                )
            connection.execute(sa.delete(links).where(links.c.user == user.id, links.c.used_at.is_(None)))
            return self._issue(connection, "password", user, by)

    def find(self, secret: str) -> Link:
        """What a link is for. Raises LinkOver."""
        with self._ledger.engine.connect() as connection:
            return self._find(connection, secret)

    def redeem(
        self,
        secret: str,
        password: str,
        *,
        address: str,
        name: str = "",
        display: str = "",
        language: str = "auto",
        zone: str = "UTC",
    ) -> User:
        """Set the password; the link is used up. A set-up link makes the first admin of the rest.

        Raises LinkOver, and WrongUse for a password or a name that will not do, which leaves the link as it was.
        """
        link = self.find(secret)
        if link.user is None:
            name, display = a_name(name), a_display(display)
        else:
            name, display = link.user.name, link.user.display
        values = {
            "display": display, "role": "admin", "groups": None,
            "language": a_language(language), "zone": a_zone(zone),
        }  # fmt: skip
        passwords.check_rules(password, name=name, display=display, least=self._settings.password_length)
        hashed = passwords.hash_password(password)
        now = clock.now()
        with self._ledger.begin() as connection:
            lock(connection, _NUMBER)
            self._find(connection, secret)
            connection.execute(sa.update(links).where(links.c.digest == digest(secret)).values(used_at=now))
            if link.user is None:
                by = Identity(
                    name, "admin", abilities_of("admin"), via="link", address=printable(address, 64)
                )
                return insert_user(connection, name, by, hashed, values)
            by = Identity(
                name, link.user.role, abilities_of(link.user.role), via="link", user=link.user.id,
                address=printable(address, 64),
            )  # fmt: skip
            store_password(connection, link.user, hashed, by)
            return user_named(connection, name)

    def _find(self, connection: Connection, secret: str) -> Link:
        now = clock.now()
        row = connection.execute(
            sa.select(links).where(
                links.c.digest == (digest(secret) or ""), links.c.used_at.is_(None), links.c.expires_at > now
            )
        ).first()
        if row is not None and row.purpose == "setup":
            if connection.execute(sa.select(users.c.id)).first() is None:
                return Link("setup", None, row.expires_at)
        elif row is not None:
            of = connection.execute(
                sa.select(users).where(users.c.id == row.user, users.c.disabled_at.is_(None))
            ).first()
            if of is not None:
                return Link("password", user_of(of), row.expires_at)
        raise LinkOver(
            "this link was used, is too old, or never was",
            remedy="Ask an admin for another: `ashiato user link`.",
        )

    def _issue(self, connection: Connection, purpose: str, user: User | None, by: Identity) -> str:
        now, secret = clock.now(), new_secret()
        expires_at = now + self._settings.link_lifetime
        connection.execute(sa.delete(links).where(links.c.expires_at < now))
        connection.execute(
            sa.insert(links).values(
                digest=digest(secret),
                purpose=purpose,
                user=None if user is None else user.id,
                created_at=now,
                created_by=printable(by.name, 200),
                expires_at=expires_at,
            )
        )
        target = "set-up link" if user is None else f"user {user.name}"
        audit.record(connection, by, "link issued", target, {"expires": expires_at}, now)
        return secret
