"""What follows from one table's snapshot alone, kept in the process for as long as nothing is added to the table."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from operator import attrgetter
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from cachetools import LRUCache, cachedmethod

from ashiato.lake.plans import PinnedLake

T = TypeVar("T")


class BySnapshot(Generic[T]):
    """Answers about a table; the longest unused go first. `most`: the sum of `size` over those that are kept."""

    def __init__(self, table: str, *, most: int, size: Callable[[T], int]) -> None:
        self.table: Final = table
        self._kept: LRUCache[Any, T] = LRUCache(most, getsizeof=size)
        self._lock = Lock()

    def of(self, lake: PinnedLake, question: Hashable, answer: Callable[[], T]) -> T:
        """The answer to a question about the table as this reader sees it. `question` names everything else that the
        answer follows from, the account scope too."""
        return self._answered((lake.home.folder, lake.snapshot_id(self.table), question), answer)

    @cachedmethod(attrgetter("_kept"), key=lambda _self, at, _answer: at, lock=attrgetter("_lock"))
    def _answered(self, _at: Hashable, answer: Callable[[], T]) -> T:
        return answer()
