"""What else the records of something name: principals, keys, addresses, resources, each with its role and count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from ashiato.formats.principals import is_service_address
from ashiato.formats.tables import FOOTPRINTS, TABLES
from ashiato.lake.footprint_counts import Counter
from ashiato.lake.reading import reading
from ashiato.trace.keys import Key
from ashiato.trace.telling import Telling
from ashiato.words.names import short_arn
from ashiato.words.texts import shown

#: Related things of a kind and role that are given unless all are asked for.
MOST_OF_A_KIND: Final = 100
_BATCH_ROWS: Final = 20_000
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
    with reading() as connection:
        connection.register("parts", pa.concat_tables(counted))
        found = connection.sql(
            "SELECT kind, entity, role, sum(count)::BIGINT AS count, min(first) AS first, max(last) AS last,"
            ' sum(bytes)::BIGINT AS bytes, list(DISTINCT "table") AS tables FROM parts GROUP BY ALL'
            " ORDER BY count DESC, last DESC, entity"
        ).to_arrow_table()
    return _shaped(found.to_pylist(), {(k.kind, k.value) for k in own}, telling, most)


def _counted(table: str, rows: pa.Table) -> pa.Table:
    """Footprints of these rows alone."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "512MB"}) as counting:
        counter = Counter(table, counting)
        time = TABLES[table].time_column
        timed = rows.append_column("_time", rows[time])
        for batch in timed.combine_chunks().to_batches(_BATCH_ROWS):
            counter.add(batch)
        return pa.Table.from_batches(list(counter.results()), FOOTPRINTS.schema)


def _shaped(
    found: list[dict[str, Any]], own: Collection[tuple[str, str]], telling: Telling, most: int | None
) -> Related:
    values = {value for _, value in own}
    taken: dict[tuple[str, str], int] = {}
    left_out: dict[str, int] = {}
    things = []
    for row in found:
        kind, value = row["kind"], row["entity"]
        if (kind, value) in own or value in values:
            continue
        if kind == "address" and is_service_address(value):
            continue
        at = kind, row["role"]
        taken[at] = taken.get(at, 0) + 1
        if most is not None and taken[at] > most:
            left_out[kind] = left_out.get(kind, 0) + 1
            continue
        things.append(
            {
                "kind": kind,
                "value": shown(value, 1100),
                "name": name_of(kind, value, telling),
                "role": row["role"],
                "count": row["count"],
                "first": row["first"],
                "last": row["last"],
                "bytes": row["bytes"],
                "tables": sorted(row["tables"]),
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
