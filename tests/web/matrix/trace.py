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
    # The user's group holds none of the estate's accounts: the page says that nothing names the key.
    Entry("trace.trace", _key, hides=("deploy-bot", "203.0.113.66")),
    Entry("trace.export", lambda e: _key(e).replace("/trace", "/trace/export"), hides=("deploy-bot",)),
    Entry("trace.named", "/trace/i-0a1b2c3d", ok=303),
    Entry("record.record", _record, limited=404, hides=("deploy-bot",)),
    Entry("record.export", lambda e: _record(e, "/record/export"), limited=404, hides=("deploy-bot",)),
    Entry("record.named", "/record/event:1@111122223333", ok=303),
]
