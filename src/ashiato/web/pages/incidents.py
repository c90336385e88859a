"""Incidents: alerts that belong together, and the one story that their records tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ashiato.core.errors import WrongUse
from ashiato.web.page import N_, Area, NotFound, Wrong
from ashiato.web.pages.alerts.words import lines_of, words_of, writer_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.web.charts import Chart
    from ashiato.web.charts.timeline import Lane
    from ashiato.web.pages.alerts.words import Line
    from ashiato.web.visit import Visit

area = Area("incidents")

LIMIT = 30
MOST_LINES = 300
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@area.get("/incidents", title=N_("Which alerts belong together?"))
def incidents(visit: Visit) -> Response:
    from ashiato.alerts.incident_list import list_incidents

    every = visit.one("state") == "all"
    with visit.ledger.engine.connect() as connection:
        found = list_incidents(
            connection, visit.scope, needing=not every, limit=LIMIT + 1, before=_before(visit), members=6
        )
        more = len(found) > LIMIT
        found = found[:LIMIT]
        lines = {i.id: _told_once(lines_of(visit, connection, i.members)) for i in found}
    after = f"{(found[-1].last - _EPOCH) // timedelta(microseconds=1)}.{found[-1].id}" if more else None
    return visit.render(
        "incidents/list.html", found=found, lines=lines, every=every, after=after, **words_of(visit)
    )


def _told_once(lines: Sequence[Line]) -> list[Line]:
    """The first three that say something else each: one record may have raised several alerts."""
    return list({line.sentence: line for line in reversed(lines)}.values())[::-1][:3]


def _before(visit: Visit) -> tuple[datetime, int] | None:
    text = visit.one("after")
    if not text:
        return None
    moment, _, number = text.partition(".")
    try:
        return _EPOCH + timedelta(microseconds=int(moment)), int(number[:15])
    except (ValueError, OverflowError) as error:
        raise Wrong(visit._("This is no page of the list")) from error


@area.get("/incidents/{id}", title=N_("Incident"))
def incident(visit: Visit) -> Response:
    from ashiato.alerts.ids import incident_id, parse_id
    from ashiato.alerts.reading import members_of
    from ashiato.alerts.story import story
    from ashiato.alerts.triage import assignees
    from ashiato.ledger.findings import LEVELS

    try:
        asked = parse_id(visit.path["id"], "I")[1]
        with visit.ledger.engine.connect() as connection:
            row, members = members_of(connection, asked, visit.scope)
            lines = lines_of(visit, connection, members[:MOST_LINES])
            told = story(connection, members, writer_of(visit), visit.scope)
            people = assignees(connection, visit.scope)
    except WrongUse as error:
        raise NotFound(visit._("There is no such incident, or not for you")) from error
    name = incident_id(row.id)
    if row.id != asked:
        return visit.redirect(visit.link(f"/incidents/{name}"))
    first = min((m.first for m in members), default=row.first)
    last = max((m.last for m in members), default=row.last)
    gravest = sorted(lines, key=lambda one: (-one.row.level, one.row.first))
    return visit.render(
        "incidents/incident.html",
        title=visit._("%(id)s: what happened?", id=name),
        name=name,
        lines=lines,
        total=len(members),
        gravest=gravest[:1],
        story=told,
        first=first,
        last=last,
        level=LEVELS[max((m.level for m in members), default=row.level)],
        needing=sum(m.state in ("open", "acknowledged") for m in members),
        open_=sum(m.state == "open" for m in members),
        dissolved=row.dissolved_at is not None,
        people=people,
        principals=_once((line.row.principal, line.who) for line in lines if line.row.principal),
        accounts=_once(m.account for m in members if m.account),
        keys=_once(line.key for line in lines if line.key),
        chart=_chart(visit, told, lines, first, last),
        done=visit.one("done"),
        changed=visit.number("n", 0),
        **words_of(visit),
    )


@area.get("/incidents/{id}/export", title=N_("An incident as JSON"))
def export_one(visit: Visit) -> Response:
    """Its alerts and its story in one file: what `ashiato alerts show I-3 --json` prints."""
    from ashiato.alerts.exporting import document_json
    from ashiato.alerts.ids import parse_id
    from ashiato.alerts.story import incident_story

    try:
        with visit.ledger.engine.connect() as connection:
            number = parse_id(visit.path["id"], "I")[1]
            document = incident_story(connection, number, writer_of(visit), visit.scope)
    except WrongUse as error:
        raise NotFound(visit._("There is no such incident, or not for you")) from error
    visit.audit("incident exported", document["id"])
    return visit.stream(
        document_json(document), media_type="application/json", filename=f"{document['id']}.json"
    )


def _once(values: Any) -> list[Any]:
    return list(dict.fromkeys(values))[:20]


def _chart(
    visit: Visit, told: Sequence[Any], lines: Sequence[Any], first: datetime, last: datetime
) -> Chart | None:
    """Alerts over what their records say, on one axis."""
    from ashiato.web.charts import Mark, around, timeline

    marks = [
        Mark(line.id, "alerts", line.row.first, line.title, visit.link(f"/alerts/{line.id}"),
             grave=line.level in ("high", "critical"))
        for line in lines
    ]  # fmt: skip
    for number, entry in enumerate(told):
        lane = _lane(entry)
        marks.append(Mark(f"s{number}", lane, entry["at"], entry["text"][:200], f"#s{number}"))
    times = [m.at for m in marks] + [first, last]
    if not marks:
        return None
    low, high = around(min(times), max(times), timedelta(minutes=2))
    label = visit._("What happened, over time")
    return timeline(visit, marks, start=low, end=high, label=label, brush=None)


def _lane(entry: Mapping[str, Any]) -> Lane:
    if entry["search"] is not None:
        return "connections"
    return "changes" if str(entry["ref"]).startswith("item:") else "operations"
