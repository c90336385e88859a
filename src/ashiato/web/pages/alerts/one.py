"""One alert: who did what, when, from where, and what resulted; its evidence, its history, and what to do with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ashiato.core.errors import WrongUse
from ashiato.web.page import N_, NotFound
from ashiato.web.pages.alerts.words import area, group_kind, line_of, lines_of, words_of, writer_of

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from starlette.responses import Response

    from ashiato.alerts.messages import Writer
    from ashiato.ledger.findings import Finding
    from ashiato.web.charts import Chart
    from ashiato.web.visit import Visit

MOST_RELATED = 12
MOST_NAMED = 12
MOST_RECORDS = 12


@area.get("/alerts/{id}", title=N_("Alert"))
def alert(visit: Visit) -> Response:
    from ashiato.alerts.escaping import one_line
    from ashiato.alerts.ids import alert_id, incident_id, parse_id
    from ashiato.alerts.reading import deliveries_of, findings_of, history_of, surviving
    from ashiato.alerts.story import story
    from ashiato.alerts.triage import assignees

    writer = writer_of(visit)
    with visit.ledger.engine.connect() as connection:
        try:
            asked = parse_id(visit.path["id"], "A")[1]
            row = surviving(connection, asked, visit.scope)
        except WrongUse as error:
            raise _none(visit) from error
        if row.id != asked:
            return visit.redirect(visit.link(f"/alerts/{alert_id(row.id)}"))
        found = findings_of(connection, row.id, scope=visit.scope)
        shown = _shown(found)
        line = line_of(writer, row, shown)
        values: dict[str, Any] = {
            "line": line,
            "shown": shown,
            "story": story(connection, [row], writer, visit.scope),
            "history": history_of(connection, row.id),
            "deliveries": deliveries_of(connection, row.id),
            "related": _related(visit, connection, row),
            "people": assignees(connection, visit.scope),
            "precision": _precision(visit, connection, row.rule),
        }
    named: dict[str, Any] = _named(found)
    return visit.render(
        "alerts/alert.html",
        title=visit._("%(id)s: %(title)s", id=line.id, title=line.title),
        row=row,
        why=[one_line(text) for text in _why(writer, row, found, shown, visit.now)],
        steps=[text.removeprefix("- ") for text in writer.next_steps(row, shown)[1:]],
        results=_results(found),
        chart=_chart(visit, found),
        records=_records(found),
        group_kind=group_kind,
        follows=None if row.follows is None else alert_id(row.follows),
        incident=incident_id(row.incident),
        quieter=quieter(row, line, named),
        traces=_traces(visit, row),
        done=visit.one("done"),
        changed=visit.number("n", 0),
        **named,
        **values,
        **words_of(visit),
    )


@area.get("/alerts/{id}/export", title=N_("An alert as JSON"))
def export_one(visit: Visit) -> Response:
    """Everything about it in one file, to attach to a ticket: what `ashiato alerts show --json` prints."""
    from ashiato.alerts.exporting import document_json
    from ashiato.alerts.ids import alert_id, parse_id
    from ashiato.alerts.reading import surviving
    from ashiato.alerts.story import alert_story

    try:
        with visit.ledger.engine.connect() as connection:
            row = surviving(connection, parse_id(visit.path["id"], "A")[1], visit.scope)
            document = alert_story(connection, row, writer_of(visit), visit.now, visit.scope)
    except WrongUse as error:
        raise _none(visit) from error
    name = alert_id(row.id)
    visit.audit("alert exported", name)
    return visit.stream(document_json(document), media_type="application/json", filename=f"{name}.json")


def _none(visit: Visit) -> NotFound:
    return NotFound(
        visit._("There is no such alert, or not for you"),
        remedy=visit._("The list of alerts shows those that there are."),
    )


def _shown(found: Sequence[Finding]) -> Finding | None:
    from ashiato.alerts.messages import example_of

    return example_of(found)


def _why(
    writer: Writer, row: Any, found: Sequence[Finding], shown: Finding | None, now: datetime
) -> list[str]:
    """Why somebody is shown this, how unusual it is, and how late it came."""
    if shown is None:
        return []
    return [*writer.why(shown), *writer.rarity(row.rarity, row.kind), writer.lag(found, now)]


def _named(found: Sequence[Finding]) -> dict[str, list[str]]:
    """What the findings name: addresses, access keys, resources, operations, each once, the first seen first."""
    from ashiato.alerts.holds import operations_of

    return {
        "addresses": list(dict.fromkeys(a for f in found for a in f.addresses))[: MOST_NAMED + 1],
        "keys": list(dict.fromkeys(k for f in found for k in f.access_keys))[: MOST_NAMED + 1],
        "resources": list(dict.fromkeys(r for f in found for r in f.resources))[: MOST_NAMED + 1],
        "operations": list(dict.fromkeys(o for f in found[:200] for o in sorted(operations_of(f))))[
            : MOST_NAMED + 1
        ],
    }


def _results(found: Sequence[Finding]) -> list[tuple[str, int]]:
    """How the records that are shown ended: error codes, "" for those that did what was asked."""
    counted: Counter[str] = Counter()
    for finding in found:
        for example in finding.examples:
            if "eventName" in example:
                counted[str(example.get("errorCode") or "")[:100]] += 1
    return counted.most_common(6)


def _records(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """Records that the findings show, whole."""
    from ashiato.alerts.escaping import for_reading
    from ashiato.alerts.evidence import record_ref

    records: dict[str, dict[str, Any]] = {}
    for finding in found:
        for example in finding.examples:
            ref = record_ref(example)
            text = for_reading(example)
            records.setdefault(ref or text, {"ref": ref, "name": example.get("eventName"), "text": text})
            if len(records) == MOST_RECORDS:
                return list(records.values())
    return list(records.values())


def _chart(visit: Visit, found: Sequence[Finding]) -> Chart | None:
    """Hits by hour, by day where they go on for more than four days."""
    from ashiato.core.spans import shifted
    from ashiato.web.charts import Bin, histogram, steps

    if not found:
        return None
    first, last = min(f.hour for f in found), max(f.hour for f in found)
    step = timedelta(hours=1) if last - first <= timedelta(days=4) else timedelta(days=1)
    if step.days:
        first = first.replace(hour=0)
    # One bar alone would say nothing of when.
    while (last - first) / step < 11:
        first, last = shifted(first, -step), shifted(last, step)
    hits: Counter[int] = Counter()
    for finding in found:
        hits[(finding.hour - first) // step] += finding.hits
    bins = [Bin(start, end, hits[(start - first) // step]) for start, end in steps(first, last, step)]
    label = visit._("Hits by day") if step.days else visit._("Hits by hour")
    return histogram(visit, bins, label=label, brush=None, height=84)


def _related(visit: Visit, connection: Connection, row: Any) -> list[Any]:
    """The gravest other alerts of its incident."""
    from ashiato.alerts.reading import related_rows

    if row.incident is None:
        return []
    return lines_of(visit, connection, related_rows(connection, row, visit.scope, MOST_RELATED))


def _precision(visit: Visit, connection: Connection, rule: str) -> dict[str, Any] | None:
    from ashiato.alerts.precision import precision

    return next(iter(precision(connection, visit.scope, rule=rule)), None)


def quieter(row: Any, line: Any, named: dict[str, list[str]]) -> dict[str, Any]:
    """What a suppression of this alert would name: its rule, and who or where it is about."""
    return {
        "rule": row.rule,
        "principal": row.principal,
        "account": row.account,
        "address": named["addresses"][0] if not row.principal and len(named["addresses"]) == 1 else None,
        "from": line.id,
    }


def _traces(visit: Visit, row: Any) -> str | None:
    """Everything that this principal did around then."""
    from ashiato.core.spans import shifted
    from ashiato.web.filters import iso

    if not row.principal:
        return None
    low, high = shifted(row.first, -timedelta(hours=1)), shifted(row.last, timedelta(hours=6))
    return visit.link("/trace", q=row.principal, **{"from": iso(low), "to": iso(high)})
