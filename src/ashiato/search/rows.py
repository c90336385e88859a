"""Rows of a search, a page at a time: each page begins where the one before ended, whatever came meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ashiato.core.errors import QueryStopped
from ashiato.engine.views import quote
from ashiato.formats.refs import COLUMNS, REF_OF
from ashiato.search import fields
from ashiato.search.conditions import expression
from ashiato.search.dialects import Bound
from ashiato.search.fields import Field
from ashiato.search.reading import Deadline, Reader, Where
from ashiato.search.refusals import SearchRefused
from ashiato.search.slices import MOST_ROWS, Slice, portions

#: Characters of a value, and elements of a list, that a page shows; exports have all.
LONGEST: Final = 20_000
MOST_ELEMENTS: Final = 200


@dataclass(frozen=True)
class Page:
    """Rows as shown: a value for each of `columns` (text cut at LONGEST), and a reference to each record.

    `next` is the cursor of the following page, empty after the last. `reached`: where the time given was over
    before enough rows were found, the time up to which was looked; the next page goes on from there.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    refs: list[str]
    next: str
    reached: datetime | None = None


@dataclass(frozen=True)
class Cursor:
    """After the record of this time and ties, and after `skipped` that are the same in these."""

    time: datetime
    ties: tuple[str, ...]
    skipped: int = 0

    def written(self) -> str:
        held = [self.time.isoformat(), list(self.ties), self.skipped]
        return base64.urlsafe_b64encode(json.dumps(held).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, table: str) -> Cursor:
        """Raises SearchRefused for text that is no cursor of the table."""
        try:
            held = json.loads(base64.urlsafe_b64decode(text[:20_000].encode() + b"=" * (-len(text) % 4)))
            time, ties, skipped = held
            made = cls(datetime.fromisoformat(time).astimezone(UTC), tuple(map(str, ties)), int(skipped))
        except (ValueError, TypeError, binascii.Error, OverflowError):
            raise SearchRefused("bad_cursor") from None
        if len(made.ties) not in (0, len(fields.TIES[table])) or not 0 <= made.skipped <= 1_000_000:
            raise SearchRefused("bad_cursor")
        return made


def page(reader: Reader, deadline: Deadline) -> Page:
    """The rows after the search's cursor."""
    wanted = reader.search.rows
    after = Cursor.read(reader.search.after, reader.table) if reader.search.after else None
    found: list[dict[str, Any]] = []
    for portion in ordered(reader, after):
        try:
            found += _read(reader, portion, after, wanted + 1 - len(found), deadline)
        except QueryStopped:
            if not deadline.over:
                raise
            edge = portion.first if reader.search.oldest_first else portion.last
            return _page(reader, found, after, wanted, edge)
        if len(found) > wanted:
            break
    return _page(reader, found, after, wanted, None)


def ordered(reader: Reader, after: Cursor | None = None, most: int = MOST_ROWS) -> Iterator[Slice]:
    """Portions of the search in its order, from the cursor on, of about `most` rows."""
    oldest = reader.search.oldest_first
    apart = reader.slices[::-1] if oldest else reader.slices
    if after is not None:
        apart = [s for s in apart if (s.last >= after.time if oldest else s.first <= after.time)]
    return portions(apart, most=most)


def selection(reader: Reader, *, cut: bool = True) -> list[str]:
    """The shown columns as SQL, named c0, c1 …; `cut`: text at LONGEST."""
    dialect = Bound()
    known = [f for name in reader.search.shown if (f := fields.find(reader.table, name)) is not None]
    return [f"{_cut(f, dialect) if cut else expression(f, dialect)} AS c{i}" for i, f in enumerate(known)]


def _cut(field: Field, dialect: Bound) -> str:
    whole = expression(field, dialect)
    if field.kind not in ("text", "address"):
        return whole
    if field.listed:
        return f"list_transform(list_slice({whole}, 1, {MOST_ELEMENTS}), lambda e: left(e, {LONGEST}))"
    return f"left({whole}, {LONGEST})"


