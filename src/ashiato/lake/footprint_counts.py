"""Counting footprints: rows of a log → presence of each entity on each day, in bounded memory.

One definition for the days that are built beforehand and for those that are counted when asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats import cloudtrail_entities, config_entities, flow_entities
from ashiato.formats.columns import PROVENANCE
from ashiato.formats.entities import KINDS, ROLES
from ashiato.formats.tables import ACCOUNT_REGION, FOOTPRINTS, TABLES

KIND = {kind: i for i, kind in enumerate(KINDS)}
ROLE = {role: i for i, role in enumerate(ROLES)}
NAMED = cloudtrail_entities.NAMED

#: Columns that name nothing: where the record came from, and what other columns say already.
_LEFT_OUT = {c.name for c in PROVENANCE} | {"variant", "record_hash"}


def default_view(table: str) -> str:
    """SQL that is true for the records that count: no second copies, nothing that a correction replaced.

    `$superseded` is bound to the ids of corrected events.
    """
    if table == "cloudtrail":
        return "variant = 0 AND (eventID IS NULL OR eventID NOT IN (SELECT unnest($superseded::VARCHAR[])))"
    return "variant = 0" if table == "config_items" else "true"


def selection(table: str) -> str:
    """The columns that `Counter.add` needs, as SQL: all that a record may name things in."""
    listed = ", ".join(f'"{n}"' for n in naming_columns(table))
    return f'"{TABLES[table].time_column}" AS _time, {listed}'


def naming_columns(table: str) -> tuple[str, ...]:
    """The columns that `named_in` needs, and what of a flow tells how much went which way."""
    if table == "cloudtrail":
        return cloudtrail_entities.COLUMNS
    return tuple(c.name for c in TABLES[table].columns if c.name not in _LEFT_OUT)


def named_in(table: str, rows: pa.RecordBatch) -> pa.Table:
    """(row, kind, role, value) of everything that the rows name, as the log's own definition says."""
    columns = {name: rows.column(name) for name in rows.schema.names}
    if table == "cloudtrail":
        return cloudtrail_entities.named(columns)
    if table == "config_items":
        return _of_items(rows)
    return _of_flows(columns)


def _of_items(rows: pa.RecordBatch) -> pa.Table:
    place: list[int] = []
    kinds: list[int] = []
    roles: list[int] = []
    values: list[str] = []
    for i, row in enumerate(rows.to_pylist()):
        for kind, value, role in config_entities.entities_of(row):
            place.append(i)
            kinds.append(KIND[kind])
            roles.append(ROLE[role])
            values.append(value)
    return pa.table([place, kinds, roles, values], schema=NAMED)


@lru_cache(maxsize=1 << 17)
def _of_flow_value(column: str, text: str) -> str | None:
    found = flow_entities.entities_of({column: text})
    return found[0][1] if found else None


def _of_flows(columns: Mapping[str, pa.Array]) -> pa.Table:
    parts = [NAMED.empty_table()]
    for column, (kind, role) in flow_entities.ENTITY_COLUMNS.items():
        texts = columns[column]
        if texts.null_count == len(texts):
            continue
        coded = texts.dictionary_encode()
        named = [None if t is None else _of_flow_value(column, t) for t in coded.dictionary.to_pylist()]
        values = pa.array(named, pa.string()).take(coded.indices)
        rows = pc.indices_nonzero(pc.is_valid(values))
        n = len(rows)
        parts.append(
            pa.table(
                [
                    rows.cast(pa.int32()),
                    pa.repeat(pa.scalar(KIND[kind], pa.int8()), n),
                    pa.repeat(pa.scalar(ROLE[role], pa.int8()), n),
                    values.take(rows),
                ],
                schema=NAMED,
            )
        )
    return pa.concat_tables(parts)


def _canonical(column: str, texts: pa.Array) -> pa.Array:
    coded = texts.dictionary_encode()
    named = [None if t is None else _of_flow_value(column, t) for t in coded.dictionary.to_pylist()]
    return pa.array(named, pa.string()).take(coded.indices)


#: Who is on the other side of an entity, by its role. Where a record was made (target) tells nothing by
#: itself; the direction does, and without it both ends count.
_OTHER_SIDE = f"""CASE
    WHEN role = {ROLE["origin"]} THEN [dst]
    WHEN role = {ROLE["peer"]} THEN [src]
    WHEN direction = 'ingress' THEN [src]
    WHEN direction = 'egress' THEN [dst]
    ELSE [src, dst] END"""

_KEY = "value, kind, role, account, day"
_FIGURES = "min(first) AS first, max(last) AS last, sum(n)::BIGINT AS n, bit_or(hours)::INTEGER AS hours"


