"""What a record names, and as what: the base of index, rules and trace.

An entity is a (kind, value) pair, named by AWS's own terms. Its hash is the first 8 bytes of
SHA-256(kind + NUL + value) as a signed big-endian integer, so that any engine can compute it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

#: Kinds of entity. A value that AWS writes in several cases is kept as written, except addresses.
KINDS = (
    "access_key",  # AKIA…, ASIA…
    "account",  # twelve digits (recipient, caller, owner)
    "address",  # IPv4 or IPv6, canonical text; or the DNS name AWS writes in sourceIPAddress
    "arn",  # any ARN
    "principal",  # userIdentity.arn or, without one, principalId
    "issuer",  # sessionContext.sessionIssuer.arn
    "session",  # role session name, the part of principalId after the colon
    "user",  # userName of an IAM user, Identity Center user
    "source_identity",  # sessionContext.sourceIdentity
    "resource",  # an id or name of a resource: i-…, sg-…, bucket name, role name, …
    "interface",  # eni-…
    "instance",  # i-…
    "event",  # eventID (not indexed by hash in `entities`: found by its own column)
)

#: Roles that an entity may have in a record.
ROLES = ("actor", "target", "origin", "peer")


@lru_cache(maxsize=1 << 17)
def entity_hash(kind: str, value: str) -> int:
    """Signed 64-bit hash of an entity.

    >>> entity_hash("address", "192.0.2.1") == entity_hash("address", "192.0.2.1")
    True
    """
    digest = hashlib.sha256(f"{kind}\0{value}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def hashes(entities: Iterable[tuple[str, str]]) -> list[int]:
    """Distinct hashes, in first-seen order."""
    return list(dict.fromkeys(entity_hash(kind, value) for kind, value in entities))
