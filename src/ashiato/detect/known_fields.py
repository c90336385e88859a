"""Which fields records have: names that a rule may use, which have one value, and what values some can have."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import Final

import pyarrow as pa

from ashiato.detect.derived import MEANINGS
from ashiato.formats.columns import Column
from ashiato.formats.tables import TABLES

#: Fields of records that AWS documents and that have no column of their own.
_WITHOUT_COLUMN: Final = {
    "cloudtrail": (
        "userIdentity.sessionContext.signInSessionArn",
        "userIdentity.sessionContext.attributes.assumedRoot",
        "errorCode",
    ),
    "config_items": ("accountId",),
    "vpc_flow_logs": (),
}
#: What Ashiato adds to rows, which no rule should look at.
_INTERNAL: Final = frozenset(
    ("extra", "entities", "delivered_at", "ingested_at", "source", "object", "variant", "record_hash")
)
_BOOLEAN: Final = ("true", "false")
#: Values that a field can have, where AWS names them all.
VALUES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("cloudtrail", "readOnly"): _BOOLEAN,
    ("cloudtrail", "managementEvent"): _BOOLEAN,
    ("cloudtrail", "sessionCredentialFromConsole"): _BOOLEAN,
    ("cloudtrail", "userIdentity.sessionContext.attributes.mfaAuthenticated"): _BOOLEAN,
    ("cloudtrail", "userIdentity.sessionContext.assumedRoot"): _BOOLEAN,
    ("cloudtrail", "additionalEventData.MFAUsed"): ("Yes", "No"),
    ("cloudtrail", "additionalEventData.MobileVersion"): ("Yes", "No"),
    ("cloudtrail", "responseElements.ConsoleLogin"): ("Success", "Failure"),
    ("cloudtrail", "responseElements.SwitchRole"): ("Success", "Failure"),
    ("cloudtrail", "userIdentity.type"): (
        "Root", "IAMUser", "AssumedRole", "Role", "FederatedUser", "Directory", "AWSAccount", "AWSService",
        "IdentityCenterUser", "SAMLUser", "WebIdentityUser", "Unknown",
    ),
    ("cloudtrail", "userIdentity.sessionContext.sessionIssuer.type"): ("Root", "IAMUser", "Role", "FederatedUser"),
    ("cloudtrail", "eventType"): (
        "AwsApiCall", "AwsServiceEvent", "AwsConsoleAction", "AwsConsoleSignIn", "AwsVpceEvents",
        "AwsVpceEvent", "AwsCloudTrailInsight", "AwsAggregatedEvent", "AwsApiCallAggregated",
    ),
    ("cloudtrail", "eventCategory"): (
        "Management", "Data", "Insight", "NetworkActivity", "Aggregated", "AggregatedEvent", "ActivityAuditLog",
    ),
    ("cloudtrail", "ashiato.actor"): ("person", "automation", "service", "service_for_user", "unknown"),
    ("cloudtrail", "ashiato.outcome"): ("success", "failure", "denied"),
    ("cloudtrail", "ashiato.address_kind"): ("own", "private", "public", "service", "aws_internal", "invalid"),
    ("cloudtrail", "ashiato.working_hours"): _BOOLEAN,
    ("vpc_flow_logs", "action"): ("ACCEPT", "REJECT"),
    ("vpc_flow_logs", "log_status"): ("OK", "NODATA", "SKIPDATA"),
    ("vpc_flow_logs", "flow_direction"): ("ingress", "egress"),
    ("vpc_flow_logs", "type"): ("IPv4", "IPv6", "EFA"),
    ("vpc_flow_logs", "ashiato.src_kind"): ("own", "private", "public", "service", "aws_internal", "invalid"),
    ("vpc_flow_logs", "ashiato.dst_kind"): ("own", "private", "public", "service", "aws_internal", "invalid"),
    ("config_items", "configurationItemStatus"): (
        "OK", "ResourceDiscovered", "ResourceDeleted", "ResourceNotRecorded", "ResourceDeletedNotRecorded",
    ),
    ("config_items", "recordingFrequency"): ("CONTINUOUS", "DAILY"),
}  # fmt: skip
_TWELVE_DIGITS: Final = frozenset(
    ("recipientAccountId", "userIdentity.accountId", "awsAccountId", "account_id", "ashiato.caller_account")
)


@cache
def _names(table: str) -> dict[str, bool]:
    """Every field of the table's records by name, and whether it has one value."""
    found: dict[str, bool] = {}
    for column in TABLES[table].columns:
        if column.name not in _INTERNAL and column.name != "start_time" and column.name != "end_time":
            _gather(column.name, column.type, found, single=not column.json)
    for name in (*_WITHOUT_COLUMN[table], *_derived(table)):
        found.setdefault(name, True)
    return found


