"""A trace as pictures: its three lanes on one axis, and the graph of what it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ashiato.web.charts import Edge, Effect, Gap, Mark, Node, around, graph, timeline
from ashiato.web.entities import role_word

if TYPE_CHECKING:
    from ashiato.trace.resources import Story
    from ashiato.web.charts import Chart
    from ashiato.web.charts.timeline import Lane
    from ashiato.web.visit import Visit

#: Related things drawn of each kind, so that a kind with many does not hide the others.
_OF_A_KIND: Final = 6
_LANES: Final[tuple[Lane, ...]] = ("operations", "changes", "connections")
_LOG_LANES: Final[Mapping[str, Lane]] = {
    "cloudtrail": "operations",
    "config_items": "changes",
    "vpc_flow_logs": "connections",
}


def lanes(visit: Visit, document: Mapping[str, Any], limit: int) -> Chart | None:
    """The timeline of a trace: every row that the page shows, cause drawn to effect; None without any row.

    A lane that goes on beyond this page is hatched before its oldest row here, so that nothing looks like peace.
    """
    marks, of_ref = _marks(document)
    if not marks:
        return None
    cut: dict[Lane, datetime] = {
        lane: _oldest(document[lane]) for lane in _LANES if len(document[lane]) >= limit
    }
    alerts = [m.at for m in marks if m.lane == "alerts"]
    # Where rows go on beyond this page, an old change would make the picture one of nothing but its age.
    start = min([*cut.values(), *alerts]) if cut else min(m.at for m in marks)
    end = max(m.until or m.at for m in marks)
    shown = [m for m in marks if (m.until or m.at) >= start]
    left, right = around(start, end, timedelta(seconds=5))
    effects = [Effect(of_ref[a], of_ref[b]) for a, b in _led(document) if a in of_ref and b in of_ref]
    label = visit._("Operations, changes and connections over time")
    return timeline(
        visit, shown, start=left, end=right, label=label, effects=effects,
        gaps=[*_gaps(document["gaps"]), *_beyond(visit, cut, left)],
    )  # fmt: skip


def _beyond(visit: Visit, cut: Mapping[Lane, datetime], start: datetime) -> Iterable[Gap]:
    for lane, oldest in cut.items():
        if oldest > start:
            yield Gap(start, oldest, visit._("Older rows are on the next pages"), lane)


def _oldest(rows: Iterable[Mapping[str, Any]]) -> datetime:
    return min(_began(row) for row in rows)


def _began(row: Mapping[str, Any]) -> datetime:
    found: datetime = row.get("first") or row.get("since") or row["time"]
    return found


def _led(document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """References of causes and their effects."""
    for change in document["changes"]:
        for cause in change["causes"][:1]:
            yield cause["ref"], change["ref"]
    for link in document["links"]:
        yield link["from"], link["to"]


def _gaps(gaps: Iterable[Mapping[str, Any]]) -> Iterable[Gap]:
    for gap in gaps:
        if gap["from"] and gap["to"]:
            lane = _LOG_LANES.get(gap["log"])
            yield Gap(gap["from"], gap["to"], str(gap["why"]), lane)


def _marks(document: Mapping[str, Any]) -> tuple[list[Mark], dict[str, str]]:
    """Marks of every row, and for each reference the mark that stands for it."""
    marks: list[Mark] = []
    of_ref: dict[str, str] = {}
    for number, o in enumerate(document["operations"]):
        own = f"o{number}"
        text = f"{o['who']}: {', '.join(list(o['calls'])[:3])}" if o["noise"] and o["calls"] else o["text"]
        marks.append(
            Mark(own, "operations", o["since"], text, f"#{own}", count=o["repeats"], grave=bool(o["error"]))
        )
        of_ref.update(dict.fromkeys((o["ref"], *o["refs"]), own))
    for number, change in enumerate(document["changes"]):
        marks.append(Mark(f"c{number}", "changes", change["time"], change["text"], f"#c{number}"))
        of_ref[change["ref"]] = f"c{number}"
    for number, c in enumerate(document["connections"]):
        marks.append(
            Mark(
                f"f{number}",
                "connections",
                c["first"],
                c["text"],
                f"#f{number}",
                c["last"],
                count=c["repeats"],
            )
        )
        of_ref.update(dict.fromkeys(c["refs"], f"f{number}"))
    for number, alert in enumerate(document["alerts"]):
        grave = alert["level"] in ("high", "critical")
        marks.append(
            Mark(f"a{number}", "alerts", alert["first"] or alert["time"], alert["title"], f"#a{number}", grave=grave)
        )  # fmt: skip
    return marks, of_ref


def story_picture(visit: Visit, story: Story) -> Chart | None:
    """The changes of a resource and the operations behind them on one axis; None without a change."""
    marks: list[Mark] = []
    effects: list[Effect] = []
    gaps: list[Gap] = []
    for number, change in enumerate(story.changes):
        own = f"v{number}"
        told = ", ".join(d["path"] for d in change["diff"][:3]) or change["status"]
        marks.append(Mark(own, "changes", change["time"], told, f"#{own}", grave=change["kind"] == "deleted"))
        for cause in change["causes"][:1]:
            marks.append(Mark(f"o{number}", "operations", cause["time"], cause["text"], f"#{own}"))
            effects.append(Effect(f"o{number}", own))
        if change["gap"]:
            gaps += list(_gaps([change["gap"]]))
    if not marks:
        return None
    start, end = around(min(m.at for m in marks), max(m.at for m in marks), timedelta(minutes=5))
    label = visit._("Changes and the operations behind them over time")
    return timeline(visit, marks, start=start, end=end, label=label, effects=effects, gaps=gaps)


def ties(visit: Visit, document: Mapping[str, Any]) -> Chart | None:
    """The graph around a trace's thing: what its records name, and what they name together; None where that is
    nothing. Several names of one thing are one node."""
    entity = document["entity"]
    middle = entity["value"]
    nodes = {middle: _node(visit, entity["kind"], middle, entity["name"], entity["count"], focus=True)}
    same = {middle: middle, entity["name"]: middle}
    edges: dict[tuple[str, str, str], int] = {}
    taken: dict[str, int] = {}
    for thing in document["related"]:
        kind, value, name = thing["kind"], thing["value"], thing["name"]
        if kind == "account":
            continue
        own = same.setdefault(name, value)
        same[value] = own
        if own not in nodes:
            if taken.get(kind, 0) >= _OF_A_KIND:
                continue
            taken[kind] = taken.get(kind, 0) + 1
            nodes[own] = _node(visit, kind, value, name, thing["count"])
        if own != middle:
            edge = (middle, own, role_word(visit, thing["role"]))
            edges[edge] = max(edges.get(edge, 0), thing["count"])
    for operation in document["operations"]:
        key = same.get(operation["access_key"])
        for name in operation["names"]:
            other = same.get(name["value"])
            if key in nodes and other in nodes and other != key and middle not in (key, other):
                edge = (str(key), str(other), role_word(visit, name["role"]))
                edges[edge] = edges.get(edge, 0) + operation["repeats"]
    if len(nodes) < 2:
        return None
    drawn = [Edge(a, b, label, count) for (a, b, label), count in edges.items()]
    return graph(visit, list(nodes.values()), drawn, label=visit._("What its records name together"))


def _node(visit: Visit, kind: str, value: str, name: str | None, count: int, *, focus: bool = False) -> Node:
    return Node(value, kind, name or value, visit.link("/trace", q=value), count, focus)
