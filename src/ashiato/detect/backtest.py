"""What rules would have found: hits, groups, the noisiest principals, examples, and a filter that would quiet them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from ashiato.core.text import printable
from ashiato.detect.conditions import text_of
from ashiato.detect.engine import Engine
from ashiato.detect.first_seen import DAY
from ashiato.detect.gathering import Draft
from ashiato.detect.history import History, at
from ashiato.detect.past import Past, PastSearch
from ashiato.detect.record_view import RecordView, Rows
from ashiato.detect.rule import Rule
from ashiato.ledger.findings import Finding

#: Fields whose commonest value is tried as a filter, by table.
TRIED = {
    "cloudtrail": (
        "ashiato.principal", "ashiato.agent", "ashiato.actor", "userIdentity.invokedBy", "sourceIPAddress",
        "eventName", "errorCode", "awsRegion",
    ),
    "vpc_flow_logs": ("srcaddr", "dstaddr", "dstport", "interface_id"),
    "config_items": ("resourceType", "awsRegion", "configurationItemStatus"),
}  # fmt: skip
#: A rule of fewer hits needs no filter, and a value that makes less of them is no noise.
FEW = 20
SHARE = 0.5
_MOST_VALUES = 5000
#: Findings of a rule that get examples: a person looks at a handful.
CLOSELY = 20


@dataclass
class _Tally:
    """Of one plain rule: hits by day, and by value of the fields that may become a filter."""

    days: Counter[int] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(default_factory=dict)
    spelt: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Suggestion:
    """A Sigma filter that would remove most hits. `hides`: hits and principals that would go with it."""

    field: str
    value: str
    hits: int
    share: float
    principals: int
    document: str

    def as_json(self) -> dict[str, Any]:
        return {
            "field": self.field, "value": self.value, "hits": self.hits, "share": round(self.share, 3),
            "principals": self.principals, "filter": self.document,
        }  # fmt: skip


@dataclass(frozen=True)
class RuleBacktest:
    """The result of one rule. `hits`: matching events of a plain rule, matched windows of a correlation, first
    sightings, or hours above the usual rate."""

    rule: Rule
    findings: Sequence[Finding]
    hits: int
    days: Mapping[str, int]
    per_day: float
    noisiest: Sequence[tuple[str, int]]
    suggestion: Suggestion | None
    cut: bool = False

    @property
    def groups(self) -> int:
        """Distinct groups that were hit."""
        return len({tuple(sorted((k, v.lower()) for k, v in f.group.items())) for f in self.findings})

    def as_json(self, *, findings: bool = False) -> dict[str, Any]:
        """One element of what `ashiato detections backtest --json` prints."""
        first = min((f.first for f in self.findings), default=None)
        last = max((f.last for f in self.findings), default=None)
        told: dict[str, Any] = {
            "id": self.rule.id,
            "title": self.rule.title,
            "level": self.rule.level,
            "kind": self.rule.kind,
            "hits": self.hits,
            "groups": self.groups,
            "first": first,
            "last": last,
            "hits_per_day": round(self.per_day, 2),
            "days": dict(self.days),
            "noisiest": [{"principal": p, "hits": n} for p, n in self.noisiest],
            "suggestion": None if self.suggestion is None else self.suggestion.as_json(),
            "alone": self.rule.alone,
            "examples": [dict(e) for f in self.findings[:3] for e in f.examples[:1]],
        }
        if findings:
            told["findings"] = [finding_json(f) for f in self.findings]
        return told


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as JSON: what has to be the same whether records came one by one or all at once."""
    return {
        "uid": finding.uid,
        "rule": finding.rule,
        "group": dict(finding.group),
        "hour": finding.hour,
        "first": finding.first,
        "last": finding.last,
        "window_start": finding.window_start,
        "hits": finding.hits,
        "event_ids": list(finding.event_ids),
        "level": finding.level,
    }


