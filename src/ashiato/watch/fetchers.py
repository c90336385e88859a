"""Fetching what arrived by reference: threads of each source's own, so that a slow one holds up nobody else."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from ashiato.core.errors import SourceUnavailable
from ashiato.intake.units import Failure
from ashiato.sources.fetching import fetch_one
from ashiato.sources.objects import ObjectUnavailable
from ashiato.watch.waiting import Item


class Fetchers:
    """`fetched` gets each item with its content, `failed` each that could not be had, in the fetching thread.

    The threads are daemons: a request that hangs does not keep the process from ending.
    """

    def __init__(
        self, fetched: Callable[[Item], None], failed: Callable[[Item, Failure], None], *, most: int = 8
    ) -> None:
        self._fetched = fetched
        self._failed = failed
        self._most = most
        self._queues: dict[str, queue.SimpleQueue[Item]] = {}
        self._threads: dict[str, int] = {}
        self._lock = threading.Lock()
        self._busy = 0
        self._idle = threading.Condition(self._lock)
        self._stopping = False

    def fetch(self, item: Item) -> None:
        """Fetch the item in one of its source's threads, of which there are as many as the source is worth."""
        reader = item.arrivals[0].reader
        assert reader is not None
        with self._lock:
            waiting = self._queues.setdefault(item.source, queue.SimpleQueue())
            waiting.put(item)
            wanted = min(reader.at_once, self._most)
            if self._threads.get(item.source, 0) < wanted:
                self._threads[item.source] = self._threads.get(item.source, 0) + 1
                name = f"ashiato-fetch-{item.source}"
                threading.Thread(target=self._run, args=(waiting,), name=name, daemon=True).start()

    def _run(self, waiting: queue.SimpleQueue[Item]) -> None:
        while True:
            item = waiting.get()
            with self._lock:
                if self._stopping:
                    return
                self._busy += 1
            try:
                self._one(item)
            finally:
                with self._lock:
                    self._busy -= 1
                    self._idle.notify_all()

    def _one(self, item: Item) -> None:
        reader = item.arrivals[0].reader
        assert reader is not None
        try:
            ref, content = fetch_one(reader, item.ref)
        except SourceUnavailable as error:
            failure = Failure(item.ref, f"unreachable: {error.what}", error.remedy or "", retry=True)
        except Exception as error:
            # A reader that breaks its promise costs one object, not the thread.
            what = f"a defect of Ashiato, please report it: {type(error).__name__}: {error}"
            failure = Failure(item.ref, what, "", retry=True)
        else:
            if not isinstance(content, ObjectUnavailable):
                item.ref, item.content = ref, content
                self._fetched(item)
                return
            failure = Failure(ref, f"{content.reason}: {content.what}", content.remedy, content.retry)
        self._failed(item, failure)

    def stop(self, seconds: float) -> None:
        """Begin nothing more and wait for what is being fetched, so long at most."""
        with self._idle:
            self._stopping = True
            self._idle.wait_for(lambda: not self._busy, timeout=seconds)
