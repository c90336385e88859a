"""What a caller did: its operations out of rows of CloudTrail, flat and few columns each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from ashiato.config.reading import as_rows
from ashiato.formats.outcomes import opened_mapping, outcome
from ashiato.formats.principals import is_service_address, principal
from ashiato.formats.refs import event_ref
from ashiato.trace.folding import reads
from ashiato.trace.subjects import Subject

_COLUMNS = (
    "eventID", "record_hash", "recipientAccountId", "eventTime", "eventSource", "eventName", "eventCategory",
    "awsRegion", "sourceIPAddress", "errorCode", "errorMessage", "readOnly", "eventType", "requestParameters",
    "responseElements", "additionalEventData", "resources",
)  # fmt: skip
#: Columns of `cloudtrail` that operations are made of.
COLUMNS: Final = (*_COLUMNS, "userIdentity")
#: What `made_by` asks of an identity.
_WHO: Final = (
    ("type",), ("arn",), ("principalId",), ("accessKeyId",), ("userName",), ("sessionContext", "sourceIdentity"),
    ("sessionContext", "sessionIssuer", "arn"), ("onBehalfOf", "userId"),
)  # fmt: skip


@dataclass(frozen=True)
class Act:
    """One operation. `mine`: the subject made it, and was not only named by it.

    `row`: without the identity, which is large and seldom asked for; it is the one at a place in `identities`.
    """

    row: Mapping[str, Any]
    mine: bool
    access_key: str | None
    identities: pa.StructArray
    place: int

    @cached_property
    def time(self) -> datetime:
        time: datetime = self.row["eventTime"]
        return time

    @cached_property
    def name(self) -> str:
        return str(self.row["eventName"] or "")

    @cached_property
    def label(self) -> str:
        """As AWS writes it in policies: `ec2:RunInstances`."""
        return f"{str(self.row['eventSource'] or '').partition('.')[0]}:{self.name}"

    @cached_property
    def ref(self) -> str:
        return event_ref(self.row)

    @cached_property
    def done(self) -> bool:
        return outcome(self.row) == "success"

    @cached_property
    def reads(self) -> bool:
        return reads(self.row)

    @cached_property
    def address(self) -> str | None:
        """Where the call came from; None where AWS made it."""
        address = self.row["sourceIPAddress"]
        return None if not address or is_service_address(address) else address

    @cached_property
    def request(self) -> Mapping[str, Any]:
        return opened_mapping(self.row["requestParameters"])

    @cached_property
    def more(self) -> Mapping[str, Any]:
        return opened_mapping(self.row["additionalEventData"])

    @cached_property
    def who(self) -> str:
        return principal(self.identity, self.row["recipientAccountId"]).arn

    @cached_property
    def identity(self) -> Mapping[str, Any] | None:
        identity: Mapping[str, Any] | None = self.identities[self.place].as_py()
        return identity

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """The first two ARNs or names that it was done to."""
        from ashiato.words import resources

        return resources({**self.row, "userIdentity": self.identity}, 2)


def acts_of(rows: pa.Table, subject: Subject) -> list[Act]:
    """The operations of these rows, newest first."""
    if not rows.num_rows:
        return []
    identities = rows["userIdentity"].combine_chunks()
    who = list(zip(*(_field(identities, path).to_pylist() for path in _WHO), strict=True))
    mine = {each: made_by(subject, _identity(each)) for each in set(who)}
    key = _WHO.index(("accessKeyId",))
    listed = as_rows(rows.select(list(_COLUMNS)))
    return [
        Act(row, mine[each], each[key], identities, place)
        for place, (row, each) in enumerate(zip(listed, who, strict=True))
    ]


def _field(identities: pa.StructArray, path: Sequence[str]) -> pa.Array:
    """A field of identities, or of what is nested in them; null where an outer one is."""
    found = identities
    for name in path:
        found = found.flatten()[found.type.get_field_index(name)]
    return found


def _identity(values: Sequence[str | None]) -> dict[str, Any]:
    """An identity of these values alone."""
    identity: dict[str, Any] = {}
    for (*outer, name), value in zip(_WHO, values, strict=True):
        place = identity
        for each in outer:
            place = place.setdefault(each, {})
        place[name] = value
    return identity


def made_by(subject: Subject, identity: Mapping[str, Any]) -> bool:
    """Whether a call by this identity is the subject's own."""
    context = identity.get("sessionContext") or {}
    issuer = (context.get("sessionIssuer") or {}).get("arn")
    session = (identity.get("principalId") or "").partition(":")[2]
    arn = identity.get("arn")
    behalf = (identity.get("onBehalfOf") or {}).get("userId")
    values = {k.value for k in subject.keys}
    if subject.kind == "access_key":
        return identity.get("accessKeyId") == subject.value
    if subject.kind in ("instance", "session"):
        return session in values or behalf in values
    if subject.kind == "source_identity":
        return context.get("sourceIdentity") == subject.value
    if subject.kind == "user":
        return bool({arn, behalf, session} & values) or (
            identity.get("userName") in values and identity.get("type") != "AssumedRole"
        )
    return bool({arn, issuer, identity.get("principalId")} & values)
