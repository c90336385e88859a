"""What the engine asks of the lake: which files answer a statement, at one pinned snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ashiato.formats.columns import TableDescription

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.schema import Schema


@dataclass(frozen=True)
class TablePlan:
    """The files of one table that may hold matching rows: local paths, their bytes and rows.

    `snapshot_id` is None for a table that nothing was written to yet.
    """

    description: TableDescription
    iceberg_schema: Schema
    files: tuple[str, ...]
    bytes: int
    rows: int
    snapshot_id: int | None


class Planner(Protocol):
    """A reader of the lake that stays at one snapshot per table for its whole life."""

    @property
    def superseded(self) -> Sequence[str]:
        """Ids of events that a later addendum corrects (`UPDATED_DATA`)."""

    def plan(
        self, table: str, row_filter: BooleanExpression, columns: Sequence[str] | None = None
    ) -> TablePlan:
        """Files that may hold rows matching `row_filter`; `columns` limits what will be read of them."""
