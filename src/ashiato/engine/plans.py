"""What the engine asks of the lake: which files answer a statement, at one pinned snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ashiato.lake.table_plan import TablePlan

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

__all__ = ["Planner", "TablePlan"]


class Planner(Protocol):
    """A reader of the lake that stays at one snapshot per table for its whole life."""

    @property
    def superseded(self) -> Sequence[str]:
        """Ids of events that a later addendum corrects (`UPDATED_DATA`)."""

    def plan(
        self, table: str, row_filter: BooleanExpression, columns: Sequence[str] | None = None
    ) -> TablePlan:
        """Files that may hold rows matching `row_filter`; `columns` limits what will be read of them."""
