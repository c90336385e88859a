"""A trace as one file to attach to a ticket: no script, nothing fetched, everything escaped; it needs no Ashiato."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from ashiato.core.clock import now
from ashiato.trace.as_text import difference, entries
from ashiato.trace.telling import clock
from ashiato.trace.texts import label, lead
from ashiato.words.messages import Language
from ashiato.words.texts import shown

if TYPE_CHECKING:
    from jinja2 import Environment

_MOST_RECORD: Final = 20_000
_WIDTH: Final = 1000
_LANE: Final = 44


def page(document: Mapping[str, Any], language: Language) -> str:
    """The file's text. `document` is a trace's JSON, made with `Wanted.records` so that it holds the raw records."""
    style = _file("trace.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    entity = document["entity"]
    name = shown(entity["name"] or entity["value"], 200)
    from markupsafe import Markup

    def say(text: str, /, **values: object) -> str:
        return label(text, language, **values)

    def repeats(row: Mapping[str, Any]) -> str:
        calls = ", ".join(f"{call} {n:,}" for call, n in row["calls"].items())
        return say("repeats", n=f"{row['repeats'] - 1:,}", since=clock(row["since"]), calls=calls)

    return (
        _environment()
        .get_template("trace.html")
        .render(
            **document,
            language=language,
            name=name,
            lead=lead(document, language),
            made=clock(now()),
            # A file of ours, and what is hashed must stand as it is.
            style=Markup(style),  # noqa: S704
            style_hash=f"sha256-{digest}",
            say=say,
            clock=clock,
            shown=shown,
            raw=raw,
            repeats=repeats,
            difference=lambda d: difference(d, language),
            entries=entries(document),
            chart=chart(document, language),
        )
    )


def raw(record: Mapping[str, Any]) -> str:
    """A raw record as indented JSON, cut, with nothing in it that does not show."""
    text = json.dumps(record, ensure_ascii=False, indent=1, default=str)
    lines = text[:_MOST_RECORD].split("\n")
    more = ["…"] if len(text) > _MOST_RECORD else []
    return "\n".join([*(shown(line, 4000) if line.strip() else line for line in lines), *more])


def chart(document: Mapping[str, Any], language: Language) -> dict[str, Any] | None:
    """The three lanes on one axis of time: numbers for the SVG."""
    found = entries(document)
    times = [time for time, _, _ in found] + [row["first"] for _, lane, row in found if lane == "connection"]
    if len(times) < 2:
        return None
    first, last = min(times), max(times)
    span = max((last - first).total_seconds(), 1.0)

    def at(time: datetime) -> float:
        share: float = (time - first).total_seconds() / span
        return round(min(max(share, 0.0), 1.0) * (_WIDTH - 4), 1)

    lanes: list[dict[str, Any]] = []
    for number, kind in enumerate(("operation", "change", "connection")):
        marks: list[dict[str, Any]] = []
        for time, lane, row in found:
            if lane == kind:
                start = at(row["first"] if lane == "connection" else time)
                width = max(3.0, round(at(time) - start, 1))
                marks.append({"x": start, "width": width, "title": f"{clock(time)} {row['text']}"})
        lanes.append({"kind": kind, "name": label(kind, language), "y": (number + 1) * _LANE, "marks": marks})
    return {
        "height": 3 * _LANE + 24,
        "lanes": lanes,
        "gaps": _gaps(document["gaps"], first, last, at),
        "first": clock(first),
        "last": clock(last),
    }


def _gaps(
    gaps: Sequence[Mapping[str, Any]], first: datetime, last: datetime, at: Any
) -> list[dict[str, Any]]:
    return [
        {"x": at(g["from"]), "width": max(2.0, round(at(g["to"]) - at(g["from"]), 1)), "title": shown(g["why"], 300)}
        for g in gaps
        if g["from"] <= last and g["to"] >= first
    ]  # fmt: skip


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("ashiato.trace"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _file(name: str) -> str:
    return resources.files("ashiato.trace").joinpath("templates", name).read_text(encoding="utf-8")
