"""The story of one resource: its items, what differs between them, the operations behind, its relationships, and the
connections of the hosts that it is, or that it lets talk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ashiato.config import history, states
from ashiato.config.causes import Causes, causes
from ashiato.config.differences import differences
from ashiato.config.history import Change
from ashiato.config.item import ConfigItem, ResourceKey
from ashiato.core.scope import AccountScope
from ashiato.lake.plans import PinnedLake
from ashiato.trace.changes import cause_json, difference_json
from ashiato.trace.connections import COLUMNS, connection_document, joined, settled
from ashiato.trace.hosts import members
from ashiato.trace.keys import Key, Window, footprints
from ashiato.trace.reading import Asked, newest
from ashiato.trace.telling import Telling
from ashiato.words.texts import shown

_MOST_DIFFERENCES: Final = 200
#: Flow records that are read: more where the fewer do not settle which connections are the newest.
_FLOWS: Final = (200, 800, 4000)
_MOST_HOSTS: Final = 50
#: Items that are read of a resource at first, and those that its interfaces are taken from.
_NEWEST: Final = 52
_MOST_ITEMS: Final = 20
_INSTANCE: Final = "AWS::EC2::Instance"
_INTERFACE: Final = "AWS::EC2::NetworkInterface"
_GROUP: Final = "AWS::EC2::SecurityGroup"


@dataclass(frozen=True)
class Story:
    """`changes`: newest first, as JSON; `older`: captured when the next page begins, None where nothing is older."""

    key: ResourceKey
    changes: list[dict[str, Any]]
    older: datetime | None


@dataclass(frozen=True)
class Subject:
    """A resource and its newest items, oldest first, read once for all that is told of it."""

    lake: PinnedLake
    key: ResourceKey
    scope: AccountScope
    newest: Sequence[ConfigItem]

    @classmethod
    def of(cls, lake: PinnedLake, key: ResourceKey, scope: AccountScope) -> Subject:
        return cls(lake, key, scope, history.items(lake, key, scope, limit=_NEWEST))


def story(
    subject: Subject,
    telling: Telling,
    *,
    window: Window | None = None,
    limit: int = 50,
) -> Story:
    """The newest changes of a resource within the window, with the operations behind each."""
    window = window or Window()
    lake, key, scope = subject.lake, subject.key, subject.scope
    if window.end is None and limit + 2 <= _NEWEST:
        items = subject.newest[-limit - 2 :]
        found = history.between(items, since=window.start, limit=limit + 1)
    else:
        until = None if window.end is None else window.end - timedelta(microseconds=1)
        found = history.changes(lake, key, scope, since=window.start, until=until, limit=limit + 1)
    older = found[0].after.captured if len(found) > limit else None
    found = found[-limit:]
    behind = causes(lake, found, scope)
    told = [_told(change, cause, telling) for change, cause in zip(found, behind, strict=True)]
    return Story(key, told[::-1], None if older is None else older + timedelta(microseconds=1))


def _told(change: Change, behind: Causes, telling: Telling) -> dict[str, Any]:
    item = change.after
    different = change.differences if change.before is not None else []
    return {
        "time": item.captured,
        "arrived": item.delivered_at or item.ingested_at,
        "kind": change.kind,
        "status": item.status,
        "before": None if change.before is None else change.before.captured,
        "diff": [difference_json(d) for d in different[:_MOST_DIFFERENCES]],
        "diff_left_out": max(0, len(different) - _MOST_DIFFERENCES),
        "causes": [cause_json(c, telling) for c in behind.found],
        "others": [cause_json(c, telling) for c in behind.others],
        "no_cause": behind.none,
        "gap": None if behind.gap is None else behind.gap.as_json(telling.language),
        "ref": item.ref,
    }


@dataclass(frozen=True)
class Sides:
    """Two states of a resource and what differs from `a` to `b`, as JSON; a side is None where there was none yet."""

    a: ConfigItem | None
    b: ConfigItem | None
    diff: list[dict[str, Any]]


def sides(subject: Subject, first: datetime | None, second: datetime | None) -> Sides:
    """The states as of two moments; None: the newest, and the one before the newest."""
    if first is None and second is None:
        a = subject.newest[-2] if len(subject.newest) > 1 else None
        b = _state(subject, None)
    else:
        b = _state(subject, second)
        a = _state(subject, first) if first is not None else None
    if b is None:
        return Sides(a, b, [])
    return Sides(a, b, [difference_json(d) for d in differences(a, b)])


def _state(subject: Subject, moment: datetime | None) -> ConfigItem | None:
    if moment is not None:
        return states.of(subject.lake, subject.key, moment, subject.scope)
    return subject.newest[-1] if subject.newest else None


def relationships(item: ConfigItem) -> list[dict[str, str | None]]:
    """What a resource is related to, as its item says: type, id, name of the resource, and how."""
    return [
        {
            "type": shown(r.get("resourceType") or "", 200),
            "id": shown(r.get("resourceId") or r.get("resourceName") or "", 1100),
            "how": shown(r.get("name") or r.get("relationshipName") or "", 200),
        }
        for r in item.related
        if r.get("resourceId") or r.get("resourceName")
    ]


@dataclass(frozen=True)
class Passing:
    """Connections of a resource, newest first, as JSON; `hosts`: the instances or interfaces they were recorded at;
    `cut`: whether there are more."""

    connections: list[dict[str, Any]]
    hosts: tuple[str, ...]
    cut: bool


def passing(
    subject: Subject,
    telling: Telling,
    *,
    window: Window | None = None,
    limit: int = 50,
) -> Passing | None:
    """The newest connections of an instance or interface, or of the hosts of a security group; None for types that
    have none of their own."""
    keys = _hosts(subject, telling)
    if keys is None:
        return None
    if not keys:
        return Passing([], (), False)
    window = window or Window()
    lake, scope = subject.lake, subject.scope
    asked = Asked(lake, keys, scope, window)
    there = footprints(lake, keys, scope, window, ["vpc_flow_logs"])
    for most in _FLOWS:
        rows = newest(asked, "vpc_flow_logs", there, most, columns=COLUMNS)
        whole = rows.num_rows < most or most == _FLOWS[-1]
        found = joined(rows) if whole else settled(rows)
        if whole or len(found) > limit:
            break
    return Passing(
        [connection_document(c, telling) for c in found[:limit]],
        tuple(k.value for k in keys),
        len(found) > limit or rows.num_rows >= _FLOWS[-1],
    )


def _hosts(subject: Subject, telling: Telling) -> list[Key] | None:
    key = subject.key
    if key.type == _INSTANCE:
        return [Key("instance", key.id), *(Key("interface", i) for i in _interfaces(subject.newest))]
    if key.type == _INTERFACE:
        return [Key("interface", key.id)]
    if key.type == _GROUP:
        spells = members(subject.lake, key.id, subject.scope, telling).spells
        interfaces = dict.fromkeys(i for s in spells if key.id in s.groups for i in s.interfaces)
        return [Key("interface", i) for i in list(interfaces)[:_MOST_HOSTS]]
    return None


def _interfaces(items: Sequence[ConfigItem]) -> list[str]:
    """Interfaces that an instance had: flow records of AWS's default format name no instance."""
    related: dict[str, None] = {}
    for item in items[-_MOST_ITEMS:]:
        for r in item.related:
            if r.get("resourceType") == _INTERFACE and r.get("resourceId"):
                related[str(r["resourceId"])] = None
    return list(related)
