"""A trace as pictures: its three lanes on one axis, and the graph of what it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ashiato.web.charts import Edge, Effect, Gap, Mark, Node, graph, timeline
from ashiato.web.entities import role_word

if TYPE_CHECKING:
    from ashiato.trace.folding import Line
    from ashiato.web.charts import Chart
    from ashiato.web.visit import Visit

#: Related things drawn of each kind, so that a kind with many does not hide the others.
_OF_A_KIND: Final = 6
_LOG_LANES: Final = {"cloudtrail": "operations", "config_items": "changes", "vpc_flow_logs": "connections"}


def lanes(visit: Visit, document: Mapping[str, Any], lines: Sequence[Line], limit: int) -> Chart | None:
    """The timeline of a trace: every row that the page shows, cause drawn to effect; None without any row.

    Where a lane goes on beyond this page, the picture begins with its oldest row here: what it shows is then whole.
    """
    marks, of_ref = _marks(visit, document, lines)
    if not marks:
        return None
    cut = [
        min(_began(row) for row in document[lane])
        for lane in ("operations", "changes", "connections")
        if len(document[lane]) >= limit
    ]
    start = max(cut) if cut else min(m.at for m in marks)
    end = max(m.until or m.at for m in marks)
    shown = [m for m in marks if (m.until or m.at) >= start]
    pad = max((end - start) / 40, timedelta(seconds=5))
    effects = [
        Effect(of_ref[cause["ref"]], of_ref[change["ref"]])
        for change in document["changes"]
        for cause in change["causes"][:1]
        if cause["ref"] in of_ref
    ]
    for connection in document["connections"]:
        for ref in connection.get("causes") or ():
            cause_ref = ref["ref"] if isinstance(ref, Mapping) else ref
            if cause_ref in of_ref:
                effects.append(Effect(of_ref[cause_ref], of_ref[connection["ref"]]))
    label = visit._("Operations, changes and connections over time")
    return timeline(
        visit, shown, start=start - pad, end=end + pad, label=label, effects=effects,
        gaps=[g for g in _gaps(visit, document["gaps"])],
    )  # fmt: skip


def _began(row: Mapping[str, Any]) -> datetime:
    found: datetime = row["first"] if "first" in row else row["time"]
    return found


def _gaps(visit: Visit, gaps: Iterable[Mapping[str, Any]]) -> Iterable[Gap]:
    for gap in gaps:
        if gap["from"] and gap["to"]:
            lane = _LOG_LANES.get(gap["log"])
            yield Gap(gap["from"], gap["to"], str(gap["why"]), lane)


def _marks(
    visit: Visit, document: Mapping[str, Any], lines: Sequence[Line]
) -> tuple[list[Mark], dict[str, str]]:
    marks: list[Mark] = []
    of_ref: dict[str, str] = {}
    for number, line in enumerate(lines):
        own = f"o{number}"
        text = line.newest["text"]
        if line.noise:
            names = ", ".join(name for name, _ in line.calls[:3])
            text = f"{line.newest['who']}: {names}"
        marks.append(
            Mark(own, "operations", line.first, text, f"#{own}", count=line.count, grave=bool(line.newest["error"]))
        )
        of_ref.update(dict.fromkeys((o["ref"] for o in line.operations), own))
    for number, change in enumerate(document["changes"]):
        marks.append(Mark(f"c{number}", "changes", change["time"], change["text"], f"#c{number}"))
        of_ref[change["ref"]] = f"c{number}"
    for number, c in enumerate(document["connections"]):
        refused = c["action"] == "REJECT"
        marks.append(
            Mark(f"f{number}", "connections", c["first"], c["text"], f"#f{number}", c["last"], grave=refused)
        )
        of_ref.update(dict.fromkeys(c["refs"], f"f{number}"))
    for number, alert in enumerate(document["alerts"]):
        grave = alert["level"] in ("high", "critical")
        marks.append(
            Mark(f"a{number}", "alerts", alert["first"] or alert["time"], alert["title"], f"#a{number}", grave=grave)
        )  # fmt: skip
    return marks, of_ref


def ties(visit: Visit, document: Mapping[str, Any]) -> Chart | None:
    """The graph around a trace's thing: what its records name, and what they name together; None where that is
    nothing."""
    entity = document["entity"]
    nodes = {entity["value"]: _node(visit, entity["kind"], entity["value"], entity["name"], entity["count"], focus=True)}
    edges: dict[tuple[str, str, str], int] = {}
    taken: dict[str, int] = {}
    for thing in document["related"]:
        kind, value = thing["kind"], thing["value"]
        if kind == "account" or (value not in nodes and taken.get(kind, 0) >= _OF_A_KIND):
            continue
        if value not in nodes:
            taken[kind] = taken.get(kind, 0) + 1
            nodes[value] = _node(visit, kind, value, thing["name"], thing["count"])
        edge = (entity["value"], value, role_word(visit, thing["role"]))
        edges[edge] = edges.get(edge, 0) + thing["count"]
    for operation in document["operations"]:
        key = operation["access_key"]
        for name in operation["names"]:
            other = name["value"]
            if key in nodes and other in nodes and other != key and entity["value"] not in (key, other):
                edge = (key, other, role_word(visit, name["role"]))
                edges[edge] = edges.get(edge, 0) + 1
    if len(nodes) < 2:
        return None
    drawn = [Edge(a, b, label, count) for (a, b, label), count in edges.items()]
    return graph(visit, list(nodes.values()), drawn, label=visit._("What its records name together"))


def _node(
    visit: Visit, kind: str, value: str, name: str | None, count: int, *, focus: bool = False
) -> Node:
    return Node(value, kind, name or value, visit.link("/trace", q=value), count, focus)
