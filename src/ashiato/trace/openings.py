"""What a change of a security group let through: operation → change → first connection that no rule allowed before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

import pyarrow as pa

from ashiato.config import write_index
from ashiato.config.reading import as_rows
from ashiato.core.scope import AccountScope
from ashiato.core.spans import shifted
from ashiato.formats.refs import COLUMNS, event_ref, item_ref
from ashiato.lake.held import calling
from ashiato.lake.plans import PinnedLake
from ashiato.trace.connections import COLUMNS as OF_FLOW
from ashiato.trace.connections import Connection, unordered
from ashiato.trace.hosts import Host, members
from ashiato.trace.items import items_naming
from ashiato.trace.keys import Key, Window, footprints
from ashiato.trace.reading import Asked, between_times, meeting, planned
from ashiato.trace.telling import Telling
from ashiato.words.calls import Call, at
from ashiato.words.calls import found as texts_at
from ashiato.words.ports import Rule, rules_of

#: Calls among lake.held.SOUGHT.
OPENING: Final = ("AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules")
CLOSING: Final = ("RevokeSecurityGroupIngress",)
#: Flow records' times can be off by this much.
_SLACK: Final = timedelta(seconds=60)
#: An item follows its operation by seconds to minutes; delivered recordings by up to an hour.
_ITEM_WITHIN: Final = timedelta(hours=2)
_OF_ITEM: Final = (*COLUMNS["config_items"], "configuration")
_GROUP: Final = "AWS::EC2::SecurityGroup"
_MOST_EVENTS: Final = 500
_MOST_OPENINGS: Final = 40
_MOST_FLOWS: Final = 4000


@dataclass(frozen=True)
class Opening:
    """A rule of a group that an operation added. `closed`: when it went again, None while it stands; `before`:
    the networks that reached these ports already."""

    group: str
    rule: Rule
    opened: datetime
    closed: datetime | None
    operation: str
    change: str | None
    before: tuple[str, ...]
    account: str | None
    event: Mapping[str, Any]


@dataclass(frozen=True)
class Let:
    """An opening with the first connection that it let through; None where there was none, or no record."""

    opening: Opening
    connection: Connection | None
    hosts: tuple[str, ...]


def openings(lake: PinnedLake, groups: Sequence[str], scope: AccountScope) -> list[Opening]:
    """The openings of these security groups, oldest first."""
    if not groups:
        return []
    keys = tuple(Key("resource", g) for g in dict.fromkeys(groups))
    calls = [_RuleCall.of(event) for event in _events(lake, keys, scope)]
    items = as_rows(items_naming(lake, keys, scope, [_GROUP], 1000, _OF_ITEM, oldest=True))
    made: list[Opening] = []
    for call in calls:
        if call.group is None or call.group not in groups or call.closes:
            continue
        own = [i for i in items if i["resourceId"] == call.group]
        later = [c for c in calls if c.closes and c.group == call.group and c.time > call.time]
        made += [_opening(call, rule, later, own) for rule in call.rules]
    return made[:_MOST_OPENINGS]


def _events(lake: PinnedLake, keys: Sequence[Key], scope: AccountScope) -> list[Mapping[str, Any]]:
    """The calls that opened and closed ports of groups, oldest first."""
    names = (*OPENING, *CLOSING)
    asked = Asked(lake, keys, scope, Window())
    found = footprints(lake, keys, scope, Window(), ["cloudtrail"])
    plan = planned(asked, "cloudtrail", found, partial(calling, calls=names))
    if plan is None:
        return []
    times = {
        each.place: each.time
        for each in write_index.naming(plan, [key.hash for key in keys], names)
        if scope.allows(each.account)
    }
    oldest = sorted(times, key=lambda place: (times[place], place))[:_MOST_EVENTS]
    rows = write_index.events(plan, {place: times[place] for place in oldest})
    superseded = set(lake.superseded)
    return [
        row
        for place in oldest
        if (row := rows[place])["errorCode"] is None and row["eventID"] not in superseded
    ]


@dataclass(frozen=True)
class _RuleCall:
    """A call that adds rules to a group, or takes some away (`closes`)."""

    event: Mapping[str, Any]
    time: datetime
    group: str | None
    closes: bool
    rules: Sequence[Rule]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> _RuleCall:
        return cls(
            event, event["eventTime"], _group(event), event["eventName"] in CLOSING, rules_of(Call(event))
        )

    def takes(self, rule: Rule) -> bool:
        """Whether a revocation takes this rule away; one by a rule's id alone says no ports."""
        return not self.rules or any(
            (r.first, r.last) == (rule.first, rule.last) and set(r.peers) & set(rule.peers)
            for r in self.rules
        )


def _group(event: Mapping[str, Any]) -> str | None:
    call = Call(event)
    for path in ("groupId", "ModifySecurityGroupRulesRequest.GroupId", "securityGroupId"):
        text = next(texts_at(call.request, path.split(".")), None)
        if text:
            return text
    return next((t for s in _answered(call) if (t := at(s, "groupId"))), None)


def _answered(call: Call) -> list[Any]:
    from ashiato.words.calls import items

    return items(at(call.response, "securityGroupRuleSet"))


def _opening(
    call: _RuleCall, rule: Rule, later: Iterable[_RuleCall], own: Sequence[Mapping[str, Any]]
) -> Opening:
    """`later`: calls that take rules of the group away after it; `own`: the group's items; both oldest first."""
    opened = call.time
    closed = next((c.time for c in later if c.takes(rule)), None)
    change = next(
        (i for i in own if opened <= i["configurationItemCaptureTime"] <= shifted(opened, _ITEM_WITHIN)), None
    )
    earlier = [i for i in own if i["configurationItemCaptureTime"] < opened]
    before = _networks(earlier[-1], rule) if earlier else ()
    return Opening(
        str(call.group), rule, opened, closed, event_ref(call.event), None if change is None else item_ref(change),
        before, call.event["recipientAccountId"], call.event,
    )  # fmt: skip


