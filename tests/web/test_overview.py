"""The first page says what needs a person, how busy it is, how late logs come, and from where calls came."""

from __future__ import annotations

import re

from web.conftest import Visiting


def test_it_says_how_many_alerts_need_somebody(visit: Visiting) -> None:
    answer = visit("/")
    assert answer.status == 200, answer.text
    assert "What needs you now" in answer.words
    needing = re.search(r"(\d+) alerts? needs? somebody", answer.words)
    if needing is not None:
        assert any(link.startswith("/alerts/A-") for link in answer.links)


def test_a_group_that_is_not_ones_own_shows_nothing(visit: Visiting) -> None:
    words = visit("/?group=operations", groups=("customer-a",)).words
    assert "Nothing needs you now." in words
    assert "shop-" not in words


def test_activity_and_origins_lead_to_their_records(visit: Visiting) -> None:
    links = visit("/?days=3").links
    bars = [link for link in links if link.startswith("/search?table=cloudtrail&from=")]
    assert bars
    assert any("q=sourceIPAddress%3A" in link for link in links)
    kept = visit("/?days=3&group=customer-a").links
    assert all("group=customer-a" in link for link in kept if link.startswith("/search"))


def test_a_span_that_is_none_is_refused(visit: Visiting) -> None:
    assert visit("/?days=400").status == 400


def test_it_speaks_japanese(visit: Visiting) -> None:
    answer = visit("/", language="ja")
    assert "いま対応が必要なもの" in answer.words
    assert 'lang="ja"' in answer.text
