"""A log group of CloudWatch Logs as a live source, asked by FilterLogEvents.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
Events are known by their event id: the same that a subscription or a second look brings. For a group with more than
about a megabyte a second, a subscription through Firehose is the better road.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from ashiato.core.clock import now
from ashiato.core.settings import WatchedSource
from ashiato.sources.aws_errors import is_throttling, service_error
from ashiato.sources.cursors import Cursors
from ashiato.sources.live import Sink, SourceState
from ashiato.sources.live_kinds import LiveContext, live_kind
from ashiato.sources.options import SourceOptions
from ashiato.sources.rates import TokenBucket, shared
from ashiato.sources.time_api import Habits, Happened, Stopped, Throttled
from ashiato.sources.trouble import Trouble
from ashiato.sources.watched import log_group_place, options_of, require
from ashiato.sources.windows import Follower

#: AWS allows 5 a second for an account and region; one is left to people and other tools.
RATE: Final = 4.0
#: Where the first start begins, unless `from` says: what is older is better exported to S3 and collected.
BACK: Final = timedelta(days=7)
HABITS: Final = Habits(
    every=15.0,
    least=timedelta(minutes=1),
    most=timedelta(minutes=30),
    sweeps=((timedelta(minutes=15), timedelta(hours=2)), (timedelta(hours=24), timedelta(hours=26))),
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class LogGroupApi:
    """FilterLogEvents of one log group, given by name or ARN."""

    most_back: timedelta | None = None

    def __init__(self, log_group: str, options: SourceOptions, rate: TokenBucket) -> None:
        self.group = log_group_place(log_group)[2]
        self.where = f"logs:{self.group}"
        self._group: dict[str, str] = (
            # Of a linked account only the ARN will do, and without its `:*`.
            {"logGroupIdentifier": log_group.removesuffix(":*")}
            if log_group.startswith("arn:")
            else {"logGroupName": log_group}
        )
        self._options = options
        self._rate = rate
        self._client: Any = None

    def pages(self, start: datetime, end: datetime, stop: threading.Event) -> Iterator[list[Happened]]:
        """See time_api.Api. A page may be empty while more follow; only a missing token is the end."""
        keys: dict[str, Any] = {**self._group, "startTime": milliseconds(start), "endTime": milliseconds(end)}
        while True:
            if not self._rate.wait(stop):
                raise Stopped
            answer = self._ask(keys)
            yield [self._event(event) for event in answer.get("events", ())]
            token = answer.get("nextToken")
            if not token or token == keys.get("nextToken"):
                return
            keys["nextToken"] = token

    def content(self, events: list[Happened]) -> bytes:
        """An answer of FilterLogEvents with these events."""
        group = json.dumps(self.group).encode()
        return b'{"logGroup":' + group + b',"events":[' + b",".join(event.raw for event in events) + b"]}"

    def _event(self, event: dict[str, Any]) -> Happened:
        id_ = str(event.get("eventId") or "")
        if not id_:
            said = f"{event.get('logStreamName')}\0{event.get('timestamp')}\0{event.get('message')}"
            id_ = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
        at, had = event.get("timestamp"), event.get("ingestionTime")
        return Happened(
            id_,
            moment(at) if isinstance(at, int) else _EPOCH,
            moment(had) if isinstance(had, int) else None,
            json.dumps(event, default=str).encode(),
        )

    def _ask(self, keys: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        from ashiato.sources.aws import client

        try:
            if self._client is None:
                self._client = client("logs", self._options)
            answer: dict[str, Any] = self._client.filter_log_events(**keys)
        except (ClientError, BotoCoreError, OSError) as error:
            found = service_error(error, self.group, "logs:FilterLogEvents", role_arn=self._options.role_arn)
            if is_throttling(error):
                raise Throttled(found.what, where=found.where, remedy=found.remedy) from error
            raise found from error
        return answer


class LiveLogGroup:
    """`type = "cloudwatch_logs"`."""

    def __init__(
        self,
        name: str,
        log_group: str,
        cursors: Cursors,
        *,
        options: SourceOptions,
        state: SourceState | None = None,
        back_to: datetime | None = None,
        flow_format: str | None = None,
        habits: Habits = HABITS,
        rate: TokenBucket | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.name = name
        self.state = state or SourceState(name, "cloudwatch_logs")
        self._clock = clock
        key = ("logs", options.profile, options.role_arn, options.region, options.endpoint_url)
        api = LogGroupApi(log_group, options, rate or shared(key, RATE))
        self._follower = Follower(
            name, api, cursors, state=self.state, trouble=Trouble(self.state, most=60.0, clock=clock),
            habits=habits, back_to=back_to or clock() - BACK, clock=clock, flow_format=flow_format,
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
    ) -> LiveLogGroup:
        """Of `[[sources]]`, type `cloudwatch_logs`. Raises WrongUse for what is missing."""
        group = require(source, "log_group")
        region, _, _ = log_group_place(group)
        options = options_of(source, region=region or source.region, attempts=2)
        return cls(
            source.name, group, cursors, options=options, state=state, back_to=day_begins(source),
            flow_format=source.flow_format, clock=clock, **timing,
        )  # fmt: skip

    def run(self, sink: Sink, stop: threading.Event) -> None:
        self.state.since = self.state.since or self._clock()
        self._follower.run(sink, stop)


def day_begins(source: WatchedSource) -> datetime | None:
    """Midnight (UTC) of the day after `from`; None where it is not given."""
    return None if source.from_ is None else datetime.combine(source.from_, time(), UTC)


def milliseconds(at: datetime) -> int:
    """Since 1970, rounded down."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def moment(since_1970: int) -> datetime:
    """A time from milliseconds; one beyond what a time can be is the end of them."""
    try:
        return _EPOCH + timedelta(milliseconds=since_1970)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


@live_kind("cloudwatch_logs")
def _log_group(source: WatchedSource, context: LiveContext) -> LiveLogGroup:
    return LiveLogGroup.from_settings(source, context.cursors, clock=context.clock)
