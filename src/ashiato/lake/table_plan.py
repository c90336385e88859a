"""Which files of a table answer a question, at one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ashiato.formats.columns import TableDescription

if TYPE_CHECKING:
    from pyiceberg.schema import Schema

    from ashiato.lake.inventory import LiveFile


@dataclass(frozen=True)
class TablePlan:
    """The files of one table that may hold matching rows: local paths, their bytes and rows.

    `snapshot_id` is None for a table that nothing was written to yet. `live`: the files with their bounds.
    """

    description: TableDescription
    iceberg_schema: Schema
    files: tuple[str, ...]
    bytes: int
    rows: int
    snapshot_id: int | None
    live: tuple[LiveFile, ...] = ()
