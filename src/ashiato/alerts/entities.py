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
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_KEY = re.compile(r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,124}")
_ACCOUNT = re.compile(r"\d{12}")


def entity_hash(value: str, *, key: bool = False) -> bytes:
    """A short name of a value, whatever it is named as: a user that is made (a resource) and acts later (a
    principal) is one. Names of access keys begin with 1, of all else with 0."""
    hashed = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=15).digest()
    return (b"\1" if key else b"\0") + hashed


def is_key(hashed: bytes) -> bool:
    """Whether it is the short name of an access key.

    >>> is_key(entity_hash("AKIAIOSFODNN7EXAMPLE", key=True)), is_key(entity_hash("alice"))
    (True, False)
    """
    return hashed[:1] == b"\1"


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
    rows: dict[tuple[str, bytes], dict[str, Any]] = {}
    for field, values in named:
        for value in sorted({v for v in values if v and not _tells_nobody(v)})[:_MOST]:
            # A key that is made is a resource of that call.
            kind = "access_key" if _KEY.fullmatch(value) else field
            hashed = entity_hash(value, key=kind == "access_key")
            rows[kind, hashed] = {
                "uid": finding.uid,
                "kind": kind,
                "hash": hashed,
                "value": printable(value, 2000),
            }
    return list(rows.values())


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
