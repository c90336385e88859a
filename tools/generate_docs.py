"""Writes those pages of docs/ that follow from the code: see PAGES.

python tools/generate_docs.py            write them
python tools/generate_docs.py --check    say which are out of date, status 1
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import command_pages
import pack_page
import settings_page
import tables_page

DOCS = Path(__file__).parents[1] / "docs"
PAGES: dict[str, Callable[[], str]] = {
    "commands.md": command_pages.page,
    "detections-pack.md": pack_page.page,
    "settings.md": settings_page.page,
    "tables.md": tables_page.page,
}


def main() -> int:
    """Write the pages, or compare them."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, make in PAGES.items():
        path = DOCS / name
        text = make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(
            f"docs/{name} is out of date: run python tools/generate_docs.py"
            if check
            else f"wrote docs/{name}"
        )
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
