"""What else the records of something name: principals, keys, addresses, resources, each with its role and count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from ashiato.config.reading import as_rows
from ashiato.formats.entities import KINDS, ROLES
from ashiato.formats.principals import is_service_address
from ashiato.formats.tables import TABLES
from ashiato.lake.footprint_counts import named_in
from ashiato.trace.keys import Key
from ashiato.trace.telling import Telling
from ashiato.words.names import short_arn
from ashiato.words.texts import shown

#: Related things of a kind and role that are given unless all are asked for.
MOST_OF_A_KIND: Final = 100
_THING: Final = ["kind", "role", "value"]
#: The order of kinds: who first, then from where, then what.
_ORDER: Final = (
    "instance", "interface", "access_key", "user", "session", "source_identity", "principal", "issuer", "address", "arn",
    "resource", "account",
)  # fmt: skip


@dataclass(frozen=True)
class Related:
    """`things`: the JSON; `left_out`: how many more there are, by kind."""

    things: list[dict[str, Any]]
    left_out: dict[str, int]


def related(
    rows: Mapping[str, pa.Table], own: Iterable[Key], telling: Telling, *, most: int | None = MOST_OF_A_KIND
) -> Related:
    """Everything else that these rows (by table) name; of each kind and role the most frequent, at most `most`."""
    counted = [_counted(table, part) for table, part in rows.items() if part.num_rows]
    if not counted:
        return Related([], {})
    parts = pa.concat_tables(counted)
    figures = [("count", "sum"), ("first", "min"), ("last", "max"), ("bytes", "sum"), ("table", "distinct")]
    found = (
        pa.TableGroupBy(parts, _THING).aggregate(figures).rename_columns([*_THING, *(n for n, _ in figures)])
    )
    order = [("count", "descending"), ("last", "descending"), ("value", "ascending")]
    found = found.sort_by([*order, ("kind", "ascending"), ("role", "ascending")])
    return _shaped(as_rows(found), {(k.kind, k.value) for k in own}, telling, most)


def _counted(table: str, rows: pa.Table) -> pa.Table:
    """What these rows name, each with the number of rows, their first and last time and their bytes."""
    time = TABLES[table].time_column
    flows = table == "vpc_flow_logs"
    parts = []
    for batch in rows.combine_chunks().to_batches():
        # What a record names twice in one role is there once.
        named = pa.TableGroupBy(named_in(table, batch), ["row", *_THING]).aggregate([])
        at = named["row"].combine_chunks()
        named = named.append_column("time", batch.column(time).take(at))
        sizes = batch.column("bytes").take(at) if flows else pa.nulls(len(at), pa.int64())
        parts.append(named.append_column("bytes", sizes))
    figures = [("row", "count"), ("time", "min"), ("time", "max"), ("bytes", "sum")]
    counted = pa.TableGroupBy(pa.concat_tables(parts), _THING).aggregate(figures)
    counted = counted.rename_columns([*_THING, "count", "first", "last", "bytes"])
    return counted.append_column("table", pa.repeat(table, counted.num_rows))


def _shaped(
    found: list[dict[str, Any]], own: Collection[tuple[str, str]], telling: Telling, most: int | None
) -> Related:
    values = {value for _, value in own}
    taken: dict[tuple[str, str], int] = {}
    left_out: dict[str, int] = {}
    things = []
    for row in found:
        kind, value, role = KINDS[row["kind"]], row["value"], ROLES[row["role"]]
        if (kind, value) in own or value in values:
            continue
        if kind == "address" and is_service_address(value):
            continue
        at = kind, role
        taken[at] = taken.get(at, 0) + 1
        if most is not None and taken[at] > most:
            left_out[kind] = left_out.get(kind, 0) + 1
            continue
        things.append(
            {
                "kind": kind,
                "value": shown(value, 1100),
                "name": name_of(kind, value, telling),
                "role": role,
                "count": row["count"],
                "first": row["first"],
                "last": row["last"],
                "bytes": row["bytes"],
                "tables": sorted(row["table"]),
            }
        )
    things.sort(key=lambda thing: _ORDER.index(thing["kind"]) if thing["kind"] in _ORDER else 99)
    return Related(things, left_out)


def name_of(kind: str, value: str, telling: Telling) -> str:
    """A thing for people."""
    if kind == "account":
        return telling.names.account(value)
    if kind == "address":
        return telling.networks.name_of(value) or shown(value, 60)
    if value.startswith("arn:"):
        return shown(short_arn(value)[0])
    return shown(telling.resources.get(value) or value)
