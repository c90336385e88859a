"""From the first start to signing out: links, passwords, sessions, and what stands before every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ashiato.access.links import PATH, Links
from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.web.app import make_app
from ashiato.web.door import AccountDoor
from ashiato.web.site import Site
from web.client import Client

PASSWORD = "correct horse battery staple"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home.open_for_writing(tmp_path / "home", "a test") as opened:
        yield opened


@pytest.fixture
def site(home: Home) -> Site:
    settings = Settings(home=home.folder)
    return Site(home, settings, AccountDoor.of(home.ledger, settings))


@pytest.fixture
def browser(site: Site) -> Client:
    return Client(make_app(site))


@pytest.fixture
def admin(site: Site, browser: Client) -> Client:
    """Signed in as the first admin, by the set-up link."""
    secret = Links(site.home.ledger, site.settings).first_start()
    assert secret is not None
    form = {"name": "kana", "display": "Kana", "password": PASSWORD, "again": PASSWORD}
    assert browser.post(PATH + secret, form).status == 303
    return browser


def test_the_set_up_link_makes_the_first_admin_once(site: Site, browser: Client) -> None:
    secret = Links(site.home.ledger, site.settings).first_start()
    assert secret is not None
    assert browser.get("/").headers["location"] == "/login?next=%2F"
    page = browser.get(PATH + secret)
    assert "You become the first admin" in page.words
    wrong = browser.post(PATH + secret, {"name": "kana", "password": PASSWORD, "again": "other"})
    assert "The two passwords differ." in wrong.words
    short = browser.post(PATH + secret, {"name": "kana", "password": "short", "again": "short"})
    assert "It needs at least 12 characters" in short.words
    done = browser.post(PATH + secret, {"name": "kana", "password": PASSWORD, "again": PASSWORD})
    assert (done.status, done.headers["location"]) == (303, "/")
    assert "httponly" in done.cookies[0].lower()
    assert browser.get("/").status == 200
    assert Client(browser.app).get(PATH + secret).status == 404
    assert Links(site.home.ledger, site.settings).first_start() is None


def test_signing_in_and_out(admin: Client) -> None:
    other = Client(admin.app)
    refused = other.post("/login", {"name": "kana", "password": "wrong"})
    assert refused.status == 403
    assert "The name or the password is wrong." in refused.words
    entered = other.post("/login", {"name": "kana", "password": PASSWORD, "next": "/sources?log=cloudtrail"})
    assert (entered.status, entered.headers["location"]) == (303, "/sources?log=cloudtrail")
    kept = dict(other.cookies)
    assert other.post("/logout").status == 303
    # The id is of no use any more, whoever kept it.
    other.cookies = kept
    assert other.get("/").status == 303


def test_where_a_sign_in_leads_stays_on_these_pages(admin: Client) -> None:
    other = Client(admin.app)
    for evil in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        entered = other.post("/login", {"name": "kana", "password": PASSWORD, "next": evil})
        assert entered.headers["location"] == "/"


def test_a_form_of_another_site_is_refused(admin: Client) -> None:
    assert admin.post("/choices", {"theme": "dark"}, sec_fetch_site="cross-site").status == 403
    assert admin.post("/choices", {"theme": "dark"}, sec_fetch_site="same-site").status == 403
    assert admin.post("/choices", {"theme": "dark"}).status == 303


def test_an_old_browser_is_known_by_the_token_in_its_form(admin: Client) -> None:
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', admin.get("/me").text)
    assert token is not None

    def without_metadata(form: dict[str, str]) -> int:
        headers = {"content_type": "application/x-www-form-urlencoded"}
        from urllib.parse import urlencode

        return admin._send("POST", "/choices", urlencode(form).encode(), headers).status

    assert without_metadata({"theme": "dark"}) == 403
    assert without_metadata({"theme": "dark", "csrf": "00" * 64}) == 403
    assert without_metadata({"theme": "dark", "csrf": token[1]}) == 303


def test_every_answer_forbids_what_no_page_needs(admin: Client) -> None:
    for path in ("/", "/nothing", "/static/ashiato.css", "/healthz", "/login"):
        headers = admin.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert headers["x-frame-options"] == "DENY"
    assert admin.get("/").headers["cache-control"] == "no-store"


def test_a_name_that_is_not_ours_gets_nothing(site: Site) -> None:
    assert Client(make_app(site), host="evil.example").get("/login").status == 421
    assert Client(make_app(site), host="evil.example").get("/healthz").status == 200


def test_off_this_machine_no_password_is_taken_unencrypted(site: Site, admin: Client) -> None:
    site.settings.web.hosts.append("ashiato.example.com")
    far = Client(make_app(site), host="ashiato.example.com")
    page = far.get("/login")
    assert "would be readable on the way" in page.words
    assert far.post("/login", {"name": "kana", "password": PASSWORD}).status == 400


def test_too_large_a_form_is_refused(browser: Client) -> None:
    assert browser.post("/login", {"name": "x" * (5 << 20)}).status == 413


def test_an_admin_invites_limits_and_removes(site: Site, admin: Client) -> None:
    added = admin.post("/users", {"name": "erin", "role": "analyst"})
    link = re.search(r"http://127\.0\.0\.1:8600(/link/[\w-]+)", added.text)
    assert link is not None, added.words
    other = Client(admin.app)
    assert "Hello erin" in other.get(link[1]).words
    assert other.post(link[1], {"password": PASSWORD + "!", "again": PASSWORD + "!"}).status == 303
    assert "erin: analyst" in other.get("/me").words
    assert other.get("/users").status == 403
    assert admin.post("/users/erin", {"display": "Erin", "role": "viewer"}).status == 303
    # Another role ends the sessions.
    assert other.get("/").status == 303
    assert "This is the last admin" in admin.post("/users/kana/state", {"to": "disabled"}).words
    made = admin.post("/users/erin/tokens", {"label": "export", "scope": ["read"], "days": "30"})
    token = re.search(r"ash_[\w-]+", made.text)
    assert token is not None
    program = Client(admin.app)
    program.headers["authorization"] = f"Bearer {token[0]}"
    assert program.get("/news").status == 200
    assert admin.post("/users/erin/remove").status == 303
    assert program.get("/news").status == 303
    log = admin.get("/audit").words
    for act in ("user added", "link issued", "user changed", "token created", "user removed", "signed in"):
        assert act in log
    lines = admin.get("/audit.json?who=kana").text.splitlines()
    assert lines
    assert token[0] not in admin.get("/audit.json").text


def test_ones_own_tokens(admin: Client) -> None:
    made = admin.post("/me/tokens", {"label": "export", "scope": ["read"], "days": "30"})
    token = re.search(r"ash_[\w-]{20,}", made.text)
    assert token is not None, made.words
    assert token[0] not in admin.get("/me").text
    program = Client(admin.app)
    program.headers["authorization"] = f"Bearer {token[0]}"
    assert program.get("/news").status == 200
    # What a token may not do its owner's role does not lend it; nor does a token make tokens.
    assert program.get("/users").status == 403
    assert program.post("/me/tokens", {"label": "more", "scope": ["read"]}).status == 403
    # Nor does one that reads sign its owner out, or end other tokens.
    assert program.post("/me/sessions/end").status == 403
    assert program.post("/me/tokens/revoke", {"number": "1"}).status == 403
    assert admin.get("/").status == 200
    number = re.search(r'name="number" value="(\d+)"', admin.get("/me").text)
    assert number is not None
    assert admin.post("/me/tokens/revoke", {"number": number[1]}).status == 303
    assert program.get("/news").status == 303


def test_a_session_of_any_number_may_be_asked_for(admin: Client) -> None:
    assert admin.post(f"/me/sessions/{10**40}/end").status == 400


def test_ones_own_password_needs_the_old_one(admin: Client) -> None:
    new = "four other unrelated words"
    wrong = admin.post("/me/password", {"old": "no", "password": new, "again": new})
    assert "The old password is wrong." in wrong.words
    assert admin.post("/me/password", {"old": PASSWORD, "password": new, "again": new}).status == 303
    assert admin.get("/me").status == 200
    assert Client(admin.app).post("/login", {"name": "kana", "password": new}).status == 303


def test_language_and_zone_go_with_the_user(admin: Client) -> None:
    admin.post("/choices", {"language": "ja", "zone": "Asia/Tokyo", "next": "/"})
    other = Client(admin.app)
    other.post("/login", {"name": "kana", "password": PASSWORD})
    page = other.get("/me")
    assert 'lang="ja"' in page.text
    assert "時刻は Asia/Tokyo" in page.words
    assert admin.post("/choices", {"zone": "../../etc/passwd"}).status == 400


def test_settings_show_no_secret(home: Home) -> None:
    from ashiato.core.settings import Channel
    from ashiato.core.settings_shown import shown

    settings = Settings(home=home.folder, channels=[Channel(name="desk", url="slack://verysecret/token")])
    rows = {s.key: s for s in shown(settings)}
    assert rows["channels.desk.url"].value == "•••"
    assert "verysecret" not in str(rows)
    assert rows["web.listen"].usual
    assert not rows["channels.desk.name"].usual
