"""Fields that a search may name: where their values lie in a record, what they are, and short names for them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Final, Literal

import pyarrow as pa

from ashiato.formats.tables import TABLES

Kind = Literal["text", "number", "boolean", "time", "address"]


@dataclass(frozen=True)
class Place:
    """Where values lie: `column`, fields of structs inside it, then (`keys`) members of JSON.

    `listed`: the column is a list, and each of its elements has a value.
    """

    column: str
    inside: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    listed: bool = False


@dataclass(frozen=True)
class Field:
    """A field by its full name. A record matches where a value at any of the `places` does; with `first`, only
    the first place that has a value counts. `suffix` is added to values without a dot."""

    name: str
    kind: Kind
    places: tuple[Place, ...]
    first: bool = False
    suffix: str = ""

    @property
    def open(self) -> bool:
        """Whether the values lie in JSON of a shape that nobody knows beforehand."""
        return bool(self.places[0].keys)

    @property
    def listed(self) -> bool:
        return self.places[0].listed


_HIDDEN: Final = frozenset(("entities", "variant"))
_ADDRESSES: Final = frozenset(("sourceIPAddress", "srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr"))
#: Short names: the fields that they stand for.
_SHORT: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "cloudtrail": {
        "account": ("recipientAccountId",),
        "region": ("awsRegion",),
        "service": ("eventSource",),
        "event": ("eventName",),
        "error": ("errorCode",),
        "ip": ("sourceIPAddress",),
        "address": ("sourceIPAddress",),
        "key": ("userIdentity.accessKeyId",),
        "user": ("userIdentity.userName",),
        "role": ("userIdentity.sessionContext.sessionIssuer.arn",),
        "resource": ("resources.ARN",),
        "time": ("eventTime",),
    },
    "config_items": {
        "account": ("awsAccountId",),
        "region": ("awsRegion",),
        "type": ("resourceType",),
        "status": ("configurationItemStatus",),
        "resource": ("resourceId", "resourceName", "ARN"),
        "name": ("resourceName",),
        "id": ("resourceId",),
        "time": ("configurationItemCaptureTime",),
    },
    "vpc_flow_logs": {
        "account": ("account_id",),
        "interface": ("interface_id",),
        "instance": ("instance_id",),
        "ip": ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr"),
        "address": ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr"),
        "src": ("srcaddr", "pkt_srcaddr"),
        "dst": ("dstaddr", "pkt_dstaddr"),
        "port": ("srcport", "dstport"),
        "direction": ("flow_direction",),
        "status": ("log_status",),
        "time": ("start_time",),
    },
}
#: Columns that are shown where nobody chose any.
DEFAULT_COLUMNS: Final = {
    "cloudtrail": (
        "eventTime", "principal", "eventName", "errorCode", "eventSource", "sourceIPAddress", "awsRegion",
        "recipientAccountId",
    ),
    "config_items": (
        "configurationItemCaptureTime", "resourceType", "resourceId", "resourceName",
        "configurationItemStatus", "awsRegion", "awsAccountId",
    ),
    "vpc_flow_logs": (
        "start_time", "action", "srcaddr", "srcport", "dstaddr", "dstport", "protocol", "bytes", "packets",
        "interface_id", "account_id",
    ),
}  # fmt: skip
#: Fields whose most frequent values are counted beside the rows.
FACETS: Final = {
    "cloudtrail": (
        "eventName", "eventSource", "principal", "sourceIPAddress", "errorCode", "awsRegion",
        "recipientAccountId", "readOnly",
    ),
    "config_items": ("resourceType", "configurationItemStatus", "awsRegion", "awsAccountId"),
    "vpc_flow_logs": (
        "action", "dstport", "srcaddr", "dstaddr", "protocol", "flow_direction", "interface_id", "account_id",
    ),
}  # fmt: skip
#: Fields that a word by itself is looked for in.
MAIN: Final = {
    "cloudtrail": (
        "eventName", "eventSource", "principal", "userIdentity.userName", "userIdentity.accessKeyId",
        "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "requestParameters",
    ),
    "config_items": ("resourceType", "resourceId", "resourceName", "ARN", "configurationItemStatus", "tags"),
    "vpc_flow_logs": (
        "interface_id", "instance_id", "srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "vpc_id",
        "subnet_id", "action", "flow_direction", "log_status",
    ),
}  # fmt: skip
#: What tells records of one time apart: the order within it, and a cursor's place.
TIES: Final = {
    "cloudtrail": ("eventID", "record_hash", "recipientAccountId", "object"),
    "config_items": (
        "resourceType", "resourceId", "awsAccountId", "awsRegion", "configurationStateId", "object",
    ),
    "vpc_flow_logs": (
        "interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "action", "flow_direction",
        "end", "bytes", "packets", "object", "log_event_id",
    ),
}  # fmt: skip


@cache
def fields(table: str) -> dict[str, Field]:
    """Every field of a table's records by its full name; members of JSON are not listed."""
    found: dict[str, Field] = {}
    for column in TABLES[table].columns:
        if column.name not in _HIDDEN:
            _gather(column.name, Place(column.name), column.type, found)
    if table == "cloudtrail":
        who = tuple(Place("userIdentity", (name,)) for name in ("arn", "principalId"))
        found["principal"] = Field("principal", "text", who, first=True)
    return found


