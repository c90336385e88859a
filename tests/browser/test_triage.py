"""Working through alerts by keyboard, and without any script; a backtest followed to its chart."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from browser.chromium import Look, picture, window
from browser.conftest import Signed

LIST = "/alerts?level=informational"
NARROW = Look("en", "light", 360)


def test_alerts_are_worked_through_by_keyboard(browser: Browser, admin: Signed) -> None:
    with window(browser, admin.origin, state=admin.state) as (page, trouble):
        page.goto(LIST)
        rows = page.locator("table[data-rows] > tbody > tr")
        ids = [rows.nth(n).locator("[data-alert]").get_attribute("data-alert") for n in range(4)]
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(rows.nth(1)).to_have_attribute("aria-selected", "true")
        page.keyboard.press("a")
        expect(page.get_by_text("1 alert acknowledged.")).to_be_visible()
        expect(rows.nth(1)).to_contain_text("acknowledged")
        # The list goes on at the next one.
        expect(rows.nth(2)).to_have_attribute("aria-selected", "true")
        page.keyboard.press("c")
        expect(page.locator("dialog")).to_contain_text(f"Close as what? {ids[2]}")
        page.locator("dialog input[name=note]").fill("looked at by the test")
        page.get_by_role("button", name="benign").click()
        expect(page.get_by_text("1 alert closed.")).to_be_visible()
        assert ids[2] not in page.locator("tbody").inner_text().split()
        expect(page.locator("tr[aria-selected=true] [data-alert]")).to_have_attribute(
            "data-alert", str(ids[3])
        )
        page.keyboard.press("o")
        page.wait_for_url(re.compile(rf"/alerts/{ids[3]}$"))
        page.keyboard.press("s")
        page.wait_for_url(re.compile("/suppressions/new"))
        expect(page.locator("main")).to_contain_text("this would have hidden")
        picture(page, "triage-suppress")
        assert trouble.found == []


def test_alerts_are_worked_through_without_a_script(browser: Browser, admin: Signed) -> None:
    with window(browser, admin.origin, NARROW, state=admin.state, script=False) as (page, trouble):
        page.goto(LIST)
        page.locator("[data-ack] button").first.click()
        expect(page.get_by_text("1 alert acknowledged.")).to_be_visible()
        page.locator("a[data-close]").first.click()
        page.locator("#close input[value=false]").check()
        page.locator("#close button").click()
        expect(page.get_by_text("1 alert closed.")).to_be_visible()
        assert trouble.found == []


def test_a_rule_is_tried_and_its_chart_comes_by_itself(browser: Browser, admin: Signed) -> None:
    with window(browser, admin.origin, state=admin.state) as (page, trouble):
        page.goto("/detections?state=hit&level=high&log=cloudtrail&sort=-hits")
        page.locator("a.open").first.click()
        page.fill("input[name=from]", "")
        page.get_by_role("button", name="Backtest").click()
        page.wait_for_url(re.compile("/jobs/J-"))
        expect(page.locator("main svg.histogram")).to_be_visible(timeout=120_000)
        picture(page, "backtest-done")
        expect(page.locator("main")).to_contain_text("1 rule was tried")
        assert trouble.found == []
