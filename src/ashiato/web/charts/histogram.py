"""Records by time as bars, the habit as a line over them; bars are links, and a script lets one brush a span."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from ashiato.web.charts.chart import Chart, Gap, TimeAxis, hatch
from ashiato.web.charts.svg import el, percent
from ashiato.web.filters import figure, iso, local

if TYPE_CHECKING:
    from ashiato.web.visit import Visit


@dataclass(frozen=True)
class Bin:
    """Records from `start` to `end`. `habit`: what is usual then, None where nothing is known; `marked`: of the
    count, those worth the eye (failures, say)."""

    start: datetime
    end: datetime
    count: int
    habit: float | None = None
    marked: int = 0


def histogram(
    visit: Visit,
    bins: Sequence[Bin],
    *,
    label: str,
    gaps: Sequence[Gap] = (),
    link: Callable[[datetime, datetime], str] | None = None,
    brush: tuple[str, str] | None = ("from", "to"),
    brush_to: str | None = None,
    height: int = 112,
    name: str = "h",
) -> Chart:
    """Bins in order of time, without holes. `link(start, end)`: where a bar leads; None: this page with the arguments
    `brush` of the query set; `brush` None: no links, no brushing. `brush_to`: an address that a
    brushed span leads to, instead of this page. `name`: unique on the page."""
    if not bins:
        return Chart(Markup(""), label, (), (), "histogram")
    axis = TimeAxis(bins[0].start, bins[-1].end, visit.zone)
    top, bottom = 14.0, height - 18.0
    most = max(1.0, *(float(b.count) for b in bins), *(b.habit or 0.0 for b in bins))

    def level(value: float) -> float:
        return bottom - (bottom - top) * value / most

    if link is None and brush is not None:
        first, second = brush

        def to_here(start: datetime, end: datetime) -> str:
            return visit.here(**{first: iso(start), second: iso(end), "after": None})

        link = to_here
    parts: list[Markup | None] = [hatch(f"{name}-gap"), *axis.drawn(top, bottom)]
    parts += [axis.hatched(g, top, bottom - top, f"{name}-gap") for g in gaps]
    parts.append(el("text", figure(round(most)), x=2, y=10, class_="most"))
    for b in bins:
        left, right = axis.share(b.start), axis.share(b.end)
        parts.append(_bar(visit, b, left, right, level, bottom, link))
    parts += _habit(bins, axis, level)
    parts.append(el("line", x1=0, x2="100%", y1=bottom, y2=bottom, class_="base"))
    brushed: dict[str, str | None] = {}
    if brush is not None or brush_to is not None:
        brushed = {
            "data_brush": ",".join(brush or ("from", "to")),
            "data_brush_to": brush_to,
            "data_start": iso(axis.start),
            "data_end": iso(axis.end),
        }
    svg = el(
        "svg", parts, width="100%", height=height, role="group" if link else "img", aria_label=label,
        class_="histogram", **brushed,
    )  # fmt: skip
    usual = any(b.habit is not None for b in bins)
    head = [visit._("From"), visit._("Count"), *([visit._("Usual")] if usual else [])]
    rows = [
        [b.start, b.count, *([b.habit if b.habit is None else round(b.habit, 1)] if usual else [])]
        for b in bins
    ]
    return Chart(svg, label, head, rows, "histogram")


def _bar(
    visit: Visit,
    b: Bin,
    left: float,
    right: float,
    level: Callable[[float], float],
    bottom: float,
    link: Callable[[datetime, datetime], str] | None,
) -> Markup | None:
    if not b.count:
        return None
    width = percent((right - left) * 0.86)
    peak = min(level(b.count), bottom - 1)
    time = f"{local(b.start, visit.zone):%Y-%m-%d %H:%M}"
    told = visit._("%(count)s at %(time)s", count=figure(b.count), time=time)
    if b.habit is not None:
        told += " · " + visit._("usual: %(count)s", count=figure(round(b.habit, 1)))
    shapes = [
        el("title", told),
        el("rect", x=percent(left), y=peak, width=width, height=bottom - peak, class_="bar"),
    ]
    if b.marked:
        low = min(level(b.marked), bottom - 1)
        shapes.append(
            el("rect", x=percent(left), y=low, width=width, height=bottom - low, class_="bar marked")
        )
    if link is None:
        return el("g", shapes)
    return el("a", shapes, href=link(b.start, b.end), aria_label=told)


def _habit(bins: Sequence[Bin], axis: TimeAxis, level: Callable[[float], float]) -> list[Markup]:
    """Steps at what is usual in each bin; lines, for a path has no percentages."""
    found = []
    before: float | None = None
    for b in bins:
        if b.habit is None:
            before = None
            continue
        y = level(b.habit)
        left, right = percent(axis.share(b.start)), percent(axis.share(b.end))
        if before is not None and before != y:
            found.append(el("line", x1=left, x2=left, y1=before, y2=y, class_="habit"))
        found.append(el("line", x1=left, x2=right, y1=y, y2=y, class_="habit"))
        before = y
    return found
