"""Every page in Chromium: in both languages and themes, narrow and wide, nothing is wrong with it."""

from __future__ import annotations

import inspect

import pytest
from playwright.sync_api import Browser

from ashiato.web.page import Route, areas
from browser.chromium import Look, looks, picture, serious, sideways, window
from browser.conftest import Signed
from web.matrix_entry import Entry
from web.test_matrix import ENTRIES

pytestmark = pytest.mark.slow

ROUTES: dict[str, Route] = {r.name: r for area in areas() for r in area.routes}
#: What is a page: not an act, not a stream of events, and there for an admin.
SEEN = [
    e
    for e in ENTRIES
    if ROUTES[e.name].method == "GET"
    and not inspect.iscoroutinefunction(ROUTES[e.name].handler)
    and e.statuses.get("admin", e.ok) == 200
]
VISITS = [(e, look) for e, two in zip(SEEN, looks(len(SEEN)), strict=True) for look in two]


@pytest.mark.parametrize(("entry", "look"), VISITS, ids=[f"{e.name}-{look}" for e, look in VISITS])
def test_a_page_is_whole(entry: Entry, look: Look, browser: Browser, admin: Signed) -> None:
    address = entry.address if isinstance(entry.address, str) else entry.address(admin.estate)
    with window(browser, admin.origin, look, state=admin.state) as (page, trouble):
        known = page.request.get(address, headers={"accept": "text/html"})
        assert known.status == 200, known.text()[:500]
        if not known.headers.get("content-type", "").startswith("text/html"):
            return  # an export: a file, no page
        page.goto(address, wait_until="load")
        picture(page, f"{entry.name}-{look}")
        assert page.locator("h1").count() == 1
        assert page.title().endswith("Ashiato")
        assert page.evaluate("document.documentElement.lang") == look.language
        assert sideways(page) <= 0, "the page scrolls sideways"
        assert serious(page) == []
        assert trouble.found == []


def test_every_page_is_seen_both_ways_and_all_looks_are_had() -> None:
    found = looks(6)
    assert len({look for two in found for look in two}) == 12
    for one, other in found:
        assert one.language != other.language
        assert one.theme != other.theme
        assert one.width != other.width
