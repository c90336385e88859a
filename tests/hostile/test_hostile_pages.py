"""Every page that can be reached over records that attack: nothing of them becomes markup, links elsewhere or scripts."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser
from starlette.routing import compile_path

from ashiato.lake.home import Home
from ashiato.web.app import _fixed_first, make_app
from ashiato.web.page import areas
from browser.chromium import window
from browser.served import serving
from hostile import harm
from hostile.attacks import MARK
from hostile.conftest import Hostile
from web.client import Client
from web.conftest import site_of, someone

pytestmark = pytest.mark.slow

#: Pages of one route that are looked at: the first that links lead to.
OF_A_KIND = 4
ROUTES = [r for area in areas() for r in area.routes if r.method == "GET" and r.path != "/guide/leave"]
PATTERNS = [(r.path, compile_path(r.path)[0]) for r in sorted(ROUTES, key=_fixed_first)]
#: All but the stream of news, which has no end; asked for nothing, some say so.
BARE = [r.path for r in ROUTES if "{" not in r.path and r.path != "/events"]
START = [
    *BARE,
    "/host/198.51.100.7",
    "/trace/NaN",
    "/record/event:known-0002@111111111111",
    "/principal/constructor",
]


@dataclass
class Walk:
    pages: dict[str, str]
    troubles: list[str]
    kinds: Counter[str]


@pytest.fixture(scope="module")
def walk(hostile: Hostile) -> Iterator[Walk]:
    """Through all pages, from link to link."""
    with Home.open_for_reading(hostile.home) as home:
        client = Client(make_app(site_of(home, hostile.settings, someone("admin", zone="UTC"))))
        found = Walk({}, [], Counter())
        waiting = deque(START)
        while waiting:
            address = waiting.popleft()
            kind = _kind(address)
            if address in found.pages or found.kinds[kind] >= OF_A_KIND or kind in ("", "/events"):
                continue
            found.kinds[kind] += 1
            answer = client.get(address)
            kept = "content-disposition" in answer.headers
            found.pages[address] = "a file" if kept else answer.headers.get("content-type", "")
            if answer.status >= 400 and not (answer.status in (400, 404) and address in BARE):
                found.troubles.append(f"{address[:200]}: {answer.status} {answer.words[:300]}")
            harmful, links = _looked_at(answer.headers.get("content-type", ""), answer.text, kept)
            found.troubles += [f"{address[:200]}: {x}" for x in harmful]
            further = [_address(address, link) for link in links if link.startswith(("/", "?"))]
            found.troubles += [
                f"{address[:200]}: {link[:200]} leads nowhere" for link in further if not _kind(link)
            ]
            waiting.extend(further)
        yield found


def _kind(address: str) -> str:
    """The path of the route that answers."""
    path = urlsplit(address).path
    return next((kind for kind, pattern in PATTERNS if pattern.fullmatch(path)), "")


def _address(page: str, link: str) -> str:
    return page.partition("?")[0] + link if link.startswith("?") else link.partition("#")[0]


def _looked_at(content_type: str, text: str, kept: bool) -> tuple[list[str], list[str]]:
    if content_type.startswith("text/html"):
        return harm.in_page(text, alone=kept)
    if content_type.startswith("text/csv"):
        return harm.in_csv(text), []
    if "json" in content_type and "lines" not in content_type and "nd" not in content_type:
        return harm.in_json(text), []
    return harm.on_terminal(text), []


def test_no_page_and_no_export_does_harm(walk: Walk) -> None:
    assert walk.troubles == []


def test_the_walk_came_to_every_page(walk: Walk) -> None:
    """But those of what this home has not: users and their links, jobs that were begun, the guide."""
    without = ("/events", "/link/", "/jobs/", "/users/", "/guide/")
    assert {p for p in {r.path for r in ROUTES} - set(walk.kinds) if not p.startswith(without)} == set()


def test_no_attack_runs_in_chromium(
    walk: Walk, hostile: Hostile, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Served as the demo is; a few of each kind of page."""
    (hostile.home / "ASHIATO-DEMO").touch()
    (hostile.files / "truth.json").write_text(
        '{"attack": null, "accounts": {"111111111111": "shop-prod"}, "steps": []}'
    )
    arguments = ["demo", "--keep", "--home", str(hostile.home), "--files", str(hostile.files), "--port", "0"]
    kinds: Counter[str] = Counter()
    with serving(arguments, "/guide") as served, window(browser, served.origin) as (page, trouble):
        for address, content_type in reversed(walk.pages.items()):
            kind = _kind(address)
            if (
                kinds[kind] >= 1
                or not content_type.startswith("text/html")
                or kind.startswith(("/guide", "/link"))
            ):
                continue
            kinds[kind] += 1
            answer = page.goto(address)
            assert answer is not None
            if answer.status in (400, 403, 404):
                continue  # what the demo's reader may not see, has not, or did not name
            assert page.url.startswith(served.origin), address
            assert page.evaluate(f"window.{MARK}") is None, address
            planted = f"[...document.querySelectorAll('*')].filter(e => e.localName.includes('{MARK}')"
            planted += f" || [...e.attributes].some(a => a.name.includes('{MARK}') || a.name.startsWith('on'))).length"
            assert page.evaluate(planted) == 0, address
        assert [
            t for t in trouble.found if not t.startswith(("400", "403", "404", "console: Failed to load"))
        ] == []
    assert sum(kinds.values()) >= 4
