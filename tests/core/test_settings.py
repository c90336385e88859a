"""Settings, text and spans of time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ashiato.core.errors import WrongUse
from ashiato.core.settings import Settings, load_settings
from ashiato.core.spans import parse_span
from ashiato.core.text import fitting, printable


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [n for n in os.environ if n.startswith("ASHIATO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("400 days", timedelta(days=400)), ("1 week", timedelta(days=7)), (" 2 Hours ", timedelta(hours=2)),
        (30, timedelta(days=30)), ("keep", None), ("", None), (None, None), ("1 year", timedelta(days=365.25)),
    ],
)  # fmt: skip
def test_spans_of_time_are_written_as_people_say_them(text: object, span: timedelta | None) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["soon", "-1 days", "1.5 days", "days", True, 1.5])
def test_what_is_no_span_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="400 days"):
        parse_span(text)


def test_a_span_that_no_calendar_holds_is_refused_like_any_wrong_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for endless in ("99999999999999 years", 10**12):
        with pytest.raises(ValueError, match="too long"):
            parse_span(endless)
    monkeypatch.setenv("ASHIATO_ACCESS__TOKEN_LIFETIME", "99999999999999 years")
    with pytest.raises(WrongUse, match="token_lifetime"):
        load_settings()


def test_everything_has_a_default_and_a_description() -> None:
    settings = load_settings()
    assert settings.archive == "none"
    assert settings.ledger_url is None
    assert settings.retention.cloudtrail is None
    for name, field in Settings.model_fields.items():
        assert field.description, name


def test_the_first_settings_file_that_is_there_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = tmp_path / ".config" / "ashiato" / "ashiato.toml"
    user.parent.mkdir(parents=True)
    user.write_text('language = "ja"\n')
    assert load_settings().language == "ja"
    (tmp_path / "ashiato.toml").write_text('language = "en"\narchive = "copy"\n')
    assert (load_settings().language, load_settings().archive) == ("en", "copy")
    named = tmp_path / "named.toml"
    named.write_text('language = "ja"\n')
    monkeypatch.setenv("ASHIATO_CONFIG", str(named))
    assert (load_settings().language, load_settings().archive) == ("ja", "none")


def test_a_variable_changes_one_value_of_a_table_and_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ashiato.toml").write_text(
        '[retention]\ncloudtrail = "7 years"\nvpc_flow_logs = "400 days"\n'
    )
    monkeypatch.setenv("ASHIATO_RETENTION__VPC_FLOW_LOGS", "30 days")
    retention = load_settings().retention
    assert retention.vpc_flow_logs == timedelta(days=30)
    assert retention.cloudtrail == 7 * timedelta(days=365.25)


def test_a_wrong_key_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "ashiato.toml").write_text("retenton = 1\n")
    with pytest.raises(WrongUse, match="retenton") as caught:
        load_settings()
    assert "Did you mean retention?" in str(caught.value.remedy)
    assert caught.value.exit_status == 2


@given(st.text(), st.integers(1, 50))
def test_printable_text_is_what_every_database_takes(text: str, most: int) -> None:
    shown = printable(text + "\x00\ud800", most)
    assert len(shown) <= most
    assert "\x00" not in shown
    shown.encode()


def test_text_that_a_column_cannot_hold_is_none() -> None:
    assert fitting("123456789012", 12) == "123456789012"
    assert fitting("1234567890123", 12) is None
    assert fitting("a\x00", 12) is None
    assert fitting("\udc80", 12) is None
    assert fitting(None, 12) is None
