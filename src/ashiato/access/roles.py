"""Roles and what each may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ashiato.core.errors import AshiatoError, WrongUse

Role = Literal["viewer", "analyst", "admin"]
#: From least to most.
ROLES: tuple[Role, ...] = ("viewer", "analyst", "admin")


class Forbidden(AshiatoError):  # noqa: N818 - named like the errors of core/errors.py
    """Whoever asks may not do this."""


@dataclass(frozen=True)
class Ability:
    """Something that may be done, by `role` and above. `whole`: it concerns every account, so nobody who is limited
    to some of them may do it."""

    name: str
    role: Role
    what: str
    whole: bool = False


ABILITIES: dict[str, Ability] = {
    a.name: a
    for a in (
        Ability("read", "viewer", "read records, changes, alerts; search, trace and export them"),
        Ability("sql", "analyst", "run SQL"),
        Ability("triage", "analyst", "acknowledge, close, assign and note alerts"),
        Ability("expect", "analyst", "suppress alerts, announce planned work", whole=True),
        Ability("detections", "analyst", "switch detections on and off, backtest them", whole=True),
        Ability("jobs", "analyst", "start and cancel long work", whole=True),
        Ability("sources", "admin", "read the quarantine and retry it, collect, test channels", whole=True),
        Ability("audit", "admin", "read the audit log", whole=True),
        Ability("users", "admin", "manage users, their sessions, links and tokens", whole=True),
    )
}


def role_named(text: str) -> Role:
    """Raises WrongUse for what is no role."""
    for role in ROLES:
        if role == text:
            return role
    raise WrongUse(f"there is no role {text[:40]!r}", where="role", remedy=f"Roles: {', '.join(ROLES)}.")


def at_least(role: Role, least: Role) -> bool:
    """
    >>> at_least("analyst", "viewer"), at_least("viewer", "admin")
    (True, False)
    """
    return ROLES.index(role) >= ROLES.index(least)


def abilities_of(role: Role, *, limited: bool = False) -> frozenset[str]:
    """What a role may do; `limited`: to some account groups.

    >>> sorted(abilities_of("analyst", limited=True))
    ['read', 'sql', 'triage']
    """
    return frozenset(
        a.name for a in ABILITIES.values() if at_least(role, a.role) and not (limited and a.whole)
    )


def abilities_named(names: Iterable[str]) -> frozenset[str]:
    """Abilities by their names or by roles' names, which stand for all that the role may do today.

    >>> sorted(abilities_named(["viewer", "triage"]))
    ['read', 'triage']
    """
    found: set[str] = set()
    for name in names:
        if name in ABILITIES:
            found.add(name)
        elif name in ROLES:
            found |= abilities_of(role_named(name))
        else:
            raise WrongUse(
                f"there is no scope {name[:40]!r}",
                where="scope",
                remedy=f"Scopes: {', '.join(ABILITIES)}; or a role: {', '.join(ROLES)}.",
            )
    if not found:
        raise WrongUse("a token without a scope may do nothing", where="scope", remedy="Give read, say.")
    return frozenset(found)
