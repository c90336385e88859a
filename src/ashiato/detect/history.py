"""Records of the past, read from the lake in pieces, for the same engine that looks at what arrives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import duckdb
import pyarrow as pa
from pyiceberg.expressions import And, BooleanExpression

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import at_least, below, everything
from ashiato.lake.scan import relation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
#: Rows of a piece: enough for columns to be worth coding, few enough to fit beside everything else.
PIECE_ROWS = 40_000

#: SQL of the fields by which records can be picked before they are looked at.
PICKED_BY = {
    "cloudtrail": {
        "eventName": '"eventName"',
        "errorCode": '"errorCode"',
        "eventSource": '"eventSource"',
        "userIdentity.type": '"userIdentity"."type"',
        "eventType": '"eventType"',
        "userAgent": '"userAgent"',
    },
    "config_items": {
        "resourceType": '"resourceType"',
        "configurationItemStatus": '"configurationItemStatus"',
    },
    "vpc_flow_logs": {"dstport": '"dstport"::VARCHAR', "action": '"action"'},
}


def at(microseconds: int) -> datetime:
    """A time from microseconds since 1970; beyond the calendar, its first or last moment."""
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return _FIRST if microseconds < 0 else _LAST


def micros(time: datetime) -> int:
    """Microseconds since 1970 of a time."""
    return int((time - _EPOCH) / timedelta(microseconds=1))


class History(Protocol):
    """Records by time of event."""

    def pieces(
        self,
        table: str,
        first: int | None = None,
        last: int | None = None,
        *,
        picked: tuple[str, Mapping[str, Sequence[str]]] | None = None,
        columns: Sequence[str] | None = None,
        ordered: bool = False,
    ) -> Iterator[pa.Table]:
        """Records with `first` <= time < `last` (microseconds since 1970), in any order. `picked`: SQL over the
        table's columns and its parameters; more may come than it holds for, but nothing less. `columns`: those
        that are needed; None for all. `ordered`: by time."""
        ...

    def days(self, table: str, first: int, last: int) -> list[tuple[int, int]]:
        """Days (since 1970) that have records with `first` <= time < `last`, and how many, ascending."""
        ...

    def span(self, table: str) -> tuple[int, int] | None:
        """Times of the first and last record; None where there are none."""
        ...


class LakeHistory:
    """The lake at one snapshot; first copies only (a variant is the same event, told more fully).

    `scope`: records of other accounts are as if there were none. `rows`: how many were given out.
    """

    def __init__(
        self, lake: PinnedLake, *, scope: AccountScope = EVERY_ACCOUNT, memory_mb: int = 512
    ) -> None:
        self.lake = lake
        self.scope = scope
        self.memory_mb = memory_mb
        self.rows = 0

    def _scoped(self, table: str) -> tuple[str, dict[str, object]]:
        sql, values = self.scope.sql(f'"{ACCOUNT_REGION[table][0]}"')
        return sql, dict(values)

    def pieces(
        self,
        table: str,
        first: int | None = None,
        last: int | None = None,
        *,
        picked: tuple[str, Mapping[str, Sequence[str]]] | None = None,
        columns: Sequence[str] | None = None,
        ordered: bool = False,
    ) -> Iterator[pa.Table]:
        description = TABLES[table]
        time = description.time_column
        iceberg = self.lake.table(table)
        plan = self.lake.plan(table, _between(time, first, last))
        if not plan.files:
            return
        scoped, values = self._scoped(table)
        where = [scoped, *(["variant = 0"] if "variant" in description.by_name else [])]
        for name, sign, bound in (("first", ">=", first), ("last", "<", last)):
            if bound is not None:
                where.append(f'"{time}" {sign} ${name}')
                values[name] = at(bound)
        if picked is not None:
            where.append(f"({picked[0]})")
            values.update({k: list(v) for k, v in picked[1].items()})
        chosen = ", ".join(f'"{c}"' for c in columns) if columns else "*"
        sql = f"SELECT {chosen} FROM {relation(plan.files, iceberg.schema())} WHERE {' AND '.join(where)}"
        if ordered:
            sql += f' ORDER BY "{time}"'
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": 2,
            "memory_limit": f"{self.memory_mb}MB",
            "preserve_insertion_order": False,
        }
        with duckdb.connect(config=settings) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            reader = connection.sql(sql, params=values or None).to_arrow_reader(PIECE_ROWS)
            for batch in reader:
                if batch.num_rows:
                    self.rows += batch.num_rows
                    yield pa.Table.from_batches([batch])

    def days(self, table: str, first: int, last: int) -> list[tuple[int, int]]:
        time = TABLES[table].time_column
        plan = self.lake.plan(table, _between(time, first, last))
        if not plan.files:
            return []
        with duckdb.connect(config={"threads": 2, "memory_limit": f"{self.memory_mb}MB"}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            files = relation(plan.files, self.lake.table(table).schema())
            scoped, values = self._scoped(table)
            return connection.execute(
                f'SELECT epoch_us("{time}") // 86400000000 AS day, count(*) FROM {files}'
                f' WHERE "{time}" >= $first AND "{time}" < $last AND {scoped} GROUP BY 1 ORDER BY 1',
                {"first": at(first), "last": at(last), **values},
            ).fetchall()

    def span(self, table: str) -> tuple[int, int] | None:
        description = TABLES[table]
        plan = self.lake.plan(table, _between(description.time_column, None, None))
        if not plan.files:
            return None
        schema = self.lake.table(table).schema()
        with duckdb.connect(config={"threads": 2, "memory_limit": f"{self.memory_mb}MB"}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            time = description.time_column
            scoped, values = self._scoped(table)
            found = connection.execute(
                f'SELECT epoch_us(min("{time}")), epoch_us(max("{time}")) FROM {relation(plan.files, schema)}'
                f" WHERE {scoped}",
                values or None,
            ).fetchone()
        return None if found is None or found[0] is None else (int(found[0]), int(found[1]))


class TablesHistory:
    """Records in memory: of a rule's own tests."""

    def __init__(self, tables: Mapping[str, Sequence[pa.Table]]) -> None:
        self.tables = tables

    def pieces(
        self,
        table: str,
        first: int | None = None,
        last: int | None = None,
        *,
        picked: tuple[str, Mapping[str, Sequence[str]]] | None = None,
        columns: Sequence[str] | None = None,
        ordered: bool = False,
    ) -> Iterator[pa.Table]:
        del picked, columns
        time = TABLES[table].time_column
        pieces = list(self.tables.get(table, ()))
        if ordered and len(pieces) > 1:
            pieces = [pa.concat_tables(pieces).sort_by(time)]
        for piece in pieces:
            times = piece[time].cast(pa.int64()).to_numpy()
            kept = [
                i for i, t in enumerate(times) if (first is None or t >= first) and (last is None or t < last)
            ]
            if kept:
                yield piece.take(pa.array(kept))

    def days(self, table: str, first: int, last: int) -> list[tuple[int, int]]:
        time = TABLES[table].time_column
        found: Counter[int] = Counter()
        for piece in self.pieces(table, first, last):
            found.update(t // 86_400_000_000 for t in piece[time].cast(pa.int64()).to_pylist())
        return sorted(found.items())

    def span(self, table: str) -> tuple[int, int] | None:
        time = TABLES[table].time_column
        times = [t for p in self.tables.get(table, ()) for t in p[time].cast(pa.int64()).to_pylist()]
        return (min(times), max(times)) if times else None


def _between(column: str, first: int | None, last: int | None) -> BooleanExpression:
    parts: list[BooleanExpression] = []
    if first is not None:
        parts.append(at_least(column, at(first).isoformat()))
    if last is not None:
        parts.append(below(column, at(last).isoformat()))
    if not parts:
        return everything()
    return parts[0] if len(parts) == 1 else And(*parts)
