"""`ashiato sources check` from the command line: words for people, JSON for programs, and the status."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.command import Command


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "evil\x1b[31m.json").write_text("{}")
    path = tmp_path / "settings.toml"
    path.write_text(
        f'[[sources]]\nname = "folder"\ntype = "files"\npath = "{folder}"\n'
        '[[sources]]\nname = "trail"\ntype = "s3"\n'
        '[[sources]]\nname = "history"\ntype = "lookup_events"\nregions = ["us-east-1"]\nprofile = "nobody"\n'
    )
    return path


def test_nothing_is_missing(ashiato: Command, settings: Path) -> None:
    result = ashiato("sources", "check", "folder", "--config", settings)
    assert result.status == 0
    assert "Nothing is missing." in result.out
    assert "evil\\x1b[31m.json" in result.out
    assert "\x1b" not in result.out


def test_something_is_missing(ashiato: Command, settings: Path) -> None:
    result = ashiato("sources", "check", "trail", "--config", settings, "--json")
    assert result.status == 1
    assert result.json["ok"] is False
    assert "needs bucket" in result.json["problems"][0]["what"]
    assert result.json["policy"]["Statement"][0]["Action"] == "s3:ListBucket"
    told = ashiato("sources", "check", "history", "--config", settings)
    assert told.status == 1
    assert "nobody" in told.out
    assert "cloudtrail:LookupEvents" in told.out
    assert ashiato("sources", "check", "trail", "--config", settings, "--format", "csv").status == 1


def test_a_name_that_is_none(ashiato: Command, settings: Path) -> None:
    result = ashiato("sources", "check", "trial", "--config", settings)
    assert result.status == 2
    assert "Did you mean trail?" in result.err


def test_the_list_of_sources_is_still_there(ashiato: Command, tmp_path: Path) -> None:
    result = ashiato("sources", "--home", tmp_path / "none")
    assert result.status == 3
    assert "check" in ashiato("sources", "--help").out
