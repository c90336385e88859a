"""Templates and scripts of ours keep to what the policy of the pages allows, and to what a reader can be given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.repository import ROOT

WEB = ROOT / "src" / "ashiato" / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
STATIC = sorted((WEB / "static").iterdir())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.relative_to(WEB / "templates").as_posix())
def test_nothing_inline_nothing_unescaped_and_a_token_in_each_form(path: Path) -> None:
    whole = path.read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}", "", whole, flags=re.DOTALL)
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", text)
    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text
    assert text.count('method="post"') <= text.count("ui.token()")


@pytest.mark.parametrize("path", [p for p in STATIC if p.suffix == ".js"], ids=lambda p: p.name)
def test_scripts_write_no_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )


@pytest.mark.parametrize("path", [p for p in STATIC if p.suffix in (".css", ".svg")], ids=lambda p: p.name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"url\((?!#|data:)|@import|https?://(?!www\.w3\.org/2000/svg)", text)
