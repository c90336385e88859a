"""What stands in for the pipeline in tests of live sources, and a wire that can be cut."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ashiato.core.errors import SourceUnavailable
from ashiato.formats.reader import LogReader
from ashiato.formats.reading import ObjectOrigin, Rows, Unreadable
from ashiato.sources.live import Arrival, LiveSource, Outcome
from ashiato.sources.objects import ObjectRef, ObjectUnavailable

PATIENCE = 30.0


def until(what: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for a promise to be kept."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.03)


class MemorySink:
    """Keeps arrivals in order, "commits" them in a thread of its own while `committing` is set.

    `most` bounds the bytes that wait (then `offer` blocks); `broken` is raised by `offer` as a full disk would.
    """

    def __init__(self, *, most: int = 64 << 20) -> None:
        self.committing = threading.Event()
        self.committing.set()
        self.stopping = threading.Event()
        self.broken: Exception | None = None
        self.keeping = True
        self.arrivals: list[Arrival] = []
        self.contents: list[tuple[ObjectRef, bytes, str | None]] = []
        self.outcomes: list[tuple[ObjectRef, Outcome]] = []
        self.quarantined: list[tuple[ObjectRef, bytes, str]] = []
        self.taken: set[ObjectRef] = set()
        self._most = most
        self._waiting = 0
        self._room = threading.Condition()
        self._queue: queue.SimpleQueue[Arrival | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._commit, daemon=True)
        self._thread.start()

    def offer(self, arrival: Arrival) -> bool:
        if self.broken is not None:
            raise self.broken
        with self._room:
            while self._waiting and self._waiting + arrival.size > self._most and not self.stopping.is_set():
                self._room.wait(0.05)
            if self.stopping.is_set():
                return False
            self._waiting += arrival.size
        self.arrivals.append(arrival)
        if arrival.content is not None and arrival.kept is not None and self.keeping:
            arrival.kept()
        self._queue.put(arrival)
        return True

    def known(self, refs: list[ObjectRef]) -> set[ObjectRef]:
        # As the ledger does: not by time or size.
        taken = {(ref.source, ref.name, ref.etag) for ref in self.taken}
        return {ref for ref in refs if (ref.source, ref.name, ref.etag) in taken}

    def quarantine(self, ref: ObjectRef, content: bytes, reason: str) -> None:
        self.quarantined.append((ref, content, reason))

    def close(self) -> None:
        self.stopping.set()
        self.committing.set()
        self._queue.put(None)
        self._thread.join()

    def _commit(self) -> None:
        while (arrival := self._queue.get()) is not None:
            self.committing.wait()
            outcome: Outcome = "committed"
            try:
                content = arrival.content
                if content is None:
                    assert arrival.reader is not None
                    content = arrival.reader.fetch(arrival.ref)
                self.contents.append((arrival.ref, content, arrival.flow_format))
                self.taken.add(arrival.ref)
            except (ObjectUnavailable, SourceUnavailable):
                outcome = "failed"
            with self._room:
                self._waiting -= arrival.size
                self._room.notify_all()
            self.outcomes.append((arrival.ref, outcome))
            if arrival.done is not None:
                arrival.done(outcome)

    def rows(self) -> Counter[str]:
        """Distinct records by table, as `LogReader` reads what came."""
        seen: dict[str, set[bytes]] = {}
        for ref, content, flow_format in list(self.contents):
            for part in read_parts(content, ref, flow_format):
                if isinstance(part, Rows):
                    keys = part.keys.to_pylist() if part.keys is not None else None
                    # Without keys of their own, records are known by their content's hash and place.
                    named = keys or [f"{ref.etag} {n}".encode() for n in range(part.rows.num_rows)]
                    seen.setdefault(part.table, set()).update(named)
        return Counter({table: len(keys) for table, keys in seen.items()})

    def unreadable(self) -> list[str]:
        return [
            part.reason
            for ref, content, flow_format in list(self.contents)
            for part in read_parts(content, ref, flow_format)
            if isinstance(part, Unreadable)
        ]


def read_parts(content: bytes, ref: ObjectRef, flow_format: str | None = None) -> Iterator[object]:
    reader = LogReader()
    origin = ObjectOrigin(ref.source, ref.name, ref.delivered_at, flow_format=flow_format)
    yield from reader.read(content, origin)
    for gathered in reader.settle():
        yield gathered.part
    yield reader.flush()


@contextmanager
def running(source: LiveSource, sink: MemorySink) -> Iterator[threading.Event]:
    """The source in a thread, until the block ends; what it raises is raised here."""
    stop = threading.Event()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            source.run(sink, stop)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the source did not stop"
        if raised:
            raise raised[0]


class Wire:
    """A TCP relay on one port to a server; `cut` refuses and drops connections until `mend`."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.mend()
        self.url = f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for held in list(self._open):
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                near.close()
                continue
            self._open |= {near, far}
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(a, b), daemon=True).start()

    def _copy(self, a: socket.socket, b: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
        for held in (a, b):
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()
            self._open.discard(held)
