"""One record, told: the record as AWS wrote it, its place in a lane in words with what it names, alerts that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from ashiato.core.scope import AccountScope
from ashiato.formats.refs import REF_OF, parse_ref
from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.lake.plans import PinnedLake
from ashiato.lake.scan import relation
from ashiato.lake.spans import between
from ashiato.trace.changes import changes
from ashiato.trace.connections import connection_document, joined
from ashiato.trace.keys import Window
from ashiato.trace.operations import operations, pivots_of
from ashiato.trace.reading import connect
from ashiato.trace.refs import Record, record_of
from ashiato.trace.telling import Telling
from ashiato.trace.touching import alerts_of

#: Records of one moment that the one is looked for among.
_MOST_AT_ONCE: Final = 20_000


@dataclass(frozen=True)
class Told:
    """`lane`: of a trace; `item`: its JSON there, None where the record has no place in it (a flow record without
    data); `names`: everything that the record names, as {"kind", "value", "role"}; `alerts`: their JSON."""

    record: Record
    lane: str
    item: Mapping[str, Any] | None
    names: list[dict[str, str]]
    alerts: list[dict[str, Any]]


def told(lake: PinnedLake, ref: str, scope: AccountScope, telling: Telling) -> Told | None:
    """The record behind a reference; None where there is none, or where `scope` does not allow its account."""
    record = record_of(lake, ref, scope)
    if record is None:
        return None
    row = _row(lake, record, scope)
    names = pivots_of(record.table, row)[0] if row.num_rows else []
    alerts: list[dict[str, Any]] = []
    event = record.record.get("eventID")
    if record.table == "cloudtrail" and event:
        alerts = alerts_of(lake.home.ledger, (), scope, Window(), telling.language, str(event))
    return Told(record, LANES[record.table], _item(lake, record.table, row, scope, telling), names, alerts)


LANES: Final = {"cloudtrail": "operations", "config_items": "changes", "vpc_flow_logs": "connections"}


def _row(lake: PinnedLake, record: Record, scope: AccountScope) -> pa.Table:
    """The record's row with all columns; an empty table where its time is unknown."""
    table = TABLES[record.table]
    parsed = parse_ref(record.ref)
    if record.time is None or parsed is None:
        return table.schema.empty_table()
    plan = lake.plan(record.table, between(record.table, record.time.date(), record.time.date()))
    if not plan.files:
        return table.schema.empty_table()
    allowed, values = scope.sql(f'"{ACCOUNT_REGION[record.table][0]}"')
    variants = "true" if record.table == "vpc_flow_logs" else "variant = 0"
    sql = (
        f'SELECT * FROM {relation(plan.files, plan.iceberg_schema)} WHERE "{table.time_column}" = $time AND {variants}'
        f" AND {allowed} LIMIT {_MOST_AT_ONCE}"
    )
    with connect() as connection:
        rows = connection.sql(sql, params={"time": record.time, **values}).to_arrow_table()
    ref_of = REF_OF[record.table]
    # The time that ends an item's reference may be written in several ways, and is the row's already.
    found = (parse_ref(ref_of(row)) for row in rows.to_pylist())
    place = next((i for i, ref in enumerate(found) if ref and ref.parts[:4] == parsed.parts[:4]), None)
    return table.schema.empty_table() if place is None else rows.slice(place, 1)


def _item(
    lake: PinnedLake, table: str, row: pa.Table, scope: AccountScope, telling: Telling
) -> Mapping[str, Any] | None:
    if not row.num_rows:
        return None
    if table == "cloudtrail":
        return operations(row, [[0]], telling)[0]
    if table == "config_items":
        return changes(lake, row, scope, telling, caused=True)[0]
    found = joined(row)
    return connection_document(found[0], telling) if found else None
