"""A queue of SQS as a live source: notifications that announce objects, and messages that hold records.

`type = "s3"` with `queue`: messages are hints, their objects are read from S3. `type = "sqs"`: records themselves
(EventBridge's CloudTrail events, Config's notifications), and the objects that such messages name. A message is
deleted after the commit of all that it stands for; docs/sources.md says what becomes of the others.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from ashiato.core.clock import now
from ashiato.core.errors import SourceUnavailable
from ashiato.core.settings import WatchedSource
from ashiato.formats.notifications import NamedObject, read_notification
from ashiato.sources.aws_errors import service_error
from ashiato.sources.live import Arrival, Outcome, Sink, SourceState
from ashiato.sources.live_kinds import LiveContext, live_kind
from ashiato.sources.objects import ObjectRef, ObjectUnavailable
from ashiato.sources.options import SourceOptions
from ashiato.sources.queue_keeper import ALL, Keeper
from ashiato.sources.queue_messages import BATCH, Held, Messages
from ashiato.sources.queue_objects import PASSING, AnnouncedObjects
from ashiato.sources.trouble import Trouble, count
from ashiato.sources.watched import options_of, queue_region, require

#: Messages of one reading of a busy queue, and of records that wait to be handed over as one content.
MOST_AT_ONCE: Final = 500
MOST_BYTES: Final = 4 << 20
#: Messages and bytes of them that are held until their commit.
MOST_HELD: Final = 5_000
MOST_HELD_BYTES: Final = 64 << 20
RECEIVERS: Final = 8
BACKLOG_EVERY: Final = 60.0


class LiveQueue:
    """Receives from `url` until stopped. `objects` finds what messages announce.

    `visibility`: seconds that a message stays away from others, extended while it waits; `wait`: seconds of long
    polling; `retry`: seconds after which a message that failed comes again, doubled each time; `linger`: seconds
    that a stop waits for commits on their way.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        objects: AnnouncedObjects,
        options: SourceOptions,
        kind: str = "sqs",
        state: SourceState | None = None,
        flow_format: str | None = None,
        most_tries: int = 5,
        visibility: int = 120,
        wait: int = 5,
        retry: float = 10.0,
        linger: float = 3.0,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.name = name
        self.state = state or SourceState(name, kind)
        self._url = url
        self._objects = objects
        self._options = options
        self._hints = kind == "s3"
        self._flow_format = flow_format
        self._wait = wait
        self._linger = linger
        self._clock = clock
        self._queue_name = urlsplit(url).path.rpartition("/")[2] or "queue"
        self._trouble = Trouble(self.state, clock=clock)
        self._reading = Trouble(self.state, clock=clock)
        deleting = Trouble(self.state, most=60.0, clock=clock)
        self._messages = Messages(self._sqs, url, visibility=visibility, trouble=deleting)
        self._keeper = Keeper(
            name, self._queue_name, self._messages, objects, hints=self._hints, most_tries=most_tries, retry=retry,
            state=self.state, trouble=self._reading,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._on_the_way: dict[ObjectRef, list[Held]] = {}
        self._unreachable: SourceUnavailable | None = None
        self._client: Any = None
        self._backlog_at = 0.0

    @classmethod
    def from_settings(
        cls,
        source: WatchedSource,
        *,
        bucket_source: str | None = None,
        state: SourceState | None = None,
        clock: Callable[[], datetime] = now,
        **timing: Any,
    ) -> LiveQueue:
        """Of `[[sources]]`, type `sqs`, or `s3` with a queue. Raises WrongUse for what is missing.

        `bucket_source` is the name by which listing knows the bucket's objects (default `s3://bucket`); with
        `state`, listing and queue show as one source.
        """
        url = require(source, "queue")
        options = options_of(source, attempts=3)
        bucket = require(source, "bucket") if source.type == "s3" else None
        objects = AnnouncedObjects(
            source.name, options, bucket=bucket, prefix=source.prefix, clock=clock,
            bucket_source=bucket_source or (bucket and f"s3://{bucket}"),
        )  # fmt: skip
        return cls(
            source.name, url, objects=objects, options=queue_options(source), kind=source.type, state=state,
            flow_format=source.flow_format, most_tries=source.most_tries, clock=clock, **timing,
        )  # fmt: skip

    def run(self, sink: Sink, stop: threading.Event) -> None:
        self.state.since = self.state.since or self._clock()
        # After a defect this is begun again: what was held then comes again by itself.
        self._messages.forget()
        self._keeper.defect = None
        ended = threading.Event()
        thread = f"{self.name}-keeper"
        keeper = threading.Thread(target=self._keeper.run, args=(sink, ended), name=thread, daemon=True)
        keeper.start()
        pool = ThreadPoolExecutor(RECEIVERS, f"{self.name}-receive")
        try:
            while not stop.is_set():
                if self._keeper.defect is not None:
                    raise self._keeper.defect
                if len(self._messages) >= MOST_HELD or self._messages.size >= MOST_HELD_BYTES:
                    stop.wait(0.05)
                elif not self._round(sink, pool, stop):
                    break
            until = time.monotonic() + self._linger
            while len(self._messages) and time.monotonic() < until:
                time.sleep(0.02)
        finally:
            ended.set()
            keeper.join()
            pool.shutdown(wait=False, cancel_futures=True)

    def _round(self, sink: Sink, pool: ThreadPoolExecutor, stop: threading.Event) -> bool:
        """Receive and hand over once. False: the pipeline is stopping."""
        received, error = self._receive(self._wait)
        if len(received) == BATCH and error is None:
            received, error = self._more(received, pool)
        if error is not None:
            stop.wait(self._trouble.failed(error))
        else:
            self._trouble.well()
            self.state.last_poll = self._clock()
        self._look_at_backlog()
        fresh = [message for message in received if self._messages.hold(message)]
        return not fresh or self._hand_over(fresh, sink, stop)

    def _more(self, received: list[Held], pool: ThreadPoolExecutor) -> tuple[list[Held], Exception | None]:
        """A queue that has more is read by several at once."""
        while len(received) < MOST_AT_ONCE and sum(len(m.body) for m in received) < MOST_BYTES:
            answers = list(pool.map(lambda _: self._receive(0), range(RECEIVERS)))
            received += [message for messages, _ in answers for message in messages]
            error = next((e for _, e in answers if e is not None), None)
            if error is not None:
                return received, error
            if sum(len(messages) for messages, _ in answers) < RECEIVERS * BATCH // 2:
                break
        return received, None

    def _receive(self, wait: int) -> tuple[list[Held], Exception | None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._sqs().receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=wait,
                VisibilityTimeout=self._messages.visibility,
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            )
        except (ClientError, BotoCoreError, OSError) as error:
            return [], self._said(error, "sqs:ReceiveMessage")
        except (SourceUnavailable, ValueError) as error:
            return [], error
        at = time.monotonic()
        return [self._held(message, at) for message in answer.get("Messages", ())], None

    def _held(self, message: dict[str, Any], at: float) -> Held:
        told = message.get("Attributes", {})
        sent = told.get("SentTimestamp", "")
        return Held(
            message["MessageId"],
            message["ReceiptHandle"],
            message.get("Body", "").encode("utf-8", "backslashreplace"),
            int(told.get("ApproximateReceiveCount") or 1),
            datetime.fromtimestamp(int(sent) / 1000, UTC) if sent.isdigit() else self._clock(),
            at,
            at + self._messages.visibility,
        )

    def _hand_over(self, messages: list[Held], sink: Sink, stop: threading.Event) -> bool:
        count(self.state, "messages", len(messages))
        holding: list[tuple[Held, tuple[bytes, ...]]] = []
        announced: list[tuple[Held, ObjectRef]] = []
        for message in messages:
            # Whatever comes back before all of it is handed over must not settle it.
            message.waiting += 1
            found = read_notification(message.body)
            if found.unknown is not None:
                message.lasting.append(found.unknown)
            if found.records:
                holding.append((message, found.records))
            for named in found.objects:
                ref = self._reference(named, message)
                if ref is not None:
                    announced.append((message, ref))
        going = self._offer_objects(announced, sink) and self._offer_records(holding, sink)
        for message in messages:
            self._keeper.came_back([message], ALL, "committed" if going else "failed")
        if going and self._unreachable:
            stop.wait(self._reading.failed(self._unreachable))
            self._unreachable = None
        return going

    def _reference(self, named: NamedObject, message: Held) -> ObjectRef | None:
        why = self._objects.elsewhere(named)
        if why is not None:
            count(self.state, f"left out: {why}")
            return None
        try:
            return self._objects.reference(named)
        except ObjectUnavailable as error:
            if self._hints or named.only_here or error.reason in PASSING:
                (message.passing if error.reason in PASSING else message.lasting).append(str(error))
            else:
                # Config's deliveries: whoever takes its records here need not read its bucket.
                count(self.state, "announced, not readable here")
        except SourceUnavailable as error:
            message.passing.append(str(error))
            self._unreachable = error
        return None

    def _offer_objects(self, announced: list[tuple[Held, ObjectRef]], sink: Sink) -> bool:
        known = sink.known([ref for _, ref in announced]) if announced else set()
        for message, ref in announced:
            if ref in known:
                count(self.state, "known")
                continue
            with self._lock:
                message.waiting += 1
                others = self._on_the_way.get(ref)
                if others is not None:
                    others.append(message)
                    continue
                self._on_the_way[ref] = [message]
            arrival = Arrival(ref, reader=self._objects, flow_format=self._flow_format)
            arrival.done = partial(self._object_done, ref)
            taken = False
            try:
                taken = self._offered(arrival, sink)
            finally:
                if not taken:
                    self._object_done(ref, "failed")
            if not taken:
                return False
        return True

    def _offer_records(self, holding: list[tuple[Held, tuple[bytes, ...]]], sink: Sink) -> bool:
        """Records of many messages as one content: documents one after another, each with a key of its own."""
        batch: list[tuple[Held, tuple[bytes, ...]]] = []
        size = 0
        for entry in [*holding, None]:
            if batch and (entry is None or size > MOST_BYTES):
                content = b"\n".join(record for _, records in batch for record in records)
                senders = [message for message, _ in batch]
                digest = hashlib.sha256(content).hexdigest()
                at = max(message.at for message in senders)
                ref = ObjectRef(self.name, f"sqs:{self._queue_name}/{digest}", digest, len(content), at)
                for message in senders:
                    message.waiting += 1
                arrival = Arrival(ref, content, flow_format=self._flow_format)
                arrival.done = partial(self._keeper.came_back, senders, ref)
                if not self._offered(arrival, sink):
                    return False
                count(self.state, "records", sum(len(records) for _, records in batch))
                batch, size = [], 0
            if entry is not None:
                batch.append(entry)
                size += sum(map(len, entry[1]))
        return True

    def _offered(self, arrival: Arrival, sink: Sink) -> bool:
        if not sink.offer(arrival):
            return False
        self.state.last_arrival = self._clock()
        return True

    def _object_done(self, ref: ObjectRef, outcome: Outcome) -> None:
        with self._lock:
            messages = self._on_the_way.pop(ref, [])
        self._keeper.came_back(messages, ref, outcome)

    def _look_at_backlog(self) -> None:
        """How many messages wait; nobody needs the grant for it."""
        from botocore.exceptions import BotoCoreError, ClientError

        if time.monotonic() < self._backlog_at:
            return
        self._backlog_at = time.monotonic() + BACKLOG_EVERY
        try:
            told = self._sqs().get_queue_attributes(
                QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"]
            )
            self.state.backlog = int(told["Attributes"]["ApproximateNumberOfMessages"])
        except (ClientError, BotoCoreError, OSError, SourceUnavailable, KeyError, ValueError):
            self.state.backlog = None

    def _sqs(self) -> Any:
        with self._lock:
            if self._client is None:
                from ashiato.sources.aws import client

                self._client = client("sqs", self._options)
            return self._client

    def _said(self, error: Exception, grant: str) -> SourceUnavailable:
        return service_error(error, self._url, grant, role_arn=self._options.role_arn)


def queue_options(source: WatchedSource) -> SourceOptions:
    """How to reach the queue: at the endpoint of its URL, where that is not AWS's own, and in its region."""
    from ashiato.sources.aws import is_aws

    url = require(source, "queue")
    parts = urlsplit(url)
    endpoint = None if source.type == "s3" else source.endpoint_url
    if not is_aws(url):
        endpoint = f"{parts.scheme}://{parts.netloc}"
    sts = source.endpoint_url if source.endpoint_url and not is_aws(source.endpoint_url) else None
    return options_of(
        source, endpoint_url=endpoint, region=queue_region(url) or source.region, attempts=3,
        workers=RECEIVERS, sts_endpoint_url=sts,
    )  # fmt: skip


@live_kind("sqs")
def _records(source: WatchedSource, context: LiveContext) -> LiveQueue:
    return LiveQueue.from_settings(source, clock=context.clock)


@live_kind("s3", needs="queue")
def _hints(source: WatchedSource, context: LiveContext) -> LiveQueue:
    # A state of its own: how the listing fares says who is silent, and a queue does not.
    return LiveQueue.from_settings(source, state=SourceState(source.name, "s3 queue"), clock=context.clock)
