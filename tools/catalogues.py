"""The messages of the pages, by area, and their Japanese.

    python tools/catalogues.py          adds what is new to src/ashiato/web/locale/ja/*.po, takes out what is gone
    python tools/catalogues.py --list   what has no Japanese yet

An area's messages are those of its module (or package) in web/pages/ and of its templates; all others are `frame`'s. A
message that an earlier area (by name, `frame` first) has is not asked for again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

WEB = Path(__file__).parents[1] / "src" / "ashiato" / "web"
JAPANESE = WEB / "locale" / "ja"
FRAME = "frame"
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
_JINJA = {
    "trimmed": "true",
    "newstyle_gettext": "true",
    "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols",
}

#: A message: its text, or the texts for one and for many.
Message = str | tuple[str, ...]


def area_of(path: Path) -> str:
    """Which area a file of the pages belongs to."""
    parts = path.relative_to(WEB).with_suffix("").parts
    if parts[0] in ("pages", "templates") and len(parts) > 1 and path.name != "__init__.py":
        if parts[0] == "templates" and len(parts) == 2:
            return FRAME
        return parts[1]
    if parts[0] == "pages" and len(parts) > 2:
        return parts[1]
    return FRAME


def extracted() -> dict[str, dict[Message, list[tuple[str, int]]]]:
    """Area → message → where it stands (path within web/, line). An area has none of the messages of earlier ones."""
    found: dict[str, dict[Message, list[tuple[str, int]]]] = {FRAME: {}}
    files = sorted(
        [*WEB.rglob("*.py"), *(WEB / "templates").rglob("*.html"), *(WEB / "templates").rglob("*.js")]
    )
    for path in files:
        method = "python" if path.suffix == ".py" else "jinja2"
        options = {} if method == "python" else _JINJA
        own = found.setdefault(area_of(path), {})
        for line, message, _, _ in extract_from_file(method, path, keywords=_KEYWORDS, options=options):
            if message:
                own.setdefault(message, []).append((path.relative_to(WEB).as_posix(), line))
    seen: set[Message] = set()
    for area in sorted(found, key=lambda a: (a != FRAME, a)):
        found[area] = {m: where for m, where in found[area].items() if m not in seen}
        seen |= set(found[area])
    return found


def translated() -> Catalog:
    """All of Japanese together."""
    whole = Catalog(locale="ja")
    for path in sorted(JAPANESE.glob("*.po")):
        for message in read(path):
            if message.id and message.string and not message.fuzzy:
                whole[message.id] = message
    return whole


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="ja")


def missing() -> dict[str, list[Message]]:
    """Area → messages without Japanese."""
    known = translated()
    found: dict[str, list[Message]] = {}
    for area, messages in extracted().items():
        without = [m for m in messages if (got := known.get(m)) is None or not _whole(got.string)]
        if without:
            found[area] = without
    return found


def _whole(string: object) -> bool:
    return all(string) if isinstance(string, (list, tuple)) else bool(string)


def update() -> None:
    """Each area's .po holds its messages in order, with the Japanese that there is, wherever it stood."""
    known = translated()
    areas = extracted()
    for area, messages in areas.items():
        if not messages:
            continue
        catalog = Catalog(locale="ja", project="Ashiato", fuzzy=False)
        for message in messages:
            got = known.get(message)
            catalog.add(message, got.string if got else None, flags=got.flags if got else ())
        path = JAPANESE / f"{area}.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=110, omit_header=True, no_location=True)
    for path in JAPANESE.glob("*.po"):
        if not areas.get(path.stem):
            path.unlink()


def main() -> int:
    if "--list" not in sys.argv[1:]:
        update()
    found = missing()
    for area, messages in sorted(found.items()):
        for message in messages:
            print(f"{area}: no Japanese: {message!r}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
