"""`ashiato user`, `token`, `audit` as whoever installs Ashiato runs them."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ashiato.access.identity import Identity
from ashiato.access.links import PATH, Links
from ashiato.access.sessions import Sessions
from ashiato.access.signing_in import PasswordAuthenticator
from ashiato.access.tokens import Tokens
from ashiato.access.users import Users
from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.ledger import Ledger
from cli.command import Command
from docs.repository import tool

PASSWORD = "four unrelated words here"


class Installed:
    """A home with settings, and the command over it."""

    def __init__(self, ashiato: Command, empty: Path, folder: Path) -> None:
        self.ashiato = ashiato
        self.home = shutil.copytree(empty, folder / "home")
        self.config = folder / "ashiato.toml"
        self.config.write_text(
            '[[accounts]]\nid = "111111111111"\nname = "shop"\ngroups = ["customer-a"]\n'
            '[[accounts]]\nid = "222222222222"\nname = "bank"\ngroups = ["customer-b"]\n'
            '[alerts]\nlink = "https://ashiato.example.com/"\n'
        )

    def __call__(self, *words: object, stdin: bytes = b"") -> Any:
        return self.ashiato(*words, "--home", self.home, "--config", self.config, stdin=stdin)

    def json(self, *words: object, stdin: bytes = b"") -> Any:
        result = self(*words, "--json", stdin=stdin)
        assert result.status == 0, result.err
        return result.json


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which nothing is yet: made once, for that takes seconds."""
    folder = tmp_path_factory.mktemp("empty") / "home"
    Home.open_for_writing(folder, "test").close()
    return folder


@pytest.fixture
def installed(ashiato: Command, empty: Path, tmp_path: Path) -> Installed:
    return Installed(ashiato, empty, tmp_path)


@pytest.fixture
def ledger(installed: Installed) -> Iterator[Ledger]:
    opened = Ledger.at(installed.home, migrate=False)
    yield opened
    opened.close()


def keys(document: Any) -> set[str]:
    if isinstance(document, list):
        return {f"[].{key}" for entry in document for key in entry}
    return set(document)


def described(command: str) -> set[str]:
    return set(tool("json_documents").DOCUMENTS[f"ashiato {command}"][0].keys)


def test_the_first_admin_enters_by_the_set_up_link(installed: Installed, ledger: Ledger) -> None:
    document = installed.json("user", "setup")
    assert set(document) == described("user setup")
    base, secret = document["link"].split(PATH)
    assert base == "https://ashiato.example.com"
    Links(ledger, Settings()).redeem(secret, PASSWORD, name="ann", address="192.0.2.1")
    again = installed("user", "setup")
    assert again.status == 2
    assert "first start is over" in again.err
    [user] = installed.json("user", "list")
    assert (user["name"], user["role"], user["state"], user["groups"]) == ("ann", "admin", "active", None)


def test_a_user_is_added_changed_disabled_and_removed(installed: Installed, ledger: Ledger) -> None:
    installed.json("user", "add", "ann", "--role", "admin")
    made = installed.json(
        "user", "add", "cy", "--role", "viewer", "--group", "customer-a", "--display", "千代", "--language", "ja",
        "--zone", "Asia/Tokyo",
    )  # fmt: skip
    assert set(made) == described("user add")
    assert (made["groups"], made["language"], made["state"]) == (["customer-a"], "ja", "invited")
    Links(ledger, Settings()).redeem(made["link"].split(PATH)[1], PASSWORD, address="192.0.2.1")
    changed = installed.json("user", "change", "cy", "--role", "analyst", "--group", "customer-b")
    assert set(changed) == described("user change")
    assert (changed["role"], changed["groups"], changed["state"]) == ("analyst", ["customer-b"], "active")
    assert installed.json("user", "change", "cy", "--every-account")["groups"] is None
    assert installed.json("user", "disable", "cy")["state"] == "disabled"
    refused = installed("user", "link", "cy")
    assert (refused.status, "ashiato user enable cy" in refused.err) == (2, True)
    assert installed.json("user", "enable", "cy")["state"] == "active"
    assert installed.json("user", "remove", "cy") == {"removed": "cy"}
    listed = installed.json("user", "list")
    assert keys(listed) == described("user list")
    assert [u["name"] for u in listed] == ["ann"]
    acts = [(e["what"], e["target"]) for e in installed.json("audit")]
    assert acts[0] == ("user removed", "user cy")
    assert {"user added", "user changed", "user disabled", "user enabled", "link issued"} <= {
        a for a, _ in acts
    }


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["user", "add", "bo b", "--role", "viewer"], "At most 64"),
        (["user", "add", "bob", "--role", "root"], "viewer, analyst, admin"),
        (["user", "add", "bob", "--role", "viewer", "--group", "nobody"], "customer-a, customer-b"),
        (["user", "add", "bob", "--role", "admin", "--group", "customer-a"], "analyst or viewer"),
        (["user", "change", "ann", "--role", "viewer"], "another admin first"),
        (["user", "change", "ann"], "--help"),
        (["user", "change", "ann", "--group", "customer-a", "--every-account"], "one of them"),
        (["user", "disable", "ann"], "another admin first"),
        (["user", "remove", "eve"], "ashiato user list"),
        (["user", "sign-out", "ann", "--session", "7"], "ashiato user sessions"),
        (["token", "create", "ann", "t", "--scope", "everything"], "read, sql"),
        (["token", "create", "ann", "t", "--scope", "read", "--lasts", "soon"], "30 days"),
        (["token", "create", "ann", "t", "--scope", "read", "--lasts", "9 years"], "token_longest"),
        (["token", "revoke", "9"], "ashiato token list"),
        (["audit", "--from", "yesterday"], "7 days"),
        (["audit", "--account", "casino"], "bank, shop"),
    ],
)
def test_wrong_use_changes_nothing_and_says_what_is_right(
    installed: Installed, words: list[str], remedy: str
) -> None:
    installed.json("user", "add", "ann", "--role", "admin")
    before = installed.json("audit")
    result = installed(*words)
    assert result.status == 2
    assert remedy in result.err
    assert installed.json("audit") == before


