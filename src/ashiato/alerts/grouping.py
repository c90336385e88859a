"""What belongs together: spans of time that touch, and what is united. No database, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

Item = TypeVar("Item")

_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


def later(time: datetime, by: timedelta | None) -> datetime:
    """`time + by`, at most the last day that there is; None: however long."""
    return _LATEST if by is None or time > _LATEST - by else time + by


def earlier(time: datetime, by: timedelta | None) -> datetime:
    """`time - by`, at least the first day that there is; None: however long."""
    return _EARLIEST if by is None or time < _EARLIEST + by else time - by


def chains(
    spans: Iterable[tuple[datetime, datetime, Item]], within: timedelta | None
) -> list[list[tuple[datetime, datetime, Item]]]:
    """Spans `(first, last, item)` in chains, none further from the next than `within`; earliest chain first.

    The answer does not depend on the order of the spans.

    >>> day = lambda n: datetime(2026, 1, n, tzinfo=UTC)
    >>> [[i for *_, i in c] for c in chains([(day(9), day(9), "c"), (day(1), day(3), "a"), (day(4), day(4), "b")],
    ...     timedelta(days=1))]
    [['a', 'b'], ['c']]
    """
    found: list[list[tuple[datetime, datetime, Item]]] = []
    end = _EARLIEST
    for span in sorted(spans, key=lambda s: (s[0], s[1])):
        if not found or span[0] > later(end, within):
            found.append([span])
            end = span[1]
        else:
            found[-1].append(span)
            end = max(end, span[1])
    return found


class UnionFind(Generic[Item]):
    """Sets that grow together.

    >>> together = UnionFind("abc")
    >>> together.unite(["c", "a"])
    >>> [sorted(s) for s in together.sets()]
    [['a', 'c'], ['b']]
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._above = {item: item for item in items}

    def find(self, item: Item) -> Item:
        """The one that stands for its set."""
        root = item
        while self._above[root] != root:
            root = self._above[root]
        while self._above[item] != root:
            self._above[item], item = root, self._above[item]
        return root

    def unite(self, items: Sequence[Item]) -> None:
        """Make one set of the sets of these."""
        for item in items[1:]:
            self._above[self.find(item)] = self.find(items[0])

    def sets(self) -> list[list[Item]]:
        """Every set, in the order in which their first items came."""
        found: dict[Item, list[Item]] = {}
        for item in self._above:
            found.setdefault(self.find(item), []).append(item)
        return list(found.values())
