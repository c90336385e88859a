"""A queue of SQS as a live source: notifications that announce objects, and messages that hold records.

`type = "s3"` with `queue`: messages are hints, their objects are read from S3. `type = "sqs"`: records themselves
(EventBridge's CloudTrail events, Config's notifications), and the objects that such messages name. A message is
deleted after the commit of all that it stands for; docs/sources.md says what becomes of the others.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
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
from ashiato.sources.objects import ObjectRef, ObjectUnavailable
from ashiato.sources.options import SourceOptions
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
        self._most_tries = most_tries
        self._wait = wait
        self._retry = retry
        self._linger = linger
        self._clock = clock
        self._queue_name = urlsplit(url).path.rpartition("/")[2] or "queue"
        self._trouble = Trouble(self.state, clock=clock)
        self._reading = Trouble(self.state, clock=clock)
        deleting = Trouble(self.state, most=60.0, clock=clock)
        self._messages = Messages(self._sqs, url, visibility=visibility, trouble=deleting)
        self._outcomes: queue.SimpleQueue[tuple[list[Held], ObjectRef, Outcome]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._on_the_way: dict[ObjectRef, list[Held]] = {}
        self._excused: OrderedDict[str, int] = OrderedDict()
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
        ended = threading.Event()
        keeper = threading.Thread(
            target=self._keep, args=(sink, ended), name=f"{self.name}-keeper", daemon=True
        )
        keeper.start()
        pool = ThreadPoolExecutor(RECEIVERS, f"{self.name}-receive")
        try:
            while not stop.is_set():
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
            self._outcomes.put(([message], _NOTHING, "committed" if going else "failed"))
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
                arrival.done = partial(self._records_done, senders, ref)
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
        self._outcomes.put((messages, ref, outcome))

    def _records_done(self, messages: list[Held], ref: ObjectRef, outcome: Outcome) -> None:
        self._outcomes.put((messages, ref, outcome))

    def _keep(self, sink: Sink, ended: threading.Event) -> None:
        """The second thread: what came back settles messages; the others stay invisible."""
        extend_at = 0.0
        while True:
            over = ended.is_set()
            for messages, ref, outcome in self._came_back(0.0 if over else 0.5):
                self._account(messages, ref, outcome, sink)
            self._messages.flush()
            if over:
                self._messages.release()
                return
            if time.monotonic() >= extend_at:
                self._messages.extend()
                extend_at = time.monotonic() + min(5.0, self._messages.visibility / 4)

    def _came_back(self, seconds: float) -> Iterable[tuple[list[Held], ObjectRef, Outcome]]:
        try:
            yield self._outcomes.get(timeout=seconds) if seconds else self._outcomes.get_nowait()
            while True:
                yield self._outcomes.get_nowait()
        except queue.Empty:
            return

    def _account(self, messages: list[Held], ref: ObjectRef, outcome: Outcome, sink: Sink) -> None:
        if outcome == "failed" and ref is not _NOTHING:
            self._note_failure(messages, ref)
        elif outcome == "failed":
            for message in messages:
                message.passing.append(_STOPPED)
        for message in messages:
            message.waiting -= 1
            if message.waiting == 0:
                self._settle(message, sink)

    def _note_failure(self, messages: list[Held], ref: ObjectRef) -> None:
        why = self._objects.why(ref)
        lasting = isinstance(why, ObjectUnavailable) and why.reason not in PASSING
        for message in messages:
            if not lasting:
                message.passing.append(str(why or "it could not be taken"))
            elif self._hints or self._only_here(message):
                message.lasting.append(str(why))
            else:
                count(self.state, "announced, not readable here")

    def _only_here(self, message: Held) -> bool:
        return any(named.only_here for named in read_notification(message.body).objects)

    def _settle(self, message: Held, sink: Sink) -> None:
        """Everything that it stands for came back."""
        if not message.lasting and not message.passing:
            self._excused.pop(message.id, None)
            self._reading.well()
            self._messages.delete(message)
            return
        excused = self._excused.pop(message.id, 0)
        tries = message.tries - excused
        if message.passing:
            # An outage is no fault of the message: such a receive does not count.
            if message.passing[0] != _STOPPED:
                self._reading.failed(message.passing[0])
            self._excused[message.id] = excused + 1
            while len(self._excused) > MOST_HELD * 2:
                self._excused.popitem(last=False)
        elif tries >= self._most_tries and self._quarantined(message, sink):
            return
        else:
            self._excused[message.id] = excused
        count(self.state, "came back")
        self._messages.give_back(message, min(900.0, self._retry * 2 ** min(max(tries, 1) - 1, 10)))

    def _quarantined(self, message: Held, sink: Sink) -> bool:
        digest = hashlib.sha256(message.body).hexdigest()
        name = f"sqs:{self._queue_name}/message/{message.id}"
        ref = ObjectRef(self.name, name, digest, len(message.body), message.at)
        reason = f"a message that failed {message.tries} times: {message.lasting[0]}"
        try:
            sink.quarantine(ref, message.body, reason)
        except Exception as error:
            self._reading.failed(error)
            return False
        count(self.state, "quarantined")
        self._messages.delete(message)
        return True

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


_STOPPED: Final = "the pipeline is stopping"
#: In place of a reference: all of a message is handed over.
_NOTHING: Final = ObjectRef("", "", "", 0, datetime.fromtimestamp(0, UTC))


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
