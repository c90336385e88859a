"""The lane of operations: CloudTrail events in words, each with what it names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from ashiato.formats.entities import KINDS, ROLES
from ashiato.formats.principals import actor, is_service_address, principal
from ashiato.formats.refs import event_ref
from ashiato.formats.tables import TABLES
from ashiato.lake.footprint_counts import named_in
from ashiato.lake.variants import record_of
from ashiato.trace.folding import noise_of, reads
from ashiato.trace.telling import Telling
from ashiato.words import resources, sentence
from ashiato.words.texts import shown

#: Things of one record that are given as pivots.
_MOST_PIVOTS: Final = 24
#: References and names of operations of a row that stands for many records.
_MOST_REFS: Final = 20
_MOST_CALLS: Final = 12


def operations(
    rows: pa.Table, groups: Sequence[Sequence[int]], telling: Telling, *, records: bool = False
) -> list[dict[str, Any]]:
    """The JSON of each group of rows (trace.folding), told of by its newest. Keys are added, never
    renamed. `records`: with the raw record and where it came from."""
    if not groups:
        return []
    shown_rows = rows.take(pa.array([g[0] for g in groups], pa.int64()))
    listed = shown_rows.to_pylist()
    made = [
        _operation(row, named, telling)
        for row, named in zip(listed, pivots_of("cloudtrail", shown_rows), strict=True)
    ]
    if records:
        for operation, row in zip(made, listed, strict=True):
            operation |= raw_of("cloudtrail", row)
    for operation, group in zip(made, groups, strict=True):
        operation |= _repeats(rows, group, operation)
    return made


def raw_of(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The raw record of a row and where it came from."""
    return {
        "record": record_of(row, TABLES[table]),
        "provenance": {"source": shown(row["source"] or "", 400), "object": shown(row["object"] or "", 1100)},
    }


def _repeats(rows: pa.Table, group: Sequence[int], operation: Mapping[str, Any]) -> dict[str, Any]:
    """How many records a row stands for, since when, which operations, and some of their references."""
    if len(group) == 1:
        return {"repeats": 1, "since": operation["time"], "calls": {}, "refs": [operation["ref"]]}
    part = rows.take(pa.array(group, pa.int64()))
    counted = Counter(shown(name or "", 100) for name in part["eventName"].to_pylist())
    few = part.slice(0, _MOST_REFS).select(["eventID", "record_hash", "recipientAccountId"]).to_pylist()
    return {
        "repeats": len(group),
        "since": part["eventTime"][-1].as_py(),
        "calls": dict(counted.most_common(_MOST_CALLS)),
        "refs": [event_ref(row) for row in few],
    }


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
        "noise": noise_of(row),
        "resources": list(about),
        "names": named,
    }


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
