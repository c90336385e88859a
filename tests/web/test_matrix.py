"""Every route, for every role and scope: who gets in, and what they are not shown. No route without an entry."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from ashiato.access.roles import ABILITIES
from ashiato.web.page import LEAST, Route, areas
from web.conftest import Estate, Visiting, someone
from web.matrix_entry import Entry

ROUTES: dict[str, Route] = {route.name: route for area in areas() for route in area.routes}


def _entries() -> list[Entry]:
    found: list[Entry] = []
    for path in sorted((Path(__file__).parent / "matrix").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"web_matrix_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        found += module.ENTRIES
    return found


ENTRIES = _entries()
ROLES = ("viewer", "analyst", "admin")


def test_every_route_has_an_entry_and_no_entry_is_left_over() -> None:
    assert {e.name for e in ENTRIES} == set(ROUTES)


@pytest.mark.parametrize("role", [None, *ROLES])
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_each_role_gets_what_is_declared(
    entry: Entry, role: str | None, visit: Visiting, estate: Estate
) -> None:
    route = ROUTES[entry.name]
    answer = visit(_address(entry, estate), role=role, form=_form(entry, route))
    assert answer.status == _expected(entry, route, role), answer.words[:500]
    if role is None and route.least != "anyone":
        assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize(
    "entry", [e for e in ENTRIES if ROUTES[e.name].method == "GET"], ids=lambda e: e.name
)
def test_a_limited_user_is_not_shown_other_accounts(entry: Entry, visit: Visiting, estate: Estate) -> None:
    route = ROUTES[entry.name]
    answer = visit(_address(entry, estate), role="analyst", groups=("customer-a",))
    whole = route.ability is not None and ABILITIES[route.ability].whole
    expected = 403 if whole else _expected(entry, route, "analyst")
    assert answer.status == (expected if entry.limited is None else entry.limited)
    for text in entry.hides:
        assert text not in answer.text
    for text in entry.shows:
        assert text in answer.text


def _expected(entry: Entry, route: Route, role: str | None) -> int:
    if role is None:
        return entry.ok if route.least == "anyone" else entry.stranger
    if role in entry.statuses:
        return entry.statuses[role]
    if route.ability is not None:
        return entry.ok if someone(role).may(route.ability) else 403
    order: tuple[str, ...] = LEAST
    return entry.ok if order.index(role) >= order.index(route.least) else 403


def _address(entry: Entry, estate: Estate) -> str:
    return entry.address if isinstance(entry.address, str) else entry.address(estate)


def _form(entry: Entry, route: Route) -> dict[str, str] | None:
    return dict(entry.form or {}) if route.method == "POST" else None
