"""Second copies that say more than the first: found, compared, kept as variants."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
from pyiceberg.table import Table

from ashiato.formats.columns import TableDescription
from ashiato.formats.json_text import says_more
from ashiato.lake.keys import KeyTable
from ashiato.lake.scan import day_bounds, read_columns

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
    key: bytes
    content: int


def record_of(row: Mapping[str, Any], description: TableDescription) -> dict[str, Any]:
    """A row as the record it was: JSON decoded, nulls and provenance left out."""
    record: dict[str, Any] = {}
    for column in description.columns:
        value = row.get(column.name)
        if value is None or column.name in _PROVENANCE:
            continue
        record[column.name] = json.loads(value) if column.json else _without_nulls(value)
    return record


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
    """The candidates that say more than every copy kept so far, with their number in `variant`."""
    empty = candidates[0].row.slice(0, 0)
    identity = IDENTITY[description.name]
    if description.name == "vpc_flow_logs":
        return empty
    kept: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for day in sorted({c.day for c in candidates}):
        of_day = [c for c in candidates if c.day == day]
        wanted = {identity[0]: sorted({str(c.row[identity[0]][0].as_py()) for c in of_day})}
        start, end = day_bounds(day)
        column = description.time_column
        row_filter = And(GreaterThanOrEqual(column, start.isoformat()), LessThan(column, end.isoformat()))
        found = read_columns(description, table, row_filter, own_files, (start, end), wanted)
        for row in found.to_pylist():
            kept.setdefault(tuple(row[c] for c in identity), []).append(record_of(row, description))
    variants: list[pa.Table] = []
    for candidate in candidates:
        row = candidate.row.to_pylist()[0]
        record = record_of(row, description)
        copies = kept.setdefault(tuple(row[c] for c in identity), [])
        if copies and not all(says_more(copy, record) for copy in copies):
            continue
        # The variant has a key of its own, so that its own second copy is recognised too.
        key = blake2b(candidate.key + str(len(copies)).encode(), digest_size=16).digest()
        keys.claim(description.name, batch_id, [candidate.day], [key], [candidate.content])
        at = candidate.row.schema.get_field_index("variant")
        number = pa.array([len(copies)], pa.int32())
        variants.append(candidate.row.set_column(at, candidate.row.schema.field(at), number))
        copies.append(record)
    return pa.concat_tables(variants) if variants else empty
