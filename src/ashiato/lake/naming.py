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
#: Rows of a plan up to which it is known of each file what it names; some 4 bytes are kept for each row.
_MOST_ROWS: Final = 6_000_000
_files: LRUCache[str, npt.NDArray[np.int32]] = LRUCache(32 << 20, getsizeof=lambda named: int(named.nbytes))


def naming(hashes: Iterable[int]) -> str:
    """SQL that is true for rows that name one of these (formats.entities.entity_hash). One list_contains after
    another takes DuckDB half the time of list_has_any."""
    wanted = list(dict.fromkeys(map(int, hashes)))
    if len(wanted) > _MOST_ALONE:
        return f"list_has_any(entities, {wanted}::BIGINT[])"
    return "(" + (" OR ".join(f"list_contains(entities, '{h}'::BIGINT)" for h in wanted) or "false") + ")"


def files_naming(plan: TablePlan, hashes: Sequence[int]) -> Sequence[str]:
    """Of the files of a plan of a log those that may hold rows that name one of these.

    To read a file's column for this costs as much as to search it once, and is done once: a data file never changes.
    """
    if plan.rows > _MOST_ROWS:
        return plan.files
    wanted = np.unique(np.array(hashes, np.int64) >> 32).astype(np.int32)
    return [file for file in plan.files if _names_any(_named(file), wanted)]


def _names_any(named: npt.NDArray[np.int32], wanted: npt.NDArray[np.int32]) -> bool:
    places = np.searchsorted(named, wanted)
    within = places < len(named)
    return bool((named[places[within]] == wanted[within]).any())


@cached(_files, lock=Lock())
def _named(file: str) -> npt.NDArray[np.int32]:
    """The upper halves of all hashes in a file, sorted: few files name what they do not hold."""
    lists = pq.read_table(file, columns=["entities"], partitioning=None)["entities"]
    values = np.concatenate([np.empty(0, np.int64), *(c.flatten().to_numpy() for c in lists.chunks)])
    return np.unique((values >> 32).astype(np.int32))
