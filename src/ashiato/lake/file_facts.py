"""What a data file holds, kept in the process: the accounts in it, and the entities that a small file names.

A file never changes, so what was found of it once is true for good. Files of the last hours are many and small until
compaction joins them; most questions name one thing, which few of them hold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

from ashiato.formats.tables import ACCOUNT_REGION, TABLES
from ashiato.lake.inventory import LiveFile
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.table_plan import TablePlan

if TYPE_CHECKING:
    import numpy as np

#: Accounts of files that are kept with what is held of them, and bytes of entities' hashes.
_MOST_HELD: Final = 200_000
_MOST_BYTES: Final = 64 << 20
#: Rows of a file whose entities are kept.
_SMALL: Final = 50_000
#: Files that are looked at first, newest first; then ever more.
_FIRST: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: Times beyond it are no bounds of a file: 9999 in microseconds.
_FAR: Final = 253_370_764_800_000_000

Span = tuple[datetime, datetime]

#: Calls that make what a trace leads back to: which of them are in a file is kept.
MAKING: Final = ("CreateUser", "CreateAccessKey", "RunInstances", "CreateRole", "CreateServiceLinkedRole")
_CALLS: Final = ", ".join(f"'{name}'" for name in MAKING)
_ASKED: Final = {
    "cloudtrail": (
        f"bool_or(eventCategory = 'Data'), list(DISTINCT eventName) FILTER (eventName IN ({_CALLS})), NULL"
    ),
    "vpc_flow_logs": "false, NULL, list_distinct(flatten(list(entities) FILTER (log_status = 'SKIPDATA')))",
}


@dataclass(frozen=True, slots=True)
class Held:
    """Of one account in a file: its newest record, whether any is a data event, its calls of MAKING, and the
    entities that flow records name which AWS left out (SKIPDATA)."""

    newest: datetime
    data_events: bool
    making: frozenset[str]
    skipping: frozenset[int]


#: By account; of records without one by None.
Accounts = Mapping[str | None, Held]
#: A choice among a plan's files.
Among = Callable[[TablePlan, Sequence[LiveFile]], Sequence[LiveFile]]


def _size(found: Accounts) -> int:
    return 1 + sum(1 + len(each.making) + len(each.skipping) for each in found.values())


_accounts: LRUCache[str, Accounts] = LRUCache(_MOST_HELD, getsizeof=_size)
_entities: LRUCache[str, np.ndarray] = LRUCache(_MOST_BYTES, getsizeof=lambda found: found.nbytes + 200)
_lock = Lock()


def newest_record(plan: TablePlan, accounts: Collection[str]) -> datetime | None:
    """The time of the newest record of some accounts in these files."""
    newest: datetime | None = None
    for files in _newest_first(plan):
        if newest is not None and _number(newest) >= files[0].last:
            break
        for found in _accounts_in(plan, files):
            times = [found[a].newest for a in accounts if a in found]
            newest = max([*times, newest] if newest else times, default=None)
    return newest


def has_records(plan: TablePlan, accounts: Collection[str], *, data_events: bool = False) -> bool:
    """Whether these files hold any record of some accounts; `data_events`: any data event."""
    return any(
        a in found and (found[a].data_events or not data_events)
        for files in _newest_first(plan)
        for found in _accounts_in(plan, files)
        for a in accounts
    )


def during(files: Sequence[LiveFile], spans: Sequence[Span]) -> list[LiveFile]:
    """Those that may hold records of some spans of time, both ends included."""
    numbers = [(_number(first), _number(last)) for first, last in spans]
    return [f for f in files if any(f.first <= last and f.last >= first for first, last in numbers)]


def skipping(plan: TablePlan, files: Sequence[LiveFile], hashes: Collection[int]) -> list[LiveFile]:
    """Those with flow records that AWS left out (SKIPDATA) which name one of some entities."""
    held = zip(files, _accounts_in(plan, files), strict=True)
    return [f for f, found in held if any(not each.skipping.isdisjoint(hashes) for each in found.values())]


def making(plan: TablePlan, files: Sequence[LiveFile], calls: Collection[str]) -> list[LiveFile]:
    """Those that hold one of some calls, which are among MAKING."""
    held = zip(files, _accounts_in(plan, files), strict=True)
    return [f for f, found in held if any(not each.making.isdisjoint(calls) for each in found.values())]


def naming(plan: TablePlan, files: Sequence[LiveFile], hashes: Collection[int]) -> list[LiveFile]:
    """Those of a plan's files that may name one of some entities."""
    import numpy as np

    wanted = np.array(sorted(hashes), dtype=np.int64)
    kept = _entities_in(plan, [f.path for f in files if f.rows <= _SMALL])
    return [f for f in files if f.path not in kept or _share(kept[f.path], wanted)]


