"""What the pages name exists: links, commands, pictures. Nothing in them is of one machine."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from docs.repository import READMES, ROOT, blocks, pages, tool

PICTURE = ROOT / "docs" / "images" / "demo.svg"


def _anchors(page: Path) -> set[str]:
    """GitHub's ids of the headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", t.replace("`", "")).lower().replace(" ", "-") for t in titles}


@pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file), target


@pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_of_the_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/(root|work|tmp)/\w|/home/\w", text)
    assert not re.search(r"[\w.]+@(?!example\.(com|org))[\w-]+\.[a-z]{2,}", text)
    assert not re.search("[\U0001f300-\U0001faff\u2600-\u27bf]", text), "no pictograms"


@pytest.mark.parametrize(
    "page", [*READMES, *sorted((ROOT / "docs").glob("*.md")), ROOT / "deploy/README.md"], ids=lambda p: p.name
)
def test_commands_in_code_exist_with_their_options(page: Path) -> None:
    known = {c.words: c for c in tool("command_pages").commands()}
    for _, block in blocks(page):
        joined = block.replace("\\\n", " ")
        for line in re.findall(r"(?:^|bin/|&& |\| )(ashiato [a-z]+(?: [^|;#>\n]*)?)", joined, re.M):
            words = line.split()
            name = " ".join(words[:3]) if " ".join(words[:3]) in known else " ".join(words[:2])
            assert name in known, line
            shown = " ".join(p.shown for p in known[name].parameters)
            for option in re.findall(r"(?<=\s)--[a-z][a-z-]+", line):
                assert option in shown, line


@pytest.mark.parametrize("readme", READMES, ids=lambda p: p.name)
def test_the_readme_leads_with_the_two_commands_and_the_picture(readme: Path) -> None:
    text = readme.read_text(encoding="utf-8")
    first = next(block for _, block in blocks(readme))
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make run", "make test"]
    assert text.index("```sh") < text.index("docs/images/demo.svg") < text.index("\n## ")


def test_the_makefile_has_both() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^run:", makefile, re.M)
    assert re.search(r"^test:", makefile, re.M)


def test_both_readmes_show_the_same_commands() -> None:
    def bare(readme: Path) -> list[str]:
        return [re.sub(r"\s*#.*$", "", block, flags=re.M).strip() for _, block in blocks(readme)]

    assert bare(READMES[0]) == bare(READMES[1])
    links = [sorted(re.findall(r"\]\(((?!README)[^)]+)\)", r.read_text(encoding="utf-8"))) for r in READMES]
    assert set(links[0]) == set(links[1])


def test_the_picture_is_small_and_loads_nothing() -> None:
    assert PICTURE.stat().st_size < 200_000
    text = PICTURE.read_text(encoding="utf-8")
    ET.fromstring(text)
    assert not re.search(r"@font-face|@import|<script|<image|href=|https?://(?!www\.w3\.org/)", text)


def test_the_picture_is_drawn_from_output_as_the_demo_prints_it(tmp_path: Path) -> None:
    picture = tool("picture")
    output = (
        "Generating …\n\n1. Was a long-lived key used?\n   Yes.\n\n a   b \n ─────\n 1   2 \n\n"
        "2. Another?\n   No.\n\n7 s in all. Ask it yourself:\n  ashiato sources\n"
    )
    assert picture.parts(output) == (
        "Generating …\n",
        ["1. Was a long-lived key used?\n   Yes.\n\n a   b \n ─────\n 1   2 \n", "2. Another?\n   No.\n"],
        "7 s in all. Ask it yourself:\n  ashiato sources",
    )
    picture.draw(output, tmp_path / "x" / "demo.svg")
    drawn = (tmp_path / "x" / "demo.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    assert "make run" in drawn
    assert "Yes." in drawn
    assert "Another?" not in drawn


def test_what_the_picture_shows_is_still_asked() -> None:
    from ashiato.demo.telling import QUESTIONS

    for words in tool("picture").SHOWN:
        assert any(words in q.title for q in QUESTIONS), words
