"""The repository as documentation sees it: pages, tools, and the command run as a person would."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

ROOT = Path(__file__).parents[2]
READMES = (ROOT / "README.md", ROOT / "README.ja.md")


def tool(name: str) -> ModuleType:
    """A module of tools/."""
    with patch.object(sys, "path", [str(ROOT / "tools"), *sys.path]):
        return importlib.import_module(name)


def pages() -> list[Path]:
    """Every page that a reader may open."""
    return [
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "deploy").rglob("*.md")),
    ]


def blocks(page: Path, language: str = "sh") -> Iterator[tuple[str, str]]:
    """Fenced blocks of a language, each with the comment that stands above it."""
    pattern = rf"(?:<!-- ([^>]*) -->\n)?^```{language}\n(.*?)^```$"
    for found in re.finditer(pattern, page.read_text(encoding="utf-8"), re.M | re.S):
        yield found[1] or "", found[2]


def ashiato(*arguments: str) -> tuple[int, str]:
    """Run the command in this process: its exit status and standard output."""
    from ashiato.cli import main

    out = io.StringIO()
    status = 0
    with patch.object(sys, "argv", ["ashiato", *arguments]), contextlib.redirect_stdout(out):
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return status, out.getvalue()
