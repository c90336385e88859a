"""Pages that read the lake come a few at a time; the others do not wait for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from starlette.responses import Response

from ashiato.lake.home import Home
from ashiato.web.app import make_app, most_readers
from ashiato.web.door import OpenDoor
from ashiato.web.page import Area
from ashiato.web.site import Site
from ashiato.web.visit import Visit
from web.client import Client
from web.conftest import Estate, someone


class Slow:
    """Pages that take until they are let go; `running` at the moment, `most` at once."""

    def __init__(self) -> None:
        self.area = Area("slow")
        self.go = threading.Event()
        self.lock = threading.Lock()
        self.running = self.most = 0
        self.area.get("/slow", title="Slow", lake=True)(self.slow)
        self.area.get("/quick", title="Quick")(self.quick)

    def slow(self, visit: Visit) -> Response:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.go.wait(30)
        with self.lock:
            self.running -= 1
        return visit.json({})

    def quick(self, visit: Visit) -> Response:
        return visit.json({"running": self.running})


@pytest.fixture
def slow(estate: Estate) -> Iterator[tuple[Slow, Client]]:
    pages = Slow()
    with Home.open_for_reading(estate.home) as home:
        site = Site(home, estate.settings, OpenDoor(someone("viewer")), areas=[pages.area])
        yield pages, Client(make_app(site))
        pages.go.set()


def test_pages_that_read_the_lake_wait_their_turn_and_others_pass_by(slow: tuple[Slow, Client]) -> None:
    pages, client = slow

    async def visits() -> list[int]:
        waiting = [asyncio.create_task(client.ask("/slow")) for _ in range(most_readers() + 3)]
        async with asyncio.timeout(30):
            while pages.running < most_readers():
                await asyncio.sleep(0.005)
            quick = await client.ask("/quick")
        assert quick.json() == {"running": most_readers()}
        pages.go.set()
        return [answer.status for answer in await asyncio.gather(*waiting)]

    assert asyncio.run(visits()) == [200] * (most_readers() + 3)
    assert pages.most == most_readers()
