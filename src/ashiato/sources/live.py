"""Sources that never stop: what they hand over, and what they are told afterwards.

A live source runs in a thread of its own and offers *arrivals* to a sink. The sink blocks while too many
bytes wait (back-pressure), and calls `done` of each arrival after its records are committed: only then may a
source delete a message or acknowledge a request. Nothing here writes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from ashiato.sources.objects import ObjectRef, Source

#: committed: its records are in the lake (or were already); quarantined: its bytes are kept, unreadable;
#: failed: it could not be fetched now and must come again.
Outcome = Literal["committed", "quarantined", "failed"]


@dataclass(slots=True)
class Arrival:
    """One delivered object or message on its way in.

    With `content`, the bytes exist nowhere else: the pipeline spools and syncs them before `kept` is called
    (an HTTP request may then be answered), and commits them later. Without it, `reader.fetch(ref)` brings
    them, and they can be fetched again. `done` is called once, from the pipeline's thread, and must not block.
    """

    ref: ObjectRef
    content: bytes | None = None
    reader: Source | None = None
    flow_format: str | None = None
    kept: Callable[[], None] | None = None
    done: Callable[[Outcome], None] | None = None

    @property
    def size(self) -> int:
        """Bytes that wait in memory for it."""
        return len(self.content) if self.content is not None else self.ref.size


class Sink(Protocol):
    """Where live sources hand over. Safe to call from any thread."""

    def offer(self, arrival: Arrival) -> bool:
        """Hand over; blocks while too much waits. False: the pipeline is stopping, nothing was taken over."""
        ...

    def known(self, refs: list[ObjectRef]) -> set[ObjectRef]:
        """Those of the objects that the ledger has as taken, skipped or quarantined."""
        ...

    def quarantine(self, ref: ObjectRef, content: bytes, reason: str) -> None:
        """Keep bytes that nobody can read; returns when they are kept for good."""
        ...


@dataclass
class SourceState:
    """How a live source fares; shown by `ashiato sources`, `/healthz` and `/metrics`. Times in UTC."""

    name: str
    type: str
    since: datetime | None = None
    last_poll: datetime | None = None
    last_arrival: datetime | None = None
    error: str | None = None
    error_since: datetime | None = None
    retry_at: datetime | None = None
    backlog: int | None = None
    forecast: str | None = None
    counts: dict[str, int] = field(default_factory=dict)


class LiveSource(Protocol):
    """A source that is run in a thread until `stop`."""

    name: str
    state: SourceState

    def run(self, sink: Sink, stop: threading.Event) -> None:
        """Offer what comes until `stop` is set. Expected failures (network, throttling, missing permission) are
        noted in `state.error` and tried again with growing pauses; what is raised is a defect."""
        ...
