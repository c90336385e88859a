"""What is found out of a data file once and kept: a file never changes, so neither does what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from cachetools import LRUCache

from ashiato.lake.scan import relation
from ashiato.lake.table_plan import TablePlan

T = TypeVar("T")

#: Rows of the files that are read at once, about.
_ROWS_A_READ: Final = 500_000


class FileFacts(Generic[T]):
    """The facts of data files of one table, read when first asked for; the longest unused go first.

    `read` is given the SQL of some files and how many they are, and returns the facts of each; its `file_index` counts
    them from 0. `most`: the sum of `size` over the facts that are kept.
    """

    def __init__(
        self, read: Callable[[str, int], Sequence[T]], *, most: int, size: Callable[[T], int]
    ) -> None:
        self._read = read
        self._kept: LRUCache[str, T] = LRUCache(most, getsizeof=size)
        self._lock = Lock()

    def of(self, plan: TablePlan) -> Iterator[tuple[str, T]]:
        """(path, facts) of each file of a plan."""
        portion = max(1, _ROWS_A_READ * len(plan.files) // max(1, plan.rows))
        for start in range(0, len(plan.files), portion):
            yield from self._portion(plan, plan.files[start : start + portion])

    def _portion(self, plan: TablePlan, files: Sequence[str]) -> list[tuple[str, T]]:
        with self._lock:
            found: dict[str, Any] = {path: self._kept[path] for path in files if path in self._kept}
        missing = [path for path in files if path not in found]
        if missing:
            made = self._read(relation(missing, plan.iceberg_schema), len(missing))
            for path, facts in zip(missing, made, strict=True):
                found[path] = facts
                # Too large to be kept.
                with self._lock, suppress(ValueError):
                    self._kept[path] = facts
        return [(path, found[path]) for path in files]
