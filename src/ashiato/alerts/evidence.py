"""Where the records that findings show are found again: references as pages and `trace` spell them, and searches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ashiato.formats.refs import Ref
from ashiato.formats.tables import ACCOUNT_REGION
from ashiato.network.addresses import parsed


def account_in(record: Mapping[str, Any]) -> str | None:
    """The account that a record of any of the three logs belongs to, where it says so."""
    for column, _ in ACCOUNT_REGION.values():
        value = record.get(column)
        if isinstance(value, str) and value:
            return value
    return None


def record_ref(record: Mapping[str, Any]) -> str | None:
    """The reference of a CloudTrail event or configuration item; None for a record that cannot be named.

    >>> record_ref({"eventID": "e-1", "recipientAccountId": "111111111111"})
    'event:e-1@111111111111'
    """
    account = account_in(record)
    if account is None:
        return None
    if isinstance(record.get("eventID"), str):
        return str(Ref("cloudtrail", (record["eventID"], account)))
    names = ("awsRegion", "resourceType", "resourceId", "configurationItemCaptureTime")
    parts = [account, *(record.get(n) for n in names)]
    if all(isinstance(p, str) and p for p in parts):
        return str(Ref("config_items", tuple(map(str, parts))))
    return None


def flow_search(record: Mapping[str, Any]) -> dict[str, str] | None:
    """The search (parameters of its address) that finds a flow record again, which an example has too little of for a
    reference; None for any other record."""
    ends = record.get("srcaddr"), record.get("dstaddr")
    start, port = record.get("start"), record.get("dstport")
    if not all(isinstance(e, str) and parsed(e) for e in ends) or not isinstance(start, int | float):
        return None
    asked = f"srcaddr:{ends[0]} dstaddr:{ends[1]}"
    if isinstance(port, int):
        asked += f" dstport:{port}"
    try:
        begin = datetime.fromtimestamp(start, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    end = begin + timedelta(seconds=1)
    return {
        "table": "vpc_flow_logs",
        "q": asked,
        "from": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
        "to": f"{end:%Y-%m-%dT%H:%M:%SZ}",
    }
