"""Long work: backtests, imports of rules, collections and retries, with how far they are and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from ashiato.core.errors import WrongUse
from ashiato.web.page import N_, Area, Nav, NotFound, Refused
from ashiato.web.pages.alerts.words import said

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.detect.ruleset import ListedRule
    from ashiato.watch.jobs import Job
    from ashiato.web.charts import Chart
    from ashiato.web.visit import Visit

area = Area("jobs")

KINDS = {
    "backtest": N_("Backtest"),
    "rule_import": N_("Import of rules"),
    "collect": N_("Collection"),
    "quarantine_retry": N_("Retry of the quarantine"),
}
STATES = {
    "queued": N_("waiting"),
    "running": N_("running"),
    "done": N_("done"),
    "failed": N_("failed"),
    "cancelled": N_("cancelled"),
    "interrupted": N_("interrupted"),
}
STEPS = {
    "loading rules": N_("loading rules"),
    "looking back": N_("looking back"),
    "listing": N_("listing"),
    "reading": N_("reading"),
    "evaluating": N_("evaluating rules"),
    "maintaining": N_("maintaining tables"),
    "importing": N_("importing"),
}
UNITS = {"records": N_("records"), "objects": N_("objects"), "entries": N_("entries")}
#: What a visitor must be able to do to ask for a kind of job.
NEEDS = {
    "backtest": ("detections",),
    "rule_import": ("detections", "admin"),
    "collect": ("sources",),
    "quarantine_retry": ("sources",),
}
#: Rules of a backtest that get a chart of their own.
MOST_CHARTS = 12


@area.get(
    "/jobs",
    title=N_("What long work runs, and what came of it?"),
    least="analyst",
    grouped=False,
    nav=Nav(N_("Jobs"), 80, "j"),
)
def jobs(visit: Visit) -> Response:
    from ashiato.watch.jobs import list_jobs

    kind = visit.one("kind")
    with visit.ledger.engine.connect() as connection:
        found = list_jobs(
            connection,
            visit.scope,
            kind=kind if kind in KINDS else None,
            unfinished=visit.one("state") == "unfinished",
            limit=200,
        )
    return visit.render("jobs/list.html", jobs=found, kinds=KINDS, kind=kind, **_words(visit))


@area.get("/jobs/{id}", title=N_("Job"), least="analyst", grouped=False)
def job(visit: Visit) -> Response:
    found = _found(visit)
    return visit.render(
        "jobs/job.html",
        title=_title(visit, found),
        job=found,
        may_cancel=not found.finished and visit.may("jobs"),
        may_repeat=found.finished and _may_ask(visit, found.kind),
        may_switch=visit.may("detections") and visit.may("admin"),
        waits=_waits(visit, found),
        **_result(visit, found),
        **_words(visit),
    )


@area.get("/jobs/{id}/progress", title=N_("Progress"), least="analyst", grouped=False)
def progress(visit: Visit) -> Response:
    """The job as JSON without its result, for a page that follows it."""
    return visit.json(_found(visit).as_json(visit.now, result=False))


@area.post("/jobs/{id}/cancel", title=N_("Cancel"), ability="jobs", grouped=False)
def cancel(visit: Visit) -> Response:
    from ashiato.watch.jobs import cancel as cancel_job

    found = _found(visit)
    with visit.ledger.begin() as connection:
        cancel_job(connection, found.id, by=visit.who.name, scope=visit.scope, now=visit.now)
    return visit.redirect(visit.link(f"/jobs/{found.name}"))


@area.post("/jobs/{id}/again", title=N_("Start again"), ability="jobs", grouped=False)
def again(visit: Visit) -> Response:
    found = _found(visit)
    if not found.finished:
        raise WrongUse(visit._("It has not ended yet"), remedy=visit._("Wait for it, or cancel it first."))
    return start(visit, found.kind, found.parameters, again_of=found.id)


@area.post("/jobs/collect", title=N_("Collect"), ability="sources", grouped=False)
def collect(visit: Visit) -> Response:
    asked = {name: visit.told(name) for name in ("address", "from", "to", "full")}
    return start(visit, "collect", asked)


@area.post("/jobs/quarantine", title=N_("Try the quarantine again"), ability="sources", grouped=False)
def quarantine(visit: Visit) -> Response:
    """`id`: entries, none for all; `flow_format`: fields of headerless flow records."""
    asked = {"ids": visit.form.get("id", []), "flow_format": visit.told("flow_format")}
    return start(visit, "quarantine_retry", asked)


def start(visit: Visit, kind: str, parameters: Mapping[str, Any], *, again_of: int | None = None) -> Response:
    """Ask for a job and go to its page. Raises WrongUse for parameters that cannot be meant, Refused."""
    from ashiato.watch.jobs import checked, job_id, submit

    if not _may_ask(visit, kind):
        raise Refused(visit._("Your role may not start this"))
    kept = checked(kind, parameters, home=visit.home, settings=visit.settings, scope=visit.scope)
    with visit.ledger.begin() as connection:
        number = submit(
            connection, kind, kept, by=visit.who.name, scope=visit.scope, now=visit.now, again_of=again_of
        )
    return visit.redirect(visit.link(f"/jobs/{job_id(number)}"))


def _may_ask(visit: Visit, kind: str) -> bool:
    return all(visit.may(need) for need in NEEDS[kind])


def _found(visit: Visit) -> Job:
    from ashiato.watch.jobs import parse_job_id, read_job

    try:
        with visit.ledger.engine.connect() as connection:
            return read_job(connection, parse_job_id(visit.path["id"]), visit.scope)
    except WrongUse as error:
        raise NotFound(visit._("There is no such job")) from error


def _words(visit: Visit) -> dict[str, Any]:
    """What templates need to say kinds, states, steps and what was asked for."""

    @cache
    def listed() -> Mapping[str, ListedRule]:
        # To ask looks at every file of the rules: once a page, not once a job.
        from ashiato.detect.loaded import rules_of

        return rules_of(visit.settings, visit.home).listed

    return {
        "kind_said": said(visit, KINDS),
        "state_said": said(visit, STATES),
        "step_said": said(visit, STEPS),
        "unit_said": said(visit, UNITS),
        "about": lambda job: _about(visit, job, listed),
    }


def _title(visit: Visit, job: Job) -> str:
    values = {"job": job.name, "kind": visit._(KINDS[job.kind]) if job.kind in KINDS else job.kind}
    if job.finished:
        return visit._("%(kind)s %(job)s: what came of it?", **values)
    return visit._("%(kind)s %(job)s: how far is it?", **values)


def _about(visit: Visit, job: Job, listed: Callable[[], Mapping[str, ListedRule]]) -> str:
    """What was asked for, in a few words."""
    asked = job.parameters
    if job.kind == "backtest":
        from ashiato.web.pages.detections.words import title_of

        if asked.get("all"):
            return visit._("every rule")
        ids = list(asked.get("rules") or ())
        if len(ids) == 1:
            known = listed().get(ids[0])
            return title_of(visit, known.rule) if known else str(ids[0])
        return visit.ngettext("%(num)s rule", "%(num)s rules", len(ids))
    if job.kind == "rule_import":
        return str(asked.get("pack") or "")
    if job.kind == "collect":
        return str(asked.get("address") or "")
    ids = list(asked.get("ids") or ())
    if not ids:
        return visit._("all that was not taken in yet")
    return visit.ngettext("%(num)s entry", "%(num)s entries", len(ids))


def _waits(visit: Visit, job: Job) -> bool:
    """Whether nobody has taken it up for so long that no process may be there to."""
    return job.state == "queued" and visit.now - job.created > timedelta(seconds=5)


def _result(visit: Visit, job: Job) -> dict[str, Any]:
    if job.kind != "backtest" or not job.result:
        return {"tested": [], "off": (), "kind_of_value": _kind_of_value}
    from ashiato.alerts.evidence import record_ref
    from ashiato.alerts.messages import Writer
    from ashiato.detect.loaded import rules_of

    writer = Writer(visit.settings, visit.language)
    tested = []
    for number, rule in enumerate(job.result.get("rules", [])):
        examples = [
            {"text": writer.sentence_of(e), "ref": record_ref(e), "record": e}
            for e in rule.get("examples", [])
        ]
        chart = by_day(visit, rule["days"], job, f"d{number}") if number < MOST_CHARTS else None
        tested.append({**rule, "chart": chart, "told": examples})
    known = rules_of(visit.settings, visit.home).listed
    off = {r["id"] for r in tested if r["id"] in known and not known[r["id"]].enabled}
    return {"tested": tested, "off": off, "kind_of_value": _kind_of_value}


def _kind_of_value(value: str) -> str:
    """The kind of entity that a rule's group names: an address, or else a principal."""
    from ashiato.network.addresses import parsed

    return "principal" if parsed(value) is None else "address"


def by_day(visit: Visit, days: Mapping[str, int], job: Job, name: str) -> Chart | None:
    """Hits by day over the time that the backtest looked at."""
    from ashiato.web.charts import Bin, histogram, steps

    result = job.result or {}
    bounds = [_day(job.parameters.get("from") or result.get("first"))]
    bounds.append(_day(job.parameters.get("to") or result.get("last")))
    found = [*(d for d in bounds if d is not None), *(d for d in map(_day, days) if d is not None)]
    if not days or not found:
        return None
    spans = steps(min(found), max(found), timedelta(days=1))
    bins = [Bin(start, end, int(days.get(start.date().isoformat(), 0))) for start, end in spans]
    return histogram(visit, bins, label=visit._("Hits by day (UTC)"), brush=None, name=name)


def _day(text: object) -> datetime | None:
    try:
        return datetime.strptime(str(text)[:10], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
