"""What a finding names by which alerts are related: principal, access keys, addresses, resources."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable
from typing import Any

from ashiato.core.text import printable
from ashiato.ledger.findings import Finding

#: Values of a kind that one finding relates by, at most.
_MOST = 50


def entity_hash(value: str) -> bytes:
    """A short name of a value, whatever it is named as: a user that is made (a resource) and acts later (a
    principal) is one."""
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def entity_rows(finding: Finding) -> list[dict[str, Any]]:
    """Rows of `finding_entities`. What AWS does by itself relates nothing."""
    if finding.actor == "service":
        return []
    named: list[tuple[str, Iterable[str]]] = [
        ("principal", [finding.principal] if finding.principal else []),
        ("access_key", finding.access_keys),
        ("address", filter(_is_address, finding.addresses)),
        ("resource", finding.resources),
    ]
    return [
        {"uid": finding.uid, "kind": kind, "hash": entity_hash(value), "value": printable(value, 2000)}
        for kind, values in named
        for value in sorted({v for v in values if v and not _of_aws(v)})[:_MOST]
    ]


def _of_aws(value: str) -> bool:
    """A service in place of an address or principal, or a role that only a service can take.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
    """
    return (
        value == "AWS Internal"
        or value.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazon.com"))
        or "/aws-service-role/" in value
    )


def _is_address(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_link_local)
