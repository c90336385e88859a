"""A folder watched (inotify and its like) and walked again and again."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ashiato.core.errors import SourceUnavailable
from ashiato.core.settings import WatchedSource
from ashiato.sources.addresses import open_source
from ashiato.sources.files import FilesSource
from ashiato.sources.live import LiveSource, Sink
from ashiato.sources.live_kinds import LiveContext, live_kind, needed, options_of
from ashiato.sources.objects import ObjectRef
from ashiato.sources.passes import TICK, PassingSource

#: A file is taken when it has not changed for so long: one that is still being written is no object yet.
SETTLE_SECONDS = 0.5
#: A walk of a folder of many files costs a hundredth of the processor's time at most.
WALK_SHARE = 100
#: Changes that wait to be looked at; beyond them the next walk finds the files.
MOST_CHANGES = 100_000


@dataclass
class _Changed:
    """A file that changed: how it looked last, and since when (monotonic) it has looked so."""

    etag: str
    since: float


class WatchedFolder(PassingSource):
    """`type = "files"`. Where the system does not tell of changes (network file systems), walks find them."""

    def __init__(self, settings: WatchedSource, context: LiveContext) -> None:
        self.path = needed(settings, "path")
        self.options = options_of(settings)
        source = open_source(self.path, options=self.options)
        if not isinstance(source, FilesSource):
            raise SourceUnavailable(
                f"{self.path} is no folder", where=f"sources.{settings.name}.path", remedy="Name a folder."
            )
        super().__init__(settings.name, "files", source, context, settings.flow_format)
        self.files = source
        self._told: queue.Queue[str] = queue.Queue(MOST_CHANGES)
        self._changed: dict[str, _Changed] = {}
        self._watching: threading.Thread | None = None

    def pause(self, cost: float) -> float:
        return max(self.context.poll_seconds, cost * WALK_SHARE)

    def listed(self) -> Iterator[ObjectRef]:
        """What a walk finds; files that were just written have to settle first."""
        for ref in self.files.objects():
            if (self.context.clock() - ref.delivered_at).total_seconds() >= SETTLE_SECONDS:
                yield ref
            elif not self._told.full():
                self._told.put(ref.name)

    def meanwhile(self, sink: Sink, stop: threading.Event, *, during_pass: bool) -> None:
        del during_pass
        if self._watching is None or not self._watching.is_alive():
            self._watching = threading.Thread(
                target=self._watch, args=(stop,), name=f"ashiato-folder-{self.name}", daemon=True
            )
            self._watching.start()
        try:
            path = self._told.get(timeout=TICK if not self._changed else SETTLE_SECONDS / 5)
            self._note(path)
            while True:
                self._note(self._told.get_nowait())
        except queue.Empty:
            pass
        settled = self._settled()
        if settled:
            self.offering(self.files).offer_new(settled, sink, stop)

    def _watch(self, stop: threading.Event) -> None:
        """Ask the system for changes; on a failure wait, then end: the source's loop begins anew."""
        from watchfiles import Change, watch

        folder = Path(self.path).expanduser().resolve()
        try:
            for changes in watch(
                folder if folder.is_dir() else folder.parent,
                watch_filter=None, debounce=200, step=20, stop_event=stop, raise_interrupt=False,
                ignore_permission_denied=True,
            ):  # fmt: skip
                for kind, path in changes:
                    if kind is not Change.deleted and not self._told.full():
                        self._told.put(path)
        except OSError:
            # A folder that is not there (yet, any more) is the walk's to report.
            stop.wait(self.context.poll_seconds)

    def _note(self, path: str) -> None:
        if not self._wanted(path):
            return
        self._changed.setdefault(path, _Changed("", time.monotonic()))
        if Path(path).is_dir():
            self._note_below(path)

    def _note_below(self, folder: str) -> None:
        """Files can come into a new folder before the system watches it."""
        for ref in self._folder(folder).objects():
            if self._wanted(ref.name):
                self._changed.setdefault(ref.name, _Changed("", time.monotonic()))

    def _folder(self, path: str) -> FilesSource:
        return FilesSource(path, name=self.files.name, options=self.options)

    def _wanted(self, path: str) -> bool:
        """Below the folder, and no part of it hidden, as for a walk."""
        root = Path(self.path).expanduser().resolve()
        try:
            below = Path(path).relative_to(root)
        except ValueError:
            return False
        return not any(part.startswith(".") for part in below.parts)

    def _settled(self) -> list[ObjectRef]:
        """Files that have come to rest; the others are looked at again."""
        now = time.monotonic()
        refs: list[ObjectRef] = []
        for path, changed in list(self._changed.items()):
            ref = self.files.ref_of(path)
            if ref is None and Path(path).is_dir() and now - changed.since < SETTLE_SECONDS:
                continue
            if ref is None:
                del self._changed[path]
                if Path(path).is_dir():
                    self._note_below(path)
            elif ref.etag != changed.etag:
                changed.etag, changed.since = ref.etag, now
            elif now - changed.since >= SETTLE_SECONDS:
                del self._changed[path]
                # An empty file was only just made; if it stays so, a walk takes it.
                if ref.size:
                    refs.append(ref)
        return refs


@live_kind("files")
def _files(settings: WatchedSource, context: LiveContext) -> LiveSource:
    return WatchedFolder(settings, context)


__all__ = ["WatchedFolder"]
