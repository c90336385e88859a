"""Fields that Ashiato makes of a record's own, for rules and groups: `ashiato.principal` and its kin."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from ashiato.detect.conditions import Scalar
from ashiato.detect.json_paths import decode
from ashiato.detect.record_view import Coded, Derived, RecordView, code
from ashiato.formats.principals import (
    Principal,
    actor,
    agent_family,
    is_service_address,
    outcome,
    principal,
)

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.network.addresses import Networks
    from ashiato.network.working_hours import WorkingHours

_ISSUER = "userIdentity.sessionContext.sessionIssuer.arn"
#: Fields that a principal is made of. Sessions are many and their names mostly numbers: they come folded.
_IDENTITY = (
    "userIdentity.type",
    "ashiato.folded_arn",
    "ashiato.folded_id",
    "userIdentity.accountId",
    "userIdentity.userName",
    "userIdentity.invokedBy",
    "userIdentity.identityProvider",
    "userIdentity.credentialId",
    "userIdentity.onBehalfOf.userId",
    "userIdentity.sessionContext.sessionIssuer.type",
    "userIdentity.sessionContext.sessionIssuer.arn",
    "userIdentity.sessionContext.sessionIssuer.userName",
    "recipientAccountId",
)
_WHOLE = ("userIdentity.type", "userIdentity.arn", "userIdentity.principalId", *_IDENTITY[3:])
_ACTOR = (
    *_IDENTITY, "eventType", "ashiato.folded_address", "ashiato.folded_agent", "sessionCredentialFromConsole",
    "eventSource",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Zones differ by quarters of an hour, and working hours begin on the hour.
_QUARTER = 900_000_000
_NUMBERS = re.compile("[0-9a-fA-F]{6,}")
_VERSIONS = re.compile("[0-9]+")


def _folded(told: Scalar | None, issuer: Scalar | None) -> Scalar | None:
    """An ARN or principal id of a role's session, the numbers in the session's name all the same, so that sessions
    become few. A session of IAM Identity Center is a person and stays as it is."""
    if not isinstance(told, str) or not isinstance(issuer, str) or "AWSReservedSSO" in issuer:
        return told
    return _NUMBERS.sub(lambda m: "0" * len(m[0]), told)


#: What the fields mean; `detections fields` and the documentation print it.
MEANINGS = {
    "ashiato.principal": "who called, the same for all sessions: user, role, root, service (ARN where there is one)",
    "ashiato.session": "name of the session of a role",
    "ashiato.actor": "person, automation, service, service_for_user or unknown",
    "ashiato.outcome": "success, failure or denied",
    "ashiato.caller_account": "account of the caller",
    "ashiato.network": "own network's name, owner, or /24 (/48) of the source address",
    "ashiato.country": "country of the source address, with a database of countries",
    "ashiato.address_kind": "own, private, public, service, aws_internal or invalid",
    "ashiato.agent": "product of the user agent, without its version",
    "ashiato.working_hours": "true within working hours by zone, week and holidays",
    "ashiato.src_kind": "of a flow record: own, private, public … (source)",
    "ashiato.dst_kind": "of a flow record: own, private, public … (destination)",
}


@dataclass(frozen=True)
class Surroundings:
    """What the estate's settings say about addresses, time and automation."""

    networks: Networks
    hours: WorkingHours
    automation: tuple[str, ...] = field(default=())
    #: Changes whenever the settings say something else: what was found with them has to be found anew.
    fingerprint: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Surroundings:
        from ashiato.network.addresses import Networks
        from ashiato.network.working_hours import WorkingHours

        told = settings.detect.model_dump(
            mode="json", include={"time_zone", "holidays", "days_off", "automation", "country_database"}
        )
        told["networks"] = [n.model_dump(mode="json") for n in settings.networks]
        fingerprint = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
        automation = tuple(settings.detect.automation)
        return cls(Networks.of(settings), WorkingHours.of(settings.detect), automation, fingerprint)


def identity_of(values: tuple[Scalar | None, ...]) -> dict[str, Any]:
    """The userIdentity that the values of `_IDENTITY` (but the account) came from."""
    names = (
        "type",
        "arn",
        "principalId",
        "accountId",
        "userName",
        "invokedBy",
        "identityProvider",
        "credentialId",
    )
    identity: dict[str, Any] = {n: v for n, v in zip(names, values, strict=False) if v is not None}
    user_id, issuer_type, issuer_arn, issuer_name = values[8:12]
    if user_id is not None:
        identity["onBehalfOf"] = {"userId": user_id}
    issuer = {"type": issuer_type, "arn": issuer_arn, "userName": issuer_name}
    if any(v is not None for v in issuer.values()):
        identity["sessionContext"] = {"sessionIssuer": {k: v for k, v in issuer.items() if v is not None}}
    return identity


def _principal(*values: Scalar | None) -> Principal:
    account = values[12]
    return principal(identity_of(values), account if isinstance(account, str) else None)


def _stable(found: Principal) -> str:
    return found.arn or found.name


