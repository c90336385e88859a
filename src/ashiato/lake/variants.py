"""Second copies that say more than the first: found, compared, kept as variants."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyiceberg.table import Table

from ashiato.formats.columns import TableDescription
from ashiato.formats.json_text import says_more
from ashiato.lake.keys import KeyTable, key_arrays, variant_key
from ashiato.lake.scan import day_bounds, read_columns
from ashiato.lake.spans import between, day_at

#: Columns that together name a record: a second copy has the same.
IDENTITY = {
    "cloudtrail": ("eventID", "recipientAccountId"),
    "config_items": (
        "awsAccountId",
        "awsRegion",
        "resourceType",
        "resourceId",
        "configurationItemCaptureTime",
        "configurationStateId",
    ),
    "vpc_flow_logs": ("log_event_id",),
}
#: The column that copies are looked for by.
_LOOKED_UP = {"cloudtrail": "eventID", "config_items": "resourceId"}
_PROVENANCE = {
    "entities", "delivered_at", "ingested_at", "source", "object", "variant", "record_hash",
    # Which file held an item is no difference of the item.
    "configSnapshotId", "fileVersion",
}  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A row whose key is taken while its content differs: `row` is a table of one row."""

    row: pa.Table
    day: int
    key: int
    content: int


def record_of(row: Mapping[str, Any], description: TableDescription) -> dict[str, Any]:
    """A row as the record it was: JSON decoded, nulls and provenance left out."""
    record: dict[str, Any] = {}
    for column in description.columns:
        value = row.get(column.name)
        if value is None or column.name in _PROVENANCE:
            continue
        record[column.name] = _decoded(value) if column.json else _without_nulls(value)
    return record


def _decoded(text: str) -> Any:
    """JSON as values; as the text it is where Python cannot hold it (depth 10,000, numbers of 5,000 digits)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def names_itself(row: Mapping[str, Any], description: TableDescription) -> bool:
    """Whether the record's key comes from ids in it; else its key is the hash of all it says."""
    if description.name == "cloudtrail":
        return not row["record_hash"]
    parts = (c for c in IDENTITY[description.name] if c != "configurationStateId")
    return all(row[c] not in (None, "") for c in parts)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]
    return value


def variant_rows(
    description: TableDescription,
    table: Table,
    own_files: Sequence[str],
    candidates: Sequence[Candidate],
    keys: KeyTable,
    batch_id: int,
) -> pa.Table:
    """The candidates that say more than every copy kept so far, with their number in `variant`.

    Whatever the order in which copies come, everything that any of them says is in some copy kept. Number 0
    is for one whose first copy is not in the lake any more.
    """
    empty = candidates[0].row.slice(0, 0)
    if description.name not in _LOOKED_UP:
        return empty
    identity = IDENTITY[description.name]
    # Records that have the hash of all they say for their key are equal, however they are spelled.
    candidates = [c for c in candidates if names_itself(c.row.to_pylist()[0], description)]
    kept: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    looked_up = _LOOKED_UP[description.name]
    for day in sorted({c.day for c in candidates}):
        wanted = {looked_up: sorted({str(c.row[looked_up][0].as_py()) for c in candidates if c.day == day})}
        span = between(description.name, day_at(day), day_at(day))
        found = read_columns(description, table, span, own_files, day_bounds(day), wanted)
        for row in found.to_pylist():
            kept.setdefault(tuple(row[c] for c in identity), []).append(record_of(row, description))
    variants: list[pa.Table] = []
    claimed: list[tuple[int, int, int]] = []
    for candidate in candidates:
        row = candidate.row.to_pylist()[0]
        record = record_of(row, description)
        copies = kept.setdefault(tuple(row[c] for c in identity), [])
        if copies and not all(says_more(copy, record) for copy in copies):
            continue
        if copies:
            # A key of its own: the key table made anew from the lake has the same.
            key = variant_key(candidate.key, len(copies))
            claimed.append((candidate.day, key, candidate.content))
        at = candidate.row.schema.get_field_index("variant")
        number = pa.array([len(copies)], pa.int32())
        variants.append(candidate.row.set_column(at, candidate.row.schema.field(at), number))
        copies.append(record)
    if claimed:
        keys.claim(description.name, batch_id, *key_arrays(*zip(*claimed, strict=True)))
    return pa.concat_tables(variants) if variants else empty
