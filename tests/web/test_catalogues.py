"""Every message has its Japanese, with the same places; no text in a template goes round the catalogues."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.checkers import checkers

from ashiato.web.catalogues import translations
from docs.repository import ROOT, tool

TEMPLATES = ROOT / "src" / "ashiato" / "web" / "templates"
PO = sorted((ROOT / "src" / "ashiato" / "web" / "locale" / "ja").glob("*.po"))
catalogues = tool("catalogues")

_TAKEN_OUT = re.compile(
    r"\{#.*?#\}|\{%.*?%\}|<(script|code|pre|kbd|svg)\b.*?</\1>|\{\{.*?\}\}|<[^>]*>|&\w+;|Ashiato", re.DOTALL
)
_TOLD = re.compile(r"\b(?:alt|title|aria-label|placeholder)=\"([^\"{]*[A-Za-z][^\"]*)\"")


def test_every_message_has_japanese() -> None:
    assert catalogues.missing() == {}, "python tools/catalogues.py adds them to the .po files"


@pytest.mark.parametrize("path", PO, ids=lambda p: p.stem)
def test_places_are_the_same(path: Path) -> None:
    catalog = catalogues.read(path)
    for message in catalog:
        if not message.id or not message.string:
            continue
        for check in checkers:
            check(catalog, message)
        wanted = set(re.findall(r"%\((\w+)\)", str(message.id)))
        assert set(re.findall(r"%\((\w+)\)", str(message.string))) <= wanted, message.id


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.rglob("*.html")), ids=lambda p: p.relative_to(TEMPLATES).as_posix()
)
def test_a_template_has_no_words_of_its_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    rest = _TAKEN_OUT.sub(" ", text)
    assert re.findall(r"[^\W\d_]{2,}", rest) == []
    assert _TOLD.findall(text) == []


def test_japanese_is_read_as_the_pages_read_it() -> None:
    words = translations("ja")
    assert words.gettext("Overview") == "概要"
    assert words.ngettext("%(num)s user", "%(num)s users", 3) % {"num": 3} == "3 人のユーザー"
    assert translations("en").gettext("Overview") == "Overview"
