"""What stands before every page: whose name the browser used, how much it sends, what it is told to forbid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

#: https://cheatsheetseries.owasp.org, "HTTP Headers"; nothing inline, nothing from elsewhere, nothing framed.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Same origin, not "no-referrer": with that a browser sends "Origin: null" with forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-robots-tag": "noindex",
}


def host_of(header: str) -> str:
    """The name without its port, in lower case.

    >>> host_of("LocalHost:8600"), host_of("[::1]:8600"), host_of("::1")
    ('localhost', '[::1]', '::1')
    """
    text = header.strip().lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0] if text.count(":") == 1 else text


class Shield:
    """Headers for every answer; the Host header must be loopback or one of `hosts` (a rebound DNS name is not)."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], *, most_bytes: int) -> None:
        self.app = app
        self.hosts = frozenset((*LOOPBACK, *(host_of(h) for h in hosts)))
        self.most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = scope.get("scheme") == "https"
        page = not scope["path"].startswith("/static/")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if secure:
                    headers["strict-transport-security"] = "max-age=31536000"
                if page:
                    headers["cache-control"] = "no-store"
            await send(message)

        asked = Headers(scope=scope)
        if scope["path"] != "/healthz" and host_of(asked.get("host", "")) not in self.hosts:
            refusal = PlainTextResponse(
                "Ashiato does not answer to this name. Add it to web.hosts in ashiato.toml.\n", 421
            )
            await refusal(scope, receive, with_headers)
            return
        try:
            length = int(asked.get("content-length", "0"))
        except ValueError:
            length = self.most_bytes + 1
        if length > self.most_bytes:
            await PlainTextResponse("This is too large.\n", 413)(scope, receive, with_headers)
            return
        await self.app(scope, _bounded(receive, self.most_bytes), with_headers)


def _bounded(receive: Receive, most: int) -> Receive:
    """A body that says no length is cut off where it is too long: as if the sender had gone."""
    got = 0

    async def bounded() -> Message:
        nonlocal got
        message = await receive()
        if message["type"] == "http.request":
            got += len(message.get("body", b""))
            if got > most:
                return {"type": "http.disconnect"}
        return message

    return bounded