def _share(entities: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether any of a few is among many, which are sorted."""
    at = entities.searchsorted(wanted)
    within = at < len(entities)
    return bool((entities[at[within]] == wanted[within]).any())


def _number(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def split(
    files: Sequence[LiveFile], spans: Sequence[Span], few: int, *, oldest: bool
) -> tuple[list[Span], list[Span]]:
    """Spans (both ends included) cut in two: the time of the newest (or oldest) few of these files, and the rest."""
    if len(files) <= 2 * few:
        return list(spans), []
    if oldest:
        number = sorted(f.last for f in files)[few - 1] + 1
    else:
        number = sorted((f.first for f in files), reverse=True)[few - 1]
    if not 0 < number < _FAR:
        return list(spans), []
    cut = _EPOCH + number * _MICROSECOND
    newer = [(max(first, cut), last) for first, last in spans if last >= cut]
    older = [(first, min(last, cut - _MICROSECOND)) for first, last in spans if first < cut]
    return (older, newer) if oldest else (newer, older)


def _newest_first(plan: TablePlan) -> Iterator[list[LiveFile]]:
    files = sorted(plan.live, key=lambda f: f.last, reverse=True)
    start, size = 0, _FIRST
    while start < len(files):
        yield files[start : start + size]
        start, size = start + size, size * 8


def _accounts_in(plan: TablePlan, files: Sequence[LiveFile]) -> list[Accounts]:
    with _lock:
        kept = {f.path: _accounts.get(f.path) for f in files}
    missing = [path for path, found in kept.items() if found is None]
    if missing:
        read: dict[str, dict[str | None, Held]] = {path: {} for path in missing}
        table = plan.description.name
        asked = (
            f'filename, "{ACCOUNT_REGION[table][0]}" AS account, max("{TABLES[table].time_column}"),'
            f" {_ASKED.get(table, 'false, NULL, NULL')}"
        )
        source = relation(missing, plan.iceberg_schema, asked)
        with reading() as connection:
            rows = connection.execute(f"SELECT {asked} FROM {source} GROUP BY filename, account").fetchall()
        for path, account, last, data, made, left_out in rows:
            read[path][account] = Held(last, bool(data), frozenset(made or ()), frozenset(left_out or ()))
        kept |= read
        with _lock, suppress(ValueError):  # One that is larger than all that may be kept.
            for path, found in read.items():
                _accounts[path] = found
    return [kept[f.path] or {} for f in files]


def _entities_in(plan: TablePlan, paths: Sequence[str]) -> dict[str, np.ndarray]:
    """The distinct hashes of the column `entities` of each file, sorted."""
    import numpy as np

    with _lock:
        kept = {path: found for path in paths if (found := _entities.get(path)) is not None}
    missing = [path for path in paths if path not in kept]
    if missing:
        source = relation(missing, plan.iceberg_schema, "entities")
        sql = f"SELECT DISTINCT filename, unnest(entities) AS entity FROM {source}"
        with reading() as connection:
            found = connection.sql(f"SELECT filename, list(entity) AS entities FROM ({sql}) GROUP BY 1")
            rows = found.to_arrow_table()
        read = dict.fromkeys(missing, np.array([], dtype=np.int64))
        for path, entities in zip(rows["filename"].to_pylist(), rows["entities"], strict=True):
            read[path] = np.sort(np.array(entities.values, dtype=np.int64))
        kept |= read
        with _lock, suppress(ValueError):
            for path, each in read.items():
                _entities[path] = each
    return kept
