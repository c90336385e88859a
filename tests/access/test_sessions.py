"""Sessions: an id is of use until it is over, whoever holds it, and never after."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from access.conftest import PASSWORD, ROOT, Clock
from ashiato.access import audit
from ashiato.access.digests import form_token, new_secret, same
from ashiato.access.sessions import NotEntered, Sessions
from ashiato.access.users import Users
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Settings
from ashiato.ledger import Ledger
from ashiato.ledger import access_tables as t

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def sessions(ledger: Ledger, settings: Settings, users: Users) -> Sessions:
    return Sessions(ledger, settings)


def begun(sessions: Sessions, users: Users, name: str = "bob", **more: str) -> str:
    return sessions.begin(users.get(name), **{"user_agent": "Firefox", "address": "192.0.2.1", **more})[0]


def test_an_id_stands_for_its_user(sessions: Sessions, users: Users) -> None:
    found = sessions.find(begun(sessions, users), address="192.0.2.9")
    assert found is not None
    identity, session = found
    assert (identity.name, identity.role, identity.via, identity.address) == (
        "bob", "analyst", "session", "192.0.2.9"
    )  # fmt: skip
    assert identity.session == session.number
    assert (session.user_agent, session.address) == ("Firefox", "192.0.2.1")


def test_ids_are_not_in_the_database(ledger: Ledger, sessions: Sessions, users: Users) -> None:
    secret = begun(sessions, users)
    rows = str(ledger.rows(sa.select(t.sessions)))
    with ledger.engine.connect() as connection:
        assert secret not in rows + str(audit.entries(connection))


def test_after_signing_out_the_id_is_dead(sessions: Sessions, users: Users) -> None:
    secret, other = begun(sessions, users), begun(sessions, users)
    found = sessions.find(secret)
    assert found is not None
    sessions.end(secret, found[0])
    assert sessions.find(secret) is None
    assert sessions.find(other) is not None
    sessions.end(secret, found[0])  # twice does no harm


@pytest.mark.parametrize("steps", [[12 * HOUR], [7 * DAY]])
def test_idle_sessions_end(sessions: Sessions, users: Users, at: Clock, steps: list[timedelta]) -> None:
    secret = begun(sessions, users)
    for step in steps:
        at.on(step)
    assert sessions.find(secret) is None


def test_used_sessions_go_on_until_their_end(sessions: Sessions, users: Users, at: Clock) -> None:
    secret = begun(sessions, users)
    for _ in range(15):
        at.on(11 * HOUR)
        assert sessions.find(secret) is not None
    at.on(3 * HOUR)
    assert sessions.find(secret) is None


def test_use_is_written_once_a_minute(ledger: Ledger, sessions: Sessions, users: Users, at: Clock) -> None:
    secret = begun(sessions, users)
    writes: list[str] = []

    @sa.event.listens_for(ledger.engine, "before_cursor_execute")
    def noted(_c: object, _k: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE"):
            writes.append(statement)

    for _ in range(59):
        at.on(timedelta(seconds=1))
        sessions.find(secret)
    assert writes == []
    at.on(MINUTE)
    sessions.find(secret)
    sessions.find(secret)
    assert len(writes) == 1


def test_guesses_find_nothing(sessions: Sessions, users: Users) -> None:
    secret = begun(sessions, users)
    guesses = [
        "", secret[:-1], secret[:8], secret + "a", secret.swapcase(), secret[::-1], new_secret(), "x" * 1_000_000, secret[:-1] + "\0",
        "%", "' OR 1=1 --", "\ud800" * 43, "é" * 43, secret + "\n", " " + secret,
    ]  # fmt: skip
    assert [g for g in guesses if g != secret and sessions.find(g)] == []


@pytest.mark.parametrize("act", ["password", "disable", "role", "groups", "remove", "revoke_all"])
def test_what_ends_every_session_of_a_user(sessions: Sessions, users: Users, act: str) -> None:
    mine, others = [begun(sessions, users) for _ in range(3)], begun(sessions, users, "cy")
    match act:
        case "password":
            users.set_password("bob", "another good password", ROOT)
        case "disable":
            users.disable("bob", ROOT)
            users.enable("bob", ROOT)
        case "role":
            users.change("bob", ROOT, role="viewer")
        case "groups":
            users.change("bob", ROOT, groups=["production"])
        case "remove":
            users.remove("bob", ROOT)
        case "revoke_all":
            assert sessions.revoke_all("bob", ROOT) == 3
    assert [sessions.find(s) for s in mine] == [None] * 3
    assert sessions.find(others) is not None


def test_the_session_that_changes_the_password_may_stay(sessions: Sessions, users: Users) -> None:
    here, there = begun(sessions, users), begun(sessions, users)
    found = sessions.find(here)
    assert found is not None
    users.set_password("bob", "another good password", found[0], keep=found[0].session)
    assert sessions.find(here) is not None
    assert sessions.find(there) is None


def test_language_and_name_change_without_signing_in_again(sessions: Sessions, users: Users) -> None:
    secret = begun(sessions, users)
    users.change("bob", ROOT, language="ja", display="Robert")
    found = sessions.find(secret)
    assert found is not None
    assert (found[0].language, found[0].display) == ("ja", "Robert")


def test_nobody_enters_who_was_disabled_meanwhile(sessions: Sessions, users: Users) -> None:
    proved = users.get("bob")
    users.disable("bob", ROOT)
    with pytest.raises(NotEntered):
        sessions.begin(proved, user_agent="", address="")
    users.enable("bob", ROOT)
    users.set_password("bob", "another good password", ROOT)
    with pytest.raises(NotEntered):
        sessions.begin(proved, user_agent="", address="")


def test_one_is_listed_and_revoked_by_its_number(sessions: Sessions, users: Users, at: Clock) -> None:
    secret = begun(sessions, users, address="192.0.2.1")
    at.on(HOUR)
    begun(sessions, users, address="198.51.100.7")
    listed = sessions.of("bob", ROOT)
    assert [s.address for s in listed] == ["198.51.100.7", "192.0.2.1"]
    sessions.revoke(listed[1].number, ROOT)
    assert sessions.find(secret) is None
    assert len(sessions.of("bob", ROOT)) == 1
    with pytest.raises(WrongUse):
        sessions.revoke(listed[1].number, ROOT)


def test_others_sessions_are_as_if_they_were_not_there(sessions: Sessions, users: Users) -> None:
    anns = sessions.begin(users.get("ann"), user_agent="", address="")[1]
    found = sessions.find(begun(sessions, users))
    assert found is not None
    bob = found[0]
    with pytest.raises(WrongUse) as there:
        sessions.revoke(anns.number, bob)
    with pytest.raises(WrongUse) as not_there:
        sessions.revoke(10_000, bob)
    assert str(there.value).replace(str(anns.number), "N") == str(not_there.value).replace("10000", "N")
    assert sessions.revoke(bob.session or 0, bob)


def test_what_browsers_say_is_bounded(sessions: Sessions, users: Users) -> None:
    hostile = "\x00\ud800\u202e<script>" + "x" * 1_000_000
    _, session = sessions.begin(users.get("bob"), user_agent=hostile, address="x" * 1_000_000)
    assert len(session.user_agent) == 400
    assert len(session.address) == 64


def test_sessions_of_one_ipv6_network_are_of_one_place(sessions: Sessions, users: Users) -> None:
    assert sessions.begin(users.get("bob"), user_agent="", address="2001:db8:1:2:3::4%eth0")[1].address == (
        "2001:db8:1:2::/64"
    )


def test_old_rows_go(ledger: Ledger, sessions: Sessions, users: Users, at: Clock) -> None:
    begun(sessions, users)
    at.on(365 * DAY)
    begun(sessions, users)
    assert len(ledger.rows(sa.select(t.sessions))) == 1


def test_many_at_once(sessions: Sessions, users: Users) -> None:
    secrets: list[str] = []
    threads = [threading.Thread(target=lambda: secrets.append(begun(sessions, users))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(secrets)) == 8
    assert all(sessions.find(s) for s in secrets)
    assert sessions.revoke_all("bob", ROOT) == 8


def test_form_tokens_are_of_one_session() -> None:
    one, other = new_secret(), new_secret()
    assert same(form_token(one), form_token(one))
    assert not same(form_token(one), form_token(other))
    assert one not in form_token(one)
    assert not same("é", "\ud800")


def test_the_audit_log_tells_of_it(ledger: Ledger, sessions: Sessions, users: Users) -> None:
    secret = begun(sessions, users)
    found = sessions.find(secret, address="192.0.2.1")
    assert found is not None
    sessions.end(secret, found[0])
    with ledger.engine.connect() as connection:
        log = audit.entries(connection, who="bob")
    assert [(e.what, e.detail["address"]) for e in log] == [
        ("signed out", "192.0.2.1"), ("signed in", "192.0.2.1")
    ]  # fmt: skip
    assert PASSWORD not in str(log)
