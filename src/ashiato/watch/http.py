"""`/healthz` and `/metrics`, on loopback unless told otherwise."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from ashiato.core.errors import WrongUse
from ashiato.watch.health import health

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from ashiato.watch.loop import Watch


def bind(listen: str, where: str = "watch.listen") -> socket.socket:
    """A listening socket at `address:port` (IPv6 in brackets; port 0: any). Raises WrongUse."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    try:
        number = int(port)
        if not host or not 0 <= number <= 65535:
            raise ValueError
    except ValueError:
        raise WrongUse(
            f"{listen!r} is no address to listen at", where=where, remedy='Write it like "127.0.0.1:8600".'
        ) from None
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, number), family=family, backlog=64)
    except OSError as error:
        raise WrongUse(
            f"cannot listen at {listen}: {error.strerror or error}",
            where=where,
            remedy="Choose a free port, or stop what listens there; empty: no /healthz and /metrics.",
        ) from error


def app_of(watch: Watch) -> Starlette:
    """The application; `ashiato serve` may mount it."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    def healthz(_: Request) -> Response:
        found = health(watch, error_long=watch.error_long)
        headers = {"Cache-Control": "no-store"}
        return JSONResponse(found.document, 200 if found.ok else 503, headers)

    def metrics(_: Request) -> Response:
        watch.set_gauges()
        return Response(watch.pipeline.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(routes=[Route("/healthz", healthz), Route("/metrics", metrics)])


class HttpService:
    """A service (see runners.Service). The socket is bound at once, so that a wrong address is an error."""

    def __init__(self, watch: Watch, listen: str) -> None:
        self.watch = watch
        self.listen = listen
        self.socket = bind(listen)
        self.port: int = self.socket.getsockname()[1]

    def __call__(self, stop: threading.Event) -> None:
        import uvicorn

        config = uvicorn.Config(
            app_of(self.watch), log_level="warning", access_log=False, lifespan="off", server_header=False
        )
        server = uvicorn.Server(config)

        def end() -> None:
            stop.wait()
            server.should_exit = True

        threading.Thread(target=end, name="ashiato-http-end", daemon=True).start()
        server.run(sockets=[self.socket])
