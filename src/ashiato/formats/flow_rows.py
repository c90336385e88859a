"""Parsed fields of flow records → rows of `vpc_flow_logs`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.columns import TIMESTAMP
from ashiato.formats.flow_entities import entity_column
from ashiato.formats.reading import ObjectOrigin
from ashiato.formats.tables.vpc_flow_logs import VPC_FLOW_LOGS

#: The table's schema without `ingested_at`, which the lake fills.
SCHEMA = pa.schema([field for field in VPC_FLOW_LOGS.schema if field.name != "ingested_at"])

#: Rows that one part may hold.
MOST_ROWS = 200_000

_SLOT = re.compile(r"_(\d{8}T\d{4})Z_")


class RowBuilder:
    """Makes rows of the fields of one object's records: columns that no field fills, times, entities."""

    def __init__(self, origin: ObjectOrigin) -> None:
        self._origin = origin
        self._object_time = origin.delivered_at or _slot(origin.name)
        self._repeats: dict[str, pa.Array] = {}

    def rows(
        self,
        fields: Mapping[str, pa.Array],
        unknown: Sequence[tuple[str, pa.Array]],
        count: int,
        *,
        event_ids: Sequence[str] | None = None,
        times: pa.Array | None = None,
    ) -> pa.Table:
        """`count` rows with every column of the table but `ingested_at`, in order.

        `fields` holds arrays of the table's own types, by column; `unknown` (name, values) goes to `extra`.
        `times` (timestamps) stands in for the object's time where a record has neither start nor end.
        """
        nulls: dict[pa.DataType, pa.Array] = {}
        given = dict(fields)
        given["extra"] = extra_column(unknown, count)
        given["entities"] = entity_column(fields, count)
        given["delivered_at"] = self._repeat("delivered_at", self._origin.delivered_at, TIMESTAMP, count)
        given["source"] = self._repeat("source", self._origin.source, pa.string(), count)
        given["object"] = self._repeat("object", self._origin.name, pa.string(), count)
        given["start_time"], given["time_from_object"] = self._times(fields, count, times)
        if event_ids is not None:
            given["log_event_id"] = pa.array(
                [text.encode("utf-8", "replace") for text in event_ids], pa.string()
            )
        arrays = []
        for field in SCHEMA:
            array = given.get(field.name)
            if array is None:
                array = nulls.get(field.type)
            if array is None:
                array = nulls[field.type] = pa.nulls(count, field.type)
            arrays.append(array)
        return pa.Table.from_arrays(arrays, schema=SCHEMA)

    def _times(
        self, fields: Mapping[str, pa.Array], count: int, times: pa.Array | None
    ) -> tuple[pa.Array, pa.Array]:
        known = [fields[name] for name in ("start", "end") if name in fields]
        seconds = pc.coalesce(*known) if known else pa.nulls(count, pa.int64())
        start = pc.multiply(seconds, 1_000_000).cast(TIMESTAMP)
        if seconds.null_count == 0:
            return start, self._repeat("recorded", value=False, type_=pa.bool_(), count=count)
        instead = [] if times is None else [times]
        return pc.coalesce(start, *instead, pa.scalar(self._object_time, TIMESTAMP)), pc.is_null(seconds)

    def _repeat(self, name: str, value: Any, type_: pa.DataType, count: int) -> pa.Array:
        held = self._repeats.get(name)
        if held is None or len(held) < count:
            # A little more than asked for: the next block of an object has about as many rows.
            held = self._repeats[name] = pa.repeat(pa.scalar(value, type_), count + count // 16)
        return held if len(held) == count else held.slice(0, count)


def _slot(name: str) -> datetime | None:
    """The time in the name that AWS gives to a flow-log file (`…_20180620T1620Z_fe123456.log.gz`)."""
    found = _SLOT.search(name)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def extra_column(unknown: Sequence[tuple[str, pa.Array]], count: int) -> pa.Array:
    """JSON objects (text) of the fields that have no column; null where a record has none of them."""
    pieces = []
    taken: dict[str, int] = {}
    for name, values in unknown:
        if values.null_count == count:
            continue
        taken[name] = taken.get(name, 0) + 1
        shown = name if taken[name] == 1 else f"{name} ({taken[name]})"
        pieces.append(_members(shown, values))
    if not pieces:
        return pa.nulls(count, pa.string())
    joined = pieces[0] if len(pieces) == 1 else pc.binary_join_element_wise(*pieces, "")
    shut = pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(joined, 2), "}", "")
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), shut)


def _members(name: str, values: pa.Array) -> pa.Array:
    """`, "name": value` for each value, nothing for null."""
    try:
        coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    except pa.ArrowNotImplementedError:  # lists and structs
        return pa.array([_member(name, value) for value in values.to_pylist()], pa.string())
    members = [_member(name, value) for value in coded.dictionary.to_pylist()]
    return pc.fill_null(pa.array(members, pa.string()).take(coded.indices), "")


def _member(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)  # JSON has no such number
    text = f", {as_json(name)}: {as_json(value)}"
    return text.encode("utf-8", "replace").decode()


def as_json(value: Any) -> str:
    """JSON text of any value that a Parquet file may hold (bytes as text, times as ISO 8601)."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
