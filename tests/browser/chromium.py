"""Chromium of the machine, pages in it, and what went wrong in them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    sync_playwright,
)

#: By their names on PATH, and where Debian's and others' packages put them.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = ("/usr/bin/chromium", "/usr/lib/chromium/chromium", "/usr/lib/chromium-browser/chromium-browser")
#: Pictures of every page as it was tested, to be looked at.
SCREENSHOTS = Path(os.environ.get("ASHIATO_SCREENSHOTS") or Path(__file__).parents[2] / ".screenshots")
TALLEST = 3000

Language = Literal["en", "ja"]
Theme = Literal["light", "dark"]


def find_chromium() -> str | None:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    return found or next((path for path in PLACES if os.access(path, os.X_OK)), None)


@contextmanager
def chromium(executable: str) -> Iterator[Browser]:
    """A browser that opens nothing but what it is told to."""
    with sync_playwright() as playwright:
        # Chromium's sandbox does not start for root, as containers of CI run.
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    language: Language
    theme: Theme
    width: int

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.width}"


WIDTHS = (360, 1280, 2200)
_FOUR: tuple[tuple[Language, Theme], ...] = (("en", "light"), ("ja", "dark"), ("en", "dark"), ("ja", "light"))


def looks(count: int) -> list[list[Look]]:
    """For each of so many pages two looks that have nothing in common; over any six pages in a row, every one."""
    every = (
        Look(language, theme, width)
        for width, (language, theme) in zip(cycle(WIDTHS), cycle(_FOUR), strict=False)
    )
    return [[next(every), next(every)] for _ in range(count)]


@dataclass
class Trouble:
    """What a page must not have: errors in the console, violations of its policy, answers of failure, dialogs."""

    found: list[str] = field(default_factory=list)

    def watch(self, page: Page, origin: str) -> None:
        def console(message: ConsoleMessage) -> None:
            if message.type == "error" or "Content Security Policy" in message.text:
                self.found.append(f"console: {message.text}")

        def answered(response: Response) -> None:
            if response.status >= 400:
                self.found.append(f"{response.status}: {response.url}")

        def asked(request: Request) -> None:
            if not request.url.startswith((origin, "data:", "blob:", "about:")):
                self.found.append(f"asked elsewhere: {request.url}")

        def failed(request: Request) -> None:
            # A stream of events ends with its page.
            if request.resource_type not in ("eventsource", "fetch") and "ERR_ABORTED" not in str(
                request.failure
            ):
                self.found.append(f"failed: {request.url} {request.failure}")

        page.on("console", console)
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("response", answered)
        page.on("request", asked)
        page.on("requestfailed", failed)
        page.on("dialog", lambda dialog: (self.found.append(f"dialog: {dialog.message}"), dialog.dismiss()))


@contextmanager
def window(
    browser: Browser, origin: str, look: Look | None = None, *, state: Any = None, script: bool = True
) -> Iterator[tuple[Page, Trouble]]:
    """A page of a fresh browser profile, with its troubles noted. `state`: cookies kept of an earlier one."""
    seen = look or Look("en", "light", 1280)
    context: BrowserContext = browser.new_context(
        base_url=origin,
        viewport={"width": seen.width, "height": 900},
        color_scheme=seen.theme,
        locale={"en": "en-US", "ja": "ja-JP"}[seen.language],
        java_script_enabled=script,
        storage_state=state,
        reduced_motion="reduce",
    )
    context.set_default_timeout(20_000)
    # Chosen by the browser, except where a user's own setting comes first.
    host = urlsplit(origin).hostname or ""
    context.add_cookies(
        [{"name": n, "value": v, "domain": host, "path": "/"} for n, v in (("theme", seen.theme),)]
    )
    trouble = Trouble()
    page = context.new_page()
    trouble.watch(page, origin)
    try:
        yield page, trouble
    finally:
        context.close()


def picture(page: Page, name: str) -> Path:
    """A picture of the whole page, kept as an artefact."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / (re.sub(r"[^\w.-]+", "_", name) + ".png")
    size = page.viewport_size or {"width": 1280, "height": 900}
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": size["width"], "height": max(min(height, TALLEST), size["height"])}
    page.screenshot(path=path, full_page=True, clip=clip)  # type: ignore[arg-type]
    return path


def serious(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    answer = Axe().run(page, options={"resultTypes": ["violations"]})
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: {[n['target'] for n in v['nodes'][:3]]} {v['nodes'][0].get('html', '')[:200]}"
        for v in answer.response["violations"]
        if v["impact"] in ("serious", "critical")
    ]


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than the window; tables and charts scroll for themselves."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
