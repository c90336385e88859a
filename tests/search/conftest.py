"""A lake with the records of `search.records`, and searches of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.search.query import Search
from ashiato.search.reading import Deadline, Reader
from ashiato.search.rows import page
from intake.taking_in import collect
from search import records

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass
class Lake:
    """A pinned lake and what was put into it."""

    home: Path
    pinned: PinnedLake
    events: list[records.Record]
    flows: list[records.Record]
    items: list[records.Record]

    def reader(self, scope: AccountScope = EVERY_ACCOUNT, **parameters: str) -> Reader:
        """A search of all time, where no other is given; `from_` for `from`."""
        given = {"from": "all", **{k.rstrip("_"): v for k, v in parameters.items()}}
        return Reader(self.pinned, Search.from_parameters(given), scope, moment=NOW)

    def rows(self, scope: AccountScope = EVERY_ACCOUNT, **parameters: str) -> list[dict[str, Any]]:
        """Every row, page by page."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            with self.reader(scope, **{"rows": "97", **parameters, "after": after}) as reader:
                one = page(reader, Deadline(60))
            assert one.reached is None
            found += one.rows
            if not one.next:
                return found
            after = one.next

    def found(self, q: str) -> set[str]:
        """Ids of the events that a search finds."""
        return {r["eventID"] for r in self.rows(q=q, columns="eventID")}

    def expected(self, test: Callable[[records.Record], Any]) -> set[str]:
        """Ids of the events for which `test` is true."""
        return {e["eventID"] for e in self.events if test(e)}


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("search")
    events, flows, items = records.events(), records.flows(), records.items()
    records.write_all(folder / "logs", events, flows, items)
    collect(folder / "home", folder / "logs")
    with Home.open_for_reading(folder / "home") as home, PinnedLake(home) as pinned:
        yield Lake(folder / "home", pinned, events, flows, items)
