"""Users: what they are called, what each may do, and that somebody can always manage them."""

from __future__ import annotations

import pytest

from access.conftest import PASSWORD, ROOT
from ashiato.access import audit
from ashiato.access.identity import Identity
from ashiato.access.roles import ABILITIES, Forbidden, abilities_named, abilities_of
from ashiato.access.sessions import Sessions
from ashiato.access.users import Users
from ashiato.core.errors import WrongUse
from ashiato.core.scope import EVERY_ACCOUNT
from ashiato.core.settings import Settings
from ashiato.ledger import Ledger


def entered(ledger: Ledger, settings: Settings, users: Users, name: str) -> Identity:
    sessions = Sessions(ledger, settings)
    secret, _ = sessions.begin(users.get(name), user_agent="test", address="192.0.2.1")
    found = sessions.find(secret)
    assert found is not None
    return found[0]


def test_a_role_may_what_the_ones_below_may() -> None:
    assert abilities_of("viewer") < abilities_of("analyst") < abilities_of("admin") == set(ABILITIES)


def test_who_is_limited_may_nothing_that_concerns_every_account() -> None:
    for role in ("viewer", "analyst", "admin"):
        assert not [a for a in abilities_of(role, limited=True) if ABILITIES[a].whole]


def test_a_user_sees_the_accounts_of_its_groups(ledger: Ledger, settings: Settings, users: Users) -> None:
    assert entered(ledger, settings, users, "bob").scope(settings) == EVERY_ACCOUNT
    limited = entered(ledger, settings, users, "cy")
    assert limited.scope(settings).accounts == {"111111111111"}
    # A group that the settings have no more opens nothing.
    assert limited.scope(Settings()).accounts == frozenset()


def test_an_identity_has_the_abilities_of_its_role(ledger: Ledger, settings: Settings, users: Users) -> None:
    bob = entered(ledger, settings, users, "bob")
    assert bob.may("sql")
    assert bob.at_least("analyst")
    assert not bob.at_least("admin")
    with pytest.raises(Forbidden):
        bob.require("users")


def test_what_an_analyst_may_not(ledger: Ledger, settings: Settings, users: Users) -> None:
    bob = entered(ledger, settings, users, "bob")
    for act in (
        lambda: users.add("eve", "admin", bob),
        lambda: users.change("bob", bob, role="admin"),
        lambda: users.change("bob", bob, groups=None),
        lambda: users.change("ann", bob, display="x"),
        lambda: users.set_password("ann", "another good password", bob),
        lambda: users.disable("ann", bob),
        lambda: users.enable("cy", bob),
        lambda: users.remove("cy", bob),
        lambda: Sessions(ledger, settings).all(bob),
        lambda: Sessions(ledger, settings).of("ann", bob),
        lambda: Sessions(ledger, settings).revoke_all("ann", bob),
    ):
        with pytest.raises(Forbidden):
            act()
    assert [u.name for u in users.all()] == ["ann", "bob", "cy"]


def test_one_may_change_ones_own_language_zone_name_and_password(
    ledger: Ledger, settings: Settings, users: Users
) -> None:
    cy = entered(ledger, settings, users, "cy")
    changed = users.change("cy", cy, language="ja", zone="Asia/Tokyo", display="佐藤 千代")
    assert (changed.language, changed.zone, changed.display) == ("ja", "Asia/Tokyo", "佐藤 千代")
    assert changed.groups == ("customer-a",)
    users.set_password("cy", "another good password", cy)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ann",
        "an n",
        "аnn",
        "ann\n",
        "ann\u202e",
        "-x",
        "x" * 65,
        "x" * 1_000_000,
        "a\x00b",
        "<b>",
        "ａｎｎ",
    ],
)
def test_names_that_are_refused(users: Users, name: str) -> None:
    with pytest.raises(WrongUse):
        users.add(name, "viewer", ROOT)


def test_a_name_is_taken_in_whatever_case(users: Users) -> None:
    with pytest.raises(WrongUse, match="already"):
        users.add("ANN", "viewer", ROOT)
    assert users.get("Ann").name == "ann"


@pytest.mark.parametrize(
    "display", ["x\u202etxt", "a\x1b[31m", "a\nb", "\ud800", "\u200b", "x" * 101, "\U000e0041"]
)
def test_display_names_hide_nothing(users: Users, display: str) -> None:
    with pytest.raises(WrongUse):
        users.add("eve", "viewer", ROOT, display=display)


@pytest.mark.parametrize(
    "wrong",
    [{"language": "fr"}, {"zone": "Mars/Olympus"}, {"zone": "../../etc/passwd"}, {"role": "root"}, {"groups": []},
     {"groups": ["customer-z"]}, {"role": "admin", "groups": ["customer-a"]}],
)  # fmt: skip
def test_what_there_is_not_is_refused(users: Users, wrong: dict[str, object]) -> None:
    with pytest.raises(WrongUse):
        users.change("cy", ROOT, **wrong)  # type: ignore[arg-type]
    with pytest.raises(WrongUse):
        users.add("eve", **{"role": "viewer", "by": ROOT, **wrong})  # type: ignore[arg-type]
    assert users.get("cy").role == "viewer"


@pytest.mark.parametrize(
    "password",
    ["", "short", "elevenchars", "aaaaaaaaaaaaaaaa", "abababababababab", "x" * 1_000_000, "annannannann", "ashiatoashiato",
     "Ann-Ashiato1"],
)  # fmt: skip
def test_passwords_that_will_not_do(users: Users, password: str) -> None:
    with pytest.raises(WrongUse, match="password"):
        users.set_password("ann", password, ROOT)


def test_the_last_admin_stays(users: Users) -> None:
    for act in (
        lambda: users.remove("ann", ROOT),
        lambda: users.disable("ann", ROOT),
        lambda: users.change("ann", ROOT, role="analyst"),
    ):
        with pytest.raises(WrongUse, match="last admin"):
            act()
    users.add("dan", "admin", ROOT)
    users.remove("ann", ROOT)
    assert [u.name for u in users.all()] == ["bob", "cy", "dan"]


def test_every_act_is_in_the_audit_log_and_no_password_is(ledger: Ledger, users: Users) -> None:
    users.change("bob", ROOT, role="viewer")
    users.set_password("bob", "another good password", ROOT)
    users.disable("bob", ROOT)
    users.enable("bob", ROOT)
    users.remove("bob", ROOT)
    with ledger.engine.connect() as connection:
        log = audit.entries(connection, target="user bob")
        everything = str(audit.entries(connection))
    assert [e.what for e in log] == [
        "user removed", "user enabled", "user disabled", "password set", "user changed", "user added"
    ]  # fmt: skip
    assert {e.who for e in log} == {"root"}
    assert PASSWORD not in everything
    assert "argon2" not in everything


def test_scopes_are_abilities_or_roles() -> None:
    assert abilities_named(["analyst"]) == abilities_of("analyst")
    for wrong in ([], ["everything"], ["read", "x" * 1000]):
        with pytest.raises(WrongUse):
            abilities_named(wrong)
