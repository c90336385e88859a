"""The demo's pages stand on loopback, and its guide knows what the generator did."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest

from ashiato.core.errors import WrongUse
from ashiato.demo.pages import LOOPBACK, incident_of, listen
from ashiato.web.guiding import STEPS, right
from demo.conftest import Delivered


def test_the_guide_asks_for_what_truth_json_says(delivered: Delivered) -> None:
    found = incident_of(delivered.truth)
    assert found is not None
    attack = delivered.truth["attack"]
    assert found.key == attack["leakedKey"]
    assert found.control == attack["commandAndControl"]["address"]
    assert found.port_opened == datetime.fromisoformat(attack["times"]["portOpened"])
    assert found.key_used < found.planted_made < found.port_opened < found.entered < found.calls_began
    assert found.key_used.tzinfo is not None
    for step in STEPS:
        for text in (step.story, step.question, step.hint, step.found):
            assert "%(" not in text % found.words()
        answer = str(getattr(found, step.answers[0]))
        assert right(answer, step, found)
        assert right(f"  {answer.upper()} ", step, found)
        assert not right("no idea", step, found)


def test_without_an_attack_there_is_no_guide(delivered: Delivered) -> None:
    assert incident_of({**delivered.truth, "attack": None}) is None


def test_times_of_the_guide_are_in_utc(delivered: Delivered) -> None:
    found = incident_of(delivered.truth)
    assert found is not None
    assert found.words()["port_opened"] == f"{found.port_opened.astimezone(UTC):%H:%M}"


def test_where_the_port_is_taken_the_demo_takes_another_unless_it_was_named() -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with listen(port, or_any=True) as found:
            assert found.getsockname()[0] == LOOPBACK
            assert found.getsockname()[1] != port
        with pytest.raises(WrongUse):
            listen(port, or_any=False)
