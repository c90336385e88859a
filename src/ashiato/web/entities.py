"""Things in words, and the arguments that the pages about a thing share: a span of time, a language, a zone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ashiato.web.page import N_, Wrong

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.trace.keys import Window
    from ashiato.trace.subjects import Ambiguous
    from ashiato.trace.telling import Telling
    from ashiato.web.visit import Visit

KINDS: Final = {
    "access_key": N_("Access key"), "account": N_("Account"), "address": N_("Address"), "arn": N_("Resource"),
    "principal": N_("Principal"), "issuer": N_("Role"), "session": N_("Session"), "user": N_("User"),
    "source_identity": N_("Source identity"), "resource": N_("Resource"), "interface": N_("Network interface"),
    "instance": N_("Instance"), "event": N_("Event"), "item": N_("Configuration item"), "flow": N_("Flow record"),
}  # fmt: skip
ROLES: Final = {
    "actor": N_("acted"), "target": N_("was acted on"), "origin": N_("where it came from"),
    "peer": N_("the other end"),
}  # fmt: skip
STATES: Final = {
    "open": N_("open"), "acknowledged": N_("acknowledged"), "closed": N_("closed"), "planned": N_("planned"),
    "suppressed": N_("suppressed"), "withdrawn": N_("withdrawn"), "merged": N_("merged"),
}  # fmt: skip
#: Kinds that have a page of their own besides the trace.
PRINCIPALS: Final = frozenset(("user", "principal", "issuer", "session", "access_key", "source_identity"))
HOSTS: Final = frozenset(("address", "instance", "interface"))
_MOST_CHIPS: Final = 7
#: Of what a record names, kinds that say the least: told only where nothing else does.
_DULL: Final = frozenset(("account", "principal", "event"))


def kind_word(visit: Visit, kind: str) -> str:
    """A kind of entity for people."""
    return visit._(KINDS[kind]) if kind in KINDS else kind


def role_word(visit: Visit, role: str) -> str:
    """The role that an entity has in records."""
    return visit._(ROLES[role]) if role in ROLES else role


def state_word(visit: Visit, state: str) -> str:
    """The state of an alert."""
    return visit._(STATES[state]) if state in STATES else state


def chips(names: Iterable[Mapping[str, Any]], own: Collection[str] = ()) -> list[dict[str, Any]]:
    """Things that a record names, as links: each value once, without the page's own, at most seven."""
    found: dict[str, dict[str, Any]] = {}
    for thing in names:
        value = thing["value"]
        if value in found or value in own or thing["kind"] in _DULL:
            continue
        found[value] = {"kind": thing["kind"], "value": value, "name": thing.get("name")}
    # An ARN and the id that it ends with are one thing.
    kept = [t for v, t in found.items() if not v.startswith("arn:") or _last(v) not in found]
    return kept[:_MOST_CHIPS]


def _last(arn: str) -> str:
    return arn.rpartition("/")[2].rpartition(":")[2]


def moment(visit: Visit, name: str, *, end: bool = False) -> datetime | None:
    """A time of the query, in the visitor's zone where it says none; `end`: the first moment after it. Raises Wrong."""
    from ashiato.search.moments import parse_absolute, parse_relative

    text = visit.one(name)
    if not text:
        return None
    found = parse_absolute(text, visit.zone)
    if found is not None:
        # A full time is a limit as it is; a day or minute is meant to its end.
        return found[1] if end and not text.endswith("Z") else found[0]
    back = parse_relative(text)
    if back is not None:
        return visit.now - back[0]
    if text == "now":
        return visit.now
    raise Wrong(visit._("%(text)s is no time", text=text[:60]), where=name,
                remedy=visit._("Such as 2026-11-19, 2026-11-19T13:02 or -7d."))  # fmt: skip


def window(visit: Visit) -> Window:
    """`?from=` and `?to=` of the page. Raises Wrong."""
    from ashiato.trace.keys import Window

    start, end = moment(visit, "from"), moment(visit, "to", end=True)
    if start is not None and end is not None and start >= end:
        raise Wrong(visit._("The end of the span lies before its start"), where="to")
    return Window(start, end)


def telling(visit: Visit) -> Telling:
    """How engines tell this visitor: language and zone."""
    from ashiato.trace.telling import Telling

    return Telling.of(visit.settings, visit.language, visit.zone)


def json_text(value: object) -> str:
    """A JSON value for people: as much of it as a page bears is for the template to say."""
    import json

    return json.dumps(value, ensure_ascii=False, default=str, indent=None)


def pieces() -> dict[str, Any]:
    """What the templates of `trace/pieces.html` ask for: hand it to `visit.render`."""
    return {
        "chips": chips,
        "kind_word": kind_word,
        "role_word": role_word,
        "state_word": state_word,
        "json_text": json_text,
        "enumerate": enumerate,
    }


def choice(visit: Visit, error: Ambiguous, path: str, argument: str) -> Response:
    """The page that asks which of several things of one name is meant; each leads to `path` with it."""
    return visit.render(
        "trace/choice.html",
        title=visit._("Which %(name)s?", name=error.name),
        candidates=error.candidates,
        path=path,
        argument=argument,
        kind_word=kind_word,
    )
