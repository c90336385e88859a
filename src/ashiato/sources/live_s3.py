"""A bucket listed again and again by the cadence of sources/cadence.py, within its request budget."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import date, timedelta

from ashiato.core.settings import WatchedSource
from ashiato.sources.addresses import open_source
from ashiato.sources.listings import MemoryListings
from ashiato.sources.live import LiveSource, Sink
from ashiato.sources.live_kinds import LiveContext, live_kind, needed, options_of
from ashiato.sources.objects import ObjectRef, Source
from ashiato.sources.passes import PassingSource

#: Days begin at midnight UTC; what was delivered just before is found just after.
_OVERLAP = timedelta(hours=1)


class ListedBucket(PassingSource):
    """`type = "s3"`: late, overwritten and unannounced objects are found, whatever notifications did.

    While a pass takes longer than `poll_seconds` (the first one, or one after a long stop), today's folders
    are listed beside it, so that years of history do not hold up what is delivered now.
    """

    def __init__(self, settings: WatchedSource, context: LiveContext) -> None:
        self.options = options_of(settings)
        self.address = f"s3://{needed(settings, 'bucket')}/{settings.prefix}"
        source = open_source(self.address, options=self.options, listings=context.listings)
        super().__init__(settings.name, "s3", source, context, settings.flow_format)
        self._recent_at = time.monotonic()
        self._today: tuple[date, Source] | None = None

    def earlier(self) -> list[ObjectRef]:
        return self.context.failed(self.source.name, self.address)

    def ended(self) -> None:
        requests = self.context.listings.requests(self.source.name, self.context.clock().date())
        self.state.counts["list_requests_today"] = sum(requests.values())

    def meanwhile(self, sink: Sink, stop: threading.Event, *, during_pass: bool) -> None:
        progress = self.source.progress
        if progress.deferred:
            self.state.forecast = f"{progress.deferred:,} folders wait for the request budget"
        elif during_pass and self.state.last_poll is None:
            self.state.forecast = f"first pass: {progress.objects:,} objects listed, newest first"
        else:
            self.state.forecast = None
        if not during_pass:
            self._recent_at = time.monotonic()
        elif time.monotonic() - self._recent_at >= self.context.poll_seconds:
            self._recent(sink, stop)
            return
        super().meanwhile(sink, stop, during_pass=during_pass)

    def _recent(self, sink: Sink, stop: threading.Event) -> None:
        """List today's folders. Nothing is remembered of it: the pass that runs beside it remembers."""
        today = (self.context.clock() - _OVERLAP).date()
        first = max(today, self.options.from_) if self.options.from_ else today
        if self._today is None or self._today[0] != first:
            options = replace(self.options, from_=first)
            self._today = first, open_source(self.address, options=options, listings=_Counting(self.context))
        source = self._today[1]
        self.offering(source).offer_new(source.objects(), sink, stop)
        self._recent_at = time.monotonic()


class _Counting(MemoryListings):
    """Counts requests in the home's listings and remembers nothing else."""

    def __init__(self, context: LiveContext) -> None:
        super().__init__()
        self.requests = context.listings.requests  # type: ignore[method-assign]
        self.add_requests = context.listings.add_requests  # type: ignore[method-assign]


@live_kind("s3")
def _s3(settings: WatchedSource, context: LiveContext) -> LiveSource:
    return ListedBucket(settings, context)
