"""A row of figures as small as a word."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ashiato.web.charts.svg import el


def sparkline(values: Sequence[float | None], *, label: str, width: int = 96, height: int = 18) -> Markup:
    """A line of the values at equal steps; None is a gap. Fits into a line of text; `label` says what it shows."""
    most = max((v for v in values if v is not None), default=0) or 1
    step = (width - 2) / max(1, len(values) - 1)
    runs: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        runs[-1].append(f"{1 + number * step:.1f} {height - 1 - (height - 3) * value / most:.1f}")
    lines = [
        el("path", d="M" + "L".join(run if len(run) > 1 else run * 2), class_="spark") for run in runs if run
    ]
    return el(
        "svg", el("title", label), lines, width=width, height=height, view_box=f"0 0 {width} {height}", role="img",
        aria_label=label, class_="sparkline",
    )  # fmt: skip
