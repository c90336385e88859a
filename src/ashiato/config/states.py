"""The state of a resource, or of whole accounts, as of any moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pyiceberg.expressions import And, BooleanExpression

from ashiato.config import history
from ashiato.config.item import COLUMNS, DELETED, OUTLINE, ConfigItem, ResourceKey, item_of
from ashiato.config.reading import picked
from ashiato.core.scope import AccountScope
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import any_of, at_most
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.table_plan import TablePlan

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
    plan = lake.plan("config_items", row_filter)
    if not plan.files:
        return []
    found = picked(plan.files, _newest(plan, where, parameters), COLUMNS if whole else OUTLINE)
    made = [item_of(row) for row in found]
    return [i for i in made if include_deleted or i.status not in DELETED]


def _newest(plan: TablePlan, where: str, parameters: Mapping[str, Any]) -> list[tuple[int, int]]:
    """(place of the file in the plan, place of the row in the file) of each resource's newest item, by resource.

    Only the columns that decide are read of all rows: states are large, and nearly all of them are passed.
    """
    key = '"awsAccountId", "awsRegion", "resourceType", "resourceId"'
    # NEWEST_FIRST in one number: the capture time, then the state id.
    order = f"""epoch_us("configurationItemCaptureTime")::HUGEINT * {1 << 63}::HUGEINT
        + coalesce(try_cast("configurationStateId" AS BIGINT), 0)"""
    sql = f"""
        SELECT arg_max(file_index, {order}), arg_max(file_row_number, {order})
        FROM {relation(plan.files, plan.iceberg_schema)} WHERE {where} GROUP BY {key} ORDER BY {key}
    """
    with reading() as opened:
        return [(int(file), int(row)) for file, row in opened.execute(sql, dict(parameters)).fetchall()]
