"""Try rules on the past before they are switched on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from ashiato.core.errors import WrongUse
from ashiato.watch.job_kinds import JobKind, Work, day_of

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.detect.backtest import RuleBacktest
    from ashiato.lake.home import Home

#: Rules that a result tells everything of, those with the most hits; of the others it has the counts.
MOST_TOLD = 60
MOST_RULES = 5_000
#: An example is left out where its JSON is longer than this, and all of them where the result would be too long.
MOST_EXAMPLE = 16_000
MOST_ALL = 800_000


def check(asked: Mapping[str, Any], settings: Settings, home: Home) -> dict[str, Any]:
    """`rules`: by id or name, or `all`; `from` and `to`: first and last day of event time (UTC)."""
    rules = asked.get("rules") or ()
    listed = [rules] if isinstance(rules, str) else [str(r) for r in rules]
    every = bool(asked.get("all"))
    if bool(listed) == every:
        raise WrongUse("which rules?", remedy="Name rules, or ask for all of them.")
    if len(listed) > MOST_RULES:
        raise WrongUse(f"more than {MOST_RULES:,} rules", remedy="Ask for all of them.")
    first, last = (day_of(asked, name) for name in ("from", "to"))
    if first and last and first > last:
        raise WrongUse("it begins after it ends", remedy="Give the earlier day first.")
    if listed:
        from ashiato.detect.loaded import rules_of

        known = rules_of(settings, home)
        listed = [known.find(r).rule.id for r in listed]
    return {
        "rules": listed,
        "all": every,
        "from": first and first.isoformat(),
        "to": last and last.isoformat(),
    }


def run(work: Work) -> dict[str, Any]:
    from ashiato.detect.backtest import backtest
    from ashiato.detect.derived import Surroundings
    from ashiato.detect.engine import Engine
    from ashiato.detect.history import LakeHistory
    from ashiato.detect.ruleset import load_rules
    from ashiato.lake.plans import PinnedLake

    work.progress("loading rules", 0.0, None, None)
    rules = load_rules(work.settings, work.home.folder, work.home.ledger)
    wanted = list(rules.listed) if work.parameters["all"] else list(work.parameters["rules"])
    ids = [i for i in wanted if i in rules.listed]
    first, last = (_midnight(day_of(work.parameters, name)) for name in ("from", "to"))
    engine = Engine(rules.rules, Surroundings.of(work.settings))
    with PinnedLake(work.home) as lake:
        history = LakeHistory(lake, scope=work.scope)

        def tell(share: float) -> None:
            work.go_on()
            work.progress("looking back", share, history.rows, "records")

        results = backtest(
            engine, history, ids, first=first, last=last and last + timedelta(days=1), on_progress=tell
        )
        tables = set(engine.only(ids).tables()) if ids else set()
        spans = [s for t in sorted(tables) if (s := history.span(t)) is not None]
    return {
        "rules": _told(results),
        "tested": len(results),
        "hit": sum(bool(r.hits) for r in results),
        "missing": [i for i in wanted if i not in rules.listed][:100],
        "records": history.rows,
        "first": min((_at(s[0]) for s in spans), default=None),
        "last": max((_at(s[1]) for s in spans), default=None),
    }


def _told(results: Sequence[RuleBacktest]) -> list[dict[str, Any]]:
    """Results as JSON of bounded size, most hits first."""
    told = []
    for number, result in enumerate(results):
        document = result.as_json()
        document["findings"] = len(result.findings)
        document["cut"] = result.cut
        if number >= MOST_TOLD:
            for name in ("examples", "noisiest", "suggestion"):
                document.pop(name)
        else:
            document["examples"] = [
                e for e in document["examples"] if len(json.dumps(e, default=str)) <= MOST_EXAMPLE
            ]
        told.append(document)
    if len(json.dumps(told, default=str)) > MOST_ALL:
        for document in told:
            document["examples"] = []
    return told


def _at(microseconds: int) -> str:
    from ashiato.detect.history import at

    return at(microseconds).isoformat()


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


KIND = JobKind("backtest", whole=False, writes=False, apart=True, check=check, run=run)
