"""Who is behind something: from a key or session to who began it, hop by hop, to the first human or workload.

Temporary credentials are followed back by the call that issued them
(https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html); where
that call is not in the lake, `sourceIdentity`, the Identity Center user and the session's name speak. Users, long-term
keys and instances lead to who created them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.core.scope import AccountScope
from ashiato.core.spans import shifted
from ashiato.formats.principals import is_service_address, principal
from ashiato.formats.refs import event_ref
from ashiato.lake.held import calling
from ashiato.lake.plans import PinnedLake
from ashiato.trace.keys import Key, Window
from ashiato.trace.reading import Asked, between_times, newest
from ashiato.trace.subjects import Subject
from ashiato.trace.telling import Telling
from ashiato.words.messages import Message
from ashiato.words.texts import shown

How = Literal["used by", "issued to", "source identity", "person", "workload", "service", "created by"]

ISSUING: Final = (
    "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetSessionToken",
    "GetFederationToken", "GetRoleCredentials",
)  # fmt: skip
#: Calls among lake.held.SOUGHT.
_CREATING: Final = {
    "user": ("CreateUser",),
    "access_key": ("CreateAccessKey",),
    "instance": ("RunInstances",),
    "role": ("CreateRole", "CreateServiceLinkedRole"),
}
#: What `_caller` and `_spoken` read of an event.
_OF_CALLER: Final = (
    "eventID", "record_hash", "recipientAccountId", "eventTime", "eventName", "sourceIPAddress", "userIdentity",
)  # fmt: skip
#: Temporary credentials live for 36 hours at most.
_LIFE: Final = timedelta(hours=36, minutes=5)
_MOST_HOPS: Final = 12

# fmt: off
SAID: Final[Mapping[How, Message]] = {
    "used by": Message("used by {name}", "{name} が使用"),
    "issued to": Message("issued to {name} by {operation}", "{operation} により {name} に発行"),
    "source identity": Message("source identity {name}", "ソース ID {name}"),
    "person": Message("the person {name}", "利用者 {name}"),
    "workload": Message("the workload {name}", "ワークロード {name}"),
    "service": Message("the AWS service {name}", "AWS サービス {name}"),
    "created by": Message("created by {name} with {operation}", "{name} が {operation} で作成"),
}
# fmt: on


@dataclass(frozen=True)
class Hop:
    """One step back. `kind`, `value`: the thing, as it can be traced; `key`: the access key that it used."""

    how: How
    kind: str
    value: str
    name: str
    time: datetime | None = None
    ref: str | None = None
    operation: str = ""
    key: str | None = None
    address: str | None = None

    def as_json(self, telling: Telling) -> dict[str, Any]:
        values = {"name": self.name, "operation": self.operation}
        message = SAID[self.how]
        return {
            "how": self.how,
            "kind": self.kind,
            "value": shown(self.value, 1100),
            "name": self.name,
            "text": message.said(telling.language, {n: values[n] for n in message.names}),
            "time": self.time,
            "ref": self.ref,
            "access_key": self.key,
            "from": self.address,
        }


def origin(lake: PinnedLake, subject: Subject, found: pa.Table, scope: AccountScope) -> list[Hop]:
    """The steps back, the nearest first."""
    asked = Asked(lake, subject.keys, scope, Window())
    first = _first(asked, subject, found)
    if first is None:
        # Issued, and never used where it was recorded.
        last = pc.max(found["last"]).as_py() if found.num_rows else None
        return _back(lake, subject.value, last, scope) if subject.kind == "access_key" else []
    hops = [first]
    if first.how == "used by":
        key = subject.value if subject.kind == "access_key" else first.key
        if subject.kind == "access_key" and not subject.value.startswith("ASIA"):
            created = _created(asked, "access_key", subject.value, found)
            hops += [] if created is None else [created]
            key = None if created is None else created.key
    else:
        key = first.key
    return [*hops, *_back(lake, key, hops[-1].time, scope)][:_MOST_HOPS]


def _first(asked: Asked, subject: Subject, found: pa.Table) -> Hop | None:
    """Who the subject is, by a record in which it acts; who created it, where it is no credential."""
    if subject.kind == "access_key":
        row = _acting(asked, found, "userIdentity.accessKeyId = $own", subject.value)
        return None if row is None else _caller(row, "used by")
    if subject.kind in ("session", "principal", "source_identity"):
        row = _acting(asked, found, _BY_KIND[subject.kind], subject.value)
        return None if row is None else _caller(row, "used by")
    for kind, name in (
        ("user", subject.name or subject.value),
        ("instance", subject.value),
        ("role", subject.name or ""),
    ):
        if (kind == "role" and subject.is_role) or kind == subject.kind:
            return _created(asked, kind, name, found)
    return None


_BY_KIND: Final = {
    "session": "ends_with(userIdentity.principalId, ':' || $own)",
    "principal": "(userIdentity.arn = $own OR userIdentity.principalId = $own)",
    "source_identity": "userIdentity.sessionContext.sourceIdentity = $own",
}


def _acting(asked: Asked, found: pa.Table, where: str, value: str) -> Mapping[str, Any] | None:
    acting = found.filter(pc.equal(found["role"], "actor"))
    rows = newest(asked, "cloudtrail", acting, 1, where=where, values={"own": value}, columns=_OF_CALLER)
    return rows.to_pylist()[0] if rows.num_rows else None


def _created(asked: Asked, kind: str, name: str, found: pa.Table) -> Hop | None:
    """Who made it: the first successful call that did."""
    targets = found.filter(pc.equal(found["role"], "target"))
    names = ", ".join(f"'{n}'" for n in _CREATING[kind])
    where = f"eventName IN ({names}) AND errorCode IS NULL"
    values = {}
    if kind in ("user", "role"):
        where += f" AND (requestParameters ->> '$.{kind}Name') = $own"
        values = {"own": name}
    rows = newest(
        asked, "cloudtrail", targets, 1, where=where, values=values, oldest=True, columns=_OF_CALLER,
        among=partial(calling, calls=_CREATING[kind]),
    )  # fmt: skip
    return _caller(rows.to_pylist()[0], "created by") if rows.num_rows else None


def _back(lake: PinnedLake, key: str | None, until: datetime | None, scope: AccountScope) -> list[Hop]:
    """From temporary credentials to who asked for them, and on; ends at a human, a workload or a long-term key."""
    hops: list[Hop] = []
    seen: set[str] = set()
    while key and until and key.startswith("ASIA") and key not in seen and len(hops) < _MOST_HOPS:
        seen.add(key)
        asked = Asked(lake, (Key("access_key", key),), scope, Window())
        names = ", ".join(f"'{n}'" for n in ISSUING)
        rows = between_times(
            asked,
            "cloudtrail",
            shifted(until, -_LIFE),
            until,
            1,
            where=f"eventName IN ({names}) AND errorCode IS NULL AND contains(responseElements, $own)",
            values={"own": key},
            columns=_OF_CALLER,
        )
        if not rows.num_rows:
            speaking = between_times(
                asked, "cloudtrail", shifted(until, -_LIFE), until, 1, where="userIdentity.accessKeyId = $own",
                values={"own": key}, columns=_OF_CALLER,
            )  # fmt: skip
            return [*hops, *(_spoken(speaking.to_pylist()[0]) if speaking.num_rows else [])]
        hop = _caller(rows.to_pylist()[0], "issued to")
        hops.append(hop)
        key, until = hop.key, hop.time
    return hops


def _spoken(row: Mapping[str, Any]) -> list[Hop]:
    """Who is behind a session by what it says of itself."""
    identity = row["userIdentity"] or {}
    time, ref = row["eventTime"], event_ref(row)
    source = (identity.get("sessionContext") or {}).get("sourceIdentity")
    if source:
        return [Hop("source identity", "source_identity", source, shown(source), time, ref)]
    person = (identity.get("onBehalfOf") or {}).get("userId")
    who = principal(identity, row["recipientAccountId"])
    if person:
        return [Hop("person", "user", person, shown(who.session or person), time, ref)]
    if who.session_kind == "person" and who.session:
        return [Hop("person", "session", who.session, shown(who.session), time, ref)]
    if who.session_kind == "ec2_instance" and who.session:
        return [Hop("workload", "instance", who.session, shown(who.session), time, ref)]
    if who.session_kind in ("lambda", "ecs_task", "codebuild") and who.session:
        return [Hop("workload", "session", who.session, shown(who.session), time, ref)]
    return []


def _caller(row: Mapping[str, Any], how: How) -> Hop:
    """The caller of an event, as it can be traced."""
    identity = row["userIdentity"] or {}
    who = principal(identity, row["recipientAccountId"])
    time, ref, operation = row["eventTime"], event_ref(row), shown(row["eventName"] or "")
    address = row["sourceIPAddress"]
    place = None if not address or is_service_address(address) else shown(address, 100)
    service = identity.get("invokedBy") if identity.get("type") == "AWSService" else None
    if service:
        return Hop("service", "address", service, shown(service), time, ref, operation, None, place)
    kind, value = "principal", identity.get("arn") or identity.get("principalId") or who.arn
    name = shown(who.name)
    if who.session_kind == "ec2_instance" and who.session:
        kind, value, name = "instance", who.session, shown(who.session)
    elif who.session and who.session_kind == "person":
        name = shown(who.session)
    elif who.session:
        name = shown(f"{who.name}/{who.session}")
    return Hop(how, kind, value, name, time, ref, operation, who.access_key, place)