class Backtest(PastSearch):
    """A search of the past that also counts by day and by value."""

    def __init__(self, engine: Engine, history: History, **options: Any) -> None:
        super().__init__(engine, history, **options)
        self.tallies: dict[str, _Tally] = {}
        self.closely = CLOSELY

    def _keep_rows(self, rule: Rule, view: RecordView, rows: Rows) -> None:
        tally = self.tallies.setdefault(rule.id, _Tally())
        days, counts = np.unique(view.times[rows] // DAY, return_counts=True)
        for day, count in zip(days.tolist(), counts.tolist(), strict=True):
            tally.days[day] += count
        for name in TRIED[rule.table]:
            column = view.coded(name)
            if column is None or not column.distinct:
                continue
            values = tally.values.setdefault(name, Counter())
            places, many = np.unique(column.codes[rows], return_counts=True)
            for place, count in zip(places.tolist(), many.tolist(), strict=True):
                # A filter does not tell them by their case either.
                value = text_of(column.distinct[place]).lower() if place >= 0 else ""
                if place >= 0 and (len(values) < _MOST_VALUES or value in values):
                    values[value] += count
                    tally.spelt.setdefault(value, text_of(column.distinct[place]))

    def results(self, ids: Sequence[str], span: tuple[int, int] | None) -> list[RuleBacktest]:
        """Results of these rules, most hits first."""
        past = self.past
        made = [self._result(self.engine.rules[i], past, span) for i in ids]
        return sorted(made, key=lambda r: (-r.hits, r.rule.title))

    def _result(self, rule: Rule, past: Past, span: tuple[int, int] | None) -> RuleBacktest:
        drafts = sorted(past.drafts.get(rule.id, {}).values(), key=lambda d: (d.hour, d.uid))
        findings = [d.finding() for d in drafts]
        tally = self.tallies.get(rule.id, _Tally())
        hits = len(findings) if rule.kind == "rate" else sum(f.hits for f in findings)
        days = dict(tally.days) or _days_of(drafts)
        length = 1.0 if span is None else max((span[1] - span[0]) / DAY, 1.0)
        principals = tally.values.get("ashiato.principal") or _principals(findings)
        return RuleBacktest(
            rule=rule,
            findings=findings,
            hits=hits,
            days={f"{at(d * DAY):%Y-%m-%d}": n for d, n in sorted(days.items())},
            per_day=hits / length,
            noisiest=[(tally.spelt.get(p, p), n) for p, n in principals.most_common(5)],
            suggestion=suggest(rule, hits, tally.values, tally.spelt),
            cut=rule.id in past.cut,
        )


def _days_of(drafts: Sequence[Draft]) -> dict[int, int]:
    days: Counter[int] = Counter()
    for draft in drafts:
        days[draft.hour // 24] += 1 if draft.rule.kind == "rate" else draft.hits
    return dict(days)


def _principals(findings: Sequence[Finding]) -> Counter[str]:
    found: Counter[str] = Counter()
    for finding in findings:
        who = finding.principal or next(iter(finding.group.values()), None)
        if who:
            found[who] += finding.hits
    return found


def suggest(
    rule: Rule, hits: int, values: Mapping[str, Counter[str]], spelt: Mapping[str, str]
) -> Suggestion | None:
    """A filter on the one value that makes most of the hits and leaves some of them. `values`: in lower case."""
    if hits < FEW:
        return None
    best: tuple[int, str, str] | None = None
    for name, counts in values.items():
        for value, count in counts.most_common(1):
            if hits * SHARE <= count < hits and (best is None or count > best[0]):
                best = count, name, value
    if best is None:
        return None
    count, name, value = best
    value = spelt.get(value, value)
    principals = values.get("ashiato.principal", Counter())
    others = 1 if name == "ashiato.principal" else len(principals)
    return Suggestion(name, value, count, count / hits, others, filter_document(rule, name, value))


def filter_document(rule: Rule, name: str, value: str) -> str:
    """A Sigma filter document (https://sigmahq.io/docs/meta/filters.html) that leaves out a field's value."""
    import yaml

    document = {
        "title": printable(f"Not {value} in: {rule.title}", 250),
        "logsource": dict(rule.logsource) or {"product": "aws"},
        "filter": {
            "rules": [rule.id],
            "usual": {name: _escaped(value)},
            "condition": "not usual",
        },
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=200)


def _escaped(value: str) -> str:
    """A value as Sigma reads it: wildcards and backslashes of the log's text are text."""
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def backtest(
    engine: Engine,
    history: History,
    ids: Sequence[str],
    *,
    first: datetime | None = None,
    last: datetime | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> list[RuleBacktest]:
    """Search the past for these rules, between these times of event (`last` not included)."""
    from ashiato.detect.history import micros

    low = None if first is None else micros(first)
    high = None if last is None else micros(last)
    chosen = engine.only(ids)
    search = Backtest(chosen, history, first=low, last=high, on_progress=on_progress)
    search.run()
    spans = [s for t in chosen.tables() if (s := history.span(t)) is not None]
    span = None
    if spans:
        span = max(low or 0, min(s[0] for s in spans)), min(high or 1 << 62, max(s[1] for s in spans))
    return search.results(ids, span)