def _gather(name: str, place: Place, type_: pa.DataType, found: dict[str, Field]) -> None:
    if pa.types.is_list(type_):
        _gather(name, Place(place.column, place.inside, (), listed=True), type_.value_type, found)
    elif pa.types.is_struct(type_):
        for part in type_:
            inner = Place(place.column, (*place.inside, part.name), (), place.listed)
            _gather(f"{name}.{part.name}", inner, part.type, found)
    else:
        found[name] = Field(name, _kind(name, type_), (place,))


def _kind(name: str, type_: pa.DataType) -> Kind:
    if name in _ADDRESSES:
        return "address"
    if pa.types.is_integer(type_):
        return "number"
    if pa.types.is_boolean(type_):
        return "boolean"
    return "time" if pa.types.is_timestamp(type_) else "text"


@cache
def _lowered(table: str) -> dict[str, str]:
    return {name.lower(): name for name in fields(table)}


def short_names(table: str) -> dict[str, tuple[str, ...]]:
    """Short names and the fields that they stand for."""
    return _SHORT[table]


def find(table: str, name: str) -> Field | None:
    """The field that a name means, without regard to case (but of the members of JSON, which have theirs)."""
    lowered = name.lower()
    known = fields(table)
    if lowered in _lowered(table):
        return known[_lowered(table)[lowered]]
    if table == "vpc_flow_logs" and lowered.replace("-", "_") in _lowered(table):
        return known[_lowered(table)[lowered.replace("-", "_")]]
    short = _SHORT[table].get(lowered)
    if short:
        first = known[short[0]]
        suffix = ".amazonaws.com" if lowered == "service" else ""
        return Field(
            lowered if len(short) > 1 else first.name,
            first.kind,
            tuple(p for n in short for p in known[n].places),
            suffix=suffix,
        )
    return _in_json(table, name)


def _in_json(table: str, name: str) -> Field | None:
    column, _, rest = name.partition(".")
    described = next((c for c in TABLES[table].columns if c.name.lower() == column.lower()), None)
    keys = tuple(rest.split("."))
    if described is None or not described.json or not all(keys) or len(keys) > 12:
        return None
    return Field(f"{described.name}.{rest}", "text", (Place(described.name, (), keys),))


def closest(table: str, name: str) -> str | None:
    """The name that was most likely meant."""
    lowered = name.lower()
    known = {**_lowered(table), **{s: s for s in _SHORT[table]}}
    tails = [full for low, full in known.items() if low.endswith("." + lowered)]
    if len(tails) == 1:
        return tails[0]
    near = get_close_matches(lowered, known, n=1, cutoff=0.6)
    if near:
        return known[near[0]]
    column, dot, rest = name.partition(".")
    open_ = {c.name.lower(): c.name for c in TABLES[table].columns if c.json}
    near = get_close_matches(column.lower(), open_, n=1, cutoff=0.7) if dot else []
    return f"{open_[near[0]]}.{rest}" if near else None


def under(table: str, prefix: str) -> list[str]:
    """Fields whose names begin with `prefix.`: what a struct's name by itself could mean."""
    return [n for low, n in _lowered(table).items() if low.startswith(prefix.lower() + ".")]
