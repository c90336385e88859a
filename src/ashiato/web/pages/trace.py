"""Trace: paste anything, see what it did, what was done to it, and what came of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from ashiato.core.errors import WrongUse
from ashiato.web.drawing import lanes, ties
from ashiato.web.entities import HOSTS, PRINCIPALS, choice, pieces, telling, window
from ashiato.web.page import N_, Area, Nav, Wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from ashiato.trace.tracing import Trace
    from ashiato.web.visit import Visit

area = Area("trace")

#: Rows of each lane on one page.
SHOWN: Final = 50
#: Related things of a kind and role, unless all are asked for.
MOST_RELATED: Final = 12
_TITLES: Final = {
    "user": N_("What did %(name)s do?"),
    "principal": N_("What did %(name)s do?"),
    "issuer": N_("What was done as %(name)s?"),
    "session": N_("What did %(name)s do?"),
    "source_identity": N_("What did %(name)s do?"),
    "access_key": N_("What was done with the key %(name)s?"),
    "address": N_("Who is %(name)s, and with whom did it talk?"),
    "instance": N_("What happened at %(name)s?"),
    "interface": N_("What happened at %(name)s?"),
    "account": N_("What happened in %(name)s?"),
    "event": N_("What came of this event?"),
    "item": N_("What came of this change?"),
    "flow": N_("What came of this connection?"),
}


@area.get("/trace", title=N_("What happened?"), nav=Nav(N_("Trace"), 30, "t"), lake=True)
def trace(visit: Visit) -> Response:
    """`?q=` what was pasted; `kind`, `account`: which one, where a name is ambiguous; `from`, `to`; `after`: the
    cursor; `fold=no`: every operation on a line of its own; `related=all`."""
    text = visit.one("q")
    if not text:
        return visit.render("trace/ask.html", trouble=None)
    from ashiato.trace.subjects import Ambiguous

    try:
        found = _traced(visit, text)
    except Ambiguous as error:
        return choice(visit, error, "/trace", "q")
    except WrongUse as error:
        return visit.render("trace/ask.html", trouble=error, status=400)
    if not visit.one("after"):
        visit.audit("trace", text)
    return _shown(visit, found)


@area.get("/trace/export", title=N_("A trace as a file"), lake=True)
def export(visit: Visit) -> Response:
    """What is seen as a file: `format=json` as `ashiato trace --json`, `format=html` one page with the raw records."""
    shape = visit.one("format", "json")
    if shape not in ("json", "html"):
        raise Wrong(visit._("A trace is saved as json or html"), where="format")
    if not visit.one("q"):
        return visit.redirect(visit.link("/trace"))
    found = _traced(visit, visit.one("q"), records=shape == "html")
    visit.audit("trace.export", visit.one("q"), {"format": shape})
    if shape == "html":
        from ashiato.trace.as_html import page

        text = page(found.as_json(), visit.language)
        # A file with a style of its own: to be saved, never a page of ours.
        return visit.stream([text.encode()], media_type="application/octet-stream", filename="trace.html")
    answer = visit.json(found.as_json())
    answer.headers["Content-Disposition"] = 'attachment; filename="trace.json"'
    return answer


@area.get("/trace/{what:path}", title=N_("What happened?"))
def named(visit: Visit) -> Response:
    """An address that can be typed: /trace/i-0a1b2c3d."""
    query: dict[str, Any] = {k: visit.many(k) for k in visit.request.query_params if k != "q"}
    return visit.redirect(visit.link("/trace", q=visit.path["what"], **query))


def _traced(visit: Visit, text: str, *, records: bool = False) -> Trace:
    from ashiato.trace.tracing import Wanted
    from ashiato.trace.tracing import trace as engine

    wanted = Wanted(
        window(visit), SHOWN, visit.one("after") or None, visit.one("kind") or None, visit.one("account") or None,
        visit.language, fold=visit.one("fold") != "no", records=records,
    )  # fmt: skip
    return engine(visit.lake, text, visit.scope, visit.settings, wanted, telling=telling(visit))


def _shown(visit: Visit, found: Trace) -> Response:
    document = found.as_json()
    entity = document["entity"]
    name = entity["name"] or entity["value"]
    title = visit._(_TITLES.get(entity["kind"], N_("What happened to %(name)s?")), name=name)
    return visit.render(
        "trace/trace.html",
        title=title,
        document=document,
        entity=entity,
        name=name,
        every=visit.one("fold") == "no",
        picture=lanes(visit, document, SHOWN),
        graph=ties(visit, document) if not visit.one("after") else None,
        led=_led(document),
        hosts=_hosts(entity),
        related=_related(document, 1000 if visit.one("related") == "all" else MOST_RELATED),
        told=next((o["text"] for o in document["operations"] if not o["noise"]), None),
        own={k.value for k in found.subject.keys},
        pages=_pages(visit, entity),
        **pieces(),
    )


def _hosts(entity: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The hosts that an address was, each once, the newest spell of each."""
    if entity["kind"] != "address":
        return []
    by_resource = {spell["instance"] or spell["resource"]: spell for spell in entity.get("hosts", ())}
    return [{"value": value, **spell} for value, spell in by_resource.items()]


def _led(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Links of the trace worth a sentence: what a change let through; what made the change that did."""
    let = [link for link in document["links"] if link["how"] == "let"]
    causes = {link["from"] for link in let}
    return [link for link in document["links"] if link["how"] == "let" or link["to"] in causes][:12]


def _pages(visit: Visit, entity: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Other pages about the same thing."""
    kind, value = entity["kind"], entity["value"]
    span = {"from": visit.one("from"), "to": visit.one("to")}
    arn = entity["arn"] or ""
    found = []
    if kind in PRINCIPALS or ":role/" in arn or ":user/" in arn:
        found.append((visit._("What is normal for it"), visit.link("/principal", id=arn or value, **span)))
    if kind in HOSTS:
        found.append((visit._("Its peers and volumes"), visit.link("/host", id=value, **span)))
    if kind in ("resource", "arn", "instance", "interface") or arn:
        found.append(
            (visit._("Its configuration over time"), visit.link("/resource", id=arn or value, **span))
        )
    return found


def _related(document: Mapping[str, Any], most: int) -> list[tuple[str, list[Mapping[str, Any]], int]]:
    """Related things by role: who acted, on what, from where, with whom; of each kind at most so many, and how many
    are left out. One thing that records call by several names (a user by name and ARN) is there once."""
    by_role: dict[str, list[Mapping[str, Any]]] = {}
    left_out: Counter[str] = Counter()
    taken: Counter[tuple[str, str]] = Counter()
    told: set[tuple[str, str]] = set()
    for thing in document["related"]:
        role = thing["role"]
        if (role, thing["name"]) in told:
            continue
        told.add((role, thing["name"]))
        taken[role, thing["kind"]] += 1
        if taken[role, thing["kind"]] > most:
            left_out[role] += 1
        else:
            by_role.setdefault(role, []).append(thing)
    order = ("actor", "origin", "target", "peer")
    return [(role, by_role[role], left_out[role]) for role in order if role in by_role]
