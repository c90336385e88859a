"""`quarantine`: what could not be read, with its bytes, place and reason."""

import pyarrow as pa

from ashiato.formats.columns import TIMESTAMP, Column, TableDescription

S = pa.string()

QUARANTINE = TableDescription(
    name="quarantine",
    row="an object or a single record that could not be read",
    columns=(
        Column("id", S, "hash of object and place"),
        Column("source", S, "name of the source that it came from"),
        Column("object", S, "the object: path or s3:// address"),
        Column("sha256", S, "hash of the delivered object"),
        Column("offset", pa.int64(), "where in the decompressed content"),
        Column("reason", S, "why it could not be read"),
        Column("content", pa.binary(), "the bytes"),
        Column(
            "truncated", pa.bool_(), "whether `content` is only a beginning (the object is in the archive)"
        ),
        Column("quarantined_at", TIMESTAMP, "when"),
    ),
    time_column="quarantined_at",
    partition="month",
    sort=("quarantined_at",),
)
