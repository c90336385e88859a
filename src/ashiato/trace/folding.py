"""Noise folded: readings and repeats of one caller become one row each, counted, so that what was done stands out.

A reading (an operation that only reads) joins the last row of readings by the same caller and credentials from the
same place; what AWS's services did by themselves joins theirs; any other operation joins the same operation of the
same caller on the same resources with the same result. All only while less than an hour lies between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import pyarrow as pa

from ashiato.config.reading import as_rows

Noise = Literal["reading", "service"]

APART: Final = timedelta(hours=1)
#: Operations that only read, by their names, where a record does not say so.
_READING: Final = (
    "Get", "List", "Describe", "Head", "Lookup", "Search", "BatchGet", "Select", "Scan", "Query",
)  # fmt: skip
_COLUMNS: Final = (
    "eventTime", "eventSource", "eventName", "readOnly", "errorCode", "sourceIPAddress", "eventType",
    "requestParameters", "recipientAccountId",
)  # fmt: skip
_CALLER: Final = ("type", "arn", "principalId", "accessKeyId", "invokedBy", "userName")
_AT_ONCE: Final = 512


def reads(row: Mapping[str, Any]) -> bool:
    """Whether an operation only reads, as the event says; by its name where it does not."""
    said = row.get("readOnly")
    return bool(said) if said is not None else str(row.get("eventName") or "").startswith(_READING)


def noise_of(row: Mapping[str, Any]) -> Noise | None:
    """Why an operation is noise: AWS's service made it by itself, or it only reads. None for what is not."""
    identity = row.get("userIdentity") or {}
    if identity.get("type") == "AWSService" or row.get("eventType") == "AwsServiceEvent":
        return "service"
    return "reading" if reads(row) else None


def folded(rows: pa.Table, limit: int) -> list[list[int]]:
    """At most `limit` groups of rows (numbers, newest first), which hold the first n rows without one left out."""
    groups: list[list[int]] = []
    joined: dict[tuple[Any, ...], int] = {}
    last: list[datetime] = []
    for number, (row, caller) in enumerate(_read(rows)):
        key = _key(row, caller)
        at = joined.get(key)
        if at is not None and last[at] - row["eventTime"] < APART:
            groups[at].append(number)
            last[at] = row["eventTime"]
            continue
        if len(groups) >= limit:
            break
        joined[key] = len(groups)
        groups.append([number])
        last.append(row["eventTime"])
    return groups


def _read(rows: pa.Table) -> Iterator[tuple[dict[str, Any], tuple[Any, ...]]]:
    """Each row and its caller; some at a time, as the first few hundred often fill a page."""
    for start in range(0, rows.num_rows, _AT_ONCE):
        part = rows.slice(start, _AT_ONCE)
        identities = part["userIdentity"].combine_chunks()
        names = [field.name for field in identities.type]
        fields = identities.flatten()
        callers = zip(*(fields[names.index(n)].to_pylist() for n in _CALLER), strict=True)
        yield from zip(as_rows(part.select(list(_COLUMNS))), callers, strict=True)


def _key(row: Mapping[str, Any], caller: tuple[Any, ...]) -> tuple[Any, ...]:
    noise = noise_of({**row, "userIdentity": {"type": caller[0]}})
    place = row["recipientAccountId"], row["sourceIPAddress"]
    if noise == "service":
        return (noise, caller, place, row["eventSource"])
    if noise == "reading":
        return (noise, caller, place, row["errorCode"] is None)
    return (
        "same", caller, place, row["eventSource"], row["eventName"], row["errorCode"], row["requestParameters"],
    )  # fmt: skip
