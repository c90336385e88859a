"""Items that were read once are those of the lake, until a new one comes; each scope has its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.trace import items as of_items
from ashiato.trace.items import items_naming
from ashiato.trace.keys import Key
from config.writing import ACCOUNT, GROUP, group, item, rule, taken

FIRST = item("2026-11-20T08:00:00.000Z", GROUP, "sg-1", group(rule(443, "0.0.0.0/0")))
SECOND = item("2026-11-20T10:02:00.500Z", GROUP, "sg-1", group(rule(22, "0.0.0.0/0")))
COLUMNS = ("resourceId", "configurationItemCaptureTime")


def _read(home: Path, scope: AccountScope = EVERY_ACCOUNT, **options: Any) -> Sequence[str]:
    with Home.open_for_reading(home) as opened, PinnedLake(opened) as lake:
        keys = (Key("resource", "sg-1"),)
        rows = items_naming(lake, keys, scope, [GROUP], 10, COLUMNS, **options)
        return [f"{row['configurationItemCaptureTime']:%H:%M}" for row in rows.to_pylist()]


def test_a_new_item_is_seen_at_once(tmp_path: Path) -> None:
    assert _read(taken(tmp_path, [FIRST])) == ["08:00"]
    home = taken(tmp_path, [SECOND])
    assert _read(home) == ["10:02", "08:00"]
    assert _read(home, oldest=True) == ["08:00", "10:02"]


def test_what_is_kept_is_kept_for_its_scope(tmp_path: Path) -> None:
    home = taken(tmp_path, [FIRST])
    assert _read(home) == ["08:00"]
    assert _read(home, AccountScope.of(["999999999999"])) == []
    assert _read(home, AccountScope.of([ACCOUNT])) == ["08:00"]


def test_while_no_item_comes_nothing_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = taken(tmp_path, [FIRST])
    assert _read(home) == ["08:00"]
    monkeypatch.delattr(of_items, "newest")
    assert _read(home) == ["08:00"]
