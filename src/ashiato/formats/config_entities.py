"""What a configuration item names, and as what.

The item's own resource and account are `target`; what it is related to, and what its configuration
mentions (interfaces, instances, groups, addresses, roles, access keys), is `peer`. Tags name nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address
from itertools import chain
from typing import Any

#: More than any describe call of a single resource names, and little beside the item itself.
MAX_ENTITIES = 200
MAX_VALUE = 1024

Entity = tuple[str, str, str]

# Whole JSON strings that show by their form what they are. In compact JSON a quotation mark inside a
# string is written \", so that text in a configuration cannot pose as a string of its own.
_MENTIONED = re.compile(
    r'"(?:'
    r'(?P<arn>arn:[^"\\]{1,1019})'
    r"|(?P<id>(?:i|eni|sg|vpc|subnet|vol|ami|snap|rtb|igw|nat|eigw|vgw|eipalloc|eipassoc|acl|lt|tgw|tgw-attach|vpce"
    r"|fl|pcx|dopt|key|pl|sgr|fs|cgw|vpn)-[0-9a-f]{8,36})"
    r"|(?P<access_key>A[KS]IA[A-Z0-9]{12,124})"
    r"|(?P<unique>A(?:ROA|IDA|GPA|NPA|IPA|NVA)[A-Z0-9]{12,124})"
    r"|(?P<address>[0-9a-fA-F:.]{3,45})(?:/32|/128)?"
    r')"'
)
_ID = re.compile(r"(?:i|eni)-[0-9a-f]{8,36}")
_OWNER = re.compile(r'"(?:ownerId|accountId|awsAccountId)":"([0-9]{12})"', re.IGNORECASE)
_NO_HOST = frozenset({"0.0.0.0", "::", "255.255.255.255"})  # noqa: S104 - compared, not bound


def entities_of(row: Mapping[str, Any]) -> list[Entity]:
    """(kind, value, role) of what an item names, given as a row of `config_items`; at most MAX_ENTITIES.

    >>> entities_of({"awsAccountId": "111111111111", "resourceId": "i-0123456789abcdef0"})
    [('account', '111111111111', 'target'), ('instance', 'i-0123456789abcdef0', 'target')]
    """
    found: dict[tuple[str, str], str] = {}
    parts = chain(
        _own(row),
        _related(row),
        _in_configuration(row.get("configuration")),
        _in_configuration(row.get("supplementaryConfiguration")),
    )
    for kind, value, role in parts:
        if value and len(value) <= MAX_VALUE:
            # The first role stands: a resource that its own configuration mentions stays the target.
            found.setdefault((kind, value), role)
            if len(found) == MAX_ENTITIES:
                break
    return [(kind, value, role) for (kind, value), role in found.items()]


@lru_cache(maxsize=1 << 14)
def _address(text: str) -> str | None:
    """Canonical text of a host's address; None for other text and for addresses of no host."""
    if text.count(".") != 3 and text.count(":") < 2:
        return None
    try:
        address = str(ip_address(text))
    except ValueError:
        return None
    return None if address in _NO_HOST else address


def _of_id(text: str, role: str) -> Entity:
    if text.startswith("arn:"):
        return "arn", text, role
    if _ID.fullmatch(text):
        return ("instance" if text.startswith("i-") else "interface"), text, role
    return "resource", text, role


def _own(row: Mapping[str, Any]) -> Iterator[Entity]:
    if account := row.get("awsAccountId"):
        yield "account", account, "target"
    if identity := row.get("resourceId"):
        yield _of_id(identity, "target")
    if name := row.get("resourceName"):
        if row.get("resourceType") == "AWS::IAM::User":
            yield "user", name, "target"
        yield _of_id(name, "target")
    if arn := row.get("ARN"):
        yield "arn", arn, "target"


def _related(row: Mapping[str, Any]) -> Iterator[Entity]:
    for relationship in row.get("relationships") or ():
        for field in ("resourceId", "resourceName"):
            if text := relationship.get(field):
                yield _of_id(text, "peer")


def _in_configuration(text: str | None) -> Iterator[Entity]:
    if not text:
        return
    for match in _MENTIONED.finditer(text):
        kind = match.lastgroup or ""
        value = match.group(kind)
        if kind == "address":
            if address := _address(value):
                yield kind, address, "peer"
        elif kind in ("id", "unique"):
            yield _of_id(value, "peer")
        else:
            yield kind, value, "peer"
    for owner in _OWNER.finditer(text):
        yield "account", owner.group(1), "peer"
