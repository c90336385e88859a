"""The process that serves: until it is told to stop, and then at once, whoever still listens."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

    from ashiato.web.site import Site

#: Requests under way may take so long to end; streams of news end at once.
GRACE_SECONDS = 3


def run(site: Site, listening: socket.socket) -> None:
    """Serve on a bound socket until SIGTERM or SIGINT (a second one ends it without waiting)."""
    import uvicorn

    from ashiato.core.memory import seek_garbage_seldom
    from ashiato.web.app import make_app

    config = uvicorn.Config(
        make_app(site),
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        proxy_headers=bool(site.settings.web.proxies),
        forwarded_allow_ips=site.settings.web.proxies,
    )

    class Server(uvicorn.Server):
        """Ends with status 0: being told to stop is no failure."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            def stop(number: int, _frame: Any) -> None:
                self.force_exit = self.should_exit and number == signal.SIGINT
                self.should_exit = True
                site.live.close()

            before = {n: signal.signal(n, stop) for n in (signal.SIGTERM, signal.SIGINT)}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

    # A look for garbage among all that is kept of files stops every page for a tenth of a second.
    seek_garbage_seldom()
    # No daemon: native code that is cut off at the interpreter's end aborts the process.
    threading.Thread(target=site.standing.attend, name="ashiato-first-look").start()
    try:
        Server(config).run(sockets=[listening])
    finally:
        site.standing.end()
