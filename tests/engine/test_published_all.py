"""Every statement that AWS publishes runs, or docs/queries.md says why it is not one over our tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ashiato.core.errors import QueryRefused
from engine.conftest import published
from engine.expect import Ask

DOCS = Path(__file__).parents[2] / "docs/queries.md"


def documented() -> set[str]:
    """Ids in the table of statements that are not run; `a/001` to `a/018` names a span."""
    section = DOCS.read_text(encoding="utf-8").split("## AWS's statements that are not run", 1)[1]
    ids: set[str] = set()
    for line in section.splitlines():
        cell = line.split("|")[1] if line.startswith("|") else ""
        found = re.findall(r"`([\w-]+)/(\d{3})`", cell)
        if " to " in cell and len(found) == 2:
            ids |= {f"{found[0][0]}/{n:03}" for n in range(int(found[0][1]), int(found[1][1]) + 1)}
        else:
            ids |= {f"{a}/{b}" for a, b in found}
    return ids


@pytest.mark.slow
def test_the_documented_list_is_the_list_of_what_fails(ask: Ask) -> None:
    failed: dict[str, str] = {}
    for identifier, statement in published().items():
        try:
            ask(statement)
        except QueryRefused as refused:
            failed[identifier] = str(refused)
    assert set(failed) == documented(), failed


def test_refusals_say_what_to_do(ask: Ask) -> None:
    for identifier in sorted(documented()):
        with pytest.raises(QueryRefused) as caught:
            ask(published()[identifier])
        assert caught.value.remedy
