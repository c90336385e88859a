"""A record in one sentence. The only place where alerts ask for one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ashiato.alerts.holds import operation_of
from ashiato.core.settings import Settings

Language = Literal["en", "ja"]

#: A record (as AWS names its fields) and a language → who did what to which resource, from where, with what
#: result; without the time.
Tell = Callable[[Mapping[str, Any], Language], str]

_EN = "{who} called {operation}{target} in {place} from {origin}: {result}"
_JA = "{who} が {place} で {operation}{target} を呼び出しました(接続元 {origin}、結果: {result})"


def teller(settings: Settings) -> Tell:
    """The sentences of `ashiato.words`, with this estate's names."""
    names = {a.id: a.name for a in settings.accounts}

    def tell(record: Mapping[str, Any], language: Language) -> str:
        operation = operation_of(record) or str(record.get("eventName") or record.get("resourceType") or "?")
        account = str(record.get("recipientAccountId") or record.get("accountId") or "")
        region = record.get("awsRegion")
        place = " ".join(str(p) for p in (names.get(account, account), region) if p) or "?"
        resources = record.get("resources")
        arns = (
            [r.get("ARN") for r in resources if isinstance(r, Mapping)] if isinstance(resources, list) else []
        )
        target = next((short_name(str(a)) for a in arns if a), "") or _target(record)
        error = record.get("errorCode") or record.get("errorMessage")
        values = {
            "who": _who(record),
            "operation": operation,
            "target": "",
            "place": place,
            "origin": str(record.get("sourceIPAddress") or "?"),
        }
        if language == "ja":
            values["target"] = f"({target})" if target else ""
            return _JA.format(**values, result=f"失敗 {error}" if error else "成功")
        values["target"] = f" on {target}" if target else ""
        return _EN.format(**values, result=f"it failed with {error}" if error else "it succeeded")

    return tell


def short_name(arn: str) -> str:
    """
    >>> short_name("arn:aws:iam::111111111111:user/team/alice"), short_name("203.0.113.5")
    ('alice', '203.0.113.5')
    """
    if not arn.startswith("arn:"):
        return arn
    last = arn.split(":", 5)[-1]
    if ":assumed-role/" in arn:
        return "/".join(last.split("/")[1:])
    return re.split("[/:]", last)[-1] or arn


def _who(record: Mapping[str, Any]) -> str:
    identity = record.get("userIdentity")
    if isinstance(identity, Mapping):
        for name in ("arn", "invokedBy", "userName", "principalId", "accountId"):
            if identity.get(name):
                return short_name(str(identity[name]))
    return "?"


def _target(record: Mapping[str, Any]) -> str:
    """The first value of the request that reads like the name of something."""
    request = record.get("requestParameters")
    if isinstance(request, Mapping):
        for name, value in request.items():
            if isinstance(value, str) and value and re.search(r"(?i)(name|id|arn|bucket)$", name):
                return short_name(value)
    return ""
