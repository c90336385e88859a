"""Suppressions, seen before they are made by what they would hide; and planned work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ashiato.core.errors import WrongUse
from ashiato.web.page import N_, Wrong
from ashiato.web.pages.alerts.listed import accounts_of
from ashiato.web.pages.alerts.words import area, words_of, writer_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.alerts.preview import Preview
    from ashiato.web.charts import Chart
    from ashiato.web.visit import Visit

#: What a suppression may name: argument of the query, and of `alerts.expecting.suppress`.
NAMED = {
    "rule": "rules",
    "principal": "principals",
    "account": "accounts",
    "address": "addresses",
    "resource": "resources",
}
#: Days that a suppression may be chosen to last.
LASTING = (1, 7, 30, 90, 365)
MOST_VALUES = 50


@area.get("/suppressions", title=N_("What is kept quiet?"))
def suppressions(visit: Visit) -> Response:
    from ashiato.alerts.expecting import plan_documents, suppression_documents

    ended = visit.one("ended") == "1"
    with visit.ledger.engine.connect() as connection:
        found = suppression_documents(connection, visit.now, ended=ended, scope=visit.scope)
        planned = plan_documents(connection, visit.settings, visit.now, scope=visit.scope)
    return visit.render(
        "alerts/suppressions.html",
        found=found,
        ended=ended,
        planned=[p for p in planned if ended or p["in_force"]],
        accounts=accounts_of(visit),
        done=visit.one("done"),
        changed=visit.number("n", 0),
    )


@area.get("/suppressions/new", title=N_("What would this hide?"), ability="expect")
def new_suppression(visit: Visit) -> Response:
    """The form of a suppression, and what it would have hidden in the last 30 days."""
    from ashiato.alerts.preview import preview

    named = {name: _values("\n".join(visit.many(name))) for name in NAMED}
    seen: Preview | None = None
    trouble = ""
    if any(named.values()):
        try:
            with visit.ledger.engine.connect() as connection:
                seen = preview(connection, writer_of(visit), visit.now, visit.scope, **_lists(named))
        except WrongUse as error:
            trouble = str(error)
    return visit.render(
        "alerts/suppress.html",
        status=400 if trouble else 200,
        named=named,
        seen=seen,
        trouble=trouble,
        chart=None if seen is None else _chart(visit, seen),
        days=visit.number("days", 30, least=1, most=365),
        lasting=LASTING,
        reason=visit.one("reason")[:2000],
        origin=visit.one("from"),
        accounts=accounts_of(visit),
        **words_of(visit),
    )


@area.post("/suppressions", title=N_("Suppress"), ability="expect", grouped=False)
def suppress(visit: Visit) -> Response:
    from ashiato.alerts.acts import Desk
    from ashiato.alerts.expecting import suppress as make

    named = {name: _values("\n".join(visit.form.get(name, []))) for name in NAMED}
    try:
        days = int(visit.told("days", "30"))
    except ValueError as error:
        raise Wrong(visit._("For how many days?")) from error
    if not 0 < days <= 365:
        raise Wrong(visit._("A suppression lasts from 1 to 365 days"))
    with visit.ledger.begin() as connection:
        desk = Desk(connection, visit.settings, visit.who.name, visit.now, visit.scope)
        until, reason = visit.now + timedelta(days=days), visit.told("reason")
        _, taken = make(desk, until=until, reason=reason, **_lists(named))
    return visit.redirect(visit.link("/suppressions", done="suppressed", n=taken))


@area.post("/suppressions/{number}/end", title=N_("End"), ability="expect", grouped=False)
def end_suppression(visit: Visit) -> Response:
    from ashiato.alerts.acts import Desk
    from ashiato.alerts.expecting import end_suppression as end
    from ashiato.alerts.ids import parse_id

    with visit.ledger.begin() as connection:
        desk = Desk(connection, visit.settings, visit.who.name, visit.now, visit.scope)
        end(desk, parse_id(visit.path["number"], "S")[1])
    return visit.redirect(visit.link("/suppressions", done="ended"))


@area.post("/plans", title=N_("Announce work"), ability="expect", grouped=False)
def plan(visit: Visit) -> Response:
    """`from` and `to` are times of the visitor's zone, as a browser's field gives them."""
    from ashiato.alerts.acts import Desk
    from ashiato.alerts.expecting import plan as announce

    if not visit.told("ticket"):
        raise Wrong(visit._("Planned work needs a ticket, or a name"))
    with visit.ledger.begin() as connection:
        desk = Desk(connection, visit.settings, visit.who.name, visit.now, visit.scope)
        _, taken = announce(
            desk,
            visit.told("ticket"),
            start=_moment(visit, "from"),
            end=_moment(visit, "to"),
            who=_values(visit.told("who")),
            accounts=_values("\n".join(visit.form.get("account", []))),
            operations=_values(visit.told("operations")),
        )
    return visit.redirect(visit.link("/suppressions", done="planned", n=taken))


@area.post("/plans/{number}/end", title=N_("Call off"), ability="expect", grouped=False)
def end_plan(visit: Visit) -> Response:
    from ashiato.alerts.acts import Desk
    from ashiato.alerts.expecting import end_plan as end
    from ashiato.alerts.ids import parse_id

    with visit.ledger.begin() as connection:
        desk = Desk(connection, visit.settings, visit.who.name, visit.now, visit.scope)
        end(desk, parse_id(visit.path["number"], "P")[1])
    return visit.redirect(visit.link("/suppressions", done="ended"))


def _lists(named: Mapping[str, list[str]]) -> dict[str, Any]:
    """What is named, as `alerts.expecting.suppress` takes it."""
    return {NAMED[name]: values for name, values in named.items()}


def _values(text: str) -> list[str]:
    """One a line, or with commas between; each once."""
    parts = (p.strip()[:2000] for line in text.splitlines() for p in line.split(","))
    return list(dict.fromkeys(p for p in parts if p))[:MOST_VALUES]


def _moment(visit: Visit, name: str) -> datetime:
    text = visit.told(name)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Wrong(visit._("When does it begin, and when does it end?")) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=visit.zone)).astimezone(UTC)


def _chart(visit: Visit, seen: Any) -> Chart | None:
    from ashiato.web.charts import Bin, histogram

    bins = []
    for day, count in seen.by_day.items():
        start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        bins.append(Bin(start, start + timedelta(days=1), count))
    return histogram(
        visit, bins, label=visit._("Findings by day that it would hide (UTC)"), brush=None, height=84
    )
