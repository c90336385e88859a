"""A resource: its configuration over time, the operations behind, its relationships and connections."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ashiato.web.drawing import story_picture
from ashiato.web.entities import moment, pieces, telling, window
from ashiato.web.page import N_, Area, Nav

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.config.item import ConfigItem, ResourceKey
    from ashiato.web.visit import Visit

area = Area("resource")

#: Changes on one page.
SHOWN: Final = 30
_MOST_STATE: Final = 100_000
KINDS: Final = {
    "created": N_("created"), "deleted": N_("deleted"), "changed": N_("changed"), "first known": N_("first known"),
}  # fmt: skip


@area.get("/resource", title=N_("Who changed what?"), nav=Nav(N_("Resources"), 60, "r"), lake=True)
def resource(visit: Visit) -> Response:
    """`?id=` an ARN, id, name, TYPE/ID or ACCOUNT/REGION/TYPE/ID; `from`, `to`: changes of that time; `a`, `b`: two
    moments whose states are compared; `after`: the next page."""
    from ashiato.config.resources import find

    text = visit.one("id")
    found = find(visit.lake, text, visit.scope) if text else []
    if len(found) == 1:
        visit.audit("resource", text)
        return _story(visit, found[0])
    title = visit._("Which %(name)s?", name=text) if found else visit._("Who changed what?")
    return visit.render("resource/find.html", title=title, text=text, found=found, spelled=_spelled)


@area.get("/resource/{id:path}", title=N_("Who changed what?"))
def named(visit: Visit) -> Response:
    """An address that can be typed."""
    return visit.redirect(visit.link("/resource", id=visit.path["id"]))


def _story(visit: Visit, key: ResourceKey) -> Response:
    from ashiato.config.item import iso
    from ashiato.trace.resources import Subject, passing, relationships, sides, story

    asked = window(visit)
    older = moment(visit, "after")
    page = asked if older is None else replace(asked, end=older)
    told = telling(visit)
    subject = Subject.of(visit.lake, key, visit.scope)
    found = story(subject, told, window=page, limit=SHOWN)
    compared = sides(subject, moment(visit, "a"), moment(visit, "b"))
    through = passing(subject, told, window=asked) if older is None else None
    now = compared.b
    name = key.name or told.resources.get(key.id) or key.id
    return visit.render(
        "resource/resource.html",
        title=visit._("Who changed %(name)s?", name=name),
        key=key,
        name=name,
        spelled=_spelled(key),
        story=found,
        kinds=KINDS,
        picture=story_picture(visit, found),
        last=next((c["causes"][0] for c in found.changes if c["causes"]), None),
        compared=compared,
        state=_state(now),
        related=relationships(now) if now else [],
        passing=through,
        most=_MOST_STATE,
        older=None if found.older is None else iso(found.older),
        exact=iso,
        **pieces(),
    )


def _spelled(key: ResourceKey) -> str:
    from ashiato.config.resources import spelled

    return spelled(key)


def _state(item: ConfigItem | None) -> str:
    """The state as JSON, for people."""
    if item is None:
        return ""
    return json.dumps(item.document(), ensure_ascii=False, indent=2, default=str)
