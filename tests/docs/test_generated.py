"""Pages that are made from the code are as the code would make them now."""

from __future__ import annotations

import pytest

from docs.repository import ROOT, ashiato, tool

PAGES = tool("generate_docs").PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_current(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"docs/{name}: run python tools/generate_docs.py"


def test_every_command_is_on_the_page_with_every_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from the running program, not from where the page was made of."""
    monkeypatch.setenv("COLUMNS", "240")
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    shared = page.split("\n## Exit status")[0]
    for command in tool("command_pages").commands():
        status, text = ashiato(*command.words.split()[1:], "--help")
        assert status == 0
        section = page.split(f"\n## {command.words}\n")[1].split("\n## ")[0]
        words = {w.strip("│,.()[]") for w in text.split() if w.strip("│").startswith("--")} - {"--help"}
        assert words
        for word in words:
            assert word in section + shared, f"{command.words} {word}"


def test_every_kind_of_entity_is_described() -> None:
    from ashiato.formats.entities import KINDS

    assert set(tool("tables_page").ENTITIES) == set(KINDS)


def test_settings_said_to_be_without_effect_are_read_by_nothing() -> None:
    """When one of them comes to be read, its remark has to go."""
    source = "".join(
        p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.py") if p.name != "settings.py"
    )
    for key in tool("settings_page").WITHOUT_EFFECT:
        name = key.rpartition(".")[2]
        assert f"settings.{name}" not in source, key
