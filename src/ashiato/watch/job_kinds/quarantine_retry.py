"""Try what lies in quarantine again: a newer Ashiato, or the fields of headerless flow records, may read it now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ashiato.core.clock import now
from ashiato.core.errors import WrongUse
from ashiato.watch.job_kinds import JobKind, Work

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home

#: Entries that one job tries, at most; bytes that are taken in at once; and reasons that a result names.
MOST = 1_000
MOST_BYTES = 64 << 20
MOST_REASONS = 50


def check(asked: Mapping[str, Any], settings: Settings, home: Home) -> dict[str, Any]:
    """`ids`: entries, none: all that were not taken yet, 1,000 at most. `flow_format`: fields of flow records."""
    del settings, home
    ids = [str(i).strip() for i in asked.get("ids") or () if str(i).strip()]
    if len(ids) > MOST or any(len(i) > 100 or not i.isalnum() for i in ids):
        raise WrongUse(f"entries of the quarantine are named by their ids, {MOST} at most")
    flow_format = str(asked.get("flow_format") or "").strip()
    if len(flow_format) > 2_000:
        raise WrongUse("this is no list of fields", remedy="Write it as AWS does: ${version} ${account-id} …")
    return {"ids": ids, "flow_format": flow_format or None}


def run(work: Work) -> dict[str, Any]:
    from ashiato.intake.quarantine import entries, entry_bytes, note_try, unreadable
    from ashiato.sources.objects import ObjectRef
    from ashiato.watch.job_writing import Kept

    taking = work.taking
    assert taking is not None
    wanted = work.parameters["ids"]
    flow_format = work.parameters["flow_format"]
    listed = entries(work.home, MOST, wanted or None, untaken=not wanted)
    result: dict[str, Any] = {
        "tried": 0,
        "taken": 0,
        "unreadable": 0,
        "gone": 0,
        "records": {},
        "reasons": [],
    }
    kept: list[tuple[str, Kept]] = []

    def take() -> None:
        if not kept:
            return
        became = taking.take_bytes([k for _, k in kept])
        for table, count in became["records"].items():
            if count:
                result["records"][table] = result["records"].get(table, 0) + count
        for id_, _ in kept:
            note_try(work.home.ledger, id_, "taken", None, by=work.by, at=now())
        result["taken"] += len(kept)
        kept.clear()

    for number, entry in enumerate(listed):
        work.go_on()
        work.progress("reading", number / len(listed), number, "entries")
        content = entry_bytes(work.home, entry["id"])
        result["tried"] += 1
        if content is None:
            result["gone"] += 1
            continue
        reason = unreadable(content, flow_format or work.settings.flow_format)
        if reason is not None:
            note_try(work.home.ledger, entry["id"], "unreadable", reason, by=work.by, at=now())
            result["unreadable"] += 1
            if len(result["reasons"]) < MOST_REASONS:
                result["reasons"].append({"id": entry["id"], "object": entry["object"], "reason": reason})
            continue
        name = entry["object"] if not entry["offset"] else f"{entry['object']}#{entry['offset']}"
        ref = ObjectRef("quarantine", name, entry["id"], len(content), entry["quarantined_at"])
        kept.append((entry["id"], Kept(ref, content, flow_format)))
        if sum(len(k.content) for _, k in kept) > MOST_BYTES:
            take()
    take()
    if result["taken"]:
        result["evaluated"] = taking.evaluate()
    return result


KIND = JobKind("quarantine_retry", whole=True, writes=True, apart=False, check=check, run=run)
