"""Names by how many: the table is the chart, with a bar in each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ashiato.web.charts.svg import el, percent
from ashiato.web.filters import figure


@dataclass(frozen=True)
class Rank:
    """A row: what (text, or Markup of a chip), how many, where the count leads, a remark such as "new"."""

    what: Any
    count: int
    href: str | None = None
    remark: str | None = None


def ranked(rows: Sequence[Rank], *, head: tuple[str, str], label: str) -> Markup:
    """The highest first, as given. `head`: the headings of names and counts."""
    most = max((r.count for r in rows), default=0) or 1
    body = [
        el(
            "tr",
            el("th", r.what, el("span", r.remark, class_="remark") if r.remark else None, scope="row"),
            el("td", _bar(r.count / most), class_="barred"),
            el("td", el("a", figure(r.count), href=r.href) if r.href else figure(r.count), class_="figure"),
        )
        for r in rows
    ]
    top = el("tr", el("th", head[0], scope="col"), el("td"), el("th", head[1], scope="col", class_="figure"))
    return el(
        "table", el("caption", label, class_="hidden"), el("thead", top), el("tbody", body), class_="ranked"
    )


def _bar(share: float) -> Markup:
    shape = el("rect", x=0, y=3, width=percent(max(share, 0.005)), height=8, class_="bar")
    return el("svg", shape, width="100%", height=14, aria_hidden="true")
