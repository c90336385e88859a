"""One record, told: as AWS wrote it, its place in a lane in words, everything that it names, the alerts that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ashiato.core.scope import AccountScope
from ashiato.formats.refs import parse_ref
from ashiato.lake.plans import PinnedLake
from ashiato.trace.changes import changes
from ashiato.trace.connections import connection_document, joined
from ashiato.trace.keys import Window
from ashiato.trace.operations import operations, pivots_of
from ashiato.trace.paging import LANES
from ashiato.trace.refs import Record, first_copies, record_in, rows_of
from ashiato.trace.telling import Telling
from ashiato.trace.touching import alerts_of


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
    parsed = parse_ref(ref)
    if parsed is None:
        return None
    copies = rows_of(lake, parsed, scope)
    if not copies.num_rows:
        return None
    record, row = record_in(lake, parsed, copies), first_copies(copies)
    names = pivots_of(record.table, row)[0] if row.num_rows else []
    alerts: list[dict[str, Any]] = []
    event = record.record.get("eventID")
    if record.table == "cloudtrail" and event:
        alerts = alerts_of(lake.home.ledger, (), scope, Window(), telling.language, str(event))
    return Told(record, LANES[record.table], _item(lake, record.table, row, scope, telling), names, alerts)


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
