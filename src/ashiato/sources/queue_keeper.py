"""What becomes of received messages: deleted, given back, or put into quarantine; a thread beside the receiving one."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from ashiato.formats.notifications import read_notification
from ashiato.sources.live import Outcome, Sink, SourceState
from ashiato.sources.objects import ObjectRef, ObjectUnavailable
from ashiato.sources.queue_messages import Held, Messages
from ashiato.sources.queue_objects import PASSING, AnnouncedObjects
from ashiato.sources.trouble import Trouble, count

MOST_EXCUSED: Final = 10_000
LONGEST_REST: Final = 900.0
_STOPPED: Final = "the pipeline is stopping"
#: In place of a reference: all that a message stands for is handed over.
ALL: Final = ObjectRef("", "", "", 0, datetime.fromtimestamp(0, UTC))

CameBack = tuple[list[Held], ObjectRef, Outcome]


class Keeper:
    """Settles the messages of one queue, `queue_name`.

    `hints`: the messages are about the source's own bucket, so an object that cannot be read is a message that
    failed. After `most_tries` failed receives a message goes to quarantine; until then it rests `retry` seconds, twice as
    long each time. `trouble` tells of outages. Other threads only call `came_back`.
    """

    def __init__(
        self,
        name: str,
        queue_name: str,
        messages: Messages,
        objects: AnnouncedObjects,
        *,
        hints: bool,
        most_tries: int,
        retry: float,
        state: SourceState,
        trouble: Trouble,
    ) -> None:
        self.state = state
        self._name = name
        self._queue_name = queue_name
        self._messages = messages
        self._objects = objects
        self._hints = hints
        self._most_tries = most_tries
        self._retry = retry
        self._trouble = trouble
        self._outcomes: queue.SimpleQueue[CameBack] = queue.SimpleQueue()
        self._excused: OrderedDict[str, int] = OrderedDict()
        #: What ended `run` too early; for the receiving thread to raise.
        self.defect: Exception | None = None

    def came_back(self, messages: list[Held], ref: ObjectRef, outcome: Outcome) -> None:
        """Something that these messages waited for is done; from any thread, never blocks."""
        self._outcomes.put((messages, ref, outcome))

    def run(self, sink: Sink, ended: threading.Event) -> None:
        """Until `ended`: then what is deletable is deleted, and the others are given back."""
        try:
            self._run(sink, ended)
        except Exception as error:
            self.defect = error

    def _run(self, sink: Sink, ended: threading.Event) -> None:
        extend_at = 0.0
        while True:
            over = ended.is_set()
            for messages, ref, outcome in self._waiting(0.0 if over else 0.5):
                self._account(messages, ref, outcome, sink)
            self._messages.flush()
            if over:
                self._messages.release()
                return
            if time.monotonic() >= extend_at:
                self._messages.extend()
                extend_at = time.monotonic() + min(5.0, self._messages.visibility / 4)

    def _waiting(self, seconds: float) -> Iterable[CameBack]:
        try:
            yield self._outcomes.get(timeout=seconds) if seconds else self._outcomes.get_nowait()
            while True:
                yield self._outcomes.get_nowait()
        except queue.Empty:
            return

    def _account(self, messages: list[Held], ref: ObjectRef, outcome: Outcome, sink: Sink) -> None:
        if outcome == "failed" and ref is not ALL:
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
            self._trouble.well()
            self._messages.delete(message)
            return
        excused = self._excused.pop(message.id, 0)
        tries = message.tries - excused
        if message.passing:
            # An outage is no fault of the message: such a receive does not count.
            excused += 1
            if message.passing[0] != _STOPPED:
                self._trouble.failed(message.passing[0])
        elif tries >= self._most_tries and self._quarantined(message, sink):
            return
        if excused:
            self._excused[message.id] = excused
            while len(self._excused) > MOST_EXCUSED:
                self._excused.popitem(last=False)
        count(self.state, "came back")
        rest = self._retry * 2 ** min(max(tries, 1) - 1, 10)
        self._messages.give_back(message, min(LONGEST_REST, rest))

    def _quarantined(self, message: Held, sink: Sink) -> bool:
        digest = hashlib.sha256(message.body).hexdigest()
        name = f"sqs:{self._queue_name}/message/{message.id}"
        ref = ObjectRef(self._name, name, digest, len(message.body), message.at)
        reason = f"a message that failed {message.tries} times: {message.lasting[0]}"
        try:
            sink.quarantine(ref, message.body, reason)
        except Exception as error:
            # Not kept: it comes again.
            self._trouble.failed(error)
            return False
        count(self.state, "quarantined")
        self._messages.delete(message)
        return True
