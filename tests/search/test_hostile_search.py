"""Records whose texts are attacks, on the page: shown as text, in every column, facet and completion."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.search.fields import fields
from ashiato.web.app import make_app
from search import records
from search.conftest import Lake
from web.client import Client
from web.conftest import site_of, someone

TABLES = ("cloudtrail", "config_items", "vpc_flow_logs")


class _Tags(HTMLParser):
    """Scripts, their text, and addresses that links lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str | None] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "script":
            self.scripts.append(found.get("src"))
        self.addresses += [v or "" for k, v in attrs if k in ("href", "src", "action")]
        self.handlers += [k for k, _ in attrs if k.startswith("on") or k == "style"]


@pytest.fixture(scope="module")
def client(lake: Lake) -> Iterator[Client]:
    with Home.open_for_reading(lake.home) as home:
        yield Client(make_app(site_of(home, Settings(home=lake.home), someone("admin"))))


def _harmless(text: str) -> None:
    tags = _Tags()
    tags.feed(text)
    assert tags.scripts
    assert all(s and s.startswith("/static/") for s in tags.scripts)
    assert not tags.handlers
    assert all(a.startswith(("/", "#")) for a in tags.addresses)
    assert "<script>alert" not in text


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_shown_as_text(client: Client, table: str) -> None:
    names = sorted(fields(table))
    for start in range(0, len(names), 40):
        columns = ",".join(names[start : start + 40])
        answer = client.get(f"/search?table={table}&from=all&rows=200&columns={quote(columns)}")
        assert answer.status == 200, answer.words[:300]
        _harmless(answer.text)


def test_values_that_are_searched_for_are_shown_as_text(client: Client) -> None:
    for name in [n for n in records.NAMES if n]:
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        answer = client.get(f"/search?from=all&q={quote('user:' + quoted)}")
        assert answer.status == 200, answer.words[:300]
        _harmless(answer.text)
        _harmless(client.get(f"/search?from=all&q={quote(name)}").text)


def test_answers_of_sql_are_shown_as_text(client: Client) -> None:
    sql = "SELECT userIdentity.userName, requestParameters, resources FROM cloudtrail"
    answer = client.get(f"/search/sql?sql={quote(sql)}")
    assert answer.status == 200
    _harmless(answer.text)
