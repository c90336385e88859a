"""The example of docs/settings.md is a settings file, and every variable that the page names works."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from ashiato.core.errors import WrongUse
from ashiato.core.settings import load_settings
from docs.repository import ROOT, blocks

PAGE = ROOT / "docs" / "settings.md"
VALUES = {
    "ASHIATO_LANGUAGE": "ja",
    "ASHIATO_ARCHIVE": "copy",
    "ASHIATO_DETECT__RULES": '["/etc/ashiato/rules"]',
    "ASHIATO_DETECT__OWN_PACK": "false",
    "ASHIATO_DETECT__LISTS": '{"vpn": ["198.51.100.7"]}',
    "ASHIATO_DETECT__DAYS_OFF": '["2026-12-30"]',
    "ASHIATO_ALERTS__DIGEST_AT": "08:30",
    "ASHIATO_ALERTS__DIGEST_PERIOD": "week",
    "ASHIATO_ALERTS__DIGEST_CHANNELS": '["mail"]',
    "ASHIATO_DETECT__AUTOMATION": '["ci-*"]',
    "ASHIATO_ACCESS__PASSWORD_LENGTH": "16",
    "ASHIATO_WEB__HOSTS": '["ashiato.example.com"]',
    "ASHIATO_WEB__PROXIES": '["192.0.2.1"]',
}
SPANS = re.compile(
    "RETENTION|SETTLE|HISTORY|LEARNING|WITHIN|RETRY_FOR|EVERY|LIFETIME|LONGEST|IDLE|LOCK_OUT|KNOWN_FOR"
)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    [(_, text)] = blocks(PAGE, "toml")
    path = tmp_path / "ashiato.toml"
    path.write_text(text)
    return path


def test_the_example_is_accepted(example: Path) -> None:
    settings = load_settings(example)
    assert settings.archive == "copy"
    assert [a.name for a in settings.accounts] == ["shop-prod", "shop-dev"]
    assert settings.retention.vpc_flow_logs == timedelta(days=400)
    assert settings.retention.cloudtrail is None
    assert settings.query.seconds == 600


def test_the_order_is_command_line_environment_file_default(
    example: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load_settings(example).home == Path("/var/lib/ashiato")
    monkeypatch.setenv("ASHIATO_HOME", "/elsewhere")
    assert load_settings(example).home == Path("/elsewhere")
    assert load_settings(example, home=tmp_path).home == tmp_path
    monkeypatch.setenv("ASHIATO_CONFIG", str(example))
    assert load_settings().archive == "copy"


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"ASHIATO_[A-Z_]+(?=` \|)", PAGE.read_text()))))
def test_every_variable_is_read(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = VALUES.get(variable, "45 days" if SPANS.search(variable) else "4321")
    before = load_settings()
    monkeypatch.setenv(variable, value)
    assert load_settings() != before


def test_the_variable_for_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"ASHIATO_ACCOUNTS='(.*)'", PAGE.read_text())
    assert found
    monkeypatch.setenv("ASHIATO_ACCOUNTS", found[1])
    assert load_settings().accounts[0].name == "shop-prod"


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ashiato.toml"
    path.write_text("colour = 1\n")
    with pytest.raises(WrongUse, match="colour"):
        load_settings(path)
