"""Statements with words lost, doubled or exchanged end in a refusal or in SQL, never in a traceback."""

from __future__ import annotations

import random
import re

import pytest

from ashiato.core.errors import QueryRefused
from ashiato.engine import transpile
from engine.conftest import published
from engine.test_dialect import ROWS, VALUES


@pytest.mark.parametrize("seed", range(4))
def test_broken_statements(seed: int) -> None:
    chance = random.Random(seed)
    statements = [*published().values(), *(f"SELECT {sql}" for sql, _ in VALUES), *(sql for sql, _ in ROWS)]
    words = [re.findall(r"\w+|'[^']*'|\s+|.", s) for s in statements if len(s) < 2500]
    read = 0
    remedies = []
    for _ in range(100):
        broken = list(chance.choice(words))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(broken))
            other = chance.choice(chance.choice(words))
            broken[at : at + chance.choice((0, 1))] = chance.choice(([], [other]))
        try:
            read += bool(transpile("".join(broken), chance.choice(("athena", "duckdb"))).sql)
        except QueryRefused as refused:
            remedies.append(refused.remedy)
    assert read
    assert all(remedies)
