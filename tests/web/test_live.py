"""News: when something changes, to as many as there is room for, until the pages are told to stop."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator

import pytest

from ashiato.core.scope import EVERY_ACCOUNT, AccountScope
from ashiato.lake.home import Home
from ashiato.web import live as module
from ashiato.web.app import make_app
from ashiato.web.live import Live
from web.client import Client
from web.conftest import Estate, site_of, someone


@pytest.fixture
def home(estate: Estate) -> Iterator[Home]:
    with Home.open_for_reading(estate.home) as opened:
        yield opened


def test_news_come_once_per_change_and_the_stream_ends_when_told(
    home: Home, estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    told = [{"open": {"high": 1}}, {"open": {"high": 1}}, {"open": {"high": 2}}]
    monkeypatch.setattr(module, "news", lambda *_: told.pop(0) if len(told) > 1 else told[0])
    live = Live(home.ledger, estate.settings)

    async def listen() -> list[str]:
        got = []
        async for part in live.stream(EVERY_ACCOUNT, lambda: True):
            got.append(part)
            if len(got) == 3:
                assert live.listening == 1
                live.close()
        return got

    retry, first, second = asyncio.run(asyncio.wait_for(listen(), 30))
    assert retry.startswith("retry:")
    assert json.loads(first.split("data: ")[1])["open"] == {"high": 1}
    assert json.loads(second.split("data: ")[1])["open"] == {"high": 2}
    assert live.listening == 0


def test_whose_session_ended_hears_no_more_however_often_news_come(
    home: Home, estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(module, "PING_SECONDS", 0.0)
    commits = itertools.count()
    monkeypatch.setattr(module, "news", lambda *_: {"watching": {"last_commit": next(commits)}})
    live = Live(home.ledger, estate.settings)
    still_in = iter([True, True])

    async def listen() -> int:
        return len([part async for part in live.stream(EVERY_ACCOUNT, lambda: next(still_in, False))])

    assert asyncio.run(asyncio.wait_for(listen(), 30)) == 3
    assert live.listening == 0


def test_news_are_of_ones_own_accounts(home: Home) -> None:
    whole = module.news(home.ledger, EVERY_ACCOUNT)
    assert sum(whole["open"].values())
    nothing = module.news(home.ledger, AccountScope(frozenset()))
    assert sum(nothing["open"].values()) == 0
    assert nothing["newest"] is None


def test_a_full_house_is_said_and_news_can_be_asked_for(home: Home, estate: Estate) -> None:
    site = site_of(home, estate.settings, someone("viewer"))
    site.live.most = 0
    client = Client(make_app(site))
    refused = client.get("/events")
    assert (refused.status, refused.headers["retry-after"]) == (503, "30")
    asked = client.get("/news")
    assert asked.status == 200
    assert client.get("/news", if_none_match=asked.headers["etag"]).status == 304


def test_who_asks_too_often_waits(home: Home, estate: Estate) -> None:
    settings = estate.settings.model_copy(deep=True)
    settings.web.requests_a_minute = 10
    client = Client(make_app(site_of(home, settings, someone("viewer"))))
    answers = [client.get("/keyboard") for _ in range(12)]
    assert [a.status for a in answers] == [200] * 10 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
