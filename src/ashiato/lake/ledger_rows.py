"""What the control database is told of objects, batches, digests and corrections, in the writer's transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.core.text import fitting
from ashiato.formats.reading import DigestFile
from ashiato.lake.handover import ObjectFacts
from ashiato.ledger import tables as t

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(result: sa.CursorResult[Any]) -> int:
    """The id of the row that was inserted."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def joined(column: sa.Column[str], names: Sequence[str]) -> sa.ColumnElement[str]:
    added = ",".join(names)
    return sa.func.coalesce(column + ",", "") + added


def file_name(name: str) -> str:
    """The last part of a path or key."""
    return name.rpartition("/")[2][:1024]


def object_row(o: ObjectFacts, group: str, done: str | None) -> dict[str, object]:
    return {
        "source": o.source,
        "name": o.name,
        "file_name": file_name(o.name),
        "log": o.log,
        "etag": o.etag,
        "size": o.size,
        "sha256": o.sha256,
        "delivered_at": o.delivered_at,
        "taken_at": None,
        "state": "pending",
        "reason": o.reason,
        "records": o.records,
        "account": o.account,
        "region": o.region,
        "newest_record": o.newest_record,
        "group_id": group,
        "outcome": o.outcome,
        "done": done,
    }


def in_slices(values: Sequence[object], size: int = 400) -> Iterator[Sequence[object]]:
    for i in range(0, len(values), size):
        yield values[i : i + size]


def forget_objects(connection: Connection, objects: Sequence[ObjectFacts]) -> None:
    """Earlier rows of the same objects (failed, interrupted) give way; so does the failure of a content that
    was overwritten before it could be read."""
    o = t.objects.c
    overwritten = sa.and_(o.state == "failed", sa.func.coalesce(o.done, "") == "")
    wanted = {(f.source, f.name, f.etag) for f in objects}
    for source in {f.source for f in objects}:
        for part in in_slices([f.name for f in objects if f.source == source]):
            found = connection.execute(
                sa.select(o.id, o.name, o.etag, overwritten).where(o.source == source, o.name.in_(part))
            )
            old = [id_ for id_, name, etag, gone in found if gone or (source, name, etag) in wanted]
            if old:
                connection.execute(sa.delete(t.objects).where(o.id.in_(old)))


def done_for(connection: Connection, wanted: set[tuple[str, str, str]]) -> dict[tuple[str, str, str], str]:
    """Tables that interrupted groups committed for these objects."""
    o = t.objects.c
    rows = connection.execute(
        sa.select(o.source, o.name, o.etag, o.done).where(o.done.is_not(None), o.done != "")
    )
    return {(s, n, e): d for s, n, e, d in rows if (s, n, e) in wanted}


def known_contents(connection: Connection, table: str, hashes: Sequence[bytes]) -> set[bytes]:
    """Of these contents, those whose rows are in `table`: taken, or committed by a group that was interrupted."""
    o = t.objects.c
    known: set[bytes] = set()
    for part in in_slices(hashes):
        found = connection.execute(
            sa.select(o.sha256, o.state, o.done).where(
                o.sha256.in_(part), o.records > 0, sa.or_(o.state == "taken", o.done.is_not(None))
            )
        )
        known.update(h for h, state, done in found if state == "taken" or table in (done or "").split(","))
    return known


def mark_days(connection: Connection, table: str, days: set[int]) -> None:
    for day in days:
        name = (EPOCH + timedelta(days=day)).date().isoformat()
        changed = connection.execute(
            sa.update(t.dirty_days)
            .where(t.dirty_days.c.table_name == table, t.dirty_days.c.day == name)
            .values(dirty=1)
        )
        if not changed.rowcount:
            connection.execute(sa.insert(t.dirty_days).values(table_name=table, day=name, dirty=1))


def settle(connection: Connection, group: str, moment: datetime) -> None:
    connection.execute(
        sa.update(t.objects)
        .where(t.objects.c.group_id == group)
        .values(state=t.objects.c.outcome, taken_at=moment, done=None)
    )


def keep_corrections(connection: Connection, corrections: Sequence[tuple[str, str]]) -> None:
    c = t.corrections.c
    for original, correction in corrections:
        # Ids of 36 characters; what is no id corrects nothing.
        if fitting(original, 100) is None or fitting(correction, 100) is None:
            continue
        if not connection.scalar(
            sa.select(sa.func.count()).where(c.original == original, c.correction == correction)
        ):
            connection.execute(sa.insert(t.corrections).values(original=original, correction=correction))


def _fits(d: DigestFile) -> bool:
    """Whether a digest names what can exist: a document that does not says nothing of coverage."""
    texts = [(d.account, 20), (d.region, 40), (d.bucket, 255), (d.key, 1024)]
    texts += [pair for b, k, h in d.log_files for pair in ((b, 255), (k, 1024), (h, 64))]
    return all(fitting(text, most) is not None for text, most in texts)


def keep_digests(connection: Connection, objects: Sequence[ObjectFacts]) -> None:
    for o in objects:
        for d in o.digests:
            if not _fits(d):
                continue
            known = connection.scalar(
                sa.select(t.digests.c.id).where(t.digests.c.bucket == d.bucket, t.digests.c.key == d.key)
            )
            if known is not None:
                continue
            made = connection.execute(
                sa.insert(t.digests).values(
                    account=d.account,
                    region=d.region,
                    start=d.start,
                    end=d.end,
                    bucket=d.bucket,
                    key=d.key,
                    object=o.name,
                )
            )
            if d.log_files:
                digest_id = new_id(made)
                connection.execute(
                    sa.insert(t.digest_files),
                    [
                        {"digest": digest_id, "bucket": b, "key": k, "file_name": file_name(k), "sha256": h}
                        for k, (b, h) in {k: (b, h) for b, k, h in d.log_files}.items()
                    ],
                )
