"""Reading the quarantine: the list for people, and the bytes of one entry."""

from __future__ import annotations

from typing import Any

import duckdb
from pyiceberg.expressions import AlwaysTrue

from ashiato.core.errors import AshiatoError
from ashiato.intake.archive import archive_path
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import equal
from ashiato.lake.scan import relation


def entries(home: Home, limit: int) -> list[dict[str, Any]]:
    """The newest entries: id, object, offset, reason, size in bytes, time."""
    with PinnedLake(home) as lake, duckdb.connect() as connection:
        plan = lake.plan("quarantine", AlwaysTrue())
        connection.execute("SET TimeZone = 'UTC'")
        sql = (
            'SELECT id, source, object, "offset", reason, octet_length(content) AS size, truncated, quarantined_at'
            f" FROM {relation(plan.files, plan.iceberg_schema)} ORDER BY quarantined_at DESC, object, 4 LIMIT ?"
        )
        cursor = connection.execute(sql, [limit])
        names = [c[0] for c in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def entry_bytes(home: Home, id_: str) -> bytes | None:
    """The bytes of an entry; those of the whole delivered object where the entry holds only a beginning.

    None where there is no such entry. Raises AshiatoError where the archive lost the object.
    """
    with PinnedLake(home) as lake, duckdb.connect() as connection:
        plan = lake.plan("quarantine", equal("id", id_))
        found = connection.execute(
            f"SELECT content, truncated, sha256 FROM {relation(plan.files, plan.iceberg_schema)} WHERE id = ?",
            [id_],
        ).fetchone()
    if found is None:
        return None
    content, truncated, sha256 = found
    if not truncated:
        return bytes(content)
    path = archive_path(home.archive, bytes.fromhex(sha256))
    try:
        return path.read_bytes()
    except OSError as error:
        raise AshiatoError(
            f"the archive does not have the object of this entry: {error.strerror}",
            where=str(path),
            remedy="`ashiato query` shows its beginning: SELECT content FROM quarantine WHERE id = …",
        ) from error
