"""The accounts that somebody may see: an argument of every call that reads records, findings or alerts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ashiato.core.settings import Settings


@dataclass(frozen=True)
class AccountScope:
    """`accounts`: ids of twelve digits; None: every account, and records that name none.

    A limited scope leaves out records whose account is unknown: what cannot be placed is not shown.

    >>> EVERY_ACCOUNT.allows("111111111111"), AccountScope(frozenset()).allows("111111111111")
    (True, False)
    """

    accounts: frozenset[str] | None = None

    @classmethod
    def of(cls, accounts: Iterable[str]) -> AccountScope:
        return cls(frozenset(accounts))

    @classmethod
    def of_groups(cls, groups: Iterable[str], settings: Settings) -> AccountScope:
        """The accounts that the settings place in one of these groups."""
        wanted = set(groups)
        return cls(frozenset(a.id for a in settings.accounts if wanted & set(a.groups)))

    @property
    def limited(self) -> bool:
        return self.accounts is not None

    def allows(self, account: str | None) -> bool:
        return self.accounts is None or account in self.accounts

    def __and__(self, other: AccountScope) -> AccountScope:
        """What both allow: a user's own scope and the filter on a page."""
        if self.accounts is None:
            return other
        return self if other.accounts is None else AccountScope(self.accounts & other.accounts)

    def sql(self, column: str, name: str = "scope") -> tuple[str, dict[str, list[str]]]:
        """A DuckDB condition on a column of ours, and its parameters.

        >>> EVERY_ACCOUNT.sql('"recipientAccountId"')
        ('true', {})
        """
        if self.accounts is None:
            return "true", {}
        return f"list_contains(${name}::VARCHAR[], {column})", {name: sorted(self.accounts)}


EVERY_ACCOUNT = AccountScope()
