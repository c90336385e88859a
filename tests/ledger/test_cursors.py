"""How far sources got survives the process, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from ashiato.ledger import Ledger
from ashiato.ledger.cursors import LedgerCursors


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgres)])
def test_positions_are_kept_by_source_and_key(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/x.db" if kind == "sqlite" else request.getfixturevalue("postgres").url()
    ledger = Ledger(url, migrate=True)
    cursors = LedgerCursors(ledger)
    assert cursors.get("a", "logs:g") is None
    cursors.put("a", "logs:g", {"front": "2026-01-05T01:02:03+00:00", "ranges": {"1": ["足", "跡"]}})
    cursors.put("a", "logs:h", [1, None])
    cursors.put("b", "logs:g", 1.5)
    cursors.put("a", "logs:h", {"later": True})
    ledger.close()
    again = LedgerCursors(Ledger(url, migrate=False))
    assert again.get("a", "logs:g") == {"front": "2026-01-05T01:02:03+00:00", "ranges": {"1": ["足", "跡"]}}
    assert again.get("a", "logs:h") == {"later": True}
    assert again.get("b", "logs:g") == 1.5
    again.ledger.close()
