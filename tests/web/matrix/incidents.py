"""Incidents: of those alerts that the visitor may see."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from web.matrix_entry import Entry

if TYPE_CHECKING:
    from web.conftest import Estate


def some_incident(estate: Estate) -> str:
    with sqlite3.connect(f"file:{estate.home}/ledger.db?mode=ro", uri=True) as ledger:
        asked = "SELECT incident FROM alerts WHERE incident IS NOT NULL ORDER BY level DESC, id"
        found = ledger.execute(asked).fetchone()
    return f"I-{found[0]}"


ENTRIES = [
    Entry("incidents.incidents", "/incidents?state=all", shows=("shop-prod",), hides=("shop-audit",)),
    Entry("incidents.incident", lambda e: f"/incidents/{some_incident(e)}", hides=("shop-audit",)),
    Entry("incidents.export_one", lambda e: f"/incidents/{some_incident(e)}/export", hides=("shop-audit",)),
]
