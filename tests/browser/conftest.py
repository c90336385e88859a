"""Chromium, the demo's process, and a served home with its first admin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from ashiato.core.settings import Settings
from ashiato.demo.settings import with_names
from browser.chromium import chromium, find_chromium, window
from browser.served import Served, serving
from conftest import missing_part
from web.conftest import Estate, copied, estate

__all__ = ["estate"]

NAME, PASSWORD = "erin", "correct horse battery staple"


@pytest.fixture(scope="session")
def executable() -> str:
    found = find_chromium()
    if found is None:
        missing_part("Chromium")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def browser(executable: str) -> Iterator[Browser]:
    """One a module: while Playwright runs, no other test can have a loop of asyncio in this thread."""
    with chromium(executable) as found:
        yield found


@pytest.fixture(scope="session")
def demo(estate: Estate, executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`ashiato demo --keep` over the estate."""
    own = copied(estate, tmp_path_factory.mktemp("demo") / "home")
    (own.home / "ASHIATO-DEMO").touch()
    arguments = ["demo", "--keep", "--home", str(own.home), "--files", str(own.files), "--port", "0"]
    with serving(arguments, "/guide") as found:
        yield found


@dataclass(frozen=True)
class Signed:
    """A served home, and the cookies of an admin's browser."""

    origin: str
    state: Any
    estate: Estate


@pytest.fixture(scope="session")
def served(
    estate: Estate, executable: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, Estate]]:
    """`ashiato serve` over a copy of the estate."""
    folder = tmp_path_factory.mktemp("served")
    own = copied(estate, folder / "home")
    settings = folder / "ashiato.toml"
    settings.write_text(_settings(own))
    arguments = ["serve", "--home", str(own.home), "--config", str(settings), "--listen", "127.0.0.1:0"]
    with serving(arguments, "/link/") as found:
        yield found, own


@pytest.fixture(scope="session")
def admin(served: tuple[Served, Estate], executable: str) -> Signed:
    """The first admin, as the link of the first start makes one."""
    process, own = served
    with chromium(executable) as one, window(one, process.origin) as (page, trouble):
        page.goto(process.link("/link/"))
        page.fill("#name", NAME)
        page.fill("#password", PASSWORD)
        page.fill("#again", PASSWORD)
        page.click("main form button")
        page.wait_for_url(process.origin + "/")
        # From here on the browser's language counts, which the tests choose.
        page.goto("/me")
        token = page.locator("input[name=csrf]").first.get_attribute("value") or ""
        answer = page.request.post(
            "/choices",
            form={"csrf": token, "language": "auto", "next": "/"},
            headers={"origin": process.origin, "sec-fetch-site": "same-origin"},
        )
        assert answer.ok
        assert not trouble.found
        return Signed(process.origin, page.context.storage_state(), own)


def _settings(estate: Estate) -> str:
    lines = ["[web]", "requests_a_minute = 100000"]
    for account in with_names(Settings(home=estate.home)).accounts:
        lines += [
            "",
            "[[accounts]]",
            f'id = "{account.id}"',
            f'name = "{account.name}"',
            f"groups = {account.groups!r}",
        ]
    return "\n".join(lines).replace("'", '"') + "\n"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real browsers are shared by no other test."""
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(240))
