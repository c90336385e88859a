"""A small graph of principals, resources and addresses; laid out by forces, the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashiato.web.charts.chart import Chart
from ashiato.web.charts.svg import el
from ashiato.web.filters import figure, middle

if TYPE_CHECKING:
    import numpy as np

    from ashiato.web.visit import Visit

#: More would be hair, not a picture.
MOST_NODES = 60
WIDTH, HEIGHT = 720, 400
_STEPS = 160


@dataclass(frozen=True)
class Node:
    """`kind` as in formats.entities.KINDS; `focus`: the one that the page is about, in the middle."""

    id: str
    kind: str
    name: str
    href: str | None = None
    count: int = 1
    focus: bool = False


@dataclass(frozen=True)
class Edge:
    """Between two nodes by id; `label` says what joins them, `count` how often."""

    a: str
    b: str
    label: str = ""
    count: int = 1


def graph(visit: Visit, nodes: Sequence[Node], edges: Sequence[Edge], *, label: str) -> Chart:
    """The focus and the nodes of highest count, at most MOST_NODES; edges to others are left out of the picture, not
    of the table."""
    kept = sorted(nodes, key=lambda n: (not n.focus, -n.count, n.id))[:MOST_NODES]
    index = {n.id: i for i, n in enumerate(kept)}
    inner = [e for e in edges if e.a in index and e.b in index and e.a != e.b]
    at = positions(len(kept), [(index[e.a], index[e.b]) for e in inner])
    lines = []
    for e in inner:
        (x1, y1), (x2, y2) = at[index[e.a]], at[index[e.b]]
        told = el("title", f"{e.label} ({figure(e.count)})" if e.label else figure(e.count))
        width = min(4.0, 1 + len(str(e.count)) * 0.5)
        lines.append(
            el(
                "line",
                told,
                x1=float(x1),
                y1=float(y1),
                x2=float(x2),
                y2=float(y2),
                stroke_width=width,
                class_="edge",
            )
        )
    shapes = [_node(n, float(at[i][0]), float(at[i][1])) for i, n in enumerate(kept)]
    svg = el(
        "svg", lines, shapes, view_box=f"0 0 {WIDTH} {HEIGHT}", role="group", aria_label=label, class_="graph"
    )
    names = {n.id: n for n in nodes}
    rows: list[list[Any]] = [
        [_link(names.get(e.a), e.a), e.label, _link(names.get(e.b), e.b), e.count] for e in edges
    ]
    head = [visit._("From"), visit._("What"), visit._("To"), visit._("Count")]
    return Chart(svg, label, head, rows, "graph")


def _link(node: Node | None, id_: str) -> Any:
    if node is None:
        return id_
    return el("a", node.name, href=node.href) if node.href else node.name


def _node(n: Node, x: float, y: float) -> Any:
    group = _GROUP.get(n.kind, "resource")
    size = 8.0 if n.focus else 5.0
    if group == "address":
        shape = el("rect", x=x - size, y=y - size, width=2 * size, height=2 * size, class_=f"node {group}")
    elif group == "resource":
        points = f"{x:.1f},{y - size - 1:.1f} {x + size + 1:.1f},{y:.1f} {x:.1f},{y + size + 1:.1f} {x - size - 1:.1f},{y:.1f}"
        shape = el("polygon", points=points, class_=f"node {group}")
    else:
        shape = el("circle", cx=x, cy=y, r=size, class_=f"node {group}")
    left = x > WIDTH * 0.7
    text = el(
        "text", middle(n.name, 26), x=x - size - 4 if left else x + size + 4, y=y + 4,
        text_anchor="end" if left else "start", class_="focus" if n.focus else None,
    )  # fmt: skip
    parts = [el("title", f"{n.name} ({figure(n.count)})"), shape, text]
    return el("a", parts, href=n.href, aria_label=n.name) if n.href else el("g", parts)


_GROUP = {
    **dict.fromkeys(
        ("user", "principal", "issuer", "session", "source_identity", "access_key", "role"), "principal"
    ),
    **dict.fromkeys(("address", "network", "host", "interface", "instance"), "address"),
}


def positions(count: int, edges: Sequence[tuple[int, int]]) -> np.ndarray[Any, Any]:
    """Places of nodes within the picture, (count, 2) in its units; node 0 is held in the middle.

    Fruchterman–Reingold from a spiral, so the same graph gives the same picture.
    """
    import numpy as np

    if count == 0:
        return np.zeros((0, 2))
    angle = np.arange(count) * 2.399963
    radius = np.sqrt(np.arange(count) / max(1, count))
    at = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    ideal = 1.1 / np.sqrt(count)
    pairs = np.array(edges, dtype=int).reshape(-1, 2)
    for step in range(_STEPS):
        apart = at[:, None, :] - at[None, :, :]
        distance = np.maximum(np.sqrt((apart**2).sum(axis=2)), 1e-3)
        force = (apart / distance[:, :, None] * (ideal**2 / distance)[:, :, None]).sum(axis=1)
        if len(pairs):
            along = at[pairs[:, 0]] - at[pairs[:, 1]]
            pull = along * np.sqrt((along**2).sum(axis=1, keepdims=True)) / ideal
            np.add.at(force, pairs[:, 0], -pull)
            np.add.at(force, pairs[:, 1], pull)
        # Towards the middle a little, so that parts without an edge between them stay in the picture.
        force -= at * 0.6 * ideal
        length = np.maximum(np.sqrt((force**2).sum(axis=1, keepdims=True)), 1e-9)
        at = at + force / length * np.minimum(length, 0.12 * (1 - step / _STEPS) + 0.002)
        at -= at[0]
    most = np.maximum(np.abs(at).max(axis=0), 1e-9)
    margin = np.array([150.0, 24.0])
    half = np.array([WIDTH / 2, HEIGHT / 2])
    found: np.ndarray[Any, Any] = half + at / most * (half - margin)
    return found
