"""Answers that are kept: one look for many who ask, never older than the asker bears."""

from __future__ import annotations

import threading
import time

import pytest

from ashiato.core.kept import Kept


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_look_for_many_at_once() -> None:
    kept, made, gate = Kept(), [], threading.Event()

    def make() -> int:
        gate.wait(10)
        made.append(1)
        return len(made)

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(kept.get("a", 60, make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(10)
    assert found == [1] * 8


def test_what_is_too_old_is_made_anew_and_meanwhile_given_where_that_is_borne() -> None:
    clock = Clock()
    kept = Kept(clock=clock)
    assert kept.get("a", 10, lambda: 1) == 1
    clock.now = 11
    assert kept.get("a", 10, lambda: 2, bear=100) == 1
    until = time.monotonic() + 10
    while kept.get("a", 10, lambda: 3) == 1:
        assert time.monotonic() < until
    assert kept.get("a", 10, lambda: 4) == 2
    clock.now = 200
    assert kept.get("a", 10, lambda: 5, bear=100) == 5


def test_what_takes_long_is_made_anew_more_seldom() -> None:
    clock = Clock()
    kept = Kept(clock=clock)

    def slowly() -> str:
        clock.now += 2
        return "first"

    assert kept.get("a", 10, slowly) == "first"
    clock.now = 2 + 39
    assert kept.get("a", 10, lambda: "second", bear=100) == "first"
    assert not kept._making["a"].locked()
    assert kept._found["a"].value == "first"
    clock.now = 2 + 40
    kept.get("a", 10, lambda: "second", bear=100)
    until = time.monotonic() + 10
    while kept._found["a"].value == "first":
        assert time.monotonic() < until


def test_an_error_is_kept_for_nobody_and_the_oldest_give_way() -> None:
    kept = Kept(most=2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", 10, lambda: 1 // 0)
    assert [kept.get(key, 10, key.upper) for key in ("a", "b", "c")] == ["A", "B", "C"]
    assert kept.get("a", 10, lambda: "again") == "again"


def test_of_what_cannot_be_made_nothing_stays() -> None:
    kept = Kept()
    for key in range(100):
        with pytest.raises(ZeroDivisionError):
            kept.get(key, 10, lambda: 1 // 0)
    assert kept._making == {}
