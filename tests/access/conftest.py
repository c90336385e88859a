"""A control database of its own, on SQLite and on PostgreSQL; and a clock that tests set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from alerts.samples import a_ledger
from ashiato.access import passwords
from ashiato.access.identity import Identity
from ashiato.access.users import Users
from ashiato.core import clock
from ashiato.core.settings import Account, Settings
from ashiato.ledger import Ledger
from postgres_server import Server

TRUE_HASHER = passwords._hasher
_NUMBERS = count(1)
ROOT = Identity.local("root")
PASSWORD = "four unrelated words here"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords hashed with less work; a test of that work sets `TRUE_HASHER`."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> str:
    """The URL of a database that is only ever copied: migrating one takes longer than most tests."""
    url = postgres.url()
    Ledger(url, migrate=True).close()
    return url


def _copy(url: str) -> str:
    name = f"access_{next(_NUMBERS)}"
    to = sa.make_url(url)
    made = sa.create_engine(to.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with made.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE {name} TEMPLATE "{to.database}"'))
    made.dispose()
    return to.set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgres)])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "sqlite":
        with a_ledger(tmp_path) as opened:
            yield opened
        return
    opened = Ledger(_copy(request.getfixturevalue("migrated")), migrate=False)
    yield opened
    opened.close()


@pytest.fixture
def settings() -> Settings:
    return Settings(
        accounts=[
            Account(id="111111111111", name="shop-prod", groups=["customer-a", "production"]),
            Account(id="222222222222", name="bank-prod", groups=["customer-b", "production"]),
        ]
    )


@pytest.fixture
def users(ledger: Ledger, settings: Settings) -> Users:
    """The users, with an admin `ann`, an analyst `bob` and a viewer `cy` who is limited to customer-a."""
    made = Users(ledger, settings)
    made.add("ann", "admin", ROOT, password=PASSWORD)
    made.add("bob", "analyst", ROOT, password=PASSWORD)
    made.add("cy", "viewer", ROOT, password=PASSWORD, groups=["customer-a"])
    return made


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def on(self, span: timedelta) -> None:
        self.time += span


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Ashiato's time of day, until it is moved on."""
    made = Clock()
    monkeypatch.setattr(clock, "now", made)
    return made
