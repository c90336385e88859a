"""What rules find in the past: the same engine over the lake, day by day in the order of event time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ashiato.detect.correlating import Counted, GroupHits, count_rows, count_windows, drafts_of_windows
from ashiato.detect.engine import Engine, Look, within
from ashiato.detect.first_seen import DAY, MemoryRuns, drafts_of_hours, take_scopes, take_sightings
from ashiato.detect.gathering import HOUR, Draft, drafts_of_matches
from ashiato.detect.history import PICKED_BY, PIECE_ROWS, History
from ashiato.detect.rates import Counts, counts_of, is_hit
from ashiato.detect.record_view import RecordView, Rows
from ashiato.detect.rule import Rule
from ashiato.detect.windows import matched_windows
from ashiato.ledger.findings import Finding

#: Findings of one rule that a look at the past keeps.
MOST_FINDINGS = 200_000


@dataclass
class Past:
    """What was found. `drafts`: rule → uid → finding in the making; `runs`, `counts`: what first-seen rules and rates
    remember; `scanned`: records looked at; `cut`: rules that found more than can be kept."""

    drafts: dict[str, dict[str, Draft]] = field(default_factory=dict)
    runs: MemoryRuns = field(default_factory=MemoryRuns)
    counts: dict[str, Counts] = field(default_factory=dict)
    scanned: int = 0
    cut: set[str] = field(default_factory=set)

    def findings(self) -> Iterator[Finding]:
        """All findings, by rule."""
        for by_uid in self.drafts.values():
            for draft in by_uid.values():
                yield draft.finding()


class PastSearch:
    """One search. `first`, `last`: microseconds of event time, None for the whole lake; findings are of the hours
    between them. `on_progress` is told the share that is done."""

    def __init__(
        self,
        engine: Engine,
        history: History,
        *,
        first: int | None = None,
        last: int | None = None,
        on_progress: Callable[[float], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.engine = engine
        self.history = history
        self.first = first
        self.last = last
        self.on_progress = on_progress or (lambda _: None)
        self.stop = stop
        #: Findings of a plain rule that are looked at closely; None for all.
        self.closely: int | None = None
        self.past = Past()
        self._counted: Counted = {}
        self._done: dict[str, int] = {}

    def run(self) -> Past:
        """Search every table that a rule looks at."""
        tables = self.engine.tables()
        for number, table in enumerate(tables):
            self._table(table, number / len(tables), 1 / len(tables))
        self.on_progress(1.0)
        return self.past

    def _table(self, table: str, done: float, share: float) -> None:
        rules = [r for r in self.engine.rules.values() if r.table == table]
        known = self.history.span(table)
        if known is None:
            return
        newest = known[1]
        start = known[0] if self.first is None else max(self._lead(rules, self.first), known[0])
        end = newest + 1 if self.last is None else min(self.last + self._trail(rules), newest + 1)
        if start >= end:
            return
        picked = self.engine.picked(table, PICKED_BY.get(table, {}))
        by_day = any(r.kind != "match" for r in rules)
        parts = self._parts(table, start, end) if by_day else [(start, end, False)]
        for begin, until, ordered in parts:
            if self.stop():
                break
            for piece in self.history.pieces(table, begin, until, picked=picked, ordered=ordered):
                self.past.scanned += piece.num_rows
                self._look(self.engine.look(table, piece))
            self._windows(table, until, newest)
            self.on_progress(done + share * (until - start) / (end - start))
        self._windows(table, newest + 1, newest)
        self._remembered(rules)

    def _parts(self, table: str, start: int, end: int) -> list[tuple[int, int, bool]]:
        """Spans to look at one after the other, and whether records of one have to be ordered: days that hold many
        are spans of their own, others are taken together."""
        parts: list[tuple[int, int, bool]] = []
        gathered: list[int] = []
        rows = 0
        for day, count in self.history.days(table, start, end):
            if gathered and rows + count > PIECE_ROWS:
                parts.append((gathered[0] * DAY, (gathered[-1] + 1) * DAY, len(gathered) > 1))
                gathered, rows = [], 0
            gathered.append(day)
            rows += count
        if gathered:
            parts.append((gathered[0] * DAY, (gathered[-1] + 1) * DAY, len(gathered) > 1))
        return [(max(first, start), min(last, end), ordered) for first, last, ordered in parts]

    def _lead(self, rules: list[Rule], first: int) -> int:
        """How far before the first hour records bear on it."""
        start = first
        for rule in rules:
            if rule.correlation is not None:
                start = min(start, first - self.engine.correlations.depth(rule) - rule.correlation.span)
            elif rule.first_seen is not None:
                return 0
            elif rule.rate is not None:
                start = min(start, first - (rule.rate.weeks + 1) * 7 * DAY)
        return start

    def _trail(self, rules: list[Rule]) -> int:
        return max(
            (r.correlation.span for r in rules if r.correlation is not None and r.correlation.waits),
            default=0,
        )

    def _look(self, look: Look) -> None:
        learning = self.engine.first_seen(look.view.description.name)
        if learning:
            take_scopes(learning, look.view, self.past.runs)
        for id_, rows in look.matches.items():
            rule = self.engine.rules[id_]
            for correlation, slot in self.engine.correlations.counting.get(id_, ()):
                found = count_rows(self.engine.correlations, correlation, slot, id_, look.view, rows)
                _take_in(self._counted.setdefault(correlation.id, {}), found)
            if rule.kind == "match":
                kept = within(look.view, rows, self.first, self.last)
                if len(kept):
                    before = len(self.past.drafts.get(id_, ()))
                    closely = None if self.closely is None else max(self.closely - before, 0)
                    self._keep(drafts_of_matches(rule, look.view, kept, closely=closely if rule.alone else 0))
                    self._keep_rows(rule, look.view, kept)
            elif rule.kind == "first_seen":
                take_sightings(rule, look.view, rows, self.past.runs)
            elif rule.kind == "rate":
                counts = self.past.counts.setdefault(id_, {})
                for key, hours in counts_of(rule, look.view, rows).items():
                    known = counts.setdefault(key, {})
                    for hour, n in hours.items():
                        known[hour] = known.get(hour, 0) + n

    def _keep_rows(self, rule: Rule, view: RecordView, rows: Rows) -> None:
        """Hits of a plain rule: for those who count more of them."""

    def _keep(self, drafts: list[Draft]) -> None:
        for draft in drafts:
            by_uid = self.past.drafts.setdefault(draft.rule.id, {})
            before = by_uid.get(draft.uid)
            if before is not None:
                before.merge(draft)
            elif len(by_uid) < MOST_FINDINGS:
                by_uid[draft.uid] = draft
            else:
                self.past.cut.add(draft.rule.id)

    def _windows(self, table: str, until: int, newest: int) -> None:
        """Judge windows as far as records have come: all before `until`."""
        correlations = self.engine.correlations
        for rule in correlations.ordered:
            told = rule.correlation
            assert told is not None
            if rule.table != table:
                continue
            wait = told.span if told.waits else 0
            begin = self._done.get(rule.id)
            last = until - 1 - wait
            for key, group in list(self._counted.get(rule.id, {}).items()):
                hits = group.sorted()
                if not hits:
                    continue
                first = begin if begin is not None else hits[0].time
                self._judge(rule, group, first, last, newest)
                for outer, slot in correlations.counting.get(rule.id, ()):
                    windows = matched_windows(told, hits, first=first, last=last, now=newest)
                    counted = count_windows(correlations, outer, slot, rule, group, windows)
                    _take_in(self._counted.setdefault(outer.id, {}), counted)
                group.forget_before(last + 1 - told.span)
                if not group.hits:
                    del self._counted[rule.id][key]
            self._done[rule.id] = last + 1

    def _judge(self, rule: Rule, group: GroupHits, first: int, last: int, newest: int) -> None:
        drafts = drafts_of_windows(rule, group, None, first=first, last=last, now=newest)
        if self.first is not None or self.last is not None:
            low = None if self.first is None else self.first // HOUR
            high = None if self.last is None else (self.last - 1) // HOUR
            drafts = {
                h: d for h, d in drafts.items() if (low is None or h >= low) and (high is None or h <= high)
            }
        self._keep(list(drafts.values()))

    def _remembered(self, rules: list[Rule]) -> None:
        """Findings of rules that judge by what they remember."""
        low = None if self.first is None else self.first // HOUR
        high = None if self.last is None else (self.last - 1) // HOUR

        def wanted(hour: int) -> bool:
            return (low is None or hour >= low) and (high is None or hour <= high)

        for rule in rules:
            if rule.kind == "first_seen":
                hours = {r.first // HOUR for _, r in self.past.runs.all(rule.id) if r.detail}
                made = drafts_of_hours(rule, sorted(h for h in hours if wanted(h)), self.past.runs)
                self._keep([d for drafts in made.values() for d in drafts])
            elif rule.rate is not None:
                for key, counts in self.past.counts.get(rule.id, {}).items():
                    for hour in sorted(counts):
                        if wanted(hour):
                            draft = rate_draft(rule, key, hour, counts, self.engine)
                            if draft is not None:
                                self._keep([draft])


def rate_draft(
    rule: Rule, key: tuple[str | None, ...], hour: int, counts: dict[int, int], engine: Engine
) -> Draft | None:
    """The finding of a rate in one hour of a group; None where there is none."""
    assert rule.rate is not None
    hit, usually = is_hit(rule.rate, hour, counts, engine.around.hours)
    if not hit:
        return None
    group = {f: v for f, v in zip(rule.rate.group_by, key, strict=True) if v is not None}
    draft = Draft(rule, group, hour)
    draft.count(hour * HOUR, hits=counts[hour])
    draft.last = (hour + 1) * HOUR - 1
    draft.explanation = {
        "seen": counts[hour],
        "usual": usually,
        "weeks": rule.rate.weeks,
        "factor": rule.rate.factor,
    }
    draft.account = group.get("recipientAccountId")
    draft.region = group.get("awsRegion")
    draft.principal = group.get("ashiato.principal")
    return draft


def _take_in(into: dict[tuple[str, ...], GroupHits], found: dict[tuple[str, ...], GroupHits]) -> None:
    for key, group in found.items():
        known = into.get(key)
        if known is None:
            into[key] = group
            continue
        known.add(group.hits)
        known.spelt = min(known.spelt, group.spelt)
        known.facts = [*known.facts, *group.facts][-50:]
        known.examples = known.examples or group.examples
