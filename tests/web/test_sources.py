"""Sources: each sees their own accounts' arrivals and gaps; what could not be read can be tried again."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from ashiato.core.scope import EVERY_ACCOUNT
from ashiato.core.settings import Settings
from ashiato.lake.home import Home
from ashiato.web.app import make_app
from web.client import Client
from web.conftest import ACCOUNTS, Estate, Visiting, site_of, someone

HOSTILE = "<script>alert(1)</script>"


def test_everybody_sees_their_own_accounts(visit: Visiting) -> None:
    whole = visit("/sources").words
    assert "shop-audit" in whole
    assert "shop-dev" in whole
    limited = visit("/sources", groups=("customer-a",), role="viewer").words
    assert "shop-audit" not in limited
    assert "shop-dev" in limited
    # The disk is of the whole home.
    assert "Disk:" not in limited
    filtered = visit("/sources?group=operations").words
    assert "shop-dev" not in filtered


def test_rows_are_filtered_and_sorted_by_the_address(visit: Visiting) -> None:
    page = visit("/sources?log=vpc_flow_logs&sort=account").text
    rows = page.split("<tbody>")[-2 if "gaps" in page else -1]
    assert "<td>cloudtrail</td>" not in rows
    assert 'aria-sort="ascending"' in page
    assert visit("/sources?sort=password").status == 400


def test_gaps_are_told_in_the_readers_language(visit: Visiting) -> None:
    english, japanese = visit("/sources").words, visit("/sources", language="ja").words
    assert "SKIPDATA at" not in english
    assert ("(SKIPDATA)" in english) == ("省略しました" in japanese)


def test_trouble_is_told_in_both_languages(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    finding = SimpleNamespace(
        table="cloudtrail", group={"source": HOSTILE}, account="444455556666", region=None, first=moment,
        explanation={"rests_on": "habit", "usual_gap": 7200.0},
    )  # fmt: skip
    place = {
        "name": "trail", "type": "s3", "last_poll": moment, "last_arrival": None, "backlog": 3, "error": HOSTILE,
        "error_since": moment, "forecast": None,
    }  # fmt: skip
    process = {
        "running": True, "last_commit": moment, "waiting_objects": 2, "waiting_bytes": 5000, "commit_error": HOSTILE,
        "commit_error_since": moment,
    }  # fmt: skip
    failed = {"object": HOSTILE, "delivered": moment, "reason": HOSTILE}
    with Home.open_for_reading(estate.home) as home:
        site = site_of(home, estate.settings, someone("viewer"))
        whole = site.standing.report(EVERY_ACCOUNT)
        told = {**whole, "silent": [finding], "watched": [place], "watch": process, "failed": [failed]}
        monkeypatch.setattr(site.standing, "report", lambda _: told)
        client = Client(make_app(site))
        for path in ("/sources", "/"):
            client.headers["accept-language"] = "en"
            page = client.get(path)
            assert page.status == 200, page.words
            assert "1 source is silent." in page.words
            assert "<script>" not in page.text
        assert "usual gap: 2 h" in client.get("/sources").words


@pytest.fixture
def broken(tmp_path: Path) -> Estate:
    """A home that was given a file nobody can read."""
    from ashiato.cli.app import Common
    from ashiato.cli.commands.collect import take_in

    files, home = tmp_path / "files", tmp_path / "home"
    files.mkdir()
    name = "111122223333_CloudTrail_us-east-1_20260301T0000Z_abcdefghijklmnop.json.gz"
    (files / name).write_bytes(
        gzip.compress(b'{"Records": [{"eventVersion": "1.08", <script>alert(1)</script>')
    )
    take_in(Common(Settings(home=home), "json"), [str(files)])
    return Estate(home, files, {}, Settings(home=home, accounts=ACCOUNTS))


def test_the_quarantine_shows_saves_and_tries_again(broken: Estate) -> None:
    with Home.open_for_reading(broken.home) as home:
        client = Client(make_app(site_of(home, broken.settings, someone("admin"))))
        page = client.get("/sources/quarantine")
        assert "1 entry is in quarantine." in page.words
        assert "not taken" in page.words
        address = next(link for link in page.links if link.endswith("/bytes"))
        content = client.get(address)
        assert content.headers["content-type"] == "application/octet-stream"
        assert content.headers["content-disposition"].startswith("attachment")
        assert 'action="/jobs/quarantine"' in page.text
        entry = address.split("/")[-2]
        asked = client.post("/jobs/quarantine", {"id": entry})
        assert asked.status == 303
        assert client.get(asked.headers["location"]).status == 200
