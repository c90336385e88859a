"""Services that moto has not, or has too simply: real HTTP that speaks AWS JSON 1.1, page by page, with its errors."""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: STS's answer to GetCallerIdentity.
CALLER = (
    b"<GetCallerIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><GetCallerIdentityResult>"
    b"<Arn>arn:aws:iam::111122223333:user/reader</Arn><UserId>AIDA</UserId><Account>111122223333</Account>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


class Refused(Exception):  # noqa: N818 - it is an answer
    """An answer of AWS's that is an error."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


class AwsJson:
    """Answers `X-Amz-Target` by `operations`; can be stopped and started on the same port."""

    def __init__(self, **operations: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.operations = operations
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.port = 0
        self._lock = threading.Lock()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def do_POST(self) -> None:
                if service.stopped:
                    # A connection that was kept alive ends with the service.
                    self.close_connection = True
                    return
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"
                if "X-Amz-Target" not in self.headers:
                    self.send(200, CALLER, "text/xml")
                    return
                body = json.loads(text)
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                with service._lock:
                    service.asked.append((operation, body, dict(self.headers)))
                try:
                    status, said = 200, service.operations[operation](body)
                except Refused as refused:
                    status, said = refused.status, {"__type": refused.code, "message": refused.message}
                self.send(status, json.dumps(said).encode(), "application/x-amz-json-1.1")

            def send(self, status: int, content: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None: ...

        self.stopped = False
        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.stopped = True
        self._server.shutdown()
        self._server.server_close()


@dataclass
class History:
    """CloudTrail's event history of one account and region, as LookupEvents pages it: newest first."""

    events: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    most: int = 50
    failing: Callable[[int], Refused | None] = lambda _n: None
    requests: int = 0
    _tokens: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, at: int, record: dict[str, Any]) -> None:
        """`at` in seconds."""
        with self._lock:
            held = (at, record["eventID"], record)
            self.events.insert(bisect_left(self.events, held[:2], key=lambda e: e[:2]), held)

    def lookup(self, asked: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.requests += 1
            refused = self.failing(self.requests)
            if refused is not None:
                raise refused
            token = asked.pop("NextToken", None)
            if asked["StartTime"] > asked["EndTime"]:
                raise Refused("InvalidTimeRangeException")
            skip = 0
            if token is not None:
                before, skip = self._tokens.get(token, ({}, 0))
                if before != asked:
                    raise Refused("InvalidNextTokenException")
            found = [e for e in reversed(self.events) if asked["StartTime"] <= e[0] <= asked["EndTime"]]
            page = found[skip : skip + asked.get("MaxResults", 50)]
            said: dict[str, Any] = {"Events": [self._told(*event) for event in page]}
            if skip + len(page) < len(found):
                token = f"token-{len(self._tokens)}"
                self._tokens[token] = (dict(asked), skip + len(page))
                said["NextToken"] = token
            return said

    def _told(self, at: int, id_: str, record: dict[str, Any]) -> dict[str, Any]:
        return {
            "EventId": id_, "EventName": record["eventName"], "ReadOnly": "false", "EventTime": float(at),
            "EventSource": record["eventSource"], "Username": "root", "Resources": [],
            "CloudTrailEvent": json.dumps(record),
        }  # fmt: skip


@dataclass
class LogEvents:
    """A log group as FilterLogEvents pages it: by time, some pages empty, events visible when ingested."""

    page: int = 100
    empty_every: int = 0
    failing: Callable[[int], Refused | None] = lambda _n: None
    requests: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, at: int, message: str, *, had: int | None = None, stream: str = "s") -> str:
        """`at` and `had` in milliseconds; returns the event's id."""
        with self._lock:
            id_ = f"{31953106606966983378809025079804211143289615424298221568 + len(self.events):056}"
            self.events.append(
                {
                    "logStreamName": stream,
                    "timestamp": at,
                    "message": message,
                    "ingestionTime": had or at,
                    "eventId": id_,
                }
            )
            return id_

    def filter(self, asked: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.requests += 1
            refused = self.failing(self.requests)
            if refused is not None:
                raise refused
            found = sorted(
                (e for e in self.events if asked["startTime"] <= e["timestamp"] <= asked["endTime"]),
                key=lambda e: (e["timestamp"], e["ingestionTime"]),
            )
            token = asked.get("nextToken")
            skip, number = map(int, token.split("-")) if token else (0, 0)
            number += 1
            page = (
                [] if self.empty_every and number % self.empty_every == 0 else found[skip : skip + self.page]
            )
            said: dict[str, Any] = {"events": page, "searchedLogStreams": []}
            if skip + len(page) < len(found) or (self.empty_every and number == 1):
                said["nextToken"] = f"{skip + len(page)}-{number}"
            return said
