"""What a data file holds, kept in the process: the accounts in it, and the entities that a small file names.

A file never changes, so what was found of it once is true for good. Files of the last hours are many and small until
compaction joins them; most questions name one thing, which few of them hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
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

#: Accounts of files that are kept, and bytes of entities' hashes.
_MOST_ACCOUNTS: Final = 100_000
_MOST_BYTES: Final = 64 << 20
#: Rows of a file whose entities are kept.
_SMALL: Final = 50_000
#: Files that are looked at first, newest first; then ever more.
_FIRST: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

#: Account → its newest record in a file, and whether any is a data event.
Accounts = Mapping[str, tuple[datetime, bool]]

_accounts: LRUCache[str, Accounts] = LRUCache(_MOST_ACCOUNTS, getsizeof=lambda found: len(found) + 1)
_entities: LRUCache[str, np.ndarray] = LRUCache(_MOST_BYTES, getsizeof=lambda found: found.nbytes + 200)
_lock = Lock()


def newest_record(plan: TablePlan, accounts: Collection[str]) -> datetime | None:
    """The time of the newest record of some accounts in these files."""
    newest: datetime | None = None
    for files in _newest_first(plan):
        if newest is not None and _number(newest) >= files[0].last:
            break
        for found in _accounts_in(plan, files):
            times = [found[a][0] for a in accounts if a in found]
            newest = max([*times, newest] if newest else times, default=None)
    return newest


def has_records(plan: TablePlan, accounts: Collection[str], *, data_events: bool = False) -> bool:
    """Whether these files hold any record of some accounts; `data_events`: any data event."""
    return any(
        a in found and (found[a][1] or not data_events)
        for files in _newest_first(plan)
        for found in _accounts_in(plan, files)
        for a in accounts
    )


def during(files: Sequence[LiveFile], spans: Sequence[tuple[datetime, datetime]]) -> list[LiveFile]:
    """Those that may hold records of some spans of time, both ends included."""
    numbers = [(_number(first), _number(last)) for first, last in spans]
    return [f for f in files if any(f.first <= last and f.last >= first for first, last in numbers)]


def naming(plan: TablePlan, files: Sequence[LiveFile], hashes: Collection[int]) -> list[str]:
    """Paths of those of a plan's files that may name one of some entities."""
    import numpy as np

    wanted = np.array(sorted(hashes), dtype=np.int64)
    kept = _entities_in(plan, [f.path for f in files if f.rows <= _SMALL])
    return [f.path for f in files if f.path not in kept or _share(kept[f.path], wanted)]


def _share(entities: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether any of a few is among many, which are sorted."""
    at = entities.searchsorted(wanted)
    within = at < len(entities)
    return bool((entities[at[within]] == wanted[within]).any())


def _number(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


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
        read: dict[str, dict[str, tuple[datetime, bool]]] = {path: {} for path in missing}
        table = plan.description.name
        data = "bool_or(eventCategory = 'Data')" if table == "cloudtrail" else "false"
        asked = (
            f'filename, "{ACCOUNT_REGION[table][0]}" AS account, max("{TABLES[table].time_column}"), {data}'
        )
        source = relation(missing, plan.iceberg_schema, asked)
        sql = f"SELECT {asked} FROM {source} GROUP BY ALL HAVING account IS NOT NULL"
        with reading() as connection:
            for path, account, last, any_data in connection.execute(sql).fetchall():
                read[path][account] = last, bool(any_data)
        kept |= read
        with _lock, suppress(ValueError):  # One that is larger than all that may be kept.
            for path, found in read.items():
                _accounts[path] = found
    return [found for found in kept.values() if found is not None]


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
