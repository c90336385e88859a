"""Amazon Data Firehose delivers to us: its HTTP endpoint protocol, on loopback, behind the user's TLS proxy.

https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
A request is acknowledged when its bytes are kept for good; the same request again is the same content and adds
nothing. Whatever goes wrong is answered so that Firehose tries again, never 413, after which it would give up.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ashiato.core.clock import now
from ashiato.core.errors import WrongUse
from ashiato.core.secrets import resolve_secret
from ashiato.core.settings import WatchedSource
from ashiato.formats.firehose import MAX_BODY, Delivery, NotARequest, read_request, unpacked
from ashiato.sources.live import Arrival, Outcome, Sink, SourceState
from ashiato.sources.live_kinds import LiveContext, live_kind
from ashiato.sources.objects import ObjectRef
from ashiato.sources.trouble import Trouble, count
from ashiato.sources.watched import require

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

#: Firehose waits three minutes for an answer.
ANSWER_WITHIN: Final = 100.0
READ_WITHIN: Final = 120.0
MOST_REQUESTS: Final = 32
#: Bodies in memory, being read or waiting to be kept.
MOST_BYTES: Final = 128 << 20
#: Fifty common attributes of 1,280 characters, and an access key of 4,096.
MOST_HEADERS: Final = 256 << 10
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


class NotKept(Exception):  # noqa: N818 - named like core.errors.SourceUnavailable
    """Why a request is to come again."""


class LiveFirehose:
    """Listens on `listen` (`host:port`, port 0: any free one, then in `port`) for senders that show `access_key`."""

    def __init__(
        self,
        name: str,
        *,
        listen: str,
        access_key: str,
        flow_format: str | None = None,
        state: SourceState | None = None,
        answer_within: float = ANSWER_WITHIN,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.name = name
        self.state = state or SourceState(name, "firehose")
        self.host, self.port = host_and_port(listen, name)
        self.listening = threading.Event()
        self._access_key = access_key.encode()
        self._flow_format = flow_format
        self._answer_within = answer_within
        self._clock = clock
        self._trouble = Trouble(self.state, most=30.0, clock=clock)
        self._storage = Trouble(self.state, clock=clock)
        self._lock = threading.Lock()
        self._waiting: dict[str, Future[None]] = {}
        self._waiting_bytes = 0
        self._reading_bytes = 0
        self._requests = 0
        self._pool: ThreadPoolExecutor | None = None
        self._sink: Sink | None = None

    @classmethod
    def from_settings(
        cls,
        source: WatchedSource,
        *,
        state: SourceState | None = None,
        clock: Callable[[], datetime] = now,
        **timing: Any,
    ) -> LiveFirehose:
        """Of `[[sources]]`, type `firehose`. Raises WrongUse for what is missing, the key's variable or file too."""
        key = resolve_secret(require(source, "access_key"), f"sources, {source.name}, access_key")
        if not key:
            raise WrongUse("the access key is empty", where=f"sources, {source.name}, access_key")
        return cls(
            source.name, listen=source.listen, access_key=key, flow_format=source.flow_format, state=state,
            clock=clock, **timing,
        )  # fmt: skip

    def run(self, sink: Sink, stop: threading.Event) -> None:
        import uvicorn

        self.state.since = self.state.since or self._clock()
        self._sink = sink
        # After a defect this is begun again: nobody waits any more for what was under way.
        self._waiting, self._waiting_bytes, self._reading_bytes, self._requests = {}, 0, 0, 0
        self._pool = ThreadPoolExecutor(MOST_REQUESTS, f"{self.name}-offer")
        try:
            listener = self._listen(stop)
            if listener is None:
                return
            config = uvicorn.Config(
                self.application(), http="h11", ws="none", lifespan="off", log_config=None, access_log=False,
                server_header=False, timeout_keep_alive=75, timeout_graceful_shutdown=3,
                h11_max_incomplete_event_size=MOST_HEADERS,
            )  # fmt: skip
            server = uvicorn.Server(config)

            def end() -> None:
                stop.wait()
                server.should_exit = True

            threading.Thread(target=end, name=f"{self.name}-stop", daemon=True).start()
            self.listening.set()
            with listener:
                asyncio.run(server.serve(sockets=[listener]))
        finally:
            self.listening.clear()
            self._pool.shutdown(wait=False, cancel_futures=True)

    def application(self) -> Any:
        """The ASGI application: POST to any path, as the address in Firehose's settings has it."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["POST"])])

    def _listen(self, stop: threading.Event) -> socket.socket | None:
        """The listening socket; another process may still hold the port. None: it is time to stop."""
        while True:
            try:
                family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
                listener = socket.create_server((self.host, self.port), family=family, backlog=128)
            except OSError as error:
                what = f"{self.host}:{self.port} cannot be listened on: {error.strerror}"
                if stop.wait(self._trouble.failed(what)):
                    return None
            else:
                self._trouble.well()
                self.port = listener.getsockname()[1]
                return listener

    async def _answer(self, request: Request) -> Response:
        given = request.headers.get("x-amz-firehose-access-key", "")
        request_id = request.headers.get("x-amz-firehose-request-id", "")
        # Latin-1 gives the bytes as they were sent.
        if not hmac.compare_digest(given.encode("latin-1"), self._access_key):
            count(self.state, "refused")
            return self._said(request_id, 401, "The access key is missing or wrong.", close=True)
        declared = request.headers.get("content-length", "")
        size = min(int(declared), MAX_BODY) if declared.isdigit() else MAX_BODY
        with self._lock:
            busy = self._waiting_bytes + self._reading_bytes
            full = self._requests >= MOST_REQUESTS or (busy and busy + size > MOST_BYTES)
            if not full:
                self._requests += 1
                self._reading_bytes += size
        if full:
            count(self.state, "put off")
            return self._said(request_id, 503, "Too much waits to be kept; try again.", close=True)
        try:
            return await self._taken(request, request_id)
        finally:
            with self._lock:
                self._requests -= 1
                self._reading_bytes -= size

    async def _taken(self, request: Request, request_id: str) -> Response:
        self.state.last_poll = self._clock()
        try:
            body = await asyncio.wait_for(_body(request), READ_WITHIN)
            delivery = await asyncio.to_thread(read_request, body)
            if request_id and delivery.request_id != request_id:
                raise NotARequest("the request's id is one in the header and another in the body")
        except NotARequest as error:
            count(self.state, "not understood")
            return self._said(request_id, 400, str(error), close=True)
        except TimeoutError:
            return self._said(request_id, 408, "The body did not come in time.", close=True)
        del body
        stream = request.headers.get("x-amz-firehose-source-arn", "").rpartition("/")[2]
        try:
            await self._kept(delivery, _UNSAFE.sub("_", stream)[:64])
        except NotKept as error:
            count(self.state, "put off")
            return self._said(delivery.request_id, 503, str(error))
        count(self.state, "requests")
        count(self.state, "records", delivery.records)
        if delivery.dropped:
            count(self.state, "dropped", delivery.dropped)
        if delivery.contents:
            self.state.last_arrival = self._clock()
        return self._said(delivery.request_id, 200)

    async def _kept(self, delivery: Delivery, stream: str) -> None:
        """Returns when every content is kept for good. Raises NotKept."""
        waiting = [asyncio.wrap_future(self._offered(content, stream)) for content in delivery.contents]
        if not waiting:
            return
        done, late = await asyncio.wait(waiting, timeout=self._answer_within)
        # What is late goes on: the same request again finds it under way, or kept.
        failures = [str(future.exception()) for future in done if future.exception() is not None]
        if failures:
            raise NotKept(failures[0])
        if late:
            raise NotKept("It could not be kept in time; try again.")

    def _offered(self, content: bytes, stream: str) -> Future[None]:
        """A content on its way into the spool; one that is under way already is waited for."""
        digest = hashlib.sha256(content).hexdigest()
        name = f"firehose:{stream}/{digest}" if stream else f"firehose:{digest}"
        with self._lock:
            under_way = self._waiting.get(name)
            if under_way is not None:
                return _followed(under_way)
            future: Future[None] = Future()
            self._waiting[name] = future
            self._waiting_bytes += len(content)
        assert self._pool is not None
        ref = ObjectRef(self.name, name, digest, len(content), self._clock())
        try:
            self._pool.submit(self._offer, ref, content, future)
        except RuntimeError:
            self._settle(ref, future, NotKept("Ashiato is stopping."))
        return _followed(future)

    def _offer(self, ref: ObjectRef, content: bytes, future: Future[None]) -> None:
        def kept() -> None:
            self._storage.well()
            self._settle(ref, future, None)

        def done(outcome: Outcome) -> None:
            failed = outcome == "failed"
            self._settle(ref, future, NotKept("It could not be taken.") if failed else None, over=True)

        assert self._sink is not None
        try:
            if ref in self._sink.known([ref]):
                count(self.state, "known")
                self._settle(ref, future, None, over=True)
            elif not self._sink.offer(Arrival(ref, content, None, self._flow_format, kept, done)):
                self._settle(ref, future, NotKept("Ashiato is stopping."), over=True)
        except Exception as error:
            # A full disk, a database that is away: all are told in the state, and Firehose comes again.
            self._storage.failed(error)
            self._settle(ref, future, NotKept("It cannot be kept now; try again."), over=True)

    def _settle(
        self, ref: ObjectRef, future: Future[None], why: NotKept | None, *, over: bool = False
    ) -> None:
        with self._lock:
            if over or why is not None:
                self._waiting.pop(ref.name, None)
            if future.done():
                return
            self._waiting_bytes -= ref.size
            if why is None:
                future.set_result(None)
            else:
                future.set_exception(why)

    def _said(self, request_id: str, status: int, why: str | None = None, *, close: bool = False) -> Response:
        """The answer as Firehose wants it, to the letter: anything else counts as a failure."""
        from starlette.responses import JSONResponse

        told: dict[str, Any] = {"requestId": request_id, "timestamp": int(self._clock().timestamp() * 1000)}
        if why is not None:
            told["errorMessage"] = why[:8192]
        return JSONResponse(told, status, headers={"Connection": "close"} if close else None)


async def _body(request: Request) -> bytes:
    """The whole body, unpacked. Raises NotARequest beyond 64 MiB."""
    from starlette.requests import ClientDisconnect

    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > MAX_BODY:
                raise NotARequest(f"the body is larger than {MAX_BODY >> 20} MiB")
    except ClientDisconnect as error:
        raise NotARequest("the connection was lost") from error
    body = b"".join(parts)
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        return body
    if coding != "gzip":
        raise NotARequest(f"a content encoding of {coding[:40]!r}")
    return await asyncio.to_thread(unpacked, body)


def _followed(future: Future[None]) -> Future[None]:
    """A future of one's own with the same end: a request that is given up must not cancel the others'."""
    own: Future[None] = Future()

    def ended(first: Future[None]) -> None:
        error = first.exception()
        with suppress(Exception):
            if error is None:
                own.set_result(None)
            else:
                own.set_exception(error)

    future.add_done_callback(ended)
    return own


def host_and_port(listen: str, name: str) -> tuple[str, int]:
    """`127.0.0.1:8601`, `[::1]:8601` → host and port. Raises WrongUse."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdigit() or int(port) > 65535:
        raise WrongUse(
            f"{listen!r} is no address to listen on",
            where=f"sources, {name}, listen",
            remedy='It is written host:port: listen = "127.0.0.1:8601".',
        )
    return host, int(port)


@live_kind("firehose")
def _firehose(source: WatchedSource, context: LiveContext) -> LiveFirehose:
    return LiveFirehose.from_settings(source, clock=context.clock)
