"""Statements of a search, run in the database that all readers share, with limits on time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Lock, Timer
from typing import Any, Self, TypeVar

import duckdb
import pyarrow as pa

from ashiato.core.clock import now
from ashiato.core.errors import QueryStopped
from ashiato.core.scope import AccountScope
from ashiato.engine import macros
from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.lake.footprint_counts import default_view
from ashiato.lake.plans import PinnedLake
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.search.conditions import condition
from ashiato.search.dialects import Bound
from ashiato.search.query import BEGIN, END, Search, Span
from ashiato.search.slices import Slice, portions, slices

T = TypeVar("T")

#: Rows that a stream hands over at a time.
BATCH_ROWS = 2048
_MACROS = ("ax_json_scalar", "ax_json_extract")
_lock = Lock()
_macros_made = False


def _cursor() -> duckdb.DuckDBPyConnection:
    """A connection of its own, with the macros of searches."""
    global _macros_made
    cursor = reading()
    with _lock:
        if not _macros_made:
            for statement in (*macros.statements(*_MACROS), *_own_macros()):
                cursor.execute(statement)
            _macros_made = True
    return cursor


def _own_macros() -> list[str]:
    text = Path(__file__).with_name("addresses.sql").read_text(encoding="utf-8")
    parts = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE).split("\n\n")
    return [part.strip().rstrip(";") for part in parts if part.strip()]


class Deadline:
    """Time that may be used, from when it was made. `cancel` ends it now, from any thread."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self.seconds = seconds

    @property
    def left(self) -> float:
        return self._end - time.monotonic()

    @property
    def over(self) -> bool:
        return self.left <= 0

    def cancel(self) -> None:
        self._end = 0.0


@dataclass(frozen=True)
class Where:
    """A condition and its parameters: of time, of accounts, of copies that do not count, of the search."""

    sql: str
    values: Mapping[str, object]


class Reader:
    """A search in a pinned lake, within a scope: every statement of it runs here.

    `moment` stands for now. Close it, or use it in a `with`.
    """

    def __init__(
        self, lake: PinnedLake, search: Search, scope: AccountScope, *, moment: datetime | None = None
    ) -> None:
        self.lake = lake
        self.search = search
        self.scope = scope
        self.table = search.table
        self.moment = moment or now()
        self.time = TABLES[search.table].time_column
        self.account = ACCOUNT_REGION[search.table][0]
        self.terms = search.terms
        self._connection = _cursor()
        self._schema = lake.table(search.table).schema()

    @cached_property
    def span(self) -> Span:
        """The time that is searched."""
        return self.search.span(self.newest, self.moment)

    @cached_property
    def newest(self) -> datetime | None:
        """The newest record that the scope allows and whose time is not ahead of the clock."""
        before = Span(BEGIN, self.moment)
        apart = slices(self.lake, self.table, before)
        if apart and not self.scope.limited and apart[0].last <= self.moment:
            # Files tell the times of their newest records; whose those are, they do not.
            return apart[0].last
        for portion in portions(apart, 20_000):
            where = self.where(before, searched=False)
            sql = f'SELECT max("{self.time}") FROM {self.relation(portion)} WHERE {where.sql}'
            found: datetime | None = self.run(sql, where.values, Deadline(5))[0][0]
            if found is not None:
                return found.astimezone(UTC)
        return None

    @cached_property
    def slices(self) -> list[Slice]:
        """Files with records of the span, newest first."""
        return slices(self.lake, self.table, self.span)

    def relation(self, portion: Slice | Sequence[str]) -> str:
        """The files as a relation."""
        files = portion.files if isinstance(portion, Slice) else portion
        return relation(files, self._schema)

    @cached_property
    def found(self) -> Where:
        """The records of this search."""
        return self.where(self.span)

    def where(self, span: Span, *, searched: bool = True) -> Where:
        """The records of a span in the scope, and (`searched`) where the search's conditions hold."""
        dialect = Bound()
        parts = [default_view(self.table)]
        values: dict[str, object] = {}
        if self.table == "cloudtrail":
            values["superseded"] = self.superseded
        if span.start > BEGIN:
            parts.append(f'"{self.time}" >= {dialect.moment(span.start)}')
        if span.end < END:
            parts.append(f'"{self.time}" < {dialect.moment(span.end)}')
        allowed, bound = self.scope.sql(f'"{self.account}"')
        parts.append(allowed)
        values.update(bound)
        if searched:
            parts.append(condition(self.terms, self.table, dialect))
        kept = [p for p in parts if p != "true"] or ["true"]
        return Where(" AND ".join(kept), {**values, **dialect.values})

    @cached_property
    def superseded(self) -> Sequence[str]:
        return self.lake.superseded

    def run(self, sql: str, values: Mapping[str, object], deadline: Deadline) -> list[tuple[Any, ...]]:
        """The answer's rows. Raises QueryStopped when the time is over or memory is short."""
        return self._within(deadline, lambda c: c.execute(sql, dict(values)).fetchall())

    def table_of(self, sql: str, values: Mapping[str, object], deadline: Deadline) -> pa.Table:
        """The answer as Arrow. Raises QueryStopped likewise."""
        return self._within(deadline, lambda c: c.sql(sql, params=dict(values)).to_arrow_table())

    def stream(
        self, sql: str, values: Mapping[str, object], deadline: Deadline
    ) -> Iterator[list[dict[str, Any]]]:
        """The answer in batches; nothing else may run here until its end. Raises QueryStopped likewise."""
        batches = self._within(
            deadline, lambda c: c.sql(sql, params=dict(values)).to_arrow_reader(BATCH_ROWS)
        )
        while True:
            batch = self._within(deadline, lambda _: next(batches, None))
            if batch is None:
                return
            yield batch.to_pylist()

    def _within(self, deadline: Deadline, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        if deadline.over:
            raise _stopped(deadline)
        timer = Timer(deadline.left, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            return work(self._connection)
        except duckdb.InterruptException:
            raise _stopped(deadline) from None
        except duckdb.OutOfMemoryException:
            raise QueryStopped(
                "the search needs more memory than it may use",
                remedy="Choose a shorter time or fewer columns",
            ) from None
        finally:
            timer.cancel()

    def interrupt(self) -> None:
        """Stop what is running, from another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        with suppress(duckdb.Error):
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _stopped(deadline: Deadline) -> QueryStopped:
    return QueryStopped(
        f"the search was stopped after {deadline.seconds:g} seconds",
        remedy="Choose a shorter time, or more conditions",
    )
