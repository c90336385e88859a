"""Signing in: who is let in, what others can learn by trying, and who can be locked out."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from access.conftest import PASSWORD, ROOT, TRUE_HASHER, Clock
from ashiato.access import audit, limiting, passwords
from ashiato.access.limiting import LockedOut
from ashiato.access.sessions import Sessions
from ashiato.access.signing_in import PasswordAuthenticator, SignInRefused
from ashiato.access.users import User, Users
from ashiato.core.settings import Settings
from ashiato.ledger import Ledger
from ashiato.ledger import access_tables as t

HERE = "192.0.2.1"


class Door:
    """Tries to sign in."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self.way = PasswordAuthenticator(ledger, settings)

    def __call__(self, name: str, password: str = PASSWORD, address: str = HERE) -> User:
        return self.way.authenticate({"name": name, "password": password}, address=address)

    def refused(self, name: str, password: str = "wrong", address: str = HERE) -> str:
        with pytest.raises((SignInRefused, LockedOut)) as caught:
            self(name, password, address)
        return type(caught.value).__name__ + str(caught.value)


@pytest.fixture
def door(ledger: Ledger, settings: Settings, users: Users) -> Door:
    users.add("invited", "viewer", ROOT)
    users.add("gone", "viewer", ROOT, password=PASSWORD)
    users.disable("gone", ROOT)
    return Door(ledger, settings)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch, door: Door) -> list[str]:
    """One entry for each hash that is computed."""
    passwords._nobodys()
    made: list[str] = []
    hasher = passwords._hasher()

    class Counting:
        def hash(self, *given: object) -> str:
            made.append("hash")
            return hasher.hash(*given)  # type: ignore[arg-type]

        def verify(self, *given: object) -> bool:
            made.append("verify")
            return hasher.verify(*given)  # type: ignore[arg-type]

        def check_needs_rehash(self, stored: str) -> bool:
            return hasher.check_needs_rehash(stored)

    monkeypatch.setattr(passwords, "_hasher", Counting)
    return made


def test_the_right_password_lets_in(door: Door) -> None:
    assert door("ann").name == "ann"
    assert door(" ANN ").name == "ann"


def test_a_password_is_the_same_however_the_keyboard_composes_it(door: Door, users: Users) -> None:
    users.set_password("bob", "今日もパスワードをがんばる！", ROOT)
    assert door("bob", "今日もパスワードをか\u3099んは\u3099る!").name == "bob"


