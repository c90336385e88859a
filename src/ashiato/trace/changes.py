"""The lane of changes: items of AWS Config that name something, what differs from before, and who did it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from ashiato.config.causes import Cause, Causes, causes
from ashiato.config.differences import PropertyChange
from ashiato.config.history import Change
from ashiato.core.scope import AccountScope
from ashiato.formats.refs import item_ref
from ashiato.lake.plans import PinnedLake
from ashiato.trace.before import changes_of
from ashiato.trace.operations import pivots_of, raw_of
from ashiato.trace.telling import Telling
from ashiato.words import sentence
from ashiato.words.texts import shown

#: Differences of one change that are given; values longer than this are cut.
_MOST_DIFFERENCES: Final = 100
_MOST_VALUE: Final = 4000
#: Causes are looked for of so many changes: the newest.
MOST_CAUSED: Final = 200


def changes(
    lake: PinnedLake,
    rows: pa.Table,
    scope: AccountScope,
    telling: Telling,
    *,
    caused: bool = True,
    records: bool = False,
) -> list[dict[str, Any]]:
    """The JSON of each item, in the order of the rows. `caused`: with the operations behind the newest 200.
    `records`: with the raw item and where it came from."""
    if not rows.num_rows:
        return []
    listed = rows.to_pylist()
    for row in listed:
        telling.learn(row["resourceId"], tags_of(row))
    made = changes_of(lake, listed, scope)
    behind: list[Causes | None] = [None] * len(made)
    if caused:
        behind[:MOST_CAUSED] = causes(lake, made[:MOST_CAUSED], scope)
    told = [
        _change(row, change, cause, named, telling)
        for row, change, cause, named in zip(
            listed, made, behind, pivots_of("config_items", rows), strict=True
        )
    ]
    if records:
        for change, row in zip(told, listed, strict=True):
            change |= raw_of("config_items", row)
    return told


def tags_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Tags of an item."""
    try:
        found = json.loads(row["tags"] or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _change(
    row: Mapping[str, Any],
    change: Change,
    behind: Causes | None,
    named: list[dict[str, str]],
    telling: Telling,
) -> dict[str, Any]:
    different = change.differences if change.before is not None else []
    return {
        "time": row["configurationItemCaptureTime"],
        "resource": shown(row["resourceId"] or row["ARN"] or "", 1100),
        "type": shown(row["resourceType"] or "", 200),
        "status": shown(row["configurationItemStatus"] or "OK", 60),
        "diff": [difference_json(d) for d in different[:_MOST_DIFFERENCES]],
        "causes": [] if behind is None else [cause_json(c, telling) for c in behind.found],
        "ref": item_ref(row),
        "diff_left_out": max(0, len(different) - _MOST_DIFFERENCES),
        "kind": change.kind,
        "others": [] if behind is None else [cause_json(c, telling) for c in behind.others],
        "no_cause": bool(behind and behind.none),
        "gap": None if behind is None or behind.gap is None else behind.gap.as_json(telling.language),
        "let": None,
        "before": None if change.before is None else change.before.captured,
        "arrived": row["delivered_at"] or row["ingested_at"],
        "name": shown(row["resourceName"] or telling.resources.get(row["resourceId"] or "") or "", 200)
        or None,
        "arn": shown(row["ARN"], 1100) if row["ARN"] else None,
        "account": row["awsAccountId"],
        "account_name": telling.account(row["awsAccountId"]),
        "region": row["awsRegion"],
        "text": sentence(row, telling.language, telling.names).text,
        "names": named,
    }


def difference_json(change: PropertyChange) -> dict[str, Any]:
    """A difference, its values cut."""
    return {
        "path": shown(change.path, 400),
        "before": _bounded(change.before),
        "after": _bounded(change.after),
    }


def _bounded(value: Any) -> Any:
    """A value of a state; as cut text where it is long."""
    if isinstance(value, str):
        return value if len(value) <= _MOST_VALUE else value[:_MOST_VALUE] + "…"
    if isinstance(value, Mapping | list):
        text = json.dumps(value, ensure_ascii=False, default=str)
        return value if len(text) <= _MOST_VALUE else text[:_MOST_VALUE] + "…"
    return value


def cause_json(cause: Cause, telling: Telling) -> dict[str, Any]:
    """An operation behind a change, in words."""
    said = sentence(cause.row, telling.language, telling.names)
    return {
        "ref": cause.ref,
        "rank": cause.rank,
        "why": shown(cause.why_in(telling.language), 900),
        "time": cause.time,
        "text": said.text,
        "who": said.who,
        "what": said.did,
        "result": said.result,
        "behind": [
            {
                "ref": lead.ref,
                "time": lead.time,
                "who": shown(lead.who),
                "what": shown(lead.operation),
                "why": shown(lead.why_in(telling.language), 400),
            }
            for lead in cause.behind
        ],
    }
