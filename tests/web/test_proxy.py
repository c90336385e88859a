"""The proxy of docs/pages.md, word for word: TLS before the pages, with a real nginx."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from nginx import DOCS, Proxy, proxied
from web.test_serving import Serving, serving

HOST = "ashiato.example.com"
PASSWORD = "a long enough password"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Serving, Proxy]]:
    """`ashiato serve` with the settings of the page, and the proxy before it."""
    config = tmp_path / "ashiato.toml"
    [settings] = re.findall(r"```toml\n(\[web\]\nhosts.*?)```", (DOCS / "pages.md").read_text(), re.S)
    config.write_text(f'[alerts]\nlink = "https://{HOST}/"\n{settings}')
    with serving(tmp_path / "said", "--home", str(tmp_path / "home"), "--config", str(config)) as one:
        inner = urlsplit(one.told["address"]).port
        assert inner is not None
        with proxied("pages.md", tmp_path, 8602, inner) as proxy:
            yield one, proxy


class Browser:
    """Asks through the proxy as a browser elsewhere does; keeps one cookie jar."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, form: dict[str, str] | None = None) -> http.client.HTTPResponse:
        """The answer, its body not yet read."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.proxy.port, context=self.proxy.tls, timeout=60
        )
        headers = {"Host": HOST, "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        connection.request("POST" if form else "GET", path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("set-cookie", []):
            assert "secure" in cookie.lower()
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer


def test_signing_in_and_news_through_the_proxy_as_documented(served: tuple[Serving, Proxy]) -> None:
    one, proxy = served
    browser = Browser(proxy)
    link = urlsplit(one.told["link"])
    assert link.netloc == HOST
    assert b"You become the first admin" in browser.ask(link.path).read()
    made = browser.ask(link.path, {"name": "kana", "password": PASSWORD, "again": PASSWORD})
    assert (made.status, made.headers["location"]) == (303, "/")
    page = browser.ask("/")
    assert page.status == 200
    assert "max-age" in page.headers.get("strict-transport-security", "")
    # The address on record is the visitor's, as the proxy says it.
    assert b"127.0.0.1" in browser.ask("/audit").read()
    # News come at once, not when a buffer of the proxy is full.
    stream = browser.ask("/events")
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.fp.readline().strip()


def test_a_password_is_not_taken_without_tls(served: tuple[Serving, Proxy]) -> None:
    one, _ = served
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(one.told["address"]).port or 0, timeout=60)
    form = urlencode({"name": "kana", "password": PASSWORD})
    headers = {
        "Host": HOST, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded",
        "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http",
    }  # fmt: skip
    connection.request("POST", "/login", form, headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 400, body
    assert b"HTTPS" in body
