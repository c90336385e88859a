"""All rows of a search as a CSV or JSON document, written while they are read: memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from ashiato.core.errors import QueryStopped
from ashiato.core.printing import csv_lines, to_json
from ashiato.engine.views import quote
from ashiato.search.query import BEGIN, END
from ashiato.search.reading import Deadline, Reader
from ashiato.search.rows import order, ordered, ref_columns, ref_of, selection

Kind = Literal["csv", "json"]
MOST_ROWS: Final = 1_000_000
MOST_SECONDS: Final = 600.0
#: Rows that are put in order at a time.
_PORTION: Final = 300_000


@dataclass
class Progress:
    """How far an export came. `complete`: every row is in it; else it ends at the row of the time `reached`."""

    rows: int = 0
    complete: bool = False
    reached: datetime | None = None


def export(
    reader: Reader, kind: Kind, *, rows: int = MOST_ROWS, deadline: Deadline | None = None
) -> Iterator[bytes]:
    """The document in pieces, UTF-8. CSV: RFC 4180, formulas defused, a last line that says so where it is not
    complete. JSON: `{"table", "q", "from", "to", "columns", "rows": [{column: value, "ref"}], "count", "complete",
    "reached"}`. At most `rows` rows, within `deadline`."""
    progress = Progress()
    found = _rows(reader, progress, rows, deadline or Deadline(MOST_SECONDS), refs=kind == "json")
    yield from _csv(reader, progress, found) if kind == "csv" else _json(reader, progress, found)


def _rows(
    reader: Reader, progress: Progress, most: int, deadline: Deadline, *, refs: bool
) -> Iterator[list[dict[str, Any]]]:
    names = reader.search.shown
    made_of = ref_columns(reader) if refs else []
    columns = ", ".join([f"{quote(reader.time)} AS _time", *made_of, *selection(reader, cut=False)])
    where = reader.found
    for portion in ordered(reader, most=_PORTION):
        sql = (
            f"SELECT {columns} FROM {reader.relation(portion)} WHERE {where.sql} ORDER BY {order(reader)}"
            f" LIMIT {most - progress.rows + 1}"
        )
        try:
            for batch in reader.stream(sql, where.values, deadline):
                kept = batch[: most - progress.rows]
                if kept:
                    progress.rows += len(kept)
                    progress.reached = kept[-1]["_time"].astimezone(UTC)
                    yield [
                        {n: row[f"c{i}"] for i, n in enumerate(names)}
                        | ({"ref": ref_of(reader, row)} if refs else {})
                        for row in kept
                    ]
                if len(kept) < len(batch):
                    return
        except QueryStopped:
            return
    progress.complete = True


def _csv(reader: Reader, progress: Progress, found: Iterator[list[dict[str, Any]]]) -> Iterator[bytes]:
    names = reader.search.shown
    yield csv_lines([names]).encode()
    for batch in found:
        yield csv_lines([row[n] for n in names] for row in batch).encode()
    if not progress.complete:
        yield csv_lines([[f"# not complete: {_stopped(progress)}"]]).encode()


def _json(reader: Reader, progress: Progress, found: Iterator[list[dict[str, Any]]]) -> Iterator[bytes]:
    head = to_json(heading(reader))
    yield f'{head[:-2]},\n  "rows": ['.encode()
    first = True
    for batch in found:
        lines = ",\n    ".join(to_json(row, indent=None) for row in batch)
        yield (("\n    " if first else ",\n    ") + lines).encode()
        first = False
    end = {
        "count": progress.rows,
        "complete": progress.complete,
        "reached": None if progress.complete else progress.reached,
    }
    yield f"\n  ],\n  {to_json(end)[1:].strip()}\n".encode()


def heading(reader: Reader) -> dict[str, Any]:
    """What was searched: table, conditions, the time (None: without end), columns."""
    span = reader.span
    return {
        "table": reader.table,
        "q": reader.search.q,
        "from": None if span.start == BEGIN else span.start,
        "to": None if span.end == END else span.end,
        "columns": list(reader.search.shown),
    }


def _stopped(progress: Progress) -> str:
    at = "" if progress.reached is None else f", at {progress.reached.isoformat().replace('+00:00', 'Z')}"
    return f"stopped after {progress.rows:,} rows{at}; choose a shorter time or more conditions"
