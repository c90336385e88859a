"""Links: the first admin, people invited, passwords forgotten. Each works once, and for a day."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from access.conftest import PASSWORD, ROOT, Clock
from ashiato.access import audit
from ashiato.access.identity import Identity
from ashiato.access.links import LinkOver, Links, address
from ashiato.access.roles import Forbidden, abilities_of
from ashiato.access.sessions import Sessions
from ashiato.access.signing_in import PasswordAuthenticator
from ashiato.access.users import Users
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Settings
from ashiato.ledger import Ledger
from ashiato.ledger import access_tables as t

NEW = "another good password"


@pytest.fixture
def links(ledger: Ledger, settings: Settings) -> Links:
    return Links(ledger, settings)


def test_the_first_start_makes_the_first_admin(ledger: Ledger, settings: Settings, links: Links) -> None:
    secret = links.first_start()
    assert secret is not None
    assert links.find(secret).purpose == "setup"
    made = links.redeem(
        secret, PASSWORD, name="ann", display="安", language="ja", zone="Asia/Tokyo", address="127.0.0.1"
    )
    assert (made.name, made.role, made.language, made.zone, made.groups) == (
        "ann", "admin", "ja", "Asia/Tokyo", None
    )  # fmt: skip
    entered = PasswordAuthenticator(ledger, settings).authenticate(
        {"name": "ann", "password": PASSWORD}, address="127.0.0.1"
    )
    assert entered.id == made.id
    assert links.first_start() is None
    with pytest.raises(LinkOver):
        links.redeem(secret, PASSWORD, name="eve", address="")


def test_only_the_newest_set_up_link_works_and_none_once_there_is_a_user(
    links: Links, ledger: Ledger, settings: Settings
) -> None:
    old, new = links.first_start(), links.first_start()
    assert old is not None
    assert new is not None
    with pytest.raises(LinkOver):
        links.find(old)
    links.find(new)
    Users(ledger, settings).add("ann", "admin", ROOT)
    with pytest.raises(LinkOver):
        links.redeem(new, PASSWORD, name="eve", address="")
    assert [u.name for u in Users(ledger, settings).all()] == ["ann"]


def test_a_set_up_link_opened_twice_at_once_makes_one_admin(
    links: Links, ledger: Ledger, settings: Settings
) -> None:
    secret = links.first_start()
    assert secret is not None
    made: list[str] = []

    def redeem(name: str) -> None:
        with contextlib.suppress(LinkOver):
            made.append(links.redeem(secret, PASSWORD, name=name, address="").name)

    threads = [threading.Thread(target=redeem, args=(f"user{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 1
    assert [u.name for u in Users(ledger, settings).all()] == made


def test_what_is_refused_leaves_the_link_as_it_was(links: Links) -> None:
    secret = links.first_start()
    assert secret is not None
    for wrong in ({"name": "x y"}, {"name": "ann", "zone": "x"}, {"name": "ann", "display": "\u202e"}):
        with pytest.raises(WrongUse):
            links.redeem(secret, PASSWORD, address="", **wrong)
    with pytest.raises(WrongUse):
        links.redeem(secret, "short", name="ann", address="")
    assert links.redeem(secret, PASSWORD, name="ann", address="").name == "ann"


def test_a_forgotten_password(ledger: Ledger, settings: Settings, users: Users, links: Links) -> None:
    session = Sessions(ledger, settings).begin(users.get("bob"), user_agent="", address="")[0]
    first = links.issue("bob", ROOT)
    second = links.issue("bob", ROOT)
    with pytest.raises(LinkOver):
        links.find(first)
    assert Sessions(ledger, settings).find(session) is not None  # asking for it ends nothing
    links.redeem(second, NEW, address="192.0.2.1", name="ann")
    assert Sessions(ledger, settings).find(session) is None
    with pytest.raises(LinkOver):
        links.redeem(second, PASSWORD, address="")
    sign_in = PasswordAuthenticator(ledger, settings)
    assert sign_in.authenticate({"name": "bob", "password": NEW}, address="").name == "bob"
    assert sign_in.authenticate({"name": "ann", "password": PASSWORD}, address="").name == "ann"


def test_they_grow_old(users: Users, links: Links, at: Clock) -> None:
    secret = links.issue("bob", ROOT)
    at.on(timedelta(hours=24))
    with pytest.raises(LinkOver):
        links.redeem(secret, NEW, address="")


def test_of_a_disabled_or_removed_user_none_works(users: Users, links: Links) -> None:
    secret = links.issue("bob", ROOT)
    users.disable("bob", ROOT)
    with pytest.raises(LinkOver):
        links.find(secret)
    with pytest.raises(WrongUse, match="disabled"):
        links.issue("bob", ROOT)
    users.enable("bob", ROOT)
    links.find(secret)
    users.remove("bob", ROOT)
    with pytest.raises(LinkOver):
        links.find(secret)


def test_a_new_password_ends_an_open_link(users: Users, links: Links) -> None:
    secret = links.issue("bob", ROOT)
    users.set_password("bob", NEW, ROOT)
    with pytest.raises(LinkOver):
        links.find(secret)


def test_guesses_and_who_may_not(users: Users, links: Links, ledger: Ledger) -> None:
    secret = links.issue("bob", ROOT)
    for guess in ("", secret[:-1], secret + "x", secret.swapcase(), "x" * 1_000_000, "\ud800" * 43):
        with pytest.raises(LinkOver):
            links.redeem(guess, NEW, address="")
    with pytest.raises(Forbidden):
        links.issue("ann", Identity("bob", "analyst", abilities_of("analyst"), user=2))
    with ledger.engine.connect() as connection:
        assert secret not in str(ledger.rows(sa.select(t.links))) + str(audit.entries(connection))


def test_they_begin_where_browsers_reach_the_pages(settings: Settings) -> None:
    assert address(settings, "x") == "http://127.0.0.1:8602/link/x"
    assert address(settings, "x", "http://127.0.0.1:40000") == "http://127.0.0.1:40000/link/x"
    settings.alerts.link = "https://ashiato.example.com/"
    assert address(settings, "x", "http://0.0.0.0:8602") == "https://ashiato.example.com/link/x"
