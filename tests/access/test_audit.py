"""The audit log: everything that people do is in it, bounded, whole or not at all, and nobody reads more than theirs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from access.conftest import ROOT, Clock
from alerts.samples import a_ledger
from ashiato.access import audit
from ashiato.access.identity import Identity
from ashiato.access.roles import abilities_of
from ashiato.access.users import Users
from ashiato.core import clock
from ashiato.core.scope import AccountScope
from ashiato.core.settings import Settings
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import audit_log

ONE, TWO = "111111111111", "222222222222"
BOB = Identity(
    "bob", "analyst", abilities_of("analyst"), via="session", user=2, session=7, address="192.0.2.7"
)


def note(ledger: Ledger, who: str | Identity, what: str, target: str = "x", **more: Any) -> None:
    account = more.pop("account", None)
    with ledger.begin() as connection:
        audit.record(connection, who, what, target, more, clock.now(), account=account)


def read(ledger: Ledger, **wanted: Any) -> list[audit.Entry]:
    with ledger.engine.connect() as connection:
        return audit.entries(connection, **wanted)


def test_an_entry_says_who_what_when_how_and_from_where(ledger: Ledger, at: Clock) -> None:
    note(
        ledger,
        BOB,
        "searched",
        "cloudtrail",
        query="eventName:CreateUser",
        rows=17,
        since=at.time,
        cursor=None,
    )
    [entry] = read(ledger)
    assert (entry.who, entry.what, entry.target, entry.at) == ("bob", "searched", "cloudtrail", at.time)
    assert entry.detail == {
        "query": "eventName:CreateUser", "rows": 17, "since": "2026-11-20T09:00:00Z", "via": "session", "address": "192.0.2.7"
    }  # fmt: skip
    assert set(entry.as_json()) == {"number", "at", "who", "what", "target", "account", "detail"}


def test_what_is_undone_is_not_in_it(ledger: Ledger) -> None:
    def closed_in_vain() -> None:
        with ledger.begin() as connection:
            audit.record(connection, BOB, "closed", "A-1", {}, clock.now())
            raise LookupError

    with pytest.raises(LookupError):
        closed_in_vain()
    assert read(ledger) == []


def test_entries_are_found_by_person_act_target_and_time(ledger: Ledger, at: Clock) -> None:
    for hour, (who, what, target) in enumerate(
        [("ann", "closed", "A-1"), ("bob", "closed", "A-2"), ("ann", "searched", "cloudtrail")]
    ):
        note(ledger, who, what, target, hour=hour)
        at.on(timedelta(hours=1))
    assert [e.detail["hour"] for e in read(ledger)] == [2, 1, 0]
    assert [e.detail["hour"] for e in read(ledger, who="ann")] == [2, 0]
    assert [e.detail["hour"] for e in read(ledger, what="closed")] == [1, 0]
    assert [e.detail["hour"] for e in read(ledger, target="A-2")] == [1]
    begin = at.time - timedelta(hours=2)
    assert [e.detail["hour"] for e in read(ledger, since=begin)] == [2, 1]
    assert [e.detail["hour"] for e in read(ledger, until=begin)] == [0]
    newest = read(ledger, limit=1)
    assert [e.detail["hour"] for e in read(ledger, before=newest[0].number)] == [1, 0]
    with ledger.engine.connect() as connection:
        assert audit.acts(connection) == ["closed", "searched"]


def test_a_limited_reader_sees_what_was_about_their_accounts(ledger: Ledger) -> None:
    for account in (ONE, TWO, None):
        note(ledger, "ann", "closed", f"alert of {account}", account=account)
    assert len(read(ledger)) == 3
    assert [e.target for e in read(ledger, scope=AccountScope.of([ONE]))] == [f"alert of {ONE}"]
    assert read(ledger, scope=AccountScope.of([])) == []


def test_only_an_unlimited_admin_may_read_it() -> None:
    assert ROOT.may("audit")
    assert not BOB.may("audit")
    assert "audit" not in abilities_of("admin", limited=True)


def test_whatever_a_browser_sent_is_kept_within_bounds(ledger: Ledger) -> None:
    hostile = "\x1b[31m\x00‮<script>" + "a" * 1_000_000
    note(
        ledger, hostile, "searched", hostile, query=hostile, many=[hostile] * 5000, deep={"a": {"b": {"c": {"d": {}}}}},
        not_json=object(), **{hostile: 1},
    )  # fmt: skip
    with ledger.engine.connect() as connection:
        row = connection.execute(sa.select(audit_log)).one()
    assert len(row.who) <= 200
    assert len(row.target) <= 200
    assert len(row.detail) <= audit.LONGEST_DETAIL
    assert "\x00" not in row.who + row.target + row.detail
    [entry] = read(ledger)
    assert entry.detail["shortened"] is True
    assert read(ledger, who=hostile) == [entry]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=30), inner, max_size=12),
    max_leaves=30,
)


@pytest.fixture(scope="module")
def one_ledger(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with a_ledger(tmp_path_factory.mktemp("audit")) as opened:
        yield opened


@examples(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(detail=st.dictionaries(st.text(max_size=30), ANY_JSON, max_size=12))
def test_any_detail_can_be_noted_and_read_again(one_ledger: Ledger, detail: dict[str, Any]) -> None:
    with one_ledger.begin() as connection:
        audit.record(connection, "ann", "searched", "x", detail, clock.now())
    with one_ledger.engine.connect() as connection:
        [row] = connection.execute(sa.select(audit_log).order_by(audit_log.c.id.desc()).limit(1))
    assert len(row.detail) <= audit.LONGEST_DETAIL
    assert isinstance(json.loads(row.detail), dict)


def test_every_change_of_a_user_is_noted_with_who_made_it(ledger: Ledger, settings: Settings) -> None:
    users = Users(ledger, settings)
    users.add("ann", "admin", ROOT)
    users.add("bob", "viewer", ROOT)
    users.change("bob", ROOT, role="analyst", groups=["customer-a"])
    users.disable("bob", ROOT)
    users.enable("bob", ROOT)
    users.remove("bob", ROOT)
    acts = [(e.who, e.what) for e in reversed(read(ledger, target="user bob"))]
    assert acts == [
        ("root", w) for w in ("user added", "user changed", "user disabled", "user enabled", "user removed")
    ]
