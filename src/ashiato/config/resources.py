"""Which resource somebody means: by ARN, id, name, `TYPE/ID` or `ACCOUNT/REGION/TYPE/ID`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ashiato.config.item import ResourceKey
from ashiato.config.reading import planned, rows
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.scope import AccountScope
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import everything
from ashiato.lake.reading import reading

__all__ = ["MOST_FOUND", "ResourceKey", "find", "the_one"]

#: A name that more resources bear is not worth listing them all.
MOST_FOUND = 200
_TYPE = r"[A-Za-z0-9]+(?:::[A-Za-z0-9]+)+"
_WHOLE = re.compile(rf"(\d{{12}})/([a-z0-9-]+)/({_TYPE})/(.+)", re.DOTALL)
_TYPED = re.compile(rf"({_TYPE})/(.+)", re.DOTALL)


def find(lake: PinnedLake, text: str, scope: AccountScope, *, types: Sequence[str] = ()) -> list[ResourceKey]:
    """Resources of which an item in scope bears this ARN, id or name; last captured first, at most MOST_FOUND.

    `types` limits to these resource types. Empty where there is none.
    """
    text = text.strip()
    where, parameters = _meant(text)
    source = planned(lake, "config_items", everything())
    if source is None or not text:
        return []
    allowed, bound = scope.sql('"awsAccountId"')
    parameters |= bound
    if types:
        where += ' AND "resourceType" IN (SELECT unnest($types::VARCHAR[]))'
        parameters["types"] = list(types)
    sql = f"""
        SELECT "awsAccountId", "awsRegion", "resourceType", "resourceId",
               arg_max("resourceName", "configurationItemCaptureTime") AS name,
               arg_max("ARN", "configurationItemCaptureTime") AS arn
        FROM {source} WHERE variant = 0 AND {allowed} AND {where}
        GROUP BY ALL ORDER BY max("configurationItemCaptureTime") DESC, 3, 1, 2, 4 LIMIT {MOST_FOUND}
    """
    with reading() as opened:
        found = rows(opened, sql, parameters)
    return [
        ResourceKey(
            r["awsAccountId"] or "", r["awsRegion"] or "", r["resourceType"] or "", r["resourceId"] or "",
            r["name"], r["arn"],
        )
        for r in found
    ]  # fmt: skip


def the_one(lake: PinnedLake, text: str, scope: AccountScope, *, types: Sequence[str] = ()) -> ResourceKey:
    """The resource meant. Raises WrongUse with the candidates where several are, AshiatoError where none is."""
    found = find(lake, text, scope, types=types)
    if not found:
        raise AshiatoError(
            f"no configuration item names a resource {text}",
            remedy="Give an ARN, id or name as AWS Config records it; `ashiato config items` lists resources.",
        )
    if len(found) > 1:
        most = 12
        more = f" … and {len(found) - most} more" if len(found) > most else ""
        raise WrongUse(
            f"{len(found)} resources are called {text}: " + "; ".join(map(str, found[:most])) + more,
            remedy=f"Say which: {spelled(found[0])}",
        )
    return found[0]


def spelled(key: ResourceKey) -> str:
    """The text that means this resource and no other."""
    return f"{key.account}/{key.region}/{key.type}/{key.id}"


def _meant(text: str) -> tuple[str, dict[str, Any]]:
    """A condition on `config_items`, and its parameters."""
    own = '("ARN" = $text OR "resourceId" = $text OR "resourceName" = $text)'
    if match := _WHOLE.fullmatch(text):
        condition = '"awsAccountId" = $account AND "awsRegion" = $region AND "resourceType" = $type AND "resourceId" = $text'
        values = dict(zip(("account", "region", "type", "text"), match.groups(), strict=True))
        return condition, values
    if match := _TYPED.fullmatch(text):
        # Some ids have this form themselves: AWS::EC2::SecurityGroup/sg-… of a compliance item.
        condition = f'(("resourceType" = $type AND ("resourceId" = $id OR "resourceName" = $id)) OR {own})'
        return condition, {"type": match[1], "id": match[2], "text": text}
    return own, {"text": text}