def _gather(name: str, type_: pa.DataType, found: dict[str, bool], *, single: bool) -> None:
    if pa.types.is_list(type_):
        found[name] = False
        _gather_inside(name, type_.value_type, found, single=False)
    else:
        found[name] = single
        _gather_inside(name, type_, found, single=single)


def _gather_inside(name: str, type_: pa.DataType, found: dict[str, bool], *, single: bool) -> None:
    if pa.types.is_struct(type_):
        for field in type_:
            _gather(f"{name}.{field.name}", field.type, found, single=single)


def _derived(table: str) -> list[str]:
    ends = ("ashiato.src_", "ashiato.dst_")
    if table == "vpc_flow_logs":
        return [*(n for n in MEANINGS if n.startswith(ends)), "ashiato.src_network", "ashiato.dst_network"]
    if table == "cloudtrail":
        return [n for n in MEANINGS if not n.startswith(ends)]
    return []


def is_field(table: str, name: str) -> bool:
    """Whether records of the table can have the field. Anything may be inside a column of JSON."""
    if name in _names(table):
        return True
    column = _column(table, name)
    return column is not None and column.json and "." in name


def is_single(table: str, name: str) -> bool:
    """Whether a record has at most one value of the field."""
    return _names(table).get(name, False)


def closest_field(table: str, name: str) -> str | None:
    """The field that was most likely meant."""
    known = {n.lower(): n for n in _names(table)}
    lowered = name.lower().replace("-", "_") if table == "vpc_flow_logs" else name.lower()
    if lowered in known:
        return known[lowered]
    first, dot, rest = name.partition(".")
    column = next((c for c in TABLES[table].columns if c.name.lower() == first.lower() and c.json), None)
    if dot and column is not None:
        return f"{column.name}.{rest}"
    tails = [n for n in known.values() if n.lower().endswith("." + lowered)]
    if len(tails) == 1:
        return tails[0]
    if dot:
        near_first = get_close_matches(
            first.lower(), [c.name.lower() for c in TABLES[table].columns], n=1, cutoff=0.8
        )
        column = next(
            (c for c in TABLES[table].columns if near_first and c.name.lower() == near_first[0]), None
        )
        if column is not None and column.json:
            return f"{column.name}.{rest}"
    near = get_close_matches(lowered, known, n=1, cutoff=0.75)
    return known[near[0]] if near else None


def why_not_a_value(table: str, name: str, value: str) -> str | None:
    """Why the field can never be the (literal) value; None where it can."""
    known = VALUES.get((table, name))
    if known is not None and value.lower() not in {v.lower() for v in known}:
        return f"{name} is one of {', '.join(known[:6])}{' …' if len(known) > 6 else ''}"
    if name in _TWELVE_DIGITS and not re.fullmatch(r"\d{12}|anonymous|unknown|ANONYMOUS_PRINCIPAL", value):
        return f"{name} has twelve digits" + (
            "; YAML took a leading zero away: put it in quotes" if re.fullmatch(r"\d{1,11}", value) else ""
        )
    column = _column(table, name)
    if column is not None and column.name == name and pa.types.is_integer(column.type):
        return None if re.fullmatch(r"-?\d+", value) else f"{name} is a number"
    return None


def _column(table: str, name: str) -> Column | None:
    return TABLES[table].by_name.get(name.partition(".")[0])
