"""Who acts: made once a request, handed to whatever reads or changes something."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from ashiato.access.roles import ABILITIES, Forbidden, Role, abilities_of, at_least
from ashiato.core.scope import AccountScope
from ashiato.core.settings import Settings
from ashiato.core.text import printable

Language = Literal["en", "ja", "auto"]
LANGUAGES: tuple[Language, ...] = ("en", "ja", "auto")
Via = Literal["session", "token", "demo", "cli", "link"]


def groups_of(stored: str | None) -> tuple[str, ...] | None:
    """Account groups as the column `users.groups` has them."""
    return None if stored is None else tuple(json.loads(stored))


@dataclass(frozen=True)
class Identity:
    """`groups`: account groups that limit it, or None. `abilities`: those of the role, less what limits take away.
    `user`: the number of a user of ours; `session`, `token`: the number of what it came with. `address`: where it
    asks from."""

    name: str
    role: Role
    abilities: frozenset[str]
    groups: tuple[str, ...] | None = None
    display: str = ""
    language: Language = "auto"
    zone: str = "UTC"
    via: Via = "session"
    user: int | None = None
    session: int | None = None
    token: int | None = None
    address: str | None = None

    @classmethod
    def of(
        cls,
        row: Any,
        *,
        via: Via,
        address: str | None,
        given: frozenset[str] | None = None,
        session: int | None = None,
        token: int | None = None,
    ) -> Identity:
        """A user as it is now. `row` has its columns, its number as `user`; `given`: abilities that it came with."""
        groups = groups_of(row.groups)
        own = abilities_of(row.role, limited=groups is not None)
        return cls(
            row.name,
            row.role,
            own if given is None else own & given,
            groups,
            row.display,
            row.language,
            row.zone,
            via=via,
            user=row.user,
            session=session,
            token=token,
            address=None if address is None else printable(address, 64),
        )

    @classmethod
    def local(cls, name: str) -> Identity:
        """Whoever has the command line, and with it the control database."""
        return cls(name, "admin", abilities_of("admin"), via="cli")

    def scope(self, settings: Settings) -> AccountScope:
        """The accounts that it may see. A group that the settings do not know holds none."""
        return AccountScope() if self.groups is None else AccountScope.of_groups(self.groups, settings)

    def may(self, ability: str) -> bool:
        """Whether it may do this, an ability of `roles.ABILITIES`."""
        return ABILITIES[ability].name in self.abilities

    def owns(self, user: int) -> bool:
        """Whether it is this user, by number, and may do what everybody may with what is theirs. A token may not: it
        would reach beyond its scopes, and past its end."""
        return self.user == user and self.via != "token"

    def at_least(self, role: Role) -> bool:
        """Whether it may do all that this role may (within its accounts). A token's scopes count, not its owner."""
        return at_least(self.role, role) and self.abilities >= abilities_of(
            role, limited=self.groups is not None
        )

    def require(self, ability: str) -> None:
        """Raises Forbidden where it may not."""
        if not self.may(ability):
            raise Forbidden(
                f"{self.name} may not {ABILITIES[ability].what}", remedy="Ask an admin for the right to."
            )
