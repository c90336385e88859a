"""How a trace is told: language, zone, names of accounts, networks and resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from ashiato.core.settings import Settings
from ashiato.network.addresses import Networks
from ashiato.words import Language, Names


@dataclass(frozen=True)
class Telling:
    """`resources`: names of resources by id, such as an instance's Name tag; filled as items are read."""

    settings: Settings
    language: Language
    networks: Networks
    names: Names
    zone: str | tzinfo = UTC
    resources: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, language: Language | None = None, zone: str | tzinfo = UTC) -> Telling:
        networks = Networks.of(settings)
        resources: dict[str, str] = {}
        names = Names.of(settings, networks.name_of, resources.get)
        return cls(settings, language or settings.language, networks, names, zone, resources)

    def account(self, account: str | None) -> str | None:
        """An account's name, else its digits."""
        return None if account is None else self.names.account(account)

    def learn(self, resource_id: str | None, tags: Mapping[str, object]) -> None:
        """Keep the Name tag of a resource."""
        name = tags.get("Name")
        if resource_id and isinstance(name, str) and name:
            self.resources.setdefault(resource_id, name)


def clock(time: datetime | None) -> str:
    """A time to the second in UTC, as ISO 8601 has it without the `T`."""
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
