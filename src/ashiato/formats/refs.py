"""References to single records: opaque text for pages and JSON.

`event:<eventID>@<account>` (`event:#<record hash>@<account>` of version 1.0), `item:<account>/<region>/<type>/<id>/
<captureTime>`, `flow:<32 hex digits>` (start in microseconds, then a hash of the record). Parts are percent-encoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, unquote

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: What together tells a flow record from every other one.
_FLOW_FIELDS: Final = (
    "account_id", "interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
    "start", "end", "action", "log_status", "tgw_attachment_id", "object", "log_event_id",
)  # fmt: skip
#: SQL of DuckDB for the hash in the reference of a row of `vpc_flow_logs`; the same as `flow_ref` says it.
FLOW_DIGEST: Final = "substr(sha256(concat_ws(chr(0), {})), 1, 16)".format(
    ", ".join(f"coalesce(\"{name}\"::VARCHAR, '')" for name in _FLOW_FIELDS)
)
#: SQL of DuckDB for the whole reference of such a row.
FLOW_REF: Final = f"('flow:' || printf('%016x', epoch_us(start_time)) || {FLOW_DIGEST})"
#: Columns that a reference is made of.
COLUMNS: Final = {
    "cloudtrail": ("eventID", "record_hash", "recipientAccountId"),
    "config_items": (
        "awsAccountId",
        "awsRegion",
        "resourceType",
        "resourceId",
        "configurationItemCaptureTime",
    ),
    "vpc_flow_logs": ("start_time", *_FLOW_FIELDS),
}


@dataclass(frozen=True)
class Ref:
    """A parsed reference. `table`: of the lake; `parts`: as the table's columns have them."""

    table: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        if self.table == "cloudtrail":
            return f"event:{_quoted(self.parts[0])}@{_quoted(self.parts[1])}"
        if self.table == "config_items":
            return "item:" + "/".join(_quoted(p) for p in self.parts)
        return f"flow:{self.parts[0]}"


def _quoted(text: str) -> str:
    return quote(text, safe=":.-_~", errors="replace")


def event_ref(row: Mapping[str, Any]) -> str:
    """The reference of a row of `cloudtrail`."""
    own = row.get("eventID") or f"#{row.get('record_hash') or ''}"
    return str(Ref("cloudtrail", (own, row.get("recipientAccountId") or "")))


def item_ref(row: Mapping[str, Any]) -> str:
    """The reference of a row of `config_items`."""
    time: datetime | None = row.get("configurationItemCaptureTime")
    names = ("awsAccountId", "awsRegion", "resourceType", "resourceId")
    captured = "" if time is None else time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(Ref("config_items", (*(row.get(n) or "" for n in names), captured)))


def flow_ref(row: Mapping[str, Any]) -> str:
    """The reference of a row of `vpc_flow_logs`."""
    start: datetime = row["start_time"]
    values = map(row.get, _FLOW_FIELDS)
    text = "\0".join(["" if value is None else str(value) for value in values])
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"flow:{(start - _EPOCH) // _MICROSECOND:016x}{digest}"


def parse_ref(text: str) -> Ref | None:
    """The reference that a text is; None for any other text.

    >>> parse_ref("event:0c98e0c8-7a5c-4ae9-a58f-3543abd1d978@111122223333").parts[1]
    '111122223333'
    >>> parse_ref("i-0a1b2c3d") is None
    True
    """
    head, colon, rest = text.partition(":")
    if not colon or len(text) > 4000:
        return None
    if head == "event":
        own, at, account = rest.rpartition("@")
        return Ref("cloudtrail", (unquote(own), unquote(account))) if at and own else None
    if head == "item":
        parts = rest.split("/")
        if len(parts) < 5 or _time(unquote(parts[-1])) is None:
            return None
        # Others may write an id with slashes as it is.
        parts = [*parts[:3], "/".join(parts[3:-1]), parts[-1]]
        return Ref("config_items", tuple(unquote(p) for p in parts))
    digits = set("0123456789abcdef")
    if head == "flow" and len(rest) == 32 and set(rest) <= digits and int(rest[:16], 16) < 1 << 57:
        return Ref("vpc_flow_logs", (rest,))
    return None


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


REF_OF: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "cloudtrail": event_ref,
    "config_items": item_ref,
    "vpc_flow_logs": flow_ref,
}