def cloudtrail_fields(around: Surroundings) -> Derived:
    """Derived fields of CloudTrail events."""
    from ashiato.network.addresses import country_of, kind_of, network_of

    networks, hours, automation = around.networks, around.hours, around.automation

    def who(*values: Scalar | None) -> str:
        return _stable(_principal(*values))

    def acting(*values: Scalar | None) -> str:
        event: dict[str, Any] = {"userIdentity": identity_of(values)}
        names = (
            "recipientAccountId",
            "eventType",
            "sourceIPAddress",
            "userAgent",
            "sessionCredentialFromConsole",
            "eventSource",
        )
        event.update({n: v for n, v in zip(names, values[12:], strict=True) if v is not None})
        return actor(event, automation)

    def result(
        name: Scalar | None,
        source: Scalar | None,
        code_: Scalar | None,
        message: Scalar | None,
        answered: Scalar | None,
        asked: Scalar | None,
        details: Scalar | None,
    ) -> str:
        event: dict[str, Any] = {
            "eventName": name, "eventSource": source, "errorCode": code_, "errorMessage": message,
        }  # fmt: skip
        opened = {"responseElements": answered, "requestParameters": asked, "serviceEventDetails": details}
        for key, text in opened.items():
            if isinstance(text, str):
                event[key] = decode(text)
        return outcome({k: v for k, v in event.items() if v is not None})

    def addressed(make: Callable[[str, Networks], str | None]) -> Callable[..., str | None]:
        return lambda address: make(address, networks) if isinstance(address, str) and address else None

    def held(quarter: int) -> int:
        try:
            return int(hours.is_working_hour(_EPOCH + timedelta(microseconds=quarter * _QUARTER)))
        except (ValueError, OverflowError):
            # A time that is beyond the calendar in the zone.
            return -1

    def working(view: RecordView) -> Coded:
        quarters, codes = np.unique(view.times // _QUARTER, return_inverse=True)
        known = np.array([held(q) for q in quarters.tolist()], np.int64)
        return Coded(known[codes], ["false", "true"])

    return {
        "ashiato.folded_arn": (("userIdentity.arn", _ISSUER), _folded),
        "ashiato.folded_id": (("userIdentity.principalId", _ISSUER), _folded),
        "ashiato.folded_agent": (
            ("userAgent",), lambda a: _VERSIONS.sub("0", a[:500]) if isinstance(a, str) else None,
        ),
        "ashiato.folded_address": (
            ("sourceIPAddress",), lambda a: a if a is None or is_service_address(a) else "192.0.2.0",
        ),
        "ashiato.principal": (_IDENTITY, who),
        "ashiato.session": (_WHOLE, lambda *v: _principal(*v).session),
        "ashiato.caller_account": (_IDENTITY, lambda *v: _principal(*v).account),
        "ashiato.actor": (_ACTOR, acting),
        "ashiato.outcome": (
            (
                "eventName", "eventSource", "errorCode", "errorMessage",
                "ashiato.answered", "ashiato.asked", "ashiato.details",
            ),
            result,
        ),
        "ashiato.answered": lambda view: _telling(view, "responseElements", _ANSWERS),
        "ashiato.asked": lambda view: _telling(view, "requestParameters", _PARTS, "responseElements"),
        "ashiato.details": lambda view: _telling(view, "serviceEventDetails", _SIGN_IN),
        "ashiato.network": (("sourceIPAddress",), addressed(network_of)),
        "ashiato.country": (("sourceIPAddress",), addressed(country_of)),
        "ashiato.address_kind": (("sourceIPAddress",), addressed(kind_of)),
        "ashiato.agent": (("userAgent",), lambda a: agent_family(a) if isinstance(a, str) else None),
        "ashiato.working_hours": working,
    }  # fmt: skip


#: What an answer holds that tells of failure without an error code.
_PARTS = r'"unsuccessful"'
_ANSWERS = r'"unsuccessful"|"success":false|^\{"[A-Za-z]+":"(Success|Failure)"\}$'
_SIGN_IN = r'"(Success|Failure)"'


def _telling(view: RecordView, column: str, pattern: str, looked_at: str | None = None) -> Coded:
    """A JSON column's text where it (or the column looked at) tells the outcome; none elsewhere."""
    told = looked_at or column
    if column not in view.table.column_names or told not in view.table.column_names:
        return Coded(np.full(len(view), -1, np.int64), [])
    there = pc.fill_null(pc.match_substring_regex(view.table[told], pattern), False)
    return code(pc.if_else(there, view.table[column], None))


def flow_fields(around: Surroundings) -> Derived:
    """Derived fields of flow records."""

    from ashiato.network.addresses import kind_of, network_of

    def kind(address: Scalar | None) -> str | None:
        return kind_of(address, around.networks) if isinstance(address, str) else None

    def network(address: Scalar | None) -> str | None:
        return network_of(address, around.networks) if isinstance(address, str) else None

    return {
        "ashiato.src_kind": (("srcaddr",), kind),
        "ashiato.dst_kind": (("dstaddr",), kind),
        "ashiato.src_network": (("srcaddr",), network),
        "ashiato.dst_network": (("dstaddr",), network),
    }


def derived_fields(table: str, around: Surroundings) -> Derived:
    """Derived fields of a table's records."""
    makers: Mapping[str, Callable[[Surroundings], Derived]] = {
        "cloudtrail": cloudtrail_fields,
        "vpc_flow_logs": flow_fields,
    }
    make = makers.get(table)
    return make(around) if make is not None else {}