def _networks(item: Mapping[str, Any], rule: Rule) -> tuple[str, ...]:
    """The networks that an item of a security group lets reach the ports of a rule."""
    try:
        state = json.loads(item["configuration"] or "{}")
    except (ValueError, RecursionError):
        return ()
    networks: list[str] = []
    for permission in state.get("ipPermissions") or () if isinstance(state, dict) else ():
        if not isinstance(permission, dict) or not _overlaps(permission, rule):
            continue
        for key, field in (("ipv4Ranges", "cidrIp"), ("ipRanges", "cidrIp"), ("ipv6Ranges", "cidrIpv6")):
            networks += [
                n
                for each in permission.get(key) or ()
                if isinstance(n := each.get(field) if isinstance(each, dict) else each, str)
            ]
    return tuple(dict.fromkeys(networks))


def _overlaps(permission: Mapping[str, Any], rule: Rule) -> bool:
    if permission.get("ipProtocol") in ("-1", -1):
        return True
    try:
        first, last = int(permission["fromPort"]), int(permission["toPort"])
        return first <= int(rule.last or 65535) and last >= int(rule.first or 0)
    except (KeyError, TypeError, ValueError):
        return False


def within(address: str, networks: Iterable[str]) -> bool:
    """Whether an address lies in one of the networks; what is no network (a group, a prefix list) holds none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(n is not None and n.version == found.version and found in n for n in map(_network, networks))


@lru_cache(maxsize=1000)
def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


@dataclass(frozen=True)
class _Sought:
    """Where the first connection of an opening is looked for: at these hosts, within the time that it stood. `where`:
    a condition of the lake's records, `values` its parameters."""

    opening: Opening
    addresses: frozenset[str]
    hosts: tuple[str, ...]
    keys: tuple[Key, ...]
    window: Window
    where: str
    values: dict[str, Any]

    @classmethod
    def of(cls, opening: Opening, host: Host, number: int) -> _Sought:
        until = opening.closed
        at_time = [
            s for s in host.spells
            if opening.group in s.groups and (s.end is None or s.end > opening.opened) and (until is None or s.start is None or s.start < until)
        ]  # fmt: skip
        instances = tuple(dict.fromkeys(s.instance for s in at_time if s.instance))
        interfaces = tuple(dict.fromkeys(i for s in at_time for i in s.interfaces))
        keys = (*(Key("instance", i) for i in instances), *(Key("interface", i) for i in interfaces))
        window = Window(shifted(opening.opened, -_SLACK), None if until is None else shifted(until, _SLACK))
        where, values = "action = 'ACCEPT'", {}
        rule = opening.rule
        if rule.first is not None and rule.first.lstrip("-").isdigit() and int(rule.first) >= 0:
            low, high = f"low_{number}", f"high_{number}"
            ports = (f"({port} >= ${low} AND {port} <= ${high})" for port in ("dstport", "srcport"))
            where += f" AND ({' OR '.join(ports)})"
            values = {low: int(rule.first), high: int(rule.last or rule.first)}
        return cls(opening, host.addresses, instances or interfaces, keys, window, where, values)

    def first(self, rows: pa.Table) -> Let:
        """What the opening let through, out of these records."""
        opening = self.opening
        reached = [
            c
            for c in unordered(rows)
            if c.action == "ACCEPT"
            and c.client not in self.addresses
            and (not self.addresses or c.server in self.addresses)
            and c.first >= shifted(opening.opened, -_SLACK)
            and within(c.client, opening.rule.peers)
            and not within(c.client, opening.before)
        ]
        first = min((c.first for c in reached), default=None)
        at_once = [c for c in reached if c.first == first]
        return Let(opening, min(at_once, key=lambda c: c.ref, default=None), self.hosts)


def let_through(
    lake: PinnedLake,
    found: Sequence[Opening],
    scope: AccountScope,
    telling: Telling,
    hosts: Mapping[str, Host],
) -> list[Let]:
    """The first connection that each opening let through: at the host of its group in `hosts`, else at any host of
    the group. Records are looked for once for all: most openings let nothing through."""
    of_group = {g: hosts.get(g) or members(lake, g, scope, telling) for g in {o.group for o in found}}
    every = [_Sought.of(o, of_group[o.group], number) for number, o in enumerate(found)]
    sought = [s for s in every if s.keys]
    if not sought:
        return [Let(s.opening, None, ()) for s in every]
    keys = tuple(dict.fromkeys(k for s in sought for k in s.keys))
    ends = [s.window.end for s in sought]
    whole = Window(
        min(s.window.start for s in sought if s.window.start),
        None if None in ends else max(e for e in ends if e),
    )
    asked = Asked(lake, keys, scope, whole)
    spans = meeting(
        asked,
        _FLOWS,
        footprints(lake, keys, scope, whole, [_FLOWS]),
        [(s.window, s.where) for s in sought],
        {name: value for s in sought for name, value in s.values.items()},
    )
    span_of = dict(zip((id(s) for s in sought), spans, strict=True))
    made = []
    for each in every:
        span = span_of.get(id(each))
        rows = pa.table({})
        if span is not None:
            rows = between_times(
                Asked(lake, each.keys, scope, each.window), _FLOWS, *span, _MOST_FLOWS, where=each.where,
                values=each.values, oldest=True, columns=OF_FLOW,
            )  # fmt: skip
        made.append(each.first(rows))
    return made


_FLOWS: Final = "vpc_flow_logs"
