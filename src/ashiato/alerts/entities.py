"""What a finding names by which alerts are related: principal, access keys, addresses, resources."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from ashiato.core.text import printable
from ashiato.formats.principals import is_service_address
from ashiato.ledger.findings import Finding

#: Values of a kind that one finding relates by, at most.
_MOST = 50
_ACCOUNT = re.compile(r"\d{12}")


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
        for value in sorted({v for v in values if v and not _tells_nobody(v)})[:_MOST]
    ]


def _tells_nobody(value: str) -> bool:
    """A service in place of an address or principal, a role that only a service can take, an account as a whole,
    or nobody known.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
    """
    return (
        is_service_address(value)
        or "/aws-service-role/" in value
        or _ACCOUNT.fullmatch(value) is not None
        or value in ("unknown", "anonymous", "*")
    )


def _is_address(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_link_local)
