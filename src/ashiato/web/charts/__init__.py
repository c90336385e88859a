"""Charts as SVG, rendered here: complete without a script, nothing that a strict CSP forbids.

Shapes are coloured by class, never by `style`; those along the time axis lie at percentages, so that a chart fills any
width and its text keeps its size. A chart that holds links is a `group`, never an `img`; behind each lies a table.
Show one with `{{ ui.chart(chart) }}`.
"""

from ashiato.web.charts.chart import Chart, Gap, around, steps
from ashiato.web.charts.graph import Edge, Node, graph
from ashiato.web.charts.histogram import Bin, histogram
from ashiato.web.charts.ranked import Rank, ranked
from ashiato.web.charts.sparkline import sparkline
from ashiato.web.charts.timeline import LANES, Effect, Mark, timeline

__all__ = [
    "LANES",
    "Bin",
    "Chart",
    "Edge",
    "Effect",
    "Gap",
    "Mark",
    "Node",
    "Rank",
    "around",
    "graph",
    "histogram",
    "ranked",
    "sparkline",
    "steps",
    "timeline",
]
