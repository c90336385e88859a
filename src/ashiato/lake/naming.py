"""Records that name an entity: the condition on the column `entities`, and the files that hold any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from cachetools import LRUCache, cached

from ashiato.lake.table_plan import TablePlan

#: Entities beyond which DuckDB compares lists with lists.
_MOST_ALONE: Final = 60
#: Rows of a file up to which it is kept what it names, some 4 bytes for each: larger ones hold most that is asked for.
_MOST_ROWS: Final = 50_000
_files: LRUCache[tuple[str], npt.NDArray[np.int32]] = LRUCache(
    64 << 20, getsizeof=lambda held: int(held.nbytes)
)


def naming(hashes: Iterable[int]) -> str:
    """SQL that is true for rows that name one of these (formats.entities.entity_hash). One list_contains after
    another takes DuckDB half the time of list_has_any."""
    wanted = list(dict.fromkeys(map(int, hashes)))
    if len(wanted) > _MOST_ALONE:
        return f"list_has_any(entities, {wanted}::BIGINT[])"
    return "(" + (" OR ".join(f"list_contains(entities, '{h}'::BIGINT)" for h in wanted) or "false") + ")"


def look_into(plan: TablePlan) -> None:
    """Read beforehand what is kept of these files."""
    for file in plan.live:
        if file.rows <= _MOST_ROWS:
            _held(file.path)


def files_naming(plan: TablePlan, hashes: Sequence[int]) -> Sequence[str]:
    """Of the files of a plan of a log those that may hold rows that name one of these.

    To read a file's column for this costs as much as to search it once, and is done once: a data file never changes.
    """
    wanted = _halves(np.array(hashes, np.int64))
    return [file.path for file in plan.live if file.rows > _MOST_ROWS or _any_in(wanted, _held(file.path))]


def _any_in(wanted: npt.NDArray[np.int32], held: npt.NDArray[np.int32]) -> bool:
    places = np.searchsorted(held, wanted)
    within = places < len(held)
    return bool((held[places[within]] == wanted[within]).any())


@cached(_files, lock=Lock())
def _held(file: str) -> npt.NDArray[np.int32]:
    rows = pq.read_table(file, columns=["entities"], partitioning=None)["entities"]
    return _halves(
        np.concatenate([np.empty(0, np.int64), *(part.flatten().to_numpy() for part in rows.chunks)])
    )


def _halves(hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Their upper halves, sorted: few files seem to hold what they do not."""
    return np.unique((hashes >> 32).astype(np.int32))
