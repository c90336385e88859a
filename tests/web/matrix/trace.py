"""Traces and records: everybody's own accounts, and nothing of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.matrix_entry import Entry

if TYPE_CHECKING:
    from web.conftest import Estate


def _key(estate: Estate) -> str:
    return f"/trace?q={estate.truth['attack']['leakedKey']}"


def _record(estate: Estate, path: str = "/record") -> str:
    step = estate.truth["steps"][0]
    return f"{path}?ref=event:{step['events'][0]}@{estate.truth['attack']['account']}"


ENTRIES = [
    Entry("trace.trace", _key, hides=("shop-audit",), shows=("deploy-bot",)),
    Entry("trace.export", lambda e: _key(e).replace("/trace", "/trace/export"), hides=("shop-audit",)),
    Entry("trace.named", "/trace/i-0a1b2c3d", ok=303),
    Entry("record.record", _record, hides=("shop-audit",)),
    Entry("record.export", lambda e: _record(e, "/record/export")),
    Entry("record.named", "/record/event:1@111122223333", ok=303),
]
