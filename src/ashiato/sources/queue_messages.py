"""Messages of a queue that were received and are not yet settled: kept invisible, then deleted or given back.

A message is deleted when everything that it announced or held is committed. Visibility is extended meanwhile, and
a batch of deletions that fails in part is tried again for that part.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ashiato.sources.trouble import Trouble

#: SQS makes a message visible 12 hours after its receive, however often that was put off.
LONGEST: Final = 11.5 * 3600
BATCH: Final = 10


@dataclass(eq=False)
class Held:
    """One received message. `tries` counts receives, this one included; `at` is when it was sent (UTC).

    `waiting` counts what it waits for; `lasting` and `passing` are failures that come again, or may not.
    """

    id: str
    receipt: str
    body: bytes
    tries: int
    at: datetime
    received: float
    until: float
    waiting: int = 0
    lasting: list[str] = field(default_factory=list)
    passing: list[str] = field(default_factory=list)


class Messages:
    """The messages held of one queue. `client` gives boto3's SQS client; `monotonic` seconds."""

    def __init__(
        self,
        client: Callable[[], Any],
        url: str,
        *,
        visibility: int,
        trouble: Trouble,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.visibility = visibility
        self._client = client
        self._url = url
        self._trouble = trouble
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._held: dict[str, Held] = {}
        self._deletable: dict[str, Held] = {}
        self._bytes = 0
        self._again_at = 0.0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def size(self) -> int:
        """Bytes of the bodies held."""
        return self._bytes

    def hold(self, message: Held) -> bool:
        """Hold a message. False: it is held already, and was received again; its newest receipt counts."""
        with self._lock:
            known = self._held.get(message.id)
            if known is not None:
                known.receipt, known.until = message.receipt, message.until
                known.tries = max(known.tries, message.tries)
                return False
            self._held[message.id] = message
            self._bytes += len(message.body)
            return True

    def held(self) -> list[Held]:
        """Those that still wait for something."""
        with self._lock:
            return [m for m in self._held.values() if m.id not in self._deletable]

    def delete(self, message: Held) -> None:
        """Let it be deleted by the next `flush`."""
        with self._lock:
            self._deletable[message.id] = message

    def give_back(self, message: Held, seconds: float) -> None:
        """Let it come again after so many seconds."""
        self._forget([message])
        self._change([message], int(min(seconds, 43_200)))

    def flush(self) -> bool:
        """Delete what may be deleted. False: some of it could not be, and is tried again later."""
        if not self._deletable or self._monotonic() < self._again_at:
            return not self._deletable
        with self._lock:
            waiting = list(self._deletable.values())
        failed: str | Exception | None = None
        for batch in _batches(waiting):
            entries = [{"Id": str(n), "ReceiptHandle": m.receipt} for n, m in enumerate(batch)]
            try:
                answer = self._client().delete_message_batch(QueueUrl=self._url, Entries=entries)
            except Exception as error:
                failed = _expected(error)
                break
            gone = [batch[int(said["Id"])] for said in answer.get("Successful", ())]
            for said in answer.get("Failed", ()):
                if said.get("SenderFault"):
                    # An outlived receipt: the message comes again, with nothing left to do for it.
                    gone.append(batch[int(said["Id"])])
                else:
                    failed = f"a message could not be deleted: {said.get('Code')}: {said.get('Message')}"
            self._forget(gone)
        if failed is None:
            self._trouble.well()
        else:
            self._again_at = self._monotonic() + self._trouble.failed(failed, counted="deletions failed")
        return failed is None

    def extend(self) -> None:
        """Put off that messages become visible again, for those of which half the time is over."""
        at = self._monotonic()
        due = [
            m for m in list(self._held.values())
            if m.until - at < self.visibility / 2 and at - m.received < LONGEST
        ]  # fmt: skip
        if due and self._change(due, self.visibility):
            for message in due:
                message.until = at + self.visibility

    def forget(self) -> None:
        """Hold none any more: they become visible to others by themselves."""
        with self._lock:
            self._held.clear()
            self._deletable.clear()
            self._bytes = 0

    def release(self) -> None:
        """Give all back at once: whoever comes next takes them."""
        left = self.held()
        self._forget(left)
        self._change(left, 0)

    def _change(self, messages: Iterable[Held], seconds: int) -> bool:
        for batch in _batches(list(messages)):
            entries = [
                {"Id": str(n), "ReceiptHandle": m.receipt, "VisibilityTimeout": seconds}
                for n, m in enumerate(batch)
            ]
            try:
                self._client().change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
            except Exception as error:
                # It becomes visible by itself, which costs a second reading and nothing else.
                _expected(error)
                return False
        return True

    def _forget(self, messages: Iterable[Held]) -> None:
        with self._lock:
            for message in messages:
                self._deletable.pop(message.id, None)
                if self._held.pop(message.id, None) is not None:
                    self._bytes -= len(message.body)


def _batches(messages: list[Held]) -> Iterator[list[Held]]:
    for start in range(0, len(messages), BATCH):
        yield messages[start : start + BATCH]


def _expected(error: Exception) -> Exception:
    """The error, where it is one of AWS's or of the network; anything else is a defect and goes on."""
    from botocore.exceptions import BotoCoreError, ClientError

    from ashiato.core.errors import AshiatoError

    if isinstance(error, BotoCoreError | ClientError | OSError | AshiatoError):
        return error
    raise error
