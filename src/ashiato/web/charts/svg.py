"""SVG elements as text, every value escaped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from markupsafe import Markup, escape

Part = Markup | str | None


def el(name: str, *parts: Part | Iterable[Part], **attributes: Any) -> Markup:
    """An element. Attributes: `_` in a name is `-`, `class_` is `class`; None leaves one out. Text parts are escaped.

    >>> el("text", "a<b", x=1.50, class_="tick")
    Markup('<text x="1.5" class="tick">a&lt;b</text>')
    """
    told = "".join(
        Markup(' {}="{}"').format(_name(key), _number(value))
        for key, value in attributes.items()
        if value is not None
    )
    inner = Markup("").join(escape(p) for p in _flat(parts) if p is not None)
    return Markup(f"<{name}{told}>{inner}</{name}>")  # noqa: S704 - both parts were escaped


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-") if key not in _CAMEL else _CAMEL[key]


_CAMEL = {"view_box": "viewBox", "marker_end": "marker-end", "ref_x": "refX", "ref_y": "refY"}


def _number(value: Any) -> Any:
    """Two decimals are half a pixel's tenth."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


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
