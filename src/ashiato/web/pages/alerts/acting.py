"""What an analyst does with alerts, one or many: each act is in the audit log, by `alerts.acts`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from ashiato.web.page import N_, NotFound, Wrong
from ashiato.web.pages.alerts.words import CLOSINGS, area
from ashiato.web.returning import safe_return

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.alerts.acts import Closing, Desk
    from ashiato.web.visit import Visit

#: Alerts in one act.
MOST = 500
LONGEST_NOTE = 4000


@area.post("/alerts/act", title=N_("Act on alerts"), ability="triage", grouped=False)
def act(visit: Visit) -> Response:
    """`id`: alerts (A-17) or incidents (I-3); `do`: acknowledge, close (`as`, `note`), reopen, note, assign (`to`);
    `back`: where to go then."""
    from ashiato.alerts.acts import Desk
    from ashiato.alerts.reading import NoSuch

    ids = [i.strip() for i in visit.form.get("id", []) if i.strip()]
    if not ids:
        raise Wrong(visit._("No alert is chosen"), remedy=visit._("Go back and choose some."))
    if len(ids) > MOST:
        raise Wrong(visit._("More than %(most)s alerts at once", most=MOST))
    do = visit.told("do")
    try:
        with visit.ledger.begin() as connection:
            desk = Desk(connection, visit.settings, visit.who.name, visit.now, visit.scope)
            changed = _done(visit, desk, do, ids)
    except NoSuch as error:
        raise NotFound(visit._("There is no such alert, or not for you")) from error
    return visit.redirect(_told(safe_return(visit.told("back"), "/alerts"), do, len(changed)))


def _done(visit: Visit, desk: Desk, do: str, ids: list[str]) -> list[int]:
    note = visit.told("note")[:LONGEST_NOTE] or None
    if do == "acknowledge":
        return desk.acknowledge(ids)
    if do == "close":
        return desk.close(ids, _closing(visit), note)
    if do == "reopen":
        return desk.reopen(ids, note)
    if do == "note" and note:
        return desk.note(ids, note)
    if do == "assign":
        to = visit.told("to")[:100]
        return desk.assign(ids, visit.who.name if to == "me" else to or None)
    if do == "note":
        raise Wrong(visit._("The note is empty"))
    raise Wrong(visit._("There is no such act"))


def _closing(visit: Visit) -> Closing:
    as_ = visit.told("as")
    if as_ == "true":
        return "true"
    if as_ == "benign":
        return "benign"
    if as_ == "false":
        return "false"
    raise Wrong(
        visit._("Closed as what?"),
        remedy=visit._(
            "Choose one: %(closings)s.", closings=", ".join(visit._(c) for c in CLOSINGS.values())
        ),
    )


def _told(back: str, do: str, count: int) -> str:
    """The address with what was done, for the page to say."""
    place = urlsplit(back)
    query = [(k, v) for k, v in parse_qsl(place.query) if k not in ("done", "n", "after")]
    row = f"#{place.fragment}" if place.fragment else ""
    return f"{place.path}?{urlencode([*query, ('done', do), ('n', count)])}{row}"
