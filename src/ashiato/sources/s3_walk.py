"""Lists many prefixes in parallel, newest days first, as one stream of references.

Listing tasks wait in a heap by day; a window of them runs in threads, and their results are taken in the
order in which they were started. So at most a window of pages is held, and nothing runs ahead of a slow
consumer.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from operator import itemgetter

from ashiato.sources.layout import Stem, day_at, day_folder, day_in, span_of
from ashiato.sources.objects import ObjectRef, Problem, Progress
from ashiato.sources.s3_errors import ListingFailed
from ashiato.sources.s3_pages import Page, Pages

# References of older days that wait in the heap so that newer days of other prefixes come first
# (about 350 bytes each); beyond that they are handed out as they are listed.
_MOST_HELD = 100_000
_DAY = timedelta(days=1)
_LONGEST_TAIL = 62  # days; beyond, after a long stop, looking for folders takes fewer requests
_AFTER_DIGITS = ":"  # sorts right after 9


@dataclass
class Scope:
    """One remembered prefix in one walk.

    `kind` is what its requests count as; `begin` is the stem's folder, or the one inside it that was
    asked for. `first` and `last` bound the day folders wanted; objects without a day must be modified
    `since` then. `whole`: all of it is listed, by folders; else from `first` on. `staleness` orders
    repeated listings, lowest first. The walk fills the rest.
    """

    prefix: str
    kind: str
    begin: str
    stem: Stem | None = None
    first: date | None = None
    last: date | None = None
    since: datetime | None = None
    whole: bool = True
    staleness: float = 0.0
    pending: int = 0
    failed: bool = False
    deferred: bool = False
    requests: int = 0

    @property
    def complete(self) -> bool:
        return not (self.pending or self.failed or self.deferred)

    def wants(self, day: date) -> bool:
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)

    def keeps(self, key: str, ref: ObjectRef) -> bool:
        day = self.day(key)
        if day is None:
            return self.since is None or ref.delivered_at >= self.since
        return self.wants(day)

    def day(self, key: str) -> date | None:
        if self.stem is not None:
            return day_at(key, len(self.stem.prefix))
        return day_in("/" + key)


@dataclass(slots=True)
class _Outcome:
    refs: list[ObjectRef] = field(default_factory=list)
    tasks: list[_Task] = field(default_factory=list)
    requests: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, page: Page, refs: list[ObjectRef]) -> _Outcome:
        return cls(refs, [], page.requests, page.left_out)


@dataclass(slots=True)
class _Task:
    """`newest` is the newest day it can yield. `run` None means that `ready` is all."""

    scope: Scope
    newest: date
    run: Callable[[], _Outcome] | None
    ready: list[ObjectRef] = field(default_factory=list)
    first: bool = False

    def order(self) -> tuple[float, int]:
        return self.scope.staleness, -self.newest.toordinal()


class Walk:
    """One walk. `may_send` is asked before a repeated listing begins; False leaves it for later."""

    def __init__(self, pages: Pages, progress: Progress, today: date, workers: int) -> None:
        self._pages = pages
        self._progress = progress
        self._today = today
        self._width = workers * 2
        self._heap: list[tuple[float, int, int, _Task]] = []
        self._number = 0
        self._held = 0

    def references(
        self, scopes: list[Scope], pool: ThreadPoolExecutor, may_send: Callable[[], bool]
    ) -> Iterator[ObjectRef]:
        """All references wanted. A prefix that cannot be listed becomes a problem, and its scope failed."""
        for scope in scopes:
            self._add(self._begin(scope))
        window: deque[tuple[_Task, Future[_Outcome]]] = deque()
        while self._heap or window:
            self._fill(window, pool, may_send)
            if not window:
                continue
            task, future = window.popleft()
            scope = task.scope
            try:
                outcome = future.result()
            except ListingFailed as failed:
                scope.failed = True
                self._progress.problems.append(Problem(failed.where, failed.what, failed.remedy))
                outcome = _Outcome()
            if task.run is None:
                self._held -= len(task.ready)
            overflow = self._add_all(outcome.tasks)
            scope.requests += outcome.requests
            self._progress.left_out.update(outcome.left_out)
            self._fill(window, pool, may_send)
            yield from outcome.refs
            for refs in overflow:
                yield from refs
            scope.pending -= 1

    def _add_all(self, tasks: list[_Task]) -> list[list[ObjectRef]]:
        """Puts tasks into the heap; returns references that would be too many to hold there."""
        overflow = []
        for task in tasks:
            if task.run is None and self._held + len(task.ready) > _MOST_HELD:
                overflow.append(task.ready)
                continue
            self._held += len(task.ready)
            self._add(task)
        return overflow

    def _fill(
        self,
        window: deque[tuple[_Task, Future[_Outcome]]],
        pool: ThreadPoolExecutor,
        may_send: Callable[[], bool],
    ) -> None:
        while self._heap and len(window) < self._width:
            task = heapq.heappop(self._heap)[-1]
            scope = task.scope
            if task.first and scope.kind == "again" and not may_send():
                scope.deferred = True
                scope.pending -= 1
                self._progress.deferred += 1
            elif task.run is None:
                done: Future[_Outcome] = Future()
                done.set_result(_Outcome(task.ready))
                window.append((task, done))
            else:
                window.append((task, pool.submit(self._run, task.run, scope.kind)))

    def _run(self, run: Callable[[], _Outcome], kind: str) -> _Outcome:
        with self._pages.counted_as(kind):
            return run()

    def _add(self, task: _Task) -> None:
        task.scope.pending += 1
        self._number += 1
        heapq.heappush(self._heap, (*task.order(), self._number, task))

    def _begin(self, scope: Scope) -> _Task:
        newest = min(scope.last or self._today, self._today)
        if scope.stem is None:
            return self._plain(scope, scope.begin, newest, first=True)
        if not scope.whole and scope.first and (self._today - scope.first).days <= _LONGEST_TAIL:
            return self._tail(scope, scope.stem, scope.first)
        span = span_of(scope.begin, len(scope.stem.prefix)) if scope.begin != scope.stem.prefix else None
        if scope.begin != scope.stem.prefix and (span is None or span[0] == span[1]):
            return self._plain(scope, scope.begin, newest, first=True)
        if scope.stem.digits == "unknown" or scope.first or scope.last:
            return _Task(scope, newest, lambda: self._folders(scope, scope.begin), first=True)
        return self._tree(scope, scope.begin, newest, first=True)

    def _plain(
        self,
        scope: Scope,
        prefix: str,
        newest: date,
        after: str | None = None,
        before: str | None = None,
        *,
        first: bool = False,
    ) -> _Task:
        """All keys of a prefix between `after` and `before`, page by page, in key order."""

        def run() -> _Outcome:
            page = self._pages.page(prefix, after)
            refs = _kept(scope, page, before)
            outcome = _Outcome.of(page, refs)
            if page.after is not None and (before is None or page.after < before):
                outcome.tasks.append(self._plain(scope, prefix, newest, page.after, before))
            return outcome

        return _Task(scope, newest, run, first=first)

    def _tail(self, scope: Scope, stem: Stem, begin: date) -> _Task:
        """The days from `begin` on, by one request with StartAfter; by days where that is not enough."""
        today = self._today
        days = [today - _DAY * back for back in range((today - begin).days + 1)]

        def by_days() -> list[_Task]:
            return [self._plain(scope, day_folder(stem, day), day) for day in days]

        if stem.digits == "plain":
            # 2026/1/10/ sorts before 2026/1/9/: StartAfter would list most of the year again.
            return _Task(scope, today, lambda: _Outcome(tasks=by_days()), first=True)
        after = day_folder(stem, begin)[:-1]
        before = None
        if stem.digits == "unknown":
            before = stem.prefix + ("year=" if stem.hive else "") + _AFTER_DIGITS

        def run() -> _Outcome:
            page = self._pages.page(stem.prefix, after)
            if page.after is None or stem.digits == "unknown" or len(days) == 1:
                outcome = _Outcome.of(page, _kept(scope, page, before))
                if page.after is not None and (before is None or page.after < before):
                    outcome.tasks.append(self._plain(scope, stem.prefix, today, page.after, before))
                return outcome
            later = self._plain(scope, stem.prefix, today, day_folder(stem, today)[:-1] + "0")
            return _Outcome(tasks=[later, *by_days()], requests=page.requests)

        return _Task(scope, today, run, first=True)

    def _tree(self, scope: Scope, folder: str, newest: date, *, first: bool = False) -> _Task:
        """A stem, year or month: one page where that holds it, else its folders, newest first."""

        def run() -> _Outcome:
            page = self._pages.page(folder)
            if page.after is not None:
                below = self._folders(scope, folder)
                below.requests += page.requests
                return below
            outcome = _Outcome.of(page, [])
            outcome.tasks = self._by_day(scope, page)
            return outcome

        return _Task(scope, newest, run, first=first)

    def _folders(self, scope: Scope, folder: str) -> _Outcome:
        """The folders of a stem, year or month that can hold wanted days, as tasks."""
        assert scope.stem is not None
        page = self._pages.folder(folder)
        outcome = _Outcome.of(page, [])
        generic = scope.stem.digits == "unknown"
        start = len(scope.stem.prefix)
        for child in page.folders:
            span = span_of(child, start)
            if span is None:
                # What is not dated below a dated folder of a free layout has been discovered by itself.
                if not generic or folder != scope.stem.prefix:
                    outcome.tasks.append(self._plain(scope, child, self._today))
                continue
            oldest, newest = span
            if (scope.first and newest < scope.first) or (scope.last and oldest > scope.last):
                continue
            if oldest == newest:
                outcome.tasks.append(self._plain(scope, child, newest))
            elif scope.wants(oldest) and scope.wants(newest):
                outcome.tasks.append(self._tree(scope, child, newest))
            else:
                outcome.tasks.append(_Task(scope, newest, partial(self._folders, scope, child)))
        if not generic or folder != scope.stem.prefix:
            outcome.refs = _kept(scope, page)
        return outcome

    def _by_day(self, scope: Scope, page: Page) -> list[_Task]:
        today = self._today
        dated = [(scope.day(key) or today, ref) for key, ref in page.refs if scope.keeps(key, ref)]
        dated.sort(key=itemgetter(0), reverse=True)
        return [
            _Task(scope, day, None, [ref for _, ref in pairs])
            for day, pairs in groupby(dated, key=itemgetter(0))
        ]


def _kept(scope: Scope, page: Page, before: str | None = None) -> list[ObjectRef]:
    return [ref for key, ref in page.refs if (before is None or key < before) and scope.keeps(key, ref)]
