"""What would be harm in a page, an export, or on a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

from hostile.attacks import COMPUTED, MARK

#: Control characters but tab and line breaks, turners of direction, tags, lone surrogates: what `plain` names.
OBEYED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_FORMULA = re.compile("[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?")
#: No page is larger, whatever the names on it.
MOST = 3_000_000
_ADDRESSES = ("href", "src", "action", "formaction", "poster", "data", "xlink:href", "srcset", "cite", "ping")


class _Page(HTMLParser):
    def __init__(self, alone: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.alone = alone
        self.found: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        where = self.get_starttag_text() or tag
        if (
            MARK in tag
            or tag in ("iframe", "object", "embed", "base", "frame")
            or (tag == "style" and not self.alone)
        ):
            self.found.append(f"element: {where[:200]}")
        if tag == "script" and not (dict(attrs).get("src") or "").startswith("/static/"):
            self.found.append(f"script: {where[:200]}")
        policy = dict(attrs).get("http-equiv") == "Content-Security-Policy"
        if tag == "meta" and "http-equiv" in dict(attrs) and not (self.alone and policy):
            self.found.append(f"meta: {where[:200]}")
        for name, value in attrs:
            if MARK in name or name.startswith("on") or name in ("style", "srcdoc"):
                self.found.append(f"attribute: {where[:200]}")
            if name in _ADDRESSES and not _ours(value or ""):
                self.found.append(f"address: {where[:200]}")
            if tag == "a" and name == "href" and value:
                self.links.append(value)


def _ours(address: str) -> bool:
    """A path, a query or a place of this site; `//host` and `/\\host` are others'. References of rules lead elsewhere, by
    HTTPS; none that a record names does."""
    if address.startswith("https://"):
        return MARK not in address
    return address == "" or bool(re.match(r"(?:/(?![/\\])|\?|#)", address))


def in_page(text: str, *, alone: bool = False) -> tuple[list[str], list[str]]:
    """The harm in a page, and its links. `alone`: a file to be kept, with a style and a policy of its own."""
    reader = _Page(alone)
    reader.feed(text)
    reader.close()
    found = list(reader.found)
    found += [
        f"obeyed: {m[0]!r} in {text[max(0, m.start() - 60) : m.end() + 30]!r}"
        for m in [OBEYED.search(text)]
        if m
    ]
    if COMPUTED in text:
        found.append("a template in a record was computed")
    if len(text) > MOST:
        found.append(f"{len(text):,} characters")
    return found, reader.links


def in_csv(text: str) -> list[str]:
    csv.field_size_limit(1 << 27)
    found = []
    for number, row in enumerate(csv.reader(io.StringIO(text, newline=""))):
        for cell in row:
            if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
                found.append(f"row {number}: a formula: {cell[:80]!r}")
            if OBEYED.search(cell):
                found.append(f"row {number}: obeyed: {cell[:80]!r}")
    return found


def in_json(text: str) -> list[str]:
    """JSON holds what the records hold, escaped."""
    json.loads(text)
    match = OBEYED.search(text)
    return [f"obeyed: {match[0]!r}"] if match else []


def on_terminal(text: str) -> list[str]:
    match = OBEYED.search(text)
    return [f"obeyed: {text[max(0, match.start() - 60) : match.end() + 30]!r}"] if match else []
