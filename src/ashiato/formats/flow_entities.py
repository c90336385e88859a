"""What a flow record names, and as what: one definition, by the record and by the column.

`origin` is who sent, `peer` who was sent to; `target` is where it was recorded: the interface with its
instance, container, network and account.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from itertools import combinations
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

#: (kind, role) of what each column names.
ENTITY_COLUMNS: dict[str, tuple[str, str]] = {
    "account_id": ("account", "target"),
    "interface_id": ("interface", "target"),
    "srcaddr": ("address", "origin"),
    "dstaddr": ("address", "peer"),
    "vpc_id": ("resource", "target"),
    "subnet_id": ("resource", "target"),
    "instance_id": ("instance", "target"),
    "pkt_srcaddr": ("address", "origin"),
    "pkt_dstaddr": ("address", "peer"),
    "ecs_cluster_arn": ("arn", "target"),
    "ecs_cluster_name": ("resource", "target"),
    "ecs_container_instance_arn": ("arn", "target"),
    "ecs_container_instance_id": ("resource", "target"),
    "ecs_container_id": ("resource", "target"),
    "ecs_second_container_id": ("resource", "target"),
    "ecs_service_name": ("resource", "target"),
    "ecs_task_definition_arn": ("arn", "target"),
    "ecs_task_arn": ("arn", "target"),
    "ecs_task_id": ("resource", "target"),
    "resource_id": ("resource", "target"),
    "next_hop_interface_id": ("interface", "peer"),
    "next_hop_subnet_id": ("resource", "peer"),
    "next_hop_vpc_id": ("resource", "peer"),
    "tgw_id": ("resource", "target"),
    "tgw_attachment_id": ("resource", "target"),
    "tgw_src_vpc_account_id": ("account", "origin"),
    "tgw_dst_vpc_account_id": ("account", "peer"),
    "tgw_src_vpc_id": ("resource", "origin"),
    "tgw_dst_vpc_id": ("resource", "peer"),
    "tgw_src_subnet_id": ("resource", "origin"),
    "tgw_dst_subnet_id": ("resource", "peer"),
    "tgw_src_eni": ("interface", "origin"),
    "tgw_dst_eni": ("interface", "peer"),
    "tgw_pair_attachment_id": ("resource", "peer"),
}


#: Values that name nothing (`unknown` as an account only).
_NOTHING = ("", "-", "unknown")


def entities_of(row: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(kind, value, role) of all that a record of `vpc_flow_logs` names, distinct, in the table's order.

    >>> entities_of({"account_id": "unknown", "srcaddr": "2001:DB8:0::1", "pkt_srcaddr": "2001:db8::1"})
    [('address', '2001:db8::1', 'origin')]
    """
    found = (
        (kind, _value(kind, row[column]), role)
        for column, (kind, role) in ENTITY_COLUMNS.items()
        if row.get(column) is not None
    )
    return list(dict.fromkeys((kind, value, role) for kind, value, role in found if value is not None))


def _value(kind: str, text: str) -> str | None:
    """The value of an entity as it is hashed: addresses in canonical text; None where it names nothing."""
    if kind == "address" and ":" in text:
        return _canonical(text)
    return None if text in _NOTHING and (text != "unknown" or kind == "account") else text


@lru_cache(maxsize=1 << 14)
def _canonical(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return text


# Hashes of values seen, by kind: the same addresses and interfaces come in every object.
_KNOWN: dict[str, dict[str, bytes]] = {kind: {} for kind, _ in ENTITY_COLUMNS.values()}
_KNOWN_LIMIT = 1 << 16


def _hashes(kind: str, values: pa.Array) -> pa.Array:
    """`entities.entity_hash` of each value (null where it names nothing): int64, many times as fast."""
    known = _KNOWN[kind]
    if len(known) > _KNOWN_LIMIT:
        known.clear()
    texts = values.to_pylist()
    found: list[Any] = list(map(known.get, texts))
    if None in found:
        for place, hashed in enumerate(found):
            if hashed is None:
                text = texts[place]
                found[place] = known[text] = _hash(kind, _value(kind, text) or "")
    hashes = pa.Array.from_buffers(pa.int64(), len(found), [None, pa.py_buffer(b"".join(found))])
    nothing = pa.array([value for value in _NOTHING if _value(kind, value) is None], pa.string())
    named = pc.invert(pc.is_in(values, value_set=nothing))
    return pc.if_else(named, hashes, pa.scalar(None, pa.int64()))


def _hash(kind: str, value: str) -> bytes:
    # The first eight bytes are a big-endian number: reversed, a little-endian one, as Arrow has it.
    return hashlib.sha256(f"{kind}\0{value}".encode()).digest()[7::-1]


def entity_column(columns: Mapping[str, pa.Array], count: int) -> pa.ListArray:
    """The `entities` column (list of int64, distinct in a row) of `count` records given as columns.

    Equals `[hashes of entities_of(row) for row in rows]`, without a step of Python for each row.
    """
    by_kind: dict[str, list[int]] = {}
    parts: list[pa.Array] = []
    for column, (kind, _) in ENTITY_COLUMNS.items():
        texts = columns.get(column)
        if texts is None or texts.null_count == count:
            continue
        coded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
        by_kind.setdefault(kind, []).append(len(parts))
        parts.append(_hashes(kind, coded.dictionary).take(coded.indices))
    nothing = pa.scalar(None, pa.int64())
    for places in by_kind.values():
        for earlier, later in combinations(places, 2):
            same = pc.fill_null(pc.equal(parts[earlier], parts[later]), fill_value=False)
            parts[later] = pc.if_else(same, nothing, parts[later])
    return _interleaved(parts, count)


def _interleaved(parts: list[pa.Array], count: int) -> pa.ListArray:
    """Row by row, the values of all parts that are not null."""
    if not parts or not count:
        return pa.ListArray.from_arrays(pa.array([0] * (count + 1), pa.int32()), pa.array([], pa.int64()))
    # By tiles of one size, so that the order of taking is computed once and the work stays in the cache.
    tile = min(1 << 14, 1 << (count - 1).bit_length())
    order = _tile_order(tile, len(parts))
    tiles = []
    for start in range(0, count, tile):
        pieces = []
        for part in parts:
            piece = part.slice(start, tile)
            pieces.append(piece)
            if len(piece) < tile:
                pieces.append(pa.nulls(tile - len(piece), pa.int64()))
        tiles.append(pa.concat_arrays(pieces).take(order).drop_null())
    counts = pc.cast(pc.is_valid(parts[0]), pa.int32())
    for part in parts[1:]:
        counts = pc.add(counts, pc.cast(pc.is_valid(part), pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(counts)])
    return pa.ListArray.from_arrays(offsets, pa.concat_arrays(tiles))


@lru_cache(maxsize=64)
def _tile_order(rows: int, columns: int) -> pa.Array:
    """Places of the values, row by row, in `columns` columns of `rows` values laid one after another."""
    place = pa.arange(0, rows * columns)
    row = pc.divide(place, columns)
    return pc.add(pc.multiply(pc.subtract(place, pc.multiply(row, columns)), rows), row)