class Counter:
    """Presence by (entity, kind, role, account, day) of one log. Spills to disk beyond DuckDB's memory limit.

    `connection` is used for this alone; `shared`: one of lake.reading, to a database that others use too.
    `wanted`: count these values only.
    """

    def __init__(
        self,
        table: str,
        connection: duckdb.DuckDBPyConnection,
        wanted: Sequence[str] | None = None,
        *,
        shared: bool = False,
    ) -> None:
        self.table = table
        self.wanted = None if wanted is None else pa.array(wanted, pa.string())
        self.db = connection
        self.db.execute("SET TimeZone = 'UTC'")
        made = "CREATE OR REPLACE TEMP TABLE" if shared else "CREATE TABLE"
        self.db.execute(
            f"{made} parts (value VARCHAR, kind TINYINT, role TINYINT, account VARCHAR, day DATE,"
            " first TIMESTAMPTZ, last TIMESTAMPTZ, n BIGINT, hours INTEGER, bytes BIGINT)"
        )
        self.db.execute(
            f"{made} sides (value VARCHAR, kind TINYINT, role TINYINT, account VARCHAR, day DATE, other UBIGINT)"
        )

    def add(self, rows: pa.RecordBatch) -> None:
        """Rows of the log with the columns of `selection`."""
        if not rows.num_rows:
            return
        named = named_in(self.table, rows)
        if self.wanted is not None:
            named = named.filter(pc.is_in(named["value"], self.wanted))
        if not named.num_rows:
            return
        # Every row's figures are laid beside what it names: DuckDB 2.0.0 breaks off ("dict-surviving cache")
        # in joins whose build side holds dictionary-coded text.
        at = named["row"].combine_chunks()
        flat = {
            "row": at,
            "kind": named["kind"],
            "role": named["role"],
            "value": named["value"],
            "time": rows.column("_time").take(at),
            "account": rows.column(ACCOUNT_REGION[self.table][0]).take(at),
        }
        flows = self.table == "vpc_flow_logs"
        if flows:
            flat["bytes"] = rows.column("bytes").take(at)
            flat["direction"] = rows.column("flow_direction").take(at)
            flat["src"] = _end(rows, "srcaddr").take(at)
            flat["dst"] = _end(rows, "dstaddr").take(at)
        self.db.register("incoming", pa.table(flat))
        # An entity that a record names twice in one role is one presence.
        self.db.execute(
            f"INSERT INTO parts SELECT {_KEY}, min(time), max(time), count(*), bit_or(hour), sum(bytes) FROM"
            " (SELECT DISTINCT row, kind, role, value, account, time, time::TIMESTAMP::DATE AS day,"
            f" 1 << extract(hour FROM time)::INTEGER AS hour, {'bytes' if flows else 'NULL::BIGINT'} AS bytes"
            f" FROM incoming) GROUP BY {_KEY}"
        )
        if flows:
            self.db.execute(
                f"INSERT INTO sides SELECT DISTINCT {_KEY}, hash(other) FROM"
                f" (SELECT value, kind, role, account, time::TIMESTAMP::DATE AS day, unnest({_OTHER_SIDE}) AS other"
                " FROM incoming) WHERE other IS NOT NULL"
            )
        self.db.unregister("incoming")

    def results(self) -> Iterator[pa.RecordBatch]:
        """Rows of the table `footprints`, sorted as its files are."""
        kinds = ", ".join(f"'{k}'" for k in KINDS)
        roles = ", ".join(f"'{r}'" for r in ROLES)
        counted = f"SELECT {_KEY}, {_FIGURES}, sum(bytes)::BIGINT AS bytes, NULL::BIGINT AS peers FROM parts GROUP BY {_KEY}"
        if self.table == "vpc_flow_logs":
            counted = (
                f"SELECT {_KEY}, {_FIGURES}, sum(bytes)::BIGINT AS bytes, coalesce(max(peers), 0) AS peers FROM"
                f" (SELECT *, NULL::BIGINT AS peers FROM parts UNION ALL"
                f" SELECT {_KEY}, NULL, NULL, NULL, NULL, NULL, count(DISTINCT other) FROM sides GROUP BY {_KEY})"
                f" GROUP BY {_KEY}"
            )
        columns = ", ".join(f'"{c.name}"' for c in FOOTPRINTS.columns)
        sql = (
            f"SELECT {columns} FROM (SELECT value AS entity, [{kinds}][kind + 1] AS kind, account,"
            f" [{roles}][role + 1] AS role, '{self.table}' AS \"table\", day, first, last, n AS count, hours, bytes,"
            f" peers, day::TIMESTAMP::TIMESTAMPTZ AS day_time FROM ({counted}))"
            " ORDER BY entity, kind, day, role, account"
        )
        yield from self.db.sql(sql).to_arrow_reader(20_000)


def _end(rows: pa.RecordBatch, column: str) -> pa.Array:
    """The address at one end: the packet's own where the record tells it from the interface's."""
    packet = f"pkt_{column}"
    return pc.coalesce(_canonical(packet, rows.column(packet)), _canonical(column, rows.column(column)))