def _tie(name: str) -> str:
    # The object's name is long; any order does.
    return "md5(coalesce(object, ''))" if name == "object" else f"coalesce({quote(name)}::VARCHAR, '')"


def order(reader: Reader) -> str:
    """ORDER BY of the search."""
    direction = "ASC" if reader.search.oldest_first else "DESC"
    parts = [quote(reader.time), *map(_tie, fields.TIES[reader.table])]
    return ", ".join(f"{p} {direction}" for p in parts)


def beyond(reader: Reader, after: Cursor) -> Where:
    """The records after a cursor, and those that are the same as its own."""
    dialect = Bound("after")
    sign = ">" if reader.search.oldest_first else "<"
    time = quote(reader.time)
    moment = dialect.moment(after.time)
    if not after.ties:
        return Where(f"{time} {sign}= {moment}", dialect.values)
    left = ", ".join(map(_tie, fields.TIES[reader.table]))
    right = ", ".join(dialect.text(t) for t in after.ties)
    sql = f"({time} {sign} {moment} OR ({time} = {moment} AND row({left}) {sign}= row({right})))"
    return Where(sql, dialect.values)


def _read(
    reader: Reader, portion: Slice, after: Cursor | None, wanted: int, deadline: Deadline
) -> list[dict[str, Any]]:
    where = reader.found
    sql, values = where.sql, dict(where.values)
    skipped = 0
    if after is not None:
        more = beyond(reader, after)
        sql, values = f"{sql} AND {more.sql}", {**values, **more.values}
        skipped = after.skipped + 1 if after.ties else 0
    ties = [f"{_tie(n)} AS t{i}" for i, n in enumerate(fields.TIES[reader.table])]
    columns = ", ".join([f"{quote(reader.time)} AS _time", *ties, *ref_columns(reader), *selection(reader)])
    statement = f"SELECT {columns} FROM {reader.relation(portion)} WHERE {sql} ORDER BY {order(reader)} LIMIT {wanted + skipped}"
    rows: list[dict[str, Any]] = reader.table_of(statement, values, deadline).to_pylist()
    if not skipped or after is None:
        return rows
    same = 0
    while same < len(rows) and same < skipped and _cursor(reader, rows[same]) == (after.time, after.ties):
        same += 1
    return rows[same : same + wanted]


def _cursor(reader: Reader, row: dict[str, Any]) -> tuple[datetime, tuple[str, ...]]:
    return row["_time"].astimezone(UTC), tuple(row[f"t{i}"] for i in range(len(fields.TIES[reader.table])))


def _page(
    reader: Reader, found: list[dict[str, Any]], after: Cursor | None, wanted: int, reached: datetime | None
) -> Page:
    shown = found[:wanted]
    following = ""
    if shown and len(found) > wanted:
        time, ties = _cursor(reader, shown[-1])
        same = sum(1 for r in shown if _cursor(reader, r) == (time, ties))
        if after is not None and (after.time, after.ties) == (time, ties):
            same += after.skipped + 1
        following = Cursor(time, ties, same - 1).written()
    elif reached is not None:
        following = Cursor(reached, ()).written()
    names = reader.search.shown
    rows = [{name: row[f"c{i}"] for i, name in enumerate(names)} for row in shown]
    refs = [ref_of(reader, row) for row in shown]
    return Page(names, rows, refs, following, reached)


def ref_columns(reader: Reader) -> list[str]:
    """What references are made of, as SQL."""
    return [f"{quote(n)} AS r{i}" for i, n in enumerate(COLUMNS[reader.table])]


def ref_of(reader: Reader, row: Mapping[str, Any]) -> str:
    """The reference of a row that has `ref_columns`."""
    return REF_OF[reader.table]({n: row[f"r{i}"] for i, n in enumerate(COLUMNS[reader.table])})
