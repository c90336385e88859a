"""CloudTrail's event history as a live source, asked by LookupEvents: for accounts that have no trail yet.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
Management events of one account, 90 days back, each region by itself; two requests a second, fifty events a page,
newest first. What is new comes first; the history is read behind it, and how long that takes is told.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from ashiato.core.clock import now
from ashiato.core.settings import WatchedSource
from ashiato.sources.aws_errors import is_throttling, service_error
from ashiato.sources.cursors import Cursors
from ashiato.sources.live import Sink, SourceState
from ashiato.sources.live_kinds import LiveContext, live_kind
from ashiato.sources.live_log_group import day_begins
from ashiato.sources.options import SourceOptions
from ashiato.sources.rates import TokenBucket, shared
from ashiato.sources.time_api import Habits, Happened, Stopped, Throttled
from ashiato.sources.trouble import Trouble
from ashiato.sources.watched import faults, options_of
from ashiato.sources.windows import Follower

RATE: Final = 2.0
PAGE: Final = 50
KEPT: Final = timedelta(days=90)
HABITS: Final = Habits(
    every=60.0,
    least=timedelta(minutes=10),
    most=timedelta(minutes=30),
    sweeps=((timedelta(hours=1), timedelta(hours=2)), (timedelta(hours=24), timedelta(hours=26))),
    window=timedelta(hours=6),
)


class LookupApi:
    """LookupEvents of one region."""

    most_back: timedelta | None = KEPT

    def __init__(self, region: str, options: SourceOptions, rate: TokenBucket) -> None:
        self.where = f"lookup:{region}"
        self._options = options
        self._rate = rate
        self._client: Any = None

    def pages(self, start: datetime, end: datetime, stop: threading.Event) -> Iterator[list[Happened]]:
        """See time_api.Api. Newest first; the token goes with the very same other parameters."""
        keys: dict[str, Any] = {"StartTime": start, "EndTime": end, "MaxResults": PAGE}
        while True:
            if not self._rate.wait(stop):
                raise Stopped
            answer = self._ask(keys)
            yield [_event(event) for event in answer.get("Events", ())]
            token = answer.get("NextToken")
            if not token or token == keys.get("NextToken"):
                return
            keys["NextToken"] = token

    def content(self, events: list[Happened]) -> bytes:
        """An answer of LookupEvents with these events."""
        return b'{"Events":[' + b",".join(event.raw for event in events) + b"]}"

    def _ask(self, keys: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        from ashiato.sources.aws import client

        try:
            if self._client is None:
                self._client = client("cloudtrail", self._options)
            answer: dict[str, Any] = self._client.lookup_events(**keys)
        except (ClientError, BotoCoreError, OSError) as error:
            where, role = self.where, self._options.role_arn
            found = service_error(error, where, "cloudtrail:LookupEvents", role_arn=role)
            if is_throttling(error):
                raise Throttled(found.what, where=found.where, remedy=found.remedy) from error
            raise found from error
        return answer


class LiveLookup:
    """`type = "lookup_events"`: each region is followed in a thread of its own, by its own rate."""

    def __init__(
        self,
        name: str,
        regions: list[str],
        cursors: Cursors,
        *,
        options: Callable[[str], SourceOptions],
        state: SourceState | None = None,
        back_to: datetime | None = None,
        habits: Habits = HABITS,
        rate: float = RATE,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.name = name
        self.state = state or SourceState(name, "lookup_events")
        self._clock = clock
        self._forecasts: dict[str, str] = {}
        self._followers: list[Follower] = []
        oldest = clock() - KEPT
        for region in dict.fromkeys(regions):
            told = options(region)
            key = ("cloudtrail", told.profile, told.role_arn, region, told.endpoint_url)
            bucket = shared(key, rate) if rate == RATE else TokenBucket(rate)
            self._followers.append(
                Follower(
                    name, LookupApi(region, told, bucket), cursors, state=self.state,
                    trouble=Trouble(self.state, most=60.0, clock=clock), habits=habits,
                    back_to=max(back_to or oldest, oldest), clock=clock, show=partial(self._show, region),
                )
            )  # fmt: skip

    @classmethod
    def from_settings(
        cls,
        source: WatchedSource,
        cursors: Cursors,
        *,
        state: SourceState | None = None,
        clock: Callable[[], datetime] = now,
        **timing: Any,
    ) -> LiveLookup:
        """Of `[[sources]]`, type `lookup_events`. Raises WrongUse for what is missing."""
        for fault in faults(source):
            raise fault
        regions = source.regions or [str(source.region)]

        def options(region: str) -> SourceOptions:
            # Throttling is answered here, by pauses that grow, and shown; not silently within botocore.
            return options_of(source, region=region, attempts=1)

        return cls(
            source.name, regions, cursors, options=options, state=state, back_to=day_begins(source),
            clock=clock, **timing,
        )  # fmt: skip

    def run(self, sink: Sink, stop: threading.Event) -> None:
        self.state.since = self.state.since or self._clock()
        raised: list[BaseException] = []

        def follow(follower: Follower) -> None:
            try:
                follower.run(sink, stop)
            except BaseException as error:
                # A defect in one region: the others go on, and it is raised when they end.
                self.state.error = (
                    f"{follower.api.where}: a defect of Ashiato: {type(error).__name__}: {error}"
                )
                raised.append(error)

        threads = [
            threading.Thread(target=follow, args=(f,), name=f"{self.name}-{f.api.where}", daemon=True)
            for f in self._followers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if raised:
            raise raised[0]

    def _show(self, region: str, forecast: str | None) -> None:
        if forecast is None:
            self._forecasts.pop(region, None)
        else:
            self._forecasts[region] = forecast
        self.state.forecast = "; ".join(self._forecasts[r] for r in sorted(self._forecasts)) or None


def _event(event: dict[str, Any]) -> Happened:
    at = event.get("EventTime")
    at = at.astimezone(UTC) if isinstance(at, datetime) else datetime(1970, 1, 1, tzinfo=UTC)
    told = {name: value for name, value in event.items() if name != "EventTime"} | {
        "EventTime": at.isoformat()
    }
    raw = json.dumps(told, default=str)
    return Happened(str(event.get("EventId") or raw), at, None, raw.encode())


@live_kind("lookup_events")
def _lookup(source: WatchedSource, context: LiveContext) -> LiveLookup:
    return LiveLookup.from_settings(source, context.cursors, clock=context.clock)
