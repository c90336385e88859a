"""Reading the quarantine: the list for people, and the bytes of one entry."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import sqlalchemy as sa

from ashiato.core.errors import AshiatoError
from ashiato.core.text import printable
from ashiato.formats.reader import LogReader
from ashiato.formats.reading import ObjectOrigin, Rows, Skipped, Unreadable, defect
from ashiato.intake.archive import archive_path
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.lake.predicates import any_of, equal, everything
from ashiato.lake.scan import relation
from ashiato.ledger import Ledger
from ashiato.ledger import tables as t
from ashiato.ledger.job_tables import quarantine_tries

#: Values that a statement may name at once on every database.
_SLICE = 400


def entries(
    home: Home, limit: int, ids: Collection[str] | None = None, *, untaken: bool = False
) -> list[dict[str, Any]]:
    """The newest entries: id, source, object, offset, reason, size in bytes, truncated, time; `tried`: what came of
    trying again, or None. `ids`: those only; `untaken`: none that was taken by trying again."""
    c = quarantine_tries.c
    taken = home.ledger.rows(sa.select(c.entry).where(c.outcome == "taken")) if untaken else ()
    with PinnedLake(home) as lake, duckdb.connect() as connection:
        plan = lake.plan("quarantine", everything() if ids is None else any_of("id", ids))
        connection.execute("SET TimeZone = 'UTC'")
        sql = (
            'SELECT id, source, object, "offset", reason, octet_length(content) AS size, truncated, quarantined_at'
            f" FROM {relation(plan.files, plan.iceberg_schema)}"
            " WHERE ($ids IS NULL OR id IN (SELECT unnest($ids::VARCHAR[])))"
            " AND id NOT IN (SELECT unnest($taken::VARCHAR[]))"
            " ORDER BY quarantined_at DESC, object, 4 LIMIT $limit"
        )
        values = {
            "ids": None if ids is None else list(ids),
            "taken": [row.entry for row in taken],
            "limit": limit,
        }
        cursor = connection.execute(sql, values)
        names = [c[0] for c in cursor.description or []]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    again = tried(home.ledger, [e["id"] for e in found])
    return [{**entry, "tried": again.get(entry["id"])} for entry in found]


def tried(ledger: Ledger, ids: Sequence[str]) -> dict[str, str]:
    """Of entries that were tried again, what came of it: taken, or unreadable."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), _SLICE):
        part = list(ids[start : start + _SLICE])
        asked = sa.select(quarantine_tries.c.entry, quarantine_tries.c.outcome).where(
            quarantine_tries.c.entry.in_(part)
        )
        found.update((row.entry, row.outcome) for row in ledger.rows(asked))
    return found


def note_try(ledger: Ledger, id_: str, outcome: str, reason: str | None, *, by: str, at: datetime) -> None:
    """Write down what came of trying an entry again."""
    c = quarantine_tries.c
    values = {
        "at": at,
        "by": printable(by, 200),
        "outcome": outcome,
        "reason": reason and printable(reason, 2000),
    }
    with ledger.begin() as connection:
        changed = connection.execute(
            sa.update(quarantine_tries).where(c.entry == id_).values(**values, tries=c.tries + 1)
        )
        if not changed.rowcount:
            connection.execute(sa.insert(quarantine_tries).values(entry=id_, tries=1, **values))


def unreadable(content: bytes, flow_format: str | None = None) -> str | None:
    """Why these bytes still cannot be read whole; None where they can."""
    origin = ObjectOrigin("quarantine", "retry", datetime.now(UTC), b"", flow_format)
    reader = LogReader()
    rows = 0
    try:
        parts = list(reader.read(content, origin))
        parts += [g.part for g in reader.settle() if g.part is not None]
        rows += len(reader.events)
        flushed = reader.flush()
        parts += [flushed] if flushed is not None else []
    except Exception as error:
        return defect(error).reason
    for part in parts:
        if isinstance(part, Unreadable):
            return part.reason
        if isinstance(part, Skipped):
            return f"it is {part.what}"
        if isinstance(part, Rows):
            rows += part.rows.num_rows
    return None if rows else "it holds no record"


def with_states(ledger: Ledger, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries with `state`, what became of the object: quarantined (nothing of it was taken), failed (it waits to be
    read again), taken (the rest of it was taken, or all of it since), or None where the ledger has forgotten it."""
    o = t.objects.c
    states: dict[tuple[str, str], str] = {}
    names = sorted({e["object"] for e in found})
    for start in range(0, len(names), _SLICE):
        part = names[start : start + _SLICE]
        asked = sa.select(o.source, o.name, o.state).where(o.name.in_(part)).order_by(o.id)
        states |= {(source, name): state for source, name, state in ledger.rows(asked)}
    return [{**e, "state": states.get((e["source"], e["object"]))} for e in found]


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