def test_a_password_comes_from_standard_input(installed: Installed, ledger: Ledger) -> None:
    installed.json("user", "add", "ann", "--role", "admin")
    short = installed("user", "password", "ann", stdin=b"short\n")
    assert short.status == 2
    no_text = installed("user", "password", "ann", stdin=b"four unrelated \xff\xfe words\n")
    assert (no_text.status, "no text" in no_text.err) == (2, True)
    set_ = installed.json("user", "password", "ann", stdin=PASSWORD.encode() + b"\n")
    assert set(set_) == described("user password")
    signing = PasswordAuthenticator(ledger, Settings())
    assert signing.authenticate({"name": "ann", "password": PASSWORD}, address="192.0.2.1").name == "ann"
    assert PASSWORD not in installed("audit").out


def test_sessions_are_listed_and_ended(installed: Installed, ledger: Ledger) -> None:
    installed.json("user", "add", "ann", "--role", "admin")
    kept = Sessions(ledger, Settings())
    user = Users(ledger, Settings()).get("ann")
    secrets = [kept.begin(user, user_agent="\x1b[31m=cmd()", address="192.0.2.1")[0] for _ in range(3)]
    listed = installed.json("user", "sessions")
    assert keys(listed) == described("user sessions")
    assert len(listed) == 3
    shown = installed("user", "sessions", "ann")
    assert "\x1b" not in shown.out
    assert secrets[0] not in shown.out
    one = installed.json("user", "sign-out", "ann", "--session", listed[0]["number"])
    assert one == {"name": "ann", "ended": 1}
    assert set(one) == described("user sign-out")
    assert installed.json("user", "sign-out", "ann")["ended"] == 2
    assert installed.json("user", "sessions") == []
    assert [kept.find(s) for s in secrets] == [None] * 3


def test_a_token_is_shown_once_and_revoked(installed: Installed, ledger: Ledger) -> None:
    installed.json("user", "add", "cy", "--role", "viewer", "--group", "customer-a")
    made = installed.json("token", "create", "cy", "nightly export", "--scope", "read", "--lasts", "30 days")
    assert set(made) == described("token create")
    tokens = Tokens(ledger, Settings())
    found = tokens.find(made["token"])
    assert found is not None
    assert (found.name, found.groups, found.via) == ("cy", ("customer-a",), "token")
    listed = installed("token", "list", "--user", "cy")
    assert made["start"] in listed.out
    assert made["token"] not in listed.out + installed("audit").out
    assert keys(installed.json("token", "list")) == described("token list")
    revoked = installed.json("token", "revoke", made["number"])
    assert set(revoked) == described("token revoke")
    assert revoked["state"] == "revoked"
    assert tokens.find(made["token"]) is None


def test_the_audit_log_is_filtered_and_paged(installed: Installed) -> None:
    for name in ("ann", "bob", "cy"):
        installed.json("user", "add", name, "--role", "admin", "--by", f"root-{name}")
    everything = installed.json("audit")
    assert keys(everything) == described("audit")
    numbers = [e["number"] for e in everything]
    assert numbers == sorted(numbers, reverse=True)
    assert {e["detail"]["via"] for e in everything} == {"cli"}
    assert {e["target"] for e in installed.json("audit", "--who", "root-bob")} == {"user bob"}
    assert {e["what"] for e in installed.json("audit", "--what", "user added")} == {"user added"}
    assert {e["who"] for e in installed.json("audit", "--target", "user cy")} == {"root-cy"}
    first = installed.json("audit", "--limit", 4)
    rest = installed.json("audit", "--before", first[-1]["number"])
    assert [*first, *rest] == everything
    assert installed.json("audit", "--to", "1 hour") == []
    assert installed.json("audit", "--from", "1 hour") == everything
    assert installed.json("audit", "--account", "shop") == []
    table = list(csv.DictReader(io.StringIO(installed("audit", "--format", "csv").out)))
    assert [int(r["number"]) for r in table] == numbers


@pytest.mark.parametrize("words", [["user"], ["token"], ["audit"]])
def test_help_has_examples(ashiato: Command, words: list[str]) -> None:
    pages = tool("command_pages").commands()
    for page in [p.words.split()[1:] for p in pages if p.words.split()[1] == words[0]]:
        shown = ashiato(*page, "--help").out
        assert "Example" in shown, page
        assert f"ashiato {' '.join(page)}" in shown


def test_without_a_home_it_says_what_to_do(ashiato: Command, tmp_path: Path) -> None:
    result = ashiato("user", "list", "--home", tmp_path / "none")
    assert (result.status, "what to do" in result.err) == (3, True)


def test_whoever_runs_the_command_is_an_admin_in_the_log(installed: Installed) -> None:
    assert Identity.local("root").may("users")
    installed.json("user", "add", "ann", "--role", "admin", "--by", "\x1b[2Jroot")
    assert "\x1b" not in installed("audit").out
