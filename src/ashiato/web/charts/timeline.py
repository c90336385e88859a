"""Three lanes on one time axis (operations, changes, connections), alerts above them, cause drawn to effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup

from ashiato.web.charts.chart import Chart, Gap, TimeAxis, hatch
from ashiato.web.charts.svg import el, percent
from ashiato.web.filters import figure, iso, local

if TYPE_CHECKING:
    from ashiato.web.visit import Visit

Lane = Literal["alerts", "operations", "changes", "connections"]
LANES: tuple[Lane, ...] = ("alerts", "operations", "changes", "connections")

#: Marks nearer than this share of the width would cover one another: they are stacked, then counted together.
_NEAR = 0.011
_STACK = 4
_ROW = 13.0
_MOST_MARKS = 600


@dataclass(frozen=True)
class Mark:
    """One item of a lane. `id`: unique, for effects; `label`: a sentence; `until`: the end of what lasts (connections);
    `count`: how many it stands for; `grave`: failed, or of high level; `href`: where it opens (such as "#row")."""

    id: str
    lane: Lane
    at: datetime
    label: str
    href: str | None = None
    until: datetime | None = None
    count: int = 1
    grave: bool = False


@dataclass(frozen=True)
class Effect:
    """`cause` led to `effect`, ids of marks."""

    cause: str
    effect: str


def timeline(
    visit: Visit,
    marks: Sequence[Mark],
    *,
    start: datetime,
    end: datetime,
    label: str,
    effects: Sequence[Effect] = (),
    gaps: Sequence[Gap] = (),
    name: str = "t",
    brush: tuple[str, str] | None = ("from", "to"),
) -> Chart:
    """Marks of the span, folded where they would cover one another; lanes without marks stay, for their gaps."""
    axis = TimeAxis(start, end, visit.zone)
    told = {
        "alerts": visit._("Alerts"),
        "operations": visit._("Operations"),
        "changes": visit._("Changes"),
        "connections": visit._("Connections"),
    }
    parts: list[Markup | None] = []
    shapes: list[Markup] = []
    places: dict[str, tuple[float, float]] = {}
    y = 0.0
    for lane in LANES:
        own = sorted(
            (m for m in marks if m.lane == lane and start <= (m.until or m.at) and m.at <= end),
            key=lambda m: (m.at, m.id),
        )
        if lane == "alerts" and not own:
            continue
        stacked = _stacked(own[:_MOST_MARKS], axis)
        height = 18.0 + _ROW * max(1, 1 + max((row for *_, row in stacked), default=0))
        parts.append(el("line", x1=0, x2="100%", y1=y + height, y2=y + height, class_="base"))
        parts += [axis.hatched(g, y + 1, height - 2, f"{name}-gap") for g in gaps if g.lane in (None, lane)]
        parts.append(el("text", told[lane], x=2, y=y + 12, class_="lane"))
        for group, share, row in stacked:
            middle = y + height - 8 - row * _ROW
            for mark in group:
                places[mark.id] = (share, middle)
            shapes.append(_shape(visit, lane, group, share, middle, axis))
        y += height
    lines = [
        el(
            "line", x1=percent(places[e.cause][0]), y1=places[e.cause][1], x2=percent(places[e.effect][0]),
            y2=places[e.effect][1], class_="effect",
        )
        for e in effects
        if e.cause in places and e.effect in places
    ]  # fmt: skip
    brushed = {}
    if brush is not None:
        brushed = {"data_brush": ",".join(brush), "data_start": iso(start), "data_end": iso(end)}
    svg = el(
        "svg", hatch(f"{name}-gap"), axis.drawn(0, y), parts, lines, shapes, width="100%", height=int(y + 18),
        role="group", aria_label=label, class_="timeline", **brushed,
    )  # fmt: skip
    rows = [
        [m.at, told[m.lane], el("a", m.label, href=m.href) if m.href else m.label, m.count]
        for m in sorted(marks, key=lambda m: (m.at, m.id))
    ]
    head = [visit._("Time"), visit._("Lane"), visit._("What"), visit._("Count")]
    return Chart(svg, label, head, rows, "timeline")


def _stacked(marks: Sequence[Mark], axis: TimeAxis) -> list[tuple[list[Mark], float, int]]:
    """Each mark on the lowest free row; where every row is taken, it joins the last mark there."""
    free_from = [-1.0] * _STACK
    placed: list[tuple[list[Mark], float, int]] = []
    newest: dict[int, int] = {}
    for mark in marks:
        share = axis.share(mark.at)
        end = max(share, axis.share(mark.until)) if mark.until else share
        row = next((r for r in range(_STACK) if free_from[r] <= share), None)
        if row is None:
            # The row whose last mark began last: that one is nearest.
            row = max(newest, key=lambda r: placed[newest[r]][1])
            placed[newest[row]][0].append(mark)
            continue
        newest[row] = len(placed)
        placed.append(([mark], share, row))
        free_from[row] = end + _NEAR
    return placed


def _shape(visit: Visit, lane: Lane, group: list[Mark], share: float, y: float, axis: TimeAxis) -> Markup:
    first = group[0]
    count = sum(m.count for m in group)
    told = f"{local(first.at, visit.zone):%Y-%m-%d %H:%M:%S} {first.label}"
    if len(group) > 1:
        told += " " + visit._("and %(num)s more", num=figure(len(group) - 1))
    grave = " grave" if any(m.grave for m in group) else ""
    x = percent(share)
    parts: list[Markup] = [el("title", told)]
    if lane == "connections":
        until = max((m.until or m.at) for m in group)
        width = percent(max(axis.share(until) - share, 0.004))
        parts.append(el("rect", x=x, y=y - 3, width=width, height=6, rx=1, class_="mark connection" + grave))
    elif lane == "changes":
        # A square turned would need a path; a square says "changed" by its shape as well.
        parts.append(el("rect", x=x, y=y - 4, width=8, height=8, class_="mark change" + grave))
    elif lane == "alerts":
        parts.append(el("circle", cx=x, cy=y, r=5, class_="mark alert" + grave))
    else:
        parts.append(el("circle", cx=x, cy=y, r=4, class_="mark operation" + grave))
    if count > 1:
        parts.append(el("text", figure(count), x=x, y=y + 4, dx=7, class_="many"))
    if first.href is None:
        return el("g", parts)
    return el("a", parts, href=first.href, aria_label=told)
