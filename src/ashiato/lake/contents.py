"""A quick hash of what a record says, to tell an exact second copy from one that says more."""

from __future__ import annotations

from ashiato.formats.columns import PROVENANCE, TableDescription

_LEFT_OUT = {c.name for c in PROVENANCE if c.name != "extra"} | {
    "variant", "record_hash", "configSnapshotId", "fileVersion",
}  # fmt: skip


def content_sql(description: TableDescription) -> str:
    """DuckDB SQL for an int64 over all that AWS wrote in a row; its upper 63 bits, for SQLite's are signed."""
    names = ", ".join(f'"{c.name}"' for c in description.columns if c.name not in _LEFT_OUT)
    return f"(hash({names}) >> 1)::BIGINT"
