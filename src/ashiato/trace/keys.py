"""By which entities of the index something is found, and the footprints of these."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.core.scope import AccountScope
from ashiato.formats.entities import entity_hash
from ashiato.formats.tables import LOG_TABLES
from ashiato.lake.naming import naming
from ashiato.lake.plans import PinnedLake
from ashiato.lake.presence import presence


@dataclass(frozen=True)
class Key:
    """An entity of the index. `account`: only where records of this account name it, for names that other
    accounts may give to other things."""

    kind: str
    value: str
    account: str | None = None

    @property
    def hash(self) -> int:
        return entity_hash(self.kind, self.value)


@dataclass(frozen=True)
class Window:
    """A span of time, from the first moment to before the last; None: open."""

    start: datetime | None = None
    end: datetime | None = None

    def days(self) -> tuple[Any, Any]:
        """First and last UTC day, both included."""
        last = None if self.end is None else (self.end - timedelta(microseconds=1)).astimezone(UTC).date()
        return (None if self.start is None else self.start.astimezone(UTC).date()), last

    def holds(self, first: datetime, last: datetime) -> bool:
        """Whether a span lies within it."""
        return (self.start is None or self.start <= first) and (self.end is None or last < self.end)

    def misses(self, first: datetime, last: datetime) -> bool:
        """Whether a span lies wholly outside."""
        return (self.start is not None and last < self.start) or (self.end is not None and first >= self.end)

    def cut(self, first: datetime, last: datetime) -> tuple[datetime, datetime]:
        """The part of a span (both ends included) that lies within it."""
        return (
            first if self.start is None else max(first, self.start),
            last if self.end is None else min(last, self.end - timedelta(microseconds=1)),
        )


def footprints(
    lake: PinnedLake,
    keys: Sequence[Key],
    scope: AccountScope,
    window: Window,
    tables: Collection[str] = LOG_TABLES,
) -> pa.Table:
    """Rows of `footprints` of these keys on the days of the window, in the scope's accounts."""
    since, until = window.days()
    found = presence(
        lake,
        list(dict.fromkeys(k.value for k in keys)),
        kinds={k.kind for k in keys},
        accounts=scope.accounts,
        since=since,
        until=until,
        tables=tables,
    )
    return of_keys(found, keys)


def of_keys(found: pa.Table, keys: Sequence[Key]) -> pa.Table:
    """The footprints of these keys, out of more."""
    wanted = pa.chunked_array([pa.repeat(pa.scalar(False), found.num_rows)])
    for key in dict.fromkeys(keys):
        mask = pc.and_(pc.equal(found["kind"], key.kind), pc.equal(found["entity"], key.value))
        if key.account is not None:
            mask = pc.and_(mask, pc.fill_null(pc.equal(found["account"], key.account), False))
        wanted = pc.or_(wanted, mask)
    return found.filter(wanted)


def condition(keys: Sequence[Key], account_column: str) -> tuple[str, dict[str, Any]]:
    """SQL that is true for rows of a log that name one of the keys, and its parameters."""
    by_account: dict[str | None, list[int]] = {}
    for key in dict.fromkeys(keys):
        by_account.setdefault(key.account, []).append(key.hash)
    parts: list[str] = []
    values: dict[str, Any] = {}
    for number, (account, hashes) in enumerate(by_account.items()):
        part = naming(hashes)
        if account is not None:
            part = f'({part} AND "{account_column}" = $of_{number})'
            values[f"of_{number}"] = account
        parts.append(part)
    return f"({' OR '.join(parts) or 'false'})", values
