"""The state of a resource, or of whole accounts, as of any moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pyiceberg.expressions import And, BooleanExpression

from ashiato.config import history
from ashiato.config.item import COLUMNS, DELETED, NEWEST_FIRST, OUTLINE, ConfigItem, ResourceKey, item_of
from ashiato.config.reading import connection, planned, rows
from ashiato.core.scope import AccountScope
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import any_of, at_most

__all__ = ["at", "of"]


def of(lake: PinnedLake, key: ResourceKey, moment: datetime, scope: AccountScope) -> ConfigItem | None:
    """The last item of a resource at or before `moment`: its state then. None where there is none yet; an item
    may say that the resource is deleted."""
    found = history.items(lake, key, scope, until=moment, limit=1)
    return found[0] if found else None


def at(
    lake: PinnedLake,
    moment: datetime,
    scope: AccountScope,
    *,
    types: Sequence[str] = (),
    accounts: Sequence[str] = (),
    whole: bool = True,
    include_deleted: bool = False,
) -> list[ConfigItem]:
    """The last item at or before `moment` of every resource in scope, sorted by account, region, type and id.

    `types`, `accounts`: only these. `whole`: with configuration; else the outline alone. Resources that were
    deleted by then are left out unless `include_deleted`.
    """
    scope = scope & AccountScope.of(accounts) if accounts else scope
    time = "configurationItemCaptureTime"
    row_filter: BooleanExpression = at_most(time, moment.isoformat())
    allowed, bound = scope.sql('"awsAccountId"')
    parameters: dict[str, Any] = {**bound, "moment": moment}
    where = f'variant = 0 AND {allowed} AND "{time}" <= $moment'
    if types:
        row_filter = And(row_filter, any_of("resourceType", types))
        where += ' AND "resourceType" IN (SELECT unnest($types::VARCHAR[]))'
        parameters["types"] = list(types)
    source = planned(lake, "config_items", row_filter)
    if source is None:
        return []
    key = '"awsAccountId", "awsRegion", "resourceType", "resourceId"'
    columns = ", ".join(f'"{c}"' for c in (COLUMNS if whole else OUTLINE))
    sql = f"""
        SELECT {columns} FROM {source} WHERE {where}
        QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {NEWEST_FIRST}) = 1
        ORDER BY {key}
    """
    with connection() as opened:
        found = [item_of(row) for row in rows(opened, sql, parameters)]
    return [i for i in found if include_deleted or i.status not in DELETED]
