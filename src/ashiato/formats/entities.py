"""What a record names, and as what: the base of index, rules and trace.

An entity is a (kind, value) pair, named by AWS's own terms. Its hash is the first 8 bytes of
SHA-256(kind + NUL + value) as a signed big-endian integer, so that any engine can compute it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

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
    "resource",  # an id or name of a resource: sg-…, bucket name, role name, …
    "interface",  # eni-…
    "instance",  # i-…
    "event",  # eventID (not indexed by hash in `entities`: found by its own column)
)

#: Roles that an entity may have in a record.
ROLES = ("actor", "target", "origin", "peer")

Role = Literal["actor", "target", "origin", "peer"]
#: (kind, role, value)
Thing = tuple[str, Role, str]

#: Longer texts name nothing: an ARN has at most 2,048 characters, of which S3 keys may be 1,024.
MAX_VALUE: Final = 1100


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


def bounded(values: pa.Array) -> list[str]:
    """Texts as a list; those too long to name anything as empty text, without making strings of them."""
    short = pc.less_equal(pc.binary_length(values), 4 * MAX_VALUE)
    return list(pc.if_else(short, values, "").to_pylist())


def every(n: int) -> pa.Array:
    """0, 1, … n-1 as uint64, without a step of Python for each."""
    return pc.indices_nonzero(pa.repeat(True, n))


def offsets_of(rows: pa.Array, n: int) -> pa.Array:
    """Offsets (int32) of a list array of `n` lists, from the row (in any order) of each element."""
    # Every row once more, so that none is missing and they come in order.
    counts = pc.value_counts(pa.concat_arrays([every(n), rows.cast(pa.uint64())])).field("counts")
    ends = pc.cumulative_sum(pc.subtract(counts, 1)).cast(pa.int32())
    return pa.concat_arrays([pa.array([0], pa.int32()), ends])


#: service: (pattern of the ARN's last part, kind). The group is the name by which requests call it.
_NAMES: dict[str, list[tuple[re.Pattern[str], str]]] = {
    "iam": [
        (re.compile(r"user/(?:.*/)?([^/]+)"), "user"),
        (re.compile(r"(?:role|group|policy|instance-profile)/(?:.*/)?([^/]+)"), "resource"),
    ],
    "sts": [(re.compile(r"assumed-role/([^/]+)/.+"), "resource")],
    "s3": [(re.compile(r"([^/:]+)(?:/.*)?", re.DOTALL), "resource")],
    "lambda": [(re.compile(r"(?:function|layer):([^:]+)(?::.*)?"), "resource")],
    "ec2": [
        (re.compile(r"instance/(i-[^/]+)"), "instance"),
        (re.compile(r"network-interface/(eni-[^/]+)"), "interface"),
        (re.compile(r"[a-z-]+/([^/]+)"), "resource"),
    ],
    "rds": [(re.compile(r"[a-z-]+:(.+)"), "resource")],
    "cloudtrail": [(re.compile(r"(?:trail|eventdatastore)/([^/]+)"), "resource")],
    "kms": [(re.compile(r"(?:key/)?([^/]+|alias/.+)"), "resource")],
    "secretsmanager": [(re.compile(r"secret:(.+)-[A-Za-z0-9]{6}"), "resource")],
    "ssm": [(re.compile(r"parameter(/[^/]+/.+)"), "resource"), (re.compile(r"[a-z-]+/([^/]+)"), "resource")],
    "logs": [(re.compile(r"log-group:([^:]+)(?::.*)?"), "resource")],
    "dynamodb": [(re.compile(r"table/([^/]+)(?:/.*)?"), "resource")],
    "sns": [(re.compile(r"([^:]+)(?::.*)?"), "resource")],
    "sqs": [(re.compile(r"([^:]+)"), "resource")],
}


@lru_cache(maxsize=1 << 15)
def named_in_arn(arn: str) -> tuple[Thing, ...]:
    """The name by which requests call what an ARN names, where the ARN's form is known.

    >>> named_in_arn("arn:aws:iam::111111111111:role/ops/admin")
    (('resource', 'target', 'admin'),)
    >>> named_in_arn("arn:aws:s3:::corp-data/reports/2024.csv")
    (('resource', 'target', 'corp-data'),)
    """
    fields = arn.split(":", 5)
    if len(fields) < 6:
        return ()
    for pattern, kind in _NAMES.get(fields[2], ()):
        match = pattern.fullmatch(fields[5])
        if match:
            return ((kind, "target", match[1]),)
    return ()
