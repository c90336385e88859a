"""Which channels an alert goes to."""

from __future__ import annotations

from collections.abc import Collection

from ashiato.core.settings import Channel, Settings


def channels_for(settings: Settings, level: str, tags: Collection[str], account: str | None) -> list[Channel]:
    """Channels that take this level, one of these tags, this account and one of its groups: each setting narrows."""
    return [c for c in settings.channels if level in c.levels and in_scope(c, settings, tags, account)]


def in_scope(channel: Channel, settings: Settings, tags: Collection[str], account: str | None) -> bool:
    """Whether a channel may hear of it at all, whatever the level."""
    groups = {g for a in settings.accounts if a.id == account for g in a.groups}
    return (
        (not channel.tags or not _plain(tags).isdisjoint(_plain(channel.tags)))
        and (not channel.accounts or account in channel.accounts)
        and (not channel.groups or not groups.isdisjoint(channel.groups))
    )


def _plain(tags: Collection[str]) -> set[str]:
    """Tags as Sigma compares them: without regard to case."""
    return {t.lower() for t in tags}
