"""Who stands at the door: an identity for each request, and what they may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ashiato.core.scope import AccountScope

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from ashiato.core.settings import Settings
    from ashiato.web.visit import Identity


@dataclass(frozen=True)
class Visitor:
    """An identity without an account: the reader of `ashiato demo`, and tests. `scope_groups` None: every account."""

    name: str = "demo"
    role: str = "viewer"
    scope_groups: tuple[str, ...] | None = None
    language: str | None = None
    zone: str | None = None
    via: str = "demo"


class Door(Protocol):
    """Finds who asks. `csrf` is the token that forms of this visitor carry; empty: forms are refused."""

    def who(self, connection: HTTPConnection) -> Identity | None: ...

    def csrf(self, connection: HTTPConnection, identity: Identity | None) -> str: ...


@dataclass(frozen=True)
class OpenDoor:
    """Lets everybody in as the same reader: `ashiato demo`, on loopback only."""

    visitor: Visitor = Visitor()

    def who(self, connection: HTTPConnection) -> Identity | None:
        del connection
        return self.visitor

    def csrf(self, connection: HTTPConnection, identity: Identity | None) -> str:
        del connection, identity
        return ""


def own_scope(identity: Identity | None, settings: Settings) -> AccountScope:
    """The accounts that somebody may see; nobody sees none."""
    if identity is None:
        return AccountScope(frozenset())
    groups = getattr(identity, "scope_groups", None)
    return AccountScope() if groups is None else AccountScope.of_groups(groups, settings)
