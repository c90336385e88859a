"""API tokens: what they may, for how long, and that a leaked one can be found and ended."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from access.conftest import ROOT, Clock
from ashiato.access import audit
from ashiato.access.identity import Identity
from ashiato.access.roles import Forbidden, abilities_of
from ashiato.access.sessions import Sessions
from ashiato.access.tokens import Tokens
from ashiato.access.users import Users
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Settings
from ashiato.ledger import Ledger
from ashiato.ledger import access_tables as t

DAY = timedelta(days=1)


@pytest.fixture
def tokens(ledger: Ledger, settings: Settings, users: Users) -> Tokens:
    return Tokens(ledger, settings)


def as_user(ledger: Ledger, settings: Settings, users: Users, name: str) -> Identity:
    sessions = Sessions(ledger, settings)
    found = sessions.find(sessions.begin(users.get(name), user_agent="", address="")[0])
    assert found is not None
    return found[0]


def test_scanners_of_leaked_secrets_know_one(tokens: Tokens) -> None:
    text, token = tokens.create("bob", "ci", ["read"], ROOT)
    assert re.fullmatch(r"ash_[A-Za-z0-9]{43}", text)
    assert text.startswith(token.start)
    assert len(token.start) == 8


def test_it_may_what_it_was_given(tokens: Tokens) -> None:
    identity = tokens.find(tokens.create("bob", "ci", ["read", "triage"], ROOT)[0])
    assert identity is not None
    assert identity.abilities == {"read", "triage"}
    assert identity.via == "token"
    assert identity.at_least("viewer")
    # It is an analyst's, but may not run SQL: it is none itself.
    assert not identity.at_least("analyst")


def test_it_may_no_more_than_its_user_may_now(users: Users, tokens: Tokens) -> None:
    with pytest.raises(WrongUse, match="no right"):
        tokens.create("bob", "ci", ["users"], ROOT)
    with pytest.raises(WrongUse, match="no right"):
        tokens.create("cy", "ci", ["analyst"], ROOT)
    text = tokens.create("bob", "ci", ["analyst"], ROOT)[0]
    users.change("bob", ROOT, role="viewer", groups=["customer-b"])
    identity = tokens.find(text)
    assert identity is not None
    assert identity.abilities == {"read"}
    assert identity.groups == ("customer-b",)


def test_a_role_as_scope_is_what_it_may_today(tokens: Tokens) -> None:
    _, token = tokens.create("ann", "ci", ["admin"], ROOT)
    assert set(token.scopes) == abilities_of("admin")


def test_it_ends(tokens: Tokens, at: Clock) -> None:
    text = tokens.create("bob", "ci", ["read"], ROOT, lifetime=DAY)[0]
    assert tokens.find(text) is not None
    at.on(DAY)
    assert tokens.find(text) is None
    assert [x.as_json()["state"] for x in tokens.all(ROOT)] == ["expired"]


@pytest.mark.parametrize("lifetime", [timedelta(0), -DAY, 367 * DAY, timedelta.max])
def test_none_lasts_for_ever(tokens: Tokens, lifetime: timedelta) -> None:
    with pytest.raises(WrongUse):
        tokens.create("bob", "ci", ["read"], ROOT, lifetime=lifetime)


def test_revoked_or_of_a_disabled_or_removed_user_it_is_dead(users: Users, tokens: Tokens) -> None:
    text, token = tokens.create("bob", "ci", ["read"], ROOT)
    users.disable("bob", ROOT)
    assert tokens.find(text) is None
    users.enable("bob", ROOT)
    assert tokens.find(text) is not None
    assert tokens.revoke(token.number, ROOT).revoked_at is not None
    assert tokens.find(text) is None
    other = tokens.create("bob", "ci", ["read"], ROOT)[0]
    users.remove("bob", ROOT)
    assert tokens.find(other) is None
    assert tokens.all(ROOT) == []


def test_guesses_find_nothing(tokens: Tokens) -> None:
    text, token = tokens.create("bob", "ci", ["read"], ROOT)
    for guess in (
        "", "ash_", token.start, text[:-1], text + "0", text.lower(), text[4:], "ASH_" + text[4:], "x" * 1_000_000,
        "ash_" + "%" * 43, text[:-1] + "\n", "ash_" + "\ud800" * 43, "ash_" + "٣" * 43,
    ):  # fmt: skip
        if guess != text:
            assert tokens.find(guess) is None


def test_the_text_is_kept_nowhere(ledger: Ledger, tokens: Tokens) -> None:
    text = tokens.create("bob", "ci", ["read"], ROOT)[0]
    with ledger.engine.connect() as connection:
        assert text not in str(ledger.rows(sa.select(t.api_tokens))) + str(audit.entries(connection))


def test_use_is_noted(tokens: Tokens, at: Clock) -> None:
    text = tokens.create("bob", "ci", ["read"], ROOT)[0]
    assert tokens.all(ROOT)[0].used_at is None
    tokens.find(text)
    assert tokens.all(ROOT)[0].used_at == at()


def test_one_has_ones_own_and_an_admin_all(
    ledger: Ledger, settings: Settings, users: Users, tokens: Tokens
) -> None:
    bob = as_user(ledger, settings, users, "bob")
    anns = tokens.create("ann", "hers", ["read"], ROOT)[1]
    mine = tokens.create("bob", "mine", ["read"], bob)[1]
    assert [x.number for x in tokens.all(bob, user_name="bob")] == [mine.number]
    for forbidden in (
        lambda: tokens.all(bob),
        lambda: tokens.all(bob, user_name="ann"),
        lambda: tokens.create("ann", "x", ["read"], bob),
    ):
        with pytest.raises(Forbidden):
            forbidden()
    with pytest.raises(WrongUse, match="no token"):
        tokens.revoke(anns.number, bob)
    assert len(tokens.all(ROOT)) == 2
    assert tokens.revoke(mine.number, bob).revoked_at is not None


def test_a_token_makes_no_tokens_and_sets_no_password(users: Users, tokens: Tokens) -> None:
    """Else who found one could stay after it is revoked."""
    stolen = tokens.find(tokens.create("bob", "ci", ["analyst"], ROOT)[0])
    assert stolen is not None
    with pytest.raises(Forbidden):
        tokens.create("bob", "more", ["read"], stolen)
    with pytest.raises(Forbidden):
        users.set_password("bob", "another good password", stolen)


@pytest.mark.parametrize("name", ["a\u202eb", "a\nb", "x" * 101, "\x00"])
def test_names_hide_nothing(tokens: Tokens, name: str) -> None:
    with pytest.raises(WrongUse):
        tokens.create("bob", name, ["read"], ROOT)


def test_with_a_token_nothing_is_done_that_only_its_user_may(
    ledger: Ledger, settings: Settings, users: Users, tokens: Tokens
) -> None:
    """Whoever has somebody's token to read cannot sign them out, rename them or take their other tokens."""
    sessions = Sessions(ledger, settings)
    session = sessions.begin(users.get("bob"), user_agent="", address="")[1]
    other = tokens.create("bob", "other", ["read"], ROOT)[1]
    reader = tokens.find(tokens.create("bob", "ci", ["read"], ROOT)[0])
    assert reader is not None
    for act in (
        lambda: users.change("bob", reader, display="x"),
        lambda: sessions.of("bob", reader),
        lambda: sessions.revoke_all("bob", reader),
        lambda: tokens.all(reader, user_name="bob"),
    ):
        with pytest.raises(Forbidden):
            act()
    for revoke, number in ((sessions.revoke, session.number), (tokens.revoke, other.number)):
        with pytest.raises(WrongUse):
            revoke(number, reader)
    assert sessions.of("bob", ROOT) == [session]
    assert [x.revoked_at for x in tokens.all(ROOT)] == [None, None]
    admin = tokens.find(tokens.create("ann", "ci", ["users"], ROOT)[0])
    assert admin is not None
    assert users.change("bob", admin, display="x").display == "x"
