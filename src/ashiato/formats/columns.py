"""How a table is described: every column with its Arrow type, meaning and source.

The field id of a column in the lake is its place in the list; so a column is only ever appended.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Column:
    """One column. `json` marks text that holds JSON in AWS's open shape; `source` is the AWS page."""

    name: str
    type: pa.DataType
    meaning: str
    source: str = ""
    json: bool = False


@dataclass(frozen=True)
class TableDescription:
    """A table of the lake: name, what one row is, columns, and how files are laid out.

    `time_column` is the TIMESTAMP column that days and months are taken from (`partition`: day or month);
    `sort` names the columns that rows are sorted by inside a file.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    time_column: str
    partition: str
    sort: tuple[str, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, c.type) for c in self.columns])

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {c.name: c for c in self.columns}


#: Columns that Ashiato adds to every record it keeps.
PROVENANCE = (
    Column("extra", pa.string(), "fields that this version does not know, as JSON", json=True),
    Column(
        "entities",
        pa.list_(pa.int64()),
        "hashes of (kind, value) of everything the record names: see formats/entities.py",
    ),
    Column("delivered_at", TIMESTAMP, "when AWS delivered the object (S3 LastModified or file time)"),
    Column("ingested_at", TIMESTAMP, "when Ashiato took the record in"),
    Column("source", pa.string(), "name of the source that it came from"),
    Column("object", pa.string(), "the object that held it: path or s3:// address"),
)
