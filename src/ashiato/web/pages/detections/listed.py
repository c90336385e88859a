"""The list of rules: on or off, level, hits of the last days, how often each was right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashiato.web.page import N_, Nav, Wrong
from ashiato.web.pages.detections.words import DAYS, KINDS, LOGS, area, hits, rules, title_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from ashiato.detect.hits import RuleHits
    from ashiato.detect.ruleset import ListedRule, RuleSet
    from ashiato.web.visit import Visit

LIMIT = 60
STATES = ("all", "on", "off", "hit", "noisy", "silent")
SORTS = (
    "-hits",
    "hits",
    "title",
    "-title",
    "-level",
    "level",
    "-alerts",
    "alerts",
    "precision",
    "-precision",
)
#: Closed alerts from which on a rule can be called noisy, and the share of false ones.
CLOSED_ENOUGH = 5
NOISY = 0.5


@dataclass(frozen=True)
class RuleLine:
    """A rule in the list. `hits`: of the last days, None without any; `judged`: what people closed its alerts as."""

    id: str
    title: str
    level: str
    log: str
    pack: str
    enabled: bool
    alone: bool
    reason: str
    techniques: Sequence[str]
    hits: RuleHits | None
    judged: dict[str, Any] | None

    @property
    def precision(self) -> float | None:
        return None if self.judged is None else self.judged["precision"]

    @property
    def noisy(self) -> bool:
        j = self.judged
        return j is not None and j["closed"] >= CLOSED_ENOUGH and (j["noise"] or 0) >= NOISY


@area.get("/detections", title=N_("What is looked for?"), nav=Nav(N_("Detections"), 50, "d"))
def detections(visit: Visit) -> Response:
    from ashiato.web.charts import sparkline

    known = rules(visit)
    every = _lines(visit, known)
    state, sort = visit.one("state", "all"), visit.one("sort", "-hits")
    if state not in STATES or sort not in SORTS:
        raise Wrong(visit._("There is no such list of rules"))
    # Words and the other filters first, so that the states' counts are of what is shown.
    narrowed = [line for line in every if _wanted(visit, line, known.listed[line.id])]
    means = _states()
    shown = sorted(
        (line for line in narrowed if means[state](line)), key=lambda line: (line.title.lower(), line.id)
    )
    shown.sort(key=_sorting(sort), reverse=sort.startswith("-"))
    start = visit.number("after", 0)
    page = shown[start : start + LIMIT]
    until = visit.now.date()
    return visit.render(
        "detections/list.html",
        lines=page,
        total=len(shown),
        after=str(start + LIMIT) if start + LIMIT < len(shown) else None,
        counts={name: sum(map(of, narrowed)) for name, of in means.items()},
        on=sum(line.enabled for line in every),
        every=len(every),
        hit=sum(line.enabled and line.hits is not None for line in every),
        techniques=len({t for line in every if line.enabled and line.alone for t in line.techniques}),
        problems=len(known.problems),
        state=state,
        sort=sort,
        packs=sorted({line.pack for line in every}),
        logs=LOGS,
        kinds=KINDS,
        filtered=any(visit.one(name) for name in ("q", "level", "pack", "log", "kind", "technique")),
        days=DAYS,
        spark=lambda line: sparkline(line.hits.by_day(until, DAYS), label=visit._("Hits by day"), width=90),
    )


@area.get("/detections/problems", title=N_("Which rules cannot be evaluated?"), grouped=False)
def problems(visit: Visit) -> Response:
    return visit.render("detections/problems.html", problems=rules(visit).problems[:1000])


def _lines(visit: Visit, known: RuleSet) -> list[RuleLine]:
    from ashiato.alerts.precision import precision
    from ashiato.detect.coverage import techniques
    from ashiato.detect.ruleset import OWN_PACK

    counted = hits(visit)
    with visit.ledger.engine.connect() as connection:
        judged = {entry["rule"]: entry for entry in precision(connection, visit.scope)}
    return [
        RuleLine(
            id=id_,
            title=title_of(visit, one.rule),
            level=one.rule.level,
            log=one.rule.table,
            pack=one.rule.pack or OWN_PACK,
            enabled=one.enabled,
            alone=one.rule.alone,
            reason=one.reason,
            techniques=techniques(one.rule.tags),
            hits=counted.get(id_),
            judged=judged.get(id_),
        )
        for id_, one in known.listed.items()
    ]


def _states() -> dict[str, Callable[[RuleLine], bool]]:
    return {
        "all": lambda _: True,
        "on": lambda line: line.enabled,
        "off": lambda line: not line.enabled,
        "hit": lambda line: line.hits is not None,
        "silent": lambda line: line.enabled and line.alone and line.hits is None,
        "noisy": lambda line: line.noisy,
    }


def _wanted(visit: Visit, line: RuleLine, one: ListedRule) -> bool:
    words = visit.one("q").lower().split()
    said = f"{line.title}\n{one.rule.title}\n{line.id}\n{' '.join(one.rule.names)}\n{one.rule.description}".lower()
    technique = visit.one("technique").upper()
    return (
        all(w in said for w in words)
        and visit.one("level", line.level) == line.level
        and visit.one("pack", line.pack) == line.pack
        and visit.one("log", line.log) == line.log
        and visit.one("kind", one.rule.kind) == one.rule.kind
        and (not technique or any(t == technique or t.startswith(f"{technique}.") for t in line.techniques))
    )


def _sorting(sort: str) -> Callable[[RuleLine], Any]:
    from ashiato.ledger.findings import LEVELS

    levels: tuple[str, ...] = LEVELS
    ways: dict[str, Callable[[RuleLine], Any]] = {
        "hits": lambda line: 0 if line.hits is None else line.hits.hits,
        "title": lambda line: line.title.lower(),
        "level": lambda line: levels.index(line.level),
        "alerts": lambda line: 0 if line.judged is None else line.judged["alerts"],
        # What nobody judged comes last either way.
        "precision": lambda line: (
            (2 if not sort.startswith("-") else -1) if line.precision is None else line.precision
        ),
    }
    return ways[sort.removeprefix("-")]
