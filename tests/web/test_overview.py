"""The first page says what needs a person."""

from __future__ import annotations

from web.conftest import Visiting


def test_it_says_how_many_alerts_are_open(visit: Visiting) -> None:
    answer = visit("/")
    assert answer.status == 200, answer.text
    assert "What needs you now" in answer.words


def test_a_group_that_is_not_ones_own_shows_nothing(visit: Visiting) -> None:
    assert "Nothing needs you now." in visit("/?group=operations", groups=("customer-a",)).words
