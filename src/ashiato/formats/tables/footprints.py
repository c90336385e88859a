"""`footprints`: one entity's presence on one day, the index that `trace` looks things up in."""

import pyarrow as pa

from ashiato.formats.columns import TIMESTAMP, Column, TableDescription

S = pa.string()

FOOTPRINTS = TableDescription(
    name="footprints",
    row="one entity's presence in one table on one day",
    columns=(
        Column("entity", S, "the value: an ARN, address, key, id or name"),
        Column("kind", S, "what it is: see formats/entities.py"),
        Column("account", S, "account whose records name it"),
        Column("role", S, "actor, target, origin or peer"),
        Column("table", S, "the table of the records"),
        Column("day", pa.date32(), "UTC day of the records' time"),
        Column("first", TIMESTAMP, "first record of the day"),
        Column("last", TIMESTAMP, "last record of the day"),
        Column("count", pa.int64(), "records of the day"),
        Column("hours", pa.int32(), "hours of the day with records, as a bit mask (bit 0 = 00:00)"),
        Column("bytes", pa.int64(), "flow records: bytes"),
        Column("peers", pa.int64(), "flow records: distinct addresses on the other side"),
        Column("day_time", TIMESTAMP, "`day` as a timestamp, for the layout"),
    ),
    time_column="day_time",
    partition="month",
    sort=("entity", "kind", "day"),
)
