"""SVG elements as text, every value escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from ashiato.core.printing import plain

Part = Markup | str | None
_MEANT = re.compile("[&<>\"']")


def el(name: str, *parts: Part | Iterable[Part], **attributes: Any) -> Markup:
    """An element. Attributes: `_` in a name is `-`, `class_` is `class`; None leaves one out. Text parts are escaped.

    >>> el("text", "a<b", x=1.50, class_="tick")
    Markup('<text x="1.5" class="tick">a&lt;b</text>')
    """
    # Strings put together by hand: a chart has thousands of elements, and Markup.format costs ten times as much.
    out = ["<", name]
    for key, value in attributes.items():
        if value is not None:
            out += (" ", _name(key), '="', _text(value), '"')
    out.append(">")
    out += [str(escape(_shown(p))) for p in _flat(parts) if p is not None]
    out += ("</", name, ">")
    return Markup("".join(out))  # noqa: S704 - every part was escaped


@lru_cache(maxsize=256)
def _name(key: str) -> str:
    return "viewBox" if key == "view_box" else key.rstrip("_").replace("_", "-")


def _text(value: Any) -> str:
    """Two decimals are half a pixel's tenth."""
    if type(value) is str and value.isprintable() and not _MEANT.search(value):
        return value
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value) if isinstance(value, int) else str(escape(_shown(value)))


def _shown(value: Any) -> Any:
    """Control characters and those that turn the direction of text are named, not obeyed; XML forbids most."""
    return plain(value) if type(value) is str and not value.isprintable() else value


def _flat(parts: Iterable[Part | Iterable[Part]]) -> Iterable[Part]:
    for part in parts:
        if part is None or isinstance(part, (str, Markup)):
            yield part
        else:
            yield from part


def percent(share: float) -> str:
    """A share of the width.

    >>> percent(0.12345678)
    '12.346%'
    """
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"
