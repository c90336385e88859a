"""A browser without a browser: requests go straight into the application, answers come back as text."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message


@dataclass
class Answer:
    """Status, headers (lower case; the last of a name) and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def words(self) -> str:
        """What a reader sees: the text without tags, runs of white space as one."""
        reader = _Words()
        reader.feed(self.text)
        return " ".join(" ".join(reader.parts).split())

    @property
    def links(self) -> list[str]:
        """Every href, in order."""
        reader = _Words()
        reader.feed(self.text)
        return reader.links


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [v for k, v in attrs if k == "href" and v is not None and tag == "a"]

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


class Client:
    """Keeps cookies; follows no redirect."""

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1:8600") -> None:
        self.app = app
        self.host = host
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Answer:
        return self._send("GET", path, b"", headers)

    def post(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> Answer:
        """As a browser sends a form of the same site."""
        body = urlencode(form or {}, doseq=True).encode()
        sent = {
            "content_type": "application/x-www-form-urlencoded",
            "sec_fetch_site": "same-origin",
            **headers,
        }
        return self._send("POST", path, body, sent)

    async def ask(self, path: str) -> Answer:
        """The same as `get`, beside other requests."""
        return await self._exchange("GET", path, b"", {})

    def leave(self, path: str) -> None:
        """As a browser that is closed before the answer comes."""
        asyncio.run(self._exchange("GET", path, b"", {}, left=True))

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        return asyncio.run(self._exchange(method, path, body, headers))

    async def _exchange(
        self, method: str, path: str, body: bytes, headers: dict[str, str], left: bool = False
    ) -> Answer:
        target, _, query = path.partition("?")
        from urllib.parse import unquote

        sent = {"host": self.host, "content-length": str(len(body)), **self.headers}
        sent |= {k.replace("_", "-"): v for k, v in headers.items()}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": unquote(target), "raw_path": target.encode(), "query_string": query.encode(),
            "root_path": "", "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in sent.items()],
            "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8600),
        }  # fmt: skip
        messages: list[Message] = []
        asked = False
        gone = asyncio.Event()
        if left:
            gone.set()

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await gone.wait()
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)
            # A stream has no end of its own: one leaves after its first event.
            if b"event: " in message.get("body", b""):
                gone.set()

        await self.app(scope, receive, send)
        if left:
            return Answer(0, {}, b"")
        start = messages[0]
        cookies = [v.decode() for k, v in start["headers"] if k == b"set-cookie"]
        for text in cookies:
            for name, morsel in SimpleCookie(text).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        found = {k.decode(): v.decode("latin-1") for k, v in start["headers"]}
        return Answer(start["status"], found, b"".join(m.get("body", b"") for m in messages[1:]), cookies)
