"""One rule: what it means and looks for, what it found, how often it was right, and how it would do on the past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ashiato.web.page import N_, NotFound
from ashiato.web.pages.alerts.words import lines_of, words_of
from ashiato.web.pages.detections.words import (
    ACTORS,
    DAYS,
    KINDS,
    LOGS,
    area,
    description_of,
    hits,
    next_of,
    rules,
    since_of,
    title_of,
)
from ashiato.web.pages.jobs import STATES as JOB_STATES

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.detect.hits import RuleHits
    from ashiato.detect.ruleset import ListedRule, RuleSet
    from ashiato.watch.jobs import Job
    from ashiato.web.charts import Chart
    from ashiato.web.visit import Visit

MOST_ALERTS = 8


@area.get("/detections/{id:path}", title=N_("Rule"))
def rule(visit: Visit) -> Response:
    from ashiato.alerts.precision import precision
    from ashiato.alerts.triage import STATES, Wanted, triage
    from ashiato.detect.coverage import techniques
    from ashiato.detect.showing import shown, source_of
    from ashiato.detect.technique_names import NAMES

    known = rules(visit)
    one = found(visit, known)
    own = one.rule
    with visit.ledger.engine.connect() as connection:
        wanted = Wanted(states=STATES, level=None, rule=own.id.replace("*", "?"))
        page = triage(connection, wanted, visit.scope, limit=MOST_ALERTS)
        examples = lines_of(visit, connection, page.rows)
        judged = next(iter(precision(connection, visit.scope, rule=own.id)), None)
    counted = hits(visit, own.id).get(own.id)
    last = _last_backtest(visit, own.id)
    return visit.render(
        "detections/rule.html",
        title=title_of(visit, own),
        rule=own,
        one=one,
        description=description_of(visit, own),
        steps=next_of(visit, own),
        about=shown(own, known.rules),
        source=source_of(own),
        file=PurePath(own.file).name,
        techniques=[(t, NAMES.get(t, "")) for t in techniques(own.tags)],
        references=[(str(r)[:500], str(r).startswith(("https://", "http://"))) for r in own.references[:20]],
        counted=counted,
        chart=_chart(visit, counted),
        examples=examples,
        total=page.total,
        judged=judged,
        kinds=KINDS,
        logs=LOGS,
        actors=ACTORS,
        days=DAYS,
        tests=[(str(t.get("name", ""))[:200], t.get("expect") == "match") for t in own.tests[:30]],
        last=last,
        last_state="" if last is None else visit._(JOB_STATES[last.state]),
        trial=None if last is None or not last.result else _trial(visit, last, own.id),
        first_day=f"{visit.now - timedelta(days=30):%Y-%m-%d}",
        may_switch=visit.may("admin") and visit.may("detections"),
        done=visit.one("done"),
        **words_of(visit),
    )


def found(visit: Visit, known: RuleSet) -> ListedRule:
    """The rule of the path, by its id. Raises NotFound."""
    one = known.listed.get(visit.path["id"])
    if one is None:
        raise NotFound(
            visit._("There is no such rule"),
            remedy=visit._("The list of detections shows those that there are."),
        )
    return one


def _chart(visit: Visit, counted: RuleHits | None) -> Chart | None:
    from ashiato.web.charts import Bin, histogram

    if counted is None:
        return None
    first = since_of(visit.now)
    starts = [first + timedelta(days=n) for n in range(DAYS)]
    many: Sequence[int] = counted.by_day(visit.now.date(), DAYS)
    bins = [Bin(s, s + timedelta(days=1), n) for s, n in zip(starts, many, strict=True)]
    return histogram(visit, bins, label=visit._("Hits by day (UTC)"), brush=None, height=96)


def _last_backtest(visit: Visit, id_: str) -> Job | None:
    """The newest backtest of this rule alone."""
    from ashiato.watch.jobs import list_jobs

    if not visit.may("analyst"):
        return None
    with visit.ledger.engine.connect() as connection:
        for job in list_jobs(connection, visit.scope, kind="backtest", limit=60):
            if list(job.parameters.get("rules") or ()) == [id_]:
                return job
    return None


def _trial(visit: Visit, job: Job, id_: str) -> dict[str, Any] | None:
    """What the last backtest found, with its chart."""
    from ashiato.web.pages.jobs import by_day

    for tested in (job.result or {}).get("rules", []):
        if tested["id"] == id_:
            ended = (job.ended or datetime.now(UTC)).date()
            return {**tested, "chart": by_day(visit, tested["days"], job, "trial"), "ended": ended}
    return None
