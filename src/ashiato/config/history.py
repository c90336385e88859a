"""The items of a resource over time, and the changes between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any

from pyiceberg.expressions import And, BooleanExpression

from ashiato.config.differences import PropertyChange, differences
from ashiato.config.item import COLUMNS, NEWEST_FIRST, OUTLINE, ConfigItem, ResourceKey, item_of
from ashiato.config.reading import planned, rows
from ashiato.core.scope import AccountScope
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import any_of, at_least, at_most, equal, everything
from ashiato.lake.reading import reading

__all__ = ["Change", "ConfigItem", "ResourceKey", "between", "changes", "items", "recent"]


@dataclass(frozen=True)
class Change:
    """An item and the one before it; `before` is None where the lake holds none."""

    before: ConfigItem | None
    after: ConfigItem

    @property
    def kind(self) -> str:
        """`created`, `deleted`, `changed`, or `first known`: the first item that the lake holds of a resource
        that existed before."""
        if self.after.deleted:
            return "deleted"
        if self.before is None or self.before.deleted:
            return "created" if self.after.status == "ResourceDiscovered" or self.before else "first known"
        return "changed"

    @cached_property
    def differences(self) -> list[PropertyChange]:
        """What differs, property by property."""
        return differences(self.before, self.after)


def items(
    lake: PinnedLake,
    key: ResourceKey,
    scope: AccountScope,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> list[ConfigItem]:
    """Items of one resource captured from `since` to `until` (both included), oldest first.

    `limit`: the newest so many. Each item once, ties by state id.
    """
    if not scope.allows(key.account):
        return []
    row_filter: BooleanExpression = And(equal("resourceType", key.type), equal("resourceId", key.id))
    time = "configurationItemCaptureTime"
    where = '"awsAccountId" = $account AND "awsRegion" = $region AND "resourceType" = $type AND "resourceId" = $id'
    parameters: dict[str, Any] = {
        "account": key.account, "region": key.region, "type": key.type, "id": key.id,
    }  # fmt: skip
    if since is not None:
        row_filter = And(row_filter, at_least(time, since.isoformat()))
        where += f' AND "{time}" >= $since'
        parameters["since"] = since
    if until is not None:
        row_filter = And(row_filter, at_most(time, until.isoformat()))
        where += f' AND "{time}" <= $until'
        parameters["until"] = until
    source = planned(lake, "config_items", row_filter)
    if source is None:
        return []
    columns = ", ".join(f'"{c}"' for c in COLUMNS)
    sql = f"SELECT {columns} FROM {source} WHERE variant = 0 AND {where} ORDER BY {NEWEST_FIRST}"
    if limit is not None:
        sql += f" LIMIT {int(limit)}"
    with reading() as opened:
        found = rows(opened, sql, parameters)
    return [item_of(row) for row in reversed(found)]


def changes(
    lake: PinnedLake,
    key: ResourceKey,
    scope: AccountScope,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> list[Change]:
    """Changes whose item was captured in that time, oldest first; `limit`: the newest so many.

    The item before the first of them is looked up too, however old it is.
    """
    of_time = items(lake, key, scope, until=until, limit=None if limit is None else limit + 1)
    return between(of_time, since=since, limit=limit)


def between(
    of_time: Sequence[ConfigItem], *, since: datetime | None = None, limit: int | None = None
) -> list[Change]:
    """The changes from one item to the next, of a resource's newest items, oldest first; the same as `changes` where
    there is one item more than `limit`, or the first that is known."""
    made = [Change(None, of_time[0])] if of_time else []
    made += [Change(a, b) for a, b in pairwise(of_time)]
    if limit is not None and len(of_time) > limit:
        made = made[1:]
    return [c for c in made if since is None or c.after.captured >= since]


def recent(
    lake: PinnedLake,
    scope: AccountScope,
    *,
    types: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
) -> list[ConfigItem]:
    """The newest items of any resource, newest first, without their configuration (`COLUMNS` of the outline)."""
    time = "configurationItemCaptureTime"
    row_filter: BooleanExpression = everything()
    allowed, parameters = scope.sql('"awsAccountId"')
    bound: dict[str, Any] = dict(parameters)
    where = f"variant = 0 AND {allowed}"
    if types:
        row_filter = And(row_filter, any_of("resourceType", types))
        where += ' AND "resourceType" IN (SELECT unnest($types::VARCHAR[]))'
        bound["types"] = list(types)
    if since is not None:
        row_filter = And(row_filter, at_least(time, since.isoformat()))
        where += f' AND "{time}" >= $since'
        bound["since"] = since
    if until is not None:
        row_filter = And(row_filter, at_most(time, until.isoformat()))
        where += f' AND "{time}" <= $until'
        bound["until"] = until
    source = planned(lake, "config_items", row_filter)
    if source is None:
        return []
    columns = ", ".join(f'"{c}"' for c in OUTLINE)
    sql = f"SELECT {columns} FROM {source} WHERE {where} ORDER BY {NEWEST_FIRST}, 3, 4 LIMIT {int(limit)}"
    with reading() as opened:
        return [item_of(row) for row in rows(opened, sql, bound)]
