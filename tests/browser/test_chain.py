"""From the connection to the command-and-control address to the key that leaked: at most four clicks."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from ashiato.demo.pages import incident_of
from ashiato.web.page import areas
from browser.chromium import picture, window
from browser.served import Served
from web.conftest import Estate

pytestmark = pytest.mark.slow

MOST_CLICKS = 4


@pytest.mark.skipif("trace" not in {a.name for a in areas()}, reason="there is no trace page")
def test_four_clicks_lead_from_the_connection_to_the_key(
    browser: Browser, demo: Served, estate: Estate
) -> None:
    found = incident_of(estate.truth)
    assert found is not None
    # The later, the nearer to the key; each click goes as near as the page lets.
    chain = [found.host, found.instance, found.group, found.planted, found.leaked, found.key]
    with window(browser, demo.origin) as (page, trouble):
        page.goto(f"/trace/{found.control}")
        clicks: list[str] = []
        at = -1
        while at < len(chain) - 1:
            assert len(clicks) < MOST_CLICKS, f"more than {MOST_CLICKS} clicks: {clicks}"
            for nearer in range(len(chain) - 1, at, -1):
                links = page.locator(f'main a.chip[data-copy*="{chain[nearer]}"]')
                if links.count():
                    break
            else:
                pytest.fail(f"{page.url} leads to none of {chain[at + 1 :]} after {clicks}")
            links.first.click()
            page.wait_for_load_state()
            at = nearer
            clicks.append(chain[at])
            picture(page, f"chain-{len(clicks)}")
        assert found.key in page.locator("main").inner_text()
        assert trouble.found == []
