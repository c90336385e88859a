"""The lane of changes: items of AWS Config that name something."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from ashiato.trace.operations import pivots_of
from ashiato.formats.refs import item_ref
from ashiato.trace.telling import Telling
from ashiato.words import sentence
from ashiato.words.texts import shown


def changes(rows: pa.Table, telling: Telling) -> list[dict[str, Any]]:
    """The JSON of each item, in the order of the rows."""
    if not rows.num_rows:
        return []
    listed = rows.to_pylist()
    for row in listed:
        telling.learn(row["resourceId"], tags_of(row))
    return [
        _change(row, named, telling)
        for row, named in zip(listed, pivots_of("config_items", rows), strict=True)
    ]


def tags_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Tags of an item."""
    try:
        found = json.loads(row["tags"] or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _change(row: Mapping[str, Any], named: list[dict[str, str]], telling: Telling) -> dict[str, Any]:
    return {
        "time": row["configurationItemCaptureTime"],
        "resource": shown(row["resourceId"] or row["ARN"] or "", 1100),
        "type": shown(row["resourceType"] or "", 200),
        "status": shown(row["configurationItemStatus"] or "OK", 60),
        "diff": [],
        "causes": [],
        "ref": item_ref(row),
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
