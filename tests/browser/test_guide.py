"""The demo's guide: a newcomer gets from the alarm to the leaked key by what the pages say, and nothing else."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from ashiato.demo.pages import incident_of
from ashiato.web.guiding import STEPS, Incident
from ashiato.web.page import areas
from browser.chromium import Language, Look, picture, serious, sideways, window
from browser.served import Served
from web.conftest import Estate


@pytest.fixture(scope="module")
def incident(estate: Estate) -> Incident:
    found = incident_of(estate.truth)
    assert found is not None
    return found


def _answer(incident: Incident, number: int) -> str:
    return str(getattr(incident, STEPS[number - 1].answers[0]))


@pytest.mark.skipif(
    not {s.page for s in STEPS} <= {a.name for a in areas()},
    reason="pages that the guide opens are not there",
)
@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ja", 360)])
def test_the_incident_is_followed_to_the_leaked_key(
    language: Language, width: int, browser: Browser, demo: Served, incident: Incident
) -> None:
    look = Look(language, "dark" if language == "ja" else "light", width)
    with window(browser, demo.origin, look) as (page, trouble):
        page.goto("/")
        page.click("aside.guide a")
        page.click("main a.button")
        for number in range(1, len(STEPS) + 1):
            page.wait_for_url(f"**/guide/{number}")
            picture(page, f"guide-{number}-{look}")
            assert serious(page) == []
            with page.expect_navigation():
                page.click("main a.button")
            assert page.locator("h1").count() == 1
            answer = _answer(incident, number)
            assert _findable(page, answer, incident), f"step {number}: {answer} is not on {page.url}"
            picture(page, f"guide-{number}-page-{look}")
            page.fill("#guide-answer", answer)
            page.press("#guide-answer", "Enter")
            page.wait_for_url(f"**/guide/{number}?answer=*")
            assert answer in page.locator("main [role=status]").inner_text()
            page.click("main a.button")
        page.wait_for_url("**/guide/done")
        picture(page, f"guide-done-{look}")
        assert incident.key in page.locator("main").inner_text()
        assert sideways(page) <= 0
        assert trouble.found == []


def _findable(page: Page, answer: str, incident: Incident) -> bool:
    """On this page as it opens, or on that of the instance, to which the third step leads on."""
    if answer in page.locator("main").inner_text():
        return True
    further = page.locator(f'main a[href*="{incident.instance}"]')
    if further.count() == 0:
        return False
    further.first.click()
    page.wait_for_load_state()
    return answer in page.locator("main").inner_text()


def test_a_wrong_answer_gets_a_hint_and_does_no_harm(browser: Browser, demo: Served) -> None:
    with window(browser, demo.origin) as (page, trouble):
        page.goto("/guide/1")
        page.fill("#answer", '"><script>alert(1)</script> {{7*7}}')
        page.press("#answer", "Enter")
        page.wait_for_url("**/guide/1?answer=*")
        assert "<script>alert(1)</script> {{7*7}}" in page.locator("main [role=status]").inner_text()
        assert page.locator("main script").count() == 0
        assert trouble.found == []


def test_who_leaves_the_guide_is_asked_no_more(browser: Browser, demo: Served) -> None:
    with window(browser, demo.origin) as (page, _):
        page.goto("/guide/2")
        page.goto("/")
        assert page.locator("#guide-answer").count() == 1
        page.click("aside.guide .leave")
        page.wait_for_url(demo.origin + "/")
        assert page.locator("#guide-answer").count() == 0


def test_the_guide_works_without_scripts(browser: Browser, demo: Served, incident: Incident) -> None:
    with window(browser, demo.origin, script=False) as (page, _):
        page.goto("/guide/6")
        page.fill("#answer", incident.key)
        page.press("#answer", "Enter")
        page.wait_for_url("**/guide/6?answer=*")
        page.click("main a.button")
        page.wait_for_url("**/guide/done")
