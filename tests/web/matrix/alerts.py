"""Alerts: everybody reads those of their accounts; analysts act; who sees every account may suppress."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from web.matrix_entry import Entry

if TYPE_CHECKING:
    from web.conftest import Estate


def alert_of(estate: Estate, account: str) -> str:
    """The gravest alert of an account."""
    with sqlite3.connect(f"file:{estate.home}/ledger.db?mode=ro", uri=True) as ledger:
        asked = "SELECT id FROM alerts WHERE account = ? ORDER BY level DESC, id"
        return f"A-{ledger.execute(asked, (account,)).fetchone()[0]}"


ENTRIES = [
    Entry("alerts.alerts", "/alerts?level=informational", shows=("shop-prod",), hides=("shop-audit",)),
    Entry("alerts.export", "/alerts/export?level=informational", shows=("shop-prod",), hides=("shop-audit",)),
    Entry("alerts.alert", lambda e: f"/alerts/{alert_of(e, '123456789012')}", limited=404),
    Entry("alerts.export_one", lambda e: f"/alerts/{alert_of(e, '123456789012')}/export", limited=404),
    # Roles differ here; what an act does is in test_alerts.py.
    Entry("alerts.act", "/alerts/act", ok=404, form={"id": "A-999999", "do": "acknowledge"}),
    Entry("alerts.suppressions", "/suppressions"),
    Entry("alerts.new_suppression", "/suppressions/new?rule=nothing"),
    Entry("alerts.suppress", "/suppressions", ok=400, form={"reason": "names nothing"}),
    Entry("alerts.end_suppression", "/suppressions/S-999999/end", ok=400, form={}),
    Entry("alerts.plan", "/plans", ok=400, form={"ticket": "CHG-1"}),
    Entry("alerts.end_plan", "/plans/P-999999/end", ok=400, form={}),
]
