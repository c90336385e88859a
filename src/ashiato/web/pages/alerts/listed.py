"""The list of alerts: filtered, counted, worked through by keyboard, exported as it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ashiato.web.page import N_, Nav, Wrong
from ashiato.web.pages.alerts.words import area, lines_of, words_of, writer_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.alerts.triage import Sort, Wanted
    from ashiato.web.visit import Visit

LIMIT = 50
NOBODY = "-"


@area.get("/alerts", title=N_("Which alerts need somebody?"), nav=Nav(N_("Alerts"), 40, "a"))
def alerts(visit: Visit) -> Response:
    from ashiato.alerts.reading import NEEDING
    from ashiato.alerts.triage import STATES, assignees, counts, total, triage

    wanted, sort = wanted_of(visit), sort_of(visit)
    with visit.ledger.engine.connect() as connection:
        page = triage(
            connection, wanted, visit.scope, sort=sort, after=visit.one("after") or None, limit=LIMIT
        )
        lines = lines_of(visit, connection, page.rows)
        counted = counts(connection, wanted, visit.scope)
        people = assignees(connection, visit.scope)
    shown = [s for s in STATES if s in wanted.states]
    return visit.render(
        "alerts/list.html",
        lines=lines,
        after=page.after,
        total=page.total,
        wanted=wanted,
        sort=sort,
        state=visit.one("state", "needing"),
        level=wanted.level,
        tallies={
            "needing": sum(total(counted[s], wanted.level) for s in NEEDING),
            **{s: total(counted[s], wanted.level) for s in STATES},
        },
        levels={level: sum(total(counted[s], level) for s in shown) for level in counted["open"]},
        people=people,
        accounts=accounts_of(visit),
        filtered=any(
            visit.one(name) for name in ("q", "account", "rule", "assignee", "by", "as", "incident")
        ),
        export=export_links(visit),
        done=visit.one("done"),
        changed=visit.number("n", 0),
        **words_of(visit),
    )


@area.get("/alerts/export", title=N_("Alerts as a file"))
def export(visit: Visit) -> Response:
    """`format`: csv or json; otherwise what the list takes."""
    from ashiato.alerts.exporting import as_csv, as_json, exported

    format_ = visit.one("format", "csv")
    if format_ not in ("csv", "json"):
        raise Wrong(visit._("An export is csv or json"))
    wanted, sort = wanted_of(visit), sort_of(visit)
    visit.audit("alerts exported", format_, {"query": dict(visit.request.query_params)})

    def parts() -> Any:
        with visit.ledger.engine.connect() as connection:
            documents = exported(connection, wanted, visit.scope, writer_of(visit), sort=sort)
            yield from as_csv(documents) if format_ == "csv" else as_json(documents)

    kind = "text/csv; charset=utf-8" if format_ == "csv" else "application/json"
    return visit.stream(parts(), media_type=kind, filename=f"alerts-{visit.now:%Y%m%d-%H%M}.{format_}")


def wanted_of(visit: Visit) -> Wanted:
    """Which alerts the query asks for. Raises Wrong."""
    from ashiato.alerts.ids import parse_id
    from ashiato.alerts.reading import NEEDING
    from ashiato.alerts.triage import STATES, Wanted
    from ashiato.ledger.findings import LEVELS

    state, level = visit.one("state", "needing"), visit.one("level", "low")
    if state not in ("needing", "all", *STATES) or level not in LEVELS:
        raise Wrong(visit._("There is no such state or level of alerts"))
    assignee = visit.one("assignee") or None
    incident = visit.one("incident")
    return Wanted(
        states=NEEDING if state == "needing" else STATES if state == "all" else (state,),
        level=level,
        account=visit.one("account") or None,
        rule=visit.one("rule")[:200] or None,
        text=visit.one("q")[:200] or None,
        assignee="" if assignee == NOBODY else visit.who.name if assignee == "me" else assignee,
        incident=parse_id(incident, "I")[1] if incident else None,
        held_by=visit.one("by") or None,
        closed_as=visit.one("as") or None,
    )


def sort_of(visit: Visit) -> Sort:
    from ashiato.alerts.triage import SORTS

    sort = visit.one("sort", "-last")
    for known in SORTS:
        if sort == known:
            return known
    raise Wrong(visit._("Alerts cannot be sorted by this"))


def accounts_of(visit: Visit) -> list[tuple[str, str]]:
    """Accounts of the settings that the visitor sees: id and name."""
    return [(a.id, a.name or a.id) for a in visit.settings.accounts if visit.scope.allows(a.id)]


def export_links(visit: Visit) -> list[tuple[str, str]]:
    """Label and address of the exports of what is seen."""
    asked = {k: visit.request.query_params.getlist(k) for k in visit.request.query_params}
    asked.pop("after", None)
    return [
        (label, visit.link("/alerts/export", **{**asked, "format": format_}))
        for label, format_ in (("CSV", "csv"), ("JSON", "json"))
    ]
