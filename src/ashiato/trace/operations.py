"""The lane of operations: CloudTrail events in words, each with what it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from ashiato.formats.entities import KINDS, ROLES
from ashiato.formats.principals import actor, is_service_address, principal
from ashiato.lake.footprint_counts import named_in
from ashiato.formats.refs import event_ref
from ashiato.trace.telling import Telling
from ashiato.words import resources, sentence
from ashiato.words.texts import shown

#: Things of one record that are given as pivots.
_MOST_PIVOTS: Final = 24


def operations(rows: pa.Table, telling: Telling) -> list[dict[str, Any]]:
    """The JSON of each event, in the order of the rows. Keys are added, never renamed or removed."""
    if not rows.num_rows:
        return []
    pivots = pivots_of("cloudtrail", rows)
    return [_operation(row, named, telling) for row, named in zip(rows.to_pylist(), pivots, strict=True)]


def _operation(row: Mapping[str, Any], named: list[dict[str, str]], telling: Telling) -> dict[str, Any]:
    said = sentence(row, telling.language, telling.names)
    identity = row["userIdentity"] or {}
    who = principal(identity, row["recipientAccountId"])
    address = row["sourceIPAddress"]
    about = resources(row)
    return {
        "time": row["eventTime"],
        "arrived": row["delivered_at"] or row["ingested_at"],
        "who": said.who,
        "what": said.did,
        "target": said.what or None,
        "from": said.where or None,
        "result": said.result,
        "error": shown(row["errorCode"], 200) if row["errorCode"] else None,
        "ref": event_ref(row),
        "text": said.text,
        "account": row["recipientAccountId"],
        "account_name": telling.account(row["recipientAccountId"]),
        "region": row["awsRegion"],
        "principal": shown(who.arn, 1100),
        "access_key": who.access_key,
        "address": None if not address or is_service_address(address) else shown(address, 100),
        "actor": actor(row, telling.settings.detect.automation),
        "event_source": shown(row["eventSource"] or "", 200),
        "event_name": shown(row["eventName"] or "", 200),
        "event_id": row["eventID"],
        "read_only": reads(row),
        "resources": list(about),
        "names": named,
    }


#: Operations that only read, by their names, where a record does not say so.
_READING: Final = (
    "Get",
    "List",
    "Describe",
    "Head",
    "Lookup",
    "Search",
    "BatchGet",
    "Select",
    "Scan",
    "Query",
)


def reads(row: Mapping[str, Any]) -> bool:
    """Whether an operation only reads, as the event says; by its name where it does not."""
    said = row.get("readOnly")
    return bool(said) if said is not None else str(row.get("eventName") or "").startswith(_READING)


def pivots_of(table: str, rows: pa.Table) -> list[list[dict[str, str]]]:
    """For each row what it names: [{"kind", "value", "role"}], actors first."""
    found: list[dict[tuple[str, str, str], None]] = [{} for _ in range(rows.num_rows)]
    start = 0
    for batch in rows.combine_chunks().to_batches():
        named = named_in(table, batch)
        for row, kind, role, value in zip(
            *(named[c].to_pylist() for c in ("row", "kind", "role", "value")), strict=True
        ):
            found[start + row][KINDS[kind], value, ROLES[role]] = None
        start += batch.num_rows
    return [_pivots(list(each)) for each in found]


def _pivots(things: Sequence[tuple[str, str, str]]) -> list[dict[str, str]]:
    ordered = sorted(things, key=lambda thing: ROLES.index(thing[2]))
    return [
        {"kind": kind, "value": shown(value, 1100), "role": role}
        for kind, value, role in ordered[:_MOST_PIVOTS]
    ]
