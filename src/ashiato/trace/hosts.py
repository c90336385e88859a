"""Which host an address was at which time, and what a host had: addresses, security groups, role, state.

By the items of AWS Config of instances and interfaces; where there are none, by the flow records' own columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final

import pyarrow as pa

from ashiato.config.reading import as_rows
from ashiato.core.scope import AccountScope
from ashiato.formats.refs import item_ref
from ashiato.lake.by_snapshot import BySnapshot
from ashiato.lake.plans import PinnedLake
from ashiato.trace.changes import tags_of
from ashiato.trace.items import items_naming
from ashiato.trace.keys import Key, Window
from ashiato.trace.reading import Asked
from ashiato.trace.subjects import Subject
from ashiato.trace.telling import Telling

_HOSTS: Final = ("AWS::EC2::Instance", "AWS::EC2::NetworkInterface")
_COLUMNS: Final = (
    "awsAccountId", "awsRegion", "resourceType", "resourceId", "configurationItemCaptureTime", "configurationItemStatus",
    "configuration", "relationships", "tags",
)  # fmt: skip
_MOST_ITEMS: Final = 2000
_MOST_HOSTS: Final = 20


@dataclass(frozen=True)
class Spell:
    """What an instance or interface had from one item to the next. `start` None: since before the first item;
    `end` None: until now, as far as is known."""

    type: str
    resource: str
    instance: str | None
    interfaces: tuple[str, ...]
    addresses: frozenset[str]
    groups: tuple[str, ...]
    profile: str | None
    state: str | None
    name: str | None
    account: str | None
    region: str | None
    start: datetime | None
    end: datetime | None
    ref: str

    def covers(self, moment: datetime) -> bool:
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)


@dataclass(frozen=True)
class Host:
    """A host: instance (or interface alone), with everything its spells say."""

    spells: tuple[Spell, ...] = ()

    @property
    def instances(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.instance for s in self.spells if s.instance))

    @property
    def interfaces(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(i for s in self.spells for i in s.interfaces))

    @property
    def addresses(self) -> frozenset[str]:
        return frozenset(a for s in self.spells for a in s.addresses)

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(g for s in self.spells for g in s.groups))

    @property
    def latest(self) -> Spell | None:
        """Its newest spell as an instance, else as an interface."""
        of_instance = [s for s in self.spells if s.type == _HOSTS[0]] or list(self.spells)
        return max(of_instance, key=lambda s: s.start.timestamp() if s.start else 0.0, default=None)


def hosts_of(asked: Asked, subject: Subject, found: pa.Table, telling: Telling) -> Host:
    """The hosts that an address was, or that an instance or interface is."""
    if subject.kind not in ("address", "instance", "interface"):
        return Host()
    return _kept.of(
        asked.lake,
        (subject.kind, subject.value, tuple(subject.keys), asked.scope),
        # What a window leaves out is not kept as if it were nowhere.
        lambda: _found(asked, subject, found if asked.window == Window() else None),
    ).told(telling)


def _found(asked: Asked, subject: Subject, found: pa.Table | None) -> _Known:
    rows = _items(asked.lake, subject.keys, asked.scope, found)
    if subject.kind == "address":
        named = _resources(r for r in rows if subject.value in _addresses(_state(r)))
    else:
        named = _resources(rows)
    own = {k.value for k in subject.keys}
    keys = [Key(_kind(r), r) for r in named if r not in own][:_MOST_HOSTS]
    if keys:
        # Items after it lost the address, or the interfaces' own, do not name the subject.
        rows += _items(asked.lake, keys, asked.scope)
    wanted = {*named, *own}
    known = _known([r for r in rows if r["resourceId"] in wanted])
    if subject.kind == "address":
        host = known.host
        return _Known(Host(tuple(s for s in host.spells if _was(host, s, subject.value))), known.names)
    return known


def _was(host: Host, spell: Spell, address: str) -> bool:
    """Whether it is of a host that ever had the address."""
    with_it = {s.resource for s in host.spells if address in s.addresses}
    with_it |= {s.instance for s in host.spells if address in s.addresses and s.instance}
    return spell.resource in with_it or (spell.instance is not None and spell.instance in with_it)


def _kind(resource: str) -> str:
    return "instance" if resource.startswith("i-") else "interface"


def _items(
    lake: PinnedLake, keys: Sequence[Key], scope: AccountScope, found: pa.Table | None = None
) -> list[dict[str, Any]]:
    return as_rows(items_naming(lake, keys, scope, _HOSTS, _MOST_ITEMS, _COLUMNS, found=found))


def _resources(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(r["resourceId"] for r in rows if r["resourceId"]))


def _state(row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found = json.loads(row["configuration"] or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class _Known:
    """A host, and the names of its resources."""

    host: Host
    names: tuple[tuple[str, str], ...]

    def told(self, telling: Telling) -> Host:
        for resource, name in self.names:
            telling.learn(resource, {"Name": name})
        return self.host


#: What items say of hosts, some KB for each item.
_kept: Final[BySnapshot[_Known]] = BySnapshot(
    "config_items", most=16_000, size=lambda known: 1 + len(known.host.spells)
)


def _known(rows: Sequence[dict[str, Any]]) -> _Known:
    by_resource: dict[tuple[str, str], dict[tuple[Any, ...], dict[str, Any]]] = {}
    for row in rows:
        at = row["resourceType"], row["resourceId"]
        one = row["awsAccountId"], row["awsRegion"], row["configurationItemCaptureTime"]
        by_resource.setdefault(at, {})[one] = row
    spells: list[Spell] = []
    names: dict[str, str] = {}
    for of_one in by_resource.values():
        ordered = sorted(of_one.values(), key=lambda r: r["configurationItemCaptureTime"])
        for number, row in enumerate(ordered):
            following = (
                ordered[number + 1]["configurationItemCaptureTime"] if number + 1 < len(ordered) else None
            )
            start = row["configurationItemCaptureTime"] if number else None
            spell = _spell(row, start, following)
            if spell.name:
                names.setdefault(spell.resource, spell.name)
            spells.append(spell)
    return _Known(Host(tuple(spells)), tuple(names.items()))


def _spell(row: Mapping[str, Any], start: datetime | None, end: datetime | None) -> Spell:
    state = _state(row)
    related = [r for r in row["relationships"] or () if r and r["resourceId"]]
    is_instance = row["resourceType"] == _HOSTS[0]
    attached = _mapping(state.get("attachment")).get("instanceId")
    instance = row["resourceId"] if is_instance else attached
    interfaces = [r["resourceId"] for r in related if r["resourceType"] == _HOSTS[1]]
    groups = [r["resourceId"] for r in related if r["resourceType"] == "AWS::EC2::SecurityGroup"]
    for key in ("securityGroups", "groups"):
        groups += [g["groupId"] for g in _mappings(state.get(key)) if isinstance(g.get("groupId"), str)]
    profile = _mapping(state.get("iamInstanceProfile")).get("arn")
    condition = _mapping(state.get("state")).get("name")
    if str(row["configurationItemStatus"]).startswith("ResourceDeleted"):
        condition = "terminated" if is_instance else "deleted"
    name = tags_of(row).get("Name")
    return Spell(
        row["resourceType"],
        row["resourceId"],
        instance if isinstance(instance, str) else None,
        tuple(dict.fromkeys(interfaces if is_instance else [row["resourceId"]])),
        _addresses(state),
        tuple(dict.fromkeys(groups)),
        profile if isinstance(profile, str) else None,
        condition if isinstance(condition, str) else None,
        name if isinstance(name, str) else None,
        row["awsAccountId"],
        row["awsRegion"],
        start,
        end,
        item_ref(row),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


_OWN: Final = frozenset(
    ("privateipaddress", "publicipaddress", "publicip", "ipv6address", "carrierip", "customerownedip")
)


def _addresses(value: object, depth: int = 0) -> frozenset[str]:
    """Addresses that a state of an instance or interface says are its own."""
    if depth > 8:
        return frozenset()
    found: set[str] = set()
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, str) and str(key).lower() in _OWN:
                try:
                    found.add(str(ip_address(inner)))
                except ValueError:
                    continue
            else:
                found |= _addresses(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value[:200]:
            found |= _addresses(inner, depth + 1)
    return frozenset(found)


def members(lake: PinnedLake, group: str, scope: AccountScope, telling: Telling) -> Host:
    """Every instance and interface that was in a security group."""

    def found() -> _Known:
        rows = _items(lake, (Key("resource", group),), scope)
        named = _resources(rows)[: 10 * _MOST_HOSTS]
        of_them = [Key(_kind(r), r) for r in named]
        if of_them:
            rows = [r for r in _items(lake, of_them, scope) if r["resourceId"] in set(named)]
        return _known(rows)

    return _kept.of(lake, ("members", group, scope), found).told(telling)
