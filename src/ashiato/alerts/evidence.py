"""References to the records that findings show, as pages and `trace` spell them: `event:ID@ACCOUNT`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ashiato.formats.tables import ACCOUNT_REGION


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
        return event_ref(record["eventID"], account)
    names = ("awsRegion", "resourceType", "resourceId", "configurationItemCaptureTime")
    parts = [account, *(record.get(n) for n in names)]
    if all(isinstance(p, str) and p for p in parts):
        return "item:" + "/".join(_quoted(str(p)) for p in parts)
    return None


def event_ref(event_id: str, account: str) -> str:
    """The reference of an event by its id."""
    return f"event:{_quoted(event_id)}@{_quoted(account)}"


def _quoted(text: str) -> str:
    return quote(text, safe=":.-_~", errors="replace")
