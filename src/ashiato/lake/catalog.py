"""The Iceberg catalogue of a home and its tables, made or brought up to date on opening."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa
from cachetools import LRUCache, cached
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io import load_file_io
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform, MonthTransform, Transform
from pyiceberg.types import ListType, NestedField, StructType

from ashiato.core.errors import AshiatoError
from ashiato.formats.columns import TableDescription
from ashiato.formats.tables import TABLES

if TYPE_CHECKING:
    from pyiceberg.types import IcebergType

NAMESPACE = "ashiato"

#: See docs/decisions/0001-lake-settings.md for what each is measured to do.
PROPERTIES = {
    "format-version": "2",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "5",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "50",
    "write.delete.isolation-level": "snapshot",
    "write.update.isolation-level": "snapshot",
    "commit.retry.num-retries": "20",
    "commit.retry.min-wait-ms": "20",
}


#: Columns whose bounds stand in the manifests, for plans; with those of all 40 to 80 columns (and their
#: nested ones) a commit takes twice as long and a plan reads ten times as much.
BOUNDED = {
    "cloudtrail": (
        "eventTime", "eventName", "eventSource", "awsRegion", "recipientAccountId", "eventID", "variant",
    ),
    "config_items": (
        "configurationItemCaptureTime", "resourceType", "resourceId", "awsAccountId", "awsRegion", "variant",
    ),
    "vpc_flow_logs": (
        "start_time", "srcaddr", "dstaddr", "dstport", "protocol", "interface_id", "account_id", "action",
        "log_status",
    ),
    "footprints": ("entity", "kind", "table", "day", "day_time"),
    "quarantine": ("id", "quarantined_at"),
}  # fmt: skip


def _metrics(table: str) -> dict[str, str]:
    columns = {f"write.metadata.metrics.column.{c}": "truncate(32)" for c in BOUNDED[table]}
    return {"write.metadata.metrics.default": "none", **columns}


def open_catalog(folder: Path) -> SqlCatalog:
    """The catalogue under `folder` (the home's `lake/`): SQLite, warehouse beside it."""
    return SqlCatalog(
        NAMESPACE,
        uri=f"sqlite:///{folder / 'catalog.db'}",
        warehouse=f"file://{folder / 'warehouse'}",
    )


def check_place(home: Path) -> None:
    """Refuse a home that was copied or moved: Iceberg's metadata holds absolute paths.

    A copy would read the original's files, and write into its folder.
    """
    with contextlib.suppress(sqlite3.Error):
        _places(home)


def _places(home: Path) -> dict[str, str]:
    """Where each table's current metadata lies, by its name. Raises sqlite3.Error; AshiatoError like `check_place`."""
    path = home / "lake" / "catalog.db"
    with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as db:
        rows = db.execute(
            "SELECT table_name, metadata_location FROM iceberg_tables WHERE table_namespace = ?", (NAMESPACE,)
        ).fetchall()
    for _, location in rows:
        if location and not location.startswith(f"file://{home}/"):
            there = location.removeprefix("file://").partition("/lake/")[0]
            raise AshiatoError(
                f"this home was copied or moved from {there}",
                where=str(home),
                remedy="Move it back, or use `ashiato backup` there and `ashiato restore` here.",
            )
    return {name: location for name, location in rows if location}


def current_tables(home: Path) -> dict[str, Table]:
    """All tables as they are now, to read and not to change. Raises like `check_place`.

    A table's metadata never changes where it lies, and is kept in the process: to parse it takes milliseconds.
    """
    with contextlib.suppress(sqlite3.Error):
        places = _places(home)
        if places.keys() >= TABLES.keys():
            return {name: _read_table(name, places[name]) for name in TABLES}
    catalog = open_catalog(home / "lake")
    return {name: open_table(catalog, name) for name in TABLES}


@cached(LRUCache(maxsize=64), lock=Lock())
def _read_table(name: str, location: str) -> Table:
    io = load_file_io(location=location)
    metadata = FromInputFile.table_metadata(io.new_input(location))
    return Table((NAMESPACE, name), metadata, location, io, NoopCatalog(NAMESPACE))


def open_table(catalog: SqlCatalog, name: str) -> Table:
    return catalog.load_table(f"{NAMESPACE}.{name}")


def make_tables(catalog: SqlCatalog) -> None:
    """Create what is missing, and append columns that this version has and the table has not."""
    catalog.create_namespace_if_not_exists(NAMESPACE)
    for description in TABLES.values():
        try:
            table = open_table(catalog, description.name)
        except NoSuchTableError:
            _create(catalog, description)
            continue
        have = {f.name for f in table.schema().fields}
        if not have.issuperset(c.name for c in description.columns):
            with table.update_schema() as update:
                update.union_by_name(iceberg_schema(description))


def iceberg_schema(description: TableDescription) -> Schema:
    """The table's columns in Iceberg's types, ids in order of appearance."""
    counter = iter(range(1, 100_000))

    def convert(type_: pa.DataType) -> IcebergType:
        from pyiceberg.types import (
            BinaryType,
            BooleanType,
            DateType,
            IntegerType,
            LongType,
            StringType,
            TimestamptzType,
        )

        if pa.types.is_struct(type_):
            return StructType(*(NestedField(next(counter), f.name, convert(f.type)) for f in type_))
        if pa.types.is_list(type_):
            return ListType(next(counter), convert(type_.value_type), element_required=False)
        simple = {
            pa.string(): StringType(),
            pa.int32(): IntegerType(),
            pa.int64(): LongType(),
            pa.bool_(): BooleanType(),
            pa.binary(): BinaryType(),
            pa.date32(): DateType(),
            pa.timestamp("us", tz="UTC"): TimestamptzType(),
        }
        return simple[type_]

    fields = [NestedField(next(counter), c.name, convert(c.type), doc=c.meaning) for c in description.columns]
    return assign_fresh_schema_ids(Schema(*fields))


def _create(catalog: SqlCatalog, description: TableDescription) -> None:
    schema = iceberg_schema(description)
    transform: Transform[Any, int] = DayTransform() if description.partition == "day" else MonthTransform()
    source = schema.find_field(description.time_column).field_id
    spec = PartitionSpec(PartitionField(source, 1000, transform, description.partition))
    catalog.create_table(
        f"{NAMESPACE}.{description.name}",
        schema=schema,
        partition_spec=spec,
        properties={**PROPERTIES, **_metrics(description.name)},
    )


def with_field_ids(schema: pa.Schema, table: Schema) -> pa.Schema:
    """Our Arrow schema with the Iceberg field ids that Parquet files must carry."""

    def field(name: str, type_: pa.DataType, nested: NestedField) -> pa.Field:
        iceberg = nested.field_type
        if isinstance(iceberg, StructType):
            inner = {f.name: f for f in iceberg.fields}
            type_ = pa.struct([field(f.name, f.type, inner[f.name]) for f in type_])
        elif isinstance(iceberg, ListType):
            type_ = pa.list_(field("element", type_.value_type, iceberg.element_field))
        return pa.field(name, type_, metadata={"PARQUET:field_id": str(nested.field_id)})

    return pa.schema([field(f.name, f.type, table.find_field(f.name)) for f in schema])
