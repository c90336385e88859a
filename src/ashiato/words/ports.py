"""Rules of security groups and network ACLs, in each of the shapes that EC2 events give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from ashiato.words.calls import Call, at, found, items, text_of
from ashiato.words.messages import Message, Phrase
from ashiato.words.names import Value
from ashiato.words.texts import shown

_WORLD: Final = Phrase(Message("the world", "全世界"))
_ALL_PORTS: Final = Phrase(Message("all ports and protocols", "全ポート・全プロトコル"))
_ALL_OF: Final = Message("all {protocol} ports", "{protocol} の全ポート")
_PORT: Final = Message("port {port}", "{port} 番ポート")
_PORTS: Final = Message("ports {first} to {last}", "{first}〜{last} 番ポート")
_PORT_OF: Final = Message("{protocol} port {port}", "{protocol} {port} 番ポート")
_PORTS_OF: Final = Message("{protocol} ports {first} to {last}", "{protocol} {first}〜{last} 番ポート")
_PROTOCOL: Final = Message("{protocol} traffic", "{protocol} 通信")
_UNKNOWN: Final = Phrase(Message("traffic", "通信"))
_AND_MORE: Final = Message("{ports} and other ports", "{ports} など")

#: https://www.iana.org/assignments/protocol-numbers
PROTOCOLS: Final = {
    "1": "ICMP",
    "6": "TCP",
    "17": "UDP",
    "47": "GRE",
    "50": "ESP",
    "58": "ICMPv6",
    "132": "SCTP",
}


def protocol_name(protocol: str) -> str:
    """`TCP` of `tcp` or `6`."""
    return PROTOCOLS.get(protocol, shown(protocol, 20).upper())


def port_phrase(protocol: str | None, first: str | None, last: str | None) -> Phrase:
    """`port 22`, `UDP ports 1 to 99`, `ICMP traffic`, `all ports and protocols`. TCP goes without saying."""
    if protocol in (None, "-1", "all"):
        return _ALL_PORTS if protocol else _UNKNOWN
    name = protocol_name(protocol)
    if name in ("ICMP", "ICMPV6", "ICMPv6") or first is None:
        return Phrase(_PROTOCOL, {"protocol": name})
    last = first if last is None else last
    if first in ("0", "1", "-1") and last in ("65535", "-1"):
        return Phrase(_ALL_OF, {"protocol": name})
    values = {"protocol": name, "port": shown(first, 8), "first": shown(first, 8), "last": shown(last, 8)}
    if first == last:
        return Phrase(_PORT if name == "TCP" else _PORT_OF, values)
    return Phrase(_PORTS if name == "TCP" else _PORTS_OF, values)


def is_world(cidr: str) -> bool:
    """Whether a network is every address, however its bits are written.

    >>> is_world("0.0.0.0/0"), is_world("::/0"), is_world("10.0.0.0/8")
    (True, True, False)
    """
    try:
        return ip_network(cidr, strict=False).prefixlen == 0
    except ValueError:
        return False


def peer(value: str) -> Value:
    """A network, a group or a prefix list as the peer of a rule."""
    return _WORLD if is_world(value) else value


@dataclass(frozen=True)
class Rule:
    """One rule: ports, and the networks, groups and prefix lists at the other end."""

    protocol: str | None
    first: str | None
    last: str | None
    peers: tuple[str, ...]

    @property
    def ports(self) -> Phrase:
        return port_phrase(self.protocol, self.first, self.last)

    @property
    def to_world(self) -> bool:
        return any(is_world(p) for p in self.peers)


_PEERS: Final = (
    "cidrIp", "cidrIpv4", "cidrIpv6", "ipRanges.cidrIp", "ipv6Ranges.cidrIpv6", "groups.groupId", "groups.groupName",
    "prefixListIds.prefixListId", "prefixListId", "referencedGroupId", "referencedGroupInfo.groupId",
    "sourceSecurityGroupName",
)  # fmt: skip


def _rule(shape: Mapping[str, Any]) -> Rule:
    peers = dict.fromkeys(p for path in _PEERS for p in found(shape, path.split(".")))
    return Rule(
        text_of(at(shape, "ipProtocol")),
        text_of(at(shape, "fromPort")),
        text_of(at(shape, "toPort")),
        tuple(peers),
    )


def _shapes(call: Call) -> Iterator[Mapping[str, Any]]:
    """The answer has one shape for every form of the request; a denied call has only its request."""
    answered = items(at(call.response, "securityGroupRuleSet"))
    if not answered:
        answered = items(at(call.request, "ipPermissions"))
    if not answered and at(call.request, "ipProtocol") is not None:
        answered = [call.request]
    if not answered:
        changed = items(at(call.request, "SecurityGroupRule"))
        answered = [
            r for c in changed if isinstance(c, Mapping) and (r := at(c, "SecurityGroupRule")) is not None
        ]
    yield from (a for a in answered if isinstance(a, Mapping))


def rules_of(call: Call) -> list[Rule]:
    """Rules of Authorize…, Revoke… and ModifySecurityGroupRules; those open to the world first."""
    return sorted((_rule(s) for s in _shapes(call)), key=lambda r: not r.to_world)


def _told(call: Call) -> list[Rule]:
    """The rules that a sentence is about: where some are open to the world, those."""
    rules = rules_of(call)
    return [r for r in rules if r.to_world] or rules


def ports_of(call: Call) -> Value:
    """What those rules let through: the first, and that there are others where ports differ."""
    rules = _told(call)
    if not rules:
        return None
    first = rules[0].ports
    return Phrase(_AND_MORE, {"ports": first}) if any(r.ports != first for r in rules) else first


def peers_of(call: Call) -> Value:
    """The other end of those rules."""
    rules = _told(call)
    if any(r.to_world for r in rules):
        return _WORLD
    return tuple(dict.fromkeys(p for r in rules for p in r.peers)) or None
