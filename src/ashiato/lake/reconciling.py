"""Finishing or taking back what a process that died left between two steps of a commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pyiceberg.catalog.sql import SqlCatalog

from ashiato.core.clock import now
from ashiato.lake.catalog import open_table
from ashiato.lake.corrections import corrections_on, days_of_events
from ashiato.lake.home import Home
from ashiato.lake.keys import KeyTable
from ashiato.lake.ledger_rows import joined, keep_corrections, mark_days, settle
from ashiato.ledger import tables as t

#: Names in the summary of a batch's snapshot: its uid, and what became of the other records of the batch.
BATCH, DUPLICATES, VARIANTS = "ashiato.batch", "ashiato.duplicates", "ashiato.variants"
#: When its rows were taken in: `ingested_at` of all of them.
STAMP = "ashiato.stamp"


@dataclass(frozen=True)
class _Committed:
    """A batch as found in the lake: values for the ledger, days to count again, corrections."""

    values: dict[str, int | datetime | None]
    days: set[int]
    corrections: Sequence[tuple[str, str]]


def reconcile(home: Home, catalog: SqlCatalog, keys: KeyTable) -> None:
    """Finish or take back what a process that died left between two steps: one transaction a group, so
    that dying here is no different."""
    ledger = home.ledger
    b, o = t.batches.c, t.objects.c
    unsure: dict[str, list[sa.Row[Any]]] = {}
    for batch in ledger.rows(sa.select(t.batches).where(b.state == "writing").order_by(b.id)):
        unsure.setdefault(batch.group_id, []).append(batch)
    for (group,) in ledger.rows(sa.select(o.group_id).where(o.state == "pending").distinct()):
        unsure.setdefault(group, [])
    for group, batches in unsure.items():
        _reconcile(home, catalog, keys, group, batches)


def _reconcile(
    home: Home, catalog: SqlCatalog, keys: KeyTable, group: str, batches: Sequence[sa.Row[Any]]
) -> None:
    found = {batch.id: _committed(catalog, batch) for batch in batches}
    for batch in batches:
        if found[batch.id] is None:
            keys.forget(batch.table_name, batch.id, json.loads(batch.days))
    done = [batch.table_name for batch in batches if found[batch.id] is not None]
    moment = now()
    with home.ledger.begin() as connection:
        for batch in batches:
            committed = found[batch.id]
            at = t.batches.c.id == batch.id
            if committed is None:
                connection.execute(sa.delete(t.batches).where(at))
                continue
            values = {"state": "committed", "committed_at": moment, **committed.values}
            connection.execute(sa.update(t.batches).where(at).values(values))
            mark_days(connection, batch.table_name, committed.days)
            keep_corrections(connection, committed.corrections)
        if batches and len(done) == len(batches):
            # Every batch of the group is in the lake: only the confirmation was missing.
            settle(connection, group, moment)
            return
        # Which objects have rows in which table is not recorded, and need not be: they are read again.
        connection.execute(
            sa.update(t.objects)
            .where(t.objects.c.group_id == group, t.objects.c.state == "pending")
            .values(
                state="failed",
                reason="interrupted; it will be read again",
                done=joined(t.objects.c.done, done),
            )
        )


def _committed(catalog: SqlCatalog, batch: sa.Row[Any]) -> _Committed | None:
    """What the ledger should say of a batch whose snapshot is in the lake; None where there is none."""
    table = open_table(catalog, batch.table_name)
    snapshot = next((s for s in table.snapshots() if s.summary and s.summary.get(BATCH) == batch.uid), None)
    if snapshot is None:
        return None
    summary: Mapping[str, str | None] = (
        dict(snapshot.summary.additional_properties) if snapshot.summary else {}
    )
    variants = int(summary.get(VARIANTS) or 0)
    days = set(json.loads(batch.days))
    corrections = corrections_on(table, days) if batch.table_name == "cloudtrail" else []
    return _Committed(
        {
            "snapshot_id": snapshot.snapshot_id,
            "rows": int(summary["added-records"] or 0) - variants,
            "duplicates": int(summary.get(DUPLICATES) or 0),
            "variants": variants,
            "stamp": datetime.fromisoformat(stamp) if (stamp := summary.get(STAMP)) else None,
        },
        days | days_of_events(table, [original for original, _ in corrections]),
        corrections,
    )