WRONG = [
    ("ann", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("invited", PASSWORD), ("invited", ""), ("", ""),
    ("ann", PASSWORD.upper()), ("ann", PASSWORD + "\0"), ("ann", PASSWORD + " "), ("ann", "\ud800"),
    ("x" * 1_000_000, "y" * 1_000_000), ("ann\0", PASSWORD), ("ａnn", PASSWORD), ("\ud800", "x"),
    ("' OR 1=1 --", "x"), ("ann", "x" * 1025),
]  # fmt: skip


@pytest.mark.parametrize(("name", "password"), WRONG)
def test_every_refusal_is_the_same_and_takes_as_many_hashes(
    door: Door, hashes: list[str], name: str, password: str
) -> None:
    assert door.refused(name, password) == door.refused("nobody", "wrong")
    assert hashes == ["verify", "verify"]


def test_a_long_password_is_not_cut_to_one_that_fits(door: Door, users: Users) -> None:
    long = "long and longer " * 64
    assert len(long) == 1024
    users.set_password("bob", long, ROOT)
    assert door("bob", long).name == "bob"
    door.refused("bob", long + "x")


def test_the_log_has_refusals_but_not_what_was_typed_for_a_name(door: Door, ledger: Ledger) -> None:
    door.refused("ann", "guess-1")
    door.refused("my password by mistake", "guess-2")
    with ledger.engine.connect() as connection:
        log = audit.entries(connection, what="sign-in refused")
        everything = str(audit.entries(connection))
    assert [e.target for e in log] == ["user unknown", "user ann"]
    assert log[1].detail == {"address": HERE, "by": "password"}
    for typed in ("guess-1", "guess-2", "my password by mistake"):
        assert typed not in everything


def test_guessing_locks_out_the_guesser_without_hashes_and_for_a_while(
    door: Door, hashes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        assert door.refused("ann").startswith("SignInRefused")
    hashes.clear()
    assert door.refused("ann", PASSWORD).startswith("LockedOut")
    assert hashes == []
    start = time.time()
    monkeypatch.setattr(time, "time", lambda: start + 14 * 60)
    assert door.refused("ann", PASSWORD).startswith("LockedOut")
    monkeypatch.setattr(time, "time", lambda: start + 16 * 60)
    assert door("ann").name == "ann"


def test_a_name_that_nobody_has_locks_the_same(door: Door) -> None:
    assert [door.refused("ann") for _ in range(7)] == [door.refused("nobody") for _ in range(7)]


def test_case_and_blanks_make_no_further_tries(door: Door) -> None:
    for name in ("ann", "Ann", "ANN", " ann", "ann "):
        assert door.refused(name).startswith("SignInRefused")
    assert door.refused("aNN").startswith("LockedOut")


def test_a_slip_is_forgiven(door: Door) -> None:
    for _ in range(4):
        for _ in range(4):
            door.refused("ann")
        assert door("ann").name == "ann"


def test_who_guesses_elsewhere_locks_out_nobody_here(door: Door) -> None:
    for _ in range(10):
        door.refused("ann", address="198.51.100.66")
    assert door("ann", address=HERE).name == "ann"


def test_guessing_from_everywhere_is_slowed_and_known_places_stay_open(
    door: Door, ledger: Ledger, settings: Settings
) -> None:
    Sessions(ledger, settings).begin(door("ann"), user_agent="", address=HERE)
    said = [door.refused("ann", address=f"198.51.{n}.7") for n in range(60)]
    assert sum(s.startswith("SignInRefused") for s in said) == 49  # one of the fifty was the right one, above
    assert door.refused("ann", PASSWORD, address="203.0.113.5").startswith("LockedOut")
    assert door("ann", address=HERE).name == "ann"
    assert door("bob", address="203.0.113.5").name == "bob"


def test_a_place_is_known_for_some_time(door: Door, ledger: Ledger, settings: Settings, at: Clock) -> None:
    Sessions(ledger, settings).begin(door("ann"), user_agent="", address=HERE)
    for n in range(60):
        door.refused("ann", address=f"198.51.{n}.7")
    at.on(timedelta(days=91))
    assert door.refused("ann", PASSWORD, HERE).startswith("LockedOut")


def test_going_through_names_from_one_place_ends(door: Door, hashes: list[str]) -> None:
    said = [door.refused(f"user{n}", address="198.51.100.66") for n in range(120)]
    assert sum(s.startswith("SignInRefused") for s in said) == 100
    assert len(hashes) == 100
    assert door("ann", address=HERE).name == "ann"


def test_an_ipv6_network_is_one_place(door: Door) -> None:
    said = [door.refused("ann", address=f"2001:db8:5:6::{n:x}") for n in range(8)]
    assert [s.startswith("LockedOut") for s in said] == [False] * 5 + [True] * 3


def test_many_guesses_at_once_are_no_more_than_five(door: Door, hashes: list[str]) -> None:
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(door.refused("ann"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(s.startswith("SignInRefused") for s in said) == 5
    assert len(hashes) == 5


def test_however_many_names_are_tried_memory_does_not_grow(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiting, "MOST_COUNTS", 100)
    gate = limiting.Gate(settings.access)
    for n in range(1000):
        gate.admit(f"user{n}", f"198.51.{n // 50}.{n % 50}", known=False)
        assert len(gate._kept.events) <= 102
    for _ in range(5):
        gate.admit("ann", HERE, known=False)
    with pytest.raises(LockedOut):
        gate.admit("ann", HERE, known=False)


def test_the_log_is_not_filled_by_who_is_locked_out(door: Door, ledger: Ledger) -> None:
    for _ in range(30):
        door.refused("ann")
    with ledger.engine.connect() as connection:
        log = audit.entries(connection)
    assert [e.what for e in log if e.what.startswith("sign-in")] == ["sign-in locked"] + [
        "sign-in refused"
    ] * 5


def test_at_most_two_hashes_are_computed_at_once(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    now, most = [0], [0]
    hasher = passwords._hasher()
    lock = threading.Lock()

    class Slow:
        def verify(self, stored: str, password: bytes) -> bool:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            try:
                return hasher.verify(stored, password)
            finally:
                with lock:
                    now[0] -= 1

    passwords._nobodys()
    monkeypatch.setattr(passwords, "_hasher", Slow)
    threads = [threading.Thread(target=door.refused, args=(f"u{n}", "x", f"10.0.0.{n}")) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most[0] <= 2


def test_whoever_waits_too_long_is_told(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_WAIT_SECONDS", 0.01)
    with passwords._turn(), passwords._turn(), pytest.raises(passwords.TooManySignIns):
        door("ann")
    assert door("ann").name == "ann"


def test_an_old_hash_is_made_anew_when_its_user_enters(
    door: Door, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_hasher", TRUE_HASHER)
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    with ledger.begin() as connection:
        connection.execute(sa.update(t.users).where(t.users.c.key == "bob").values(password=weak))
    assert door("bob").name == "bob"
    stored = ledger.scalar(sa.select(t.users.c.password).where(t.users.c.key == "bob"))
    assert "m=32768,t=3,p=1" in stored
    assert door("bob").name == "bob"


@pytest.mark.parametrize(
    "stored", ["", "x", "$argon2id$v=19$m=99999999,t=1,p=1$YWFhYWFhYWE$YWFh", "plain password"]
)
def test_a_spoilt_hash_lets_nobody_in(door: Door, ledger: Ledger, stored: str) -> None:
    with ledger.begin() as connection:
        connection.execute(sa.update(t.users).where(t.users.c.key == "bob").values(password=stored))
    door.refused("bob", stored)
    door.refused("bob", PASSWORD)
