"""A small estate with its incident, and pages over it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ashiato.access.identity import Identity
from ashiato.access.roles import abilities_of, role_named
from ashiato.core.settings import Account, Settings
from ashiato.demo import generate
from ashiato.lake.home import Home
from ashiato.web.app import make_app
from ashiato.web.door import OpenDoor
from ashiato.web.live import Live
from ashiato.web.site import Site
from ashiato.web.turns import Turns
from web.client import Answer, Client

ACCOUNTS = [
    Account(id="111122223333", name="shop-prod", groups=["customer-a", "production"]),
    Account(id="444455556666", name="shop-dev", groups=["customer-a"]),
    Account(id="123456789012", name="shop-audit", groups=["operations"]),
]


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith("ASHIATO_") and not n.startswith("ASHIATO_TEST")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@dataclass
class Estate:
    """A home that holds the sample incident, and what the generator knows of it (truth.json)."""

    home: Path
    files: Path
    truth: dict[str, Any]
    settings: Settings


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Generated, taken in and evaluated once; tests that write take `own_estate`. ASHIATO_TEST_ESTATE names the folder
    of a demo (with home/ and files/) to use instead, read only."""
    given = os.environ.get("ASHIATO_TEST_ESTATE")
    if given:
        home, files = Path(given) / "home", Path(given) / "files"
    else:
        from ashiato.cli.app import Common
        from ashiato.cli.commands.collect import take_in
        from ashiato.lake.maintain import maintain
        from ashiato.lake.writer import LakeWriter

        root = tmp_path_factory.mktemp("estate")
        home, files = root / "home", root / "files"
        generate(files, days=3, events=6000, flows=6000)
        told = Common(Settings(home=home), "json")
        take_in(told, [str(files)])
        # Days that stand as in a home of any age: pages of things that were long ago need no scan.
        with told.open_for_writing("the tests of the pages") as opened:
            LakeWriter(opened).close()
            maintain(opened, told.settings, only={"footprints"})
    truth = json.loads((files / "truth.json").read_text())
    return Estate(home, files, truth, Settings(home=home, accounts=ACCOUNTS))


def copied(estate: Estate, folder: Path) -> Estate:
    """A copy to write to, at `folder`."""
    from ashiato.lake.backup import backup
    from ashiato.lake.restoring import restore

    kept = folder.with_name(folder.name + "-kept")
    with Home.open_for_reading(estate.home) as opened:
        backup(opened, kept)
    restore(kept, folder)
    shutil.rmtree(kept)
    return Estate(folder, estate.files, estate.truth, Settings(home=folder, accounts=ACCOUNTS))


@pytest.fixture
def own_estate(estate: Estate, tmp_path: Path) -> Estate:
    """A copy of this test's own."""
    return copied(estate, tmp_path / "home")


@pytest.fixture(scope="session")
def spare_estate(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """A copy that all tests may write to; what stands in it depends on who came before."""
    return copied(estate, tmp_path_factory.mktemp("spare") / "home")


Visiting = Callable[..., Answer]


def someone(
    role: str, groups: tuple[str, ...] | None = None, language: str = "en", zone: str = "Asia/Tokyo"
) -> Identity:
    """A user of this role, as a session would say."""
    able = abilities_of(role_named(role), limited=groups is not None)
    return Identity("erin", role_named(role), able, groups, "Erin", language, zone, user=1_000_001)  # type: ignore[arg-type]


def site_of(home: Home, settings: Settings, identity: Identity | None) -> Site:
    """Pages as this identity sees them; None: nobody signed in."""
    return Site(home, settings, OpenDoor(identity))


@pytest.fixture(scope="session")
def reading(estate: Estate) -> Iterator[Site]:
    """Pages over the estate that nobody writes to: templates and counts are made once for all tests."""
    with Home.open_for_reading(estate.home) as home:
        yield site_of(home, estate.settings, None)


@pytest.fixture
def visit(estate: Estate, reading: Site, request: pytest.FixtureRequest) -> Iterator[Visiting]:
    """`visit("/alerts?group=customer-a", role="viewer", groups=None, language="en", zone="UTC")` → Answer. With a
    `form` it is a POST, and goes to the spare estate; `of` names another estate."""
    homes: dict[Path, Home] = {}

    def go(
        path: str,
        *,
        role: str | None = "admin",
        groups: tuple[str, ...] | None = None,
        language: str = "en",
        zone: str = "Asia/Tokyo",
        form: dict[str, Any] | None = None,
        of: Estate | None = None,
    ) -> Answer:
        asked = of or (estate if form is None else request.getfixturevalue("spare_estate"))
        visitor = None if role is None else someone(role, groups, language, zone)
        if asked is estate:
            site = reading
            # Each visit by somebody else, with all their turns.
            site.door, site.turns = OpenDoor(visitor), Turns(site.settings.web)
            # Each client has an event loop of its own, and what waits for news belongs to one.
            site.live = Live(site.home.ledger, site.settings)
        else:
            if asked.home not in homes:
                homes[asked.home] = Home.open_for_reading(asked.home)
            site = site_of(homes[asked.home], asked.settings, visitor)
        client = Client(make_app(site))
        return client.get(path) if form is None else client.post(path, form)

    yield go
    for home in homes.values():
        home.close()
