"""Rules over what arrives: each committed batch once, in one transaction with what was found and where it stands.

A kill between commit and evaluation neither skips nor repeats: a batch is evaluated when its row says so, and that is
written together with its findings. What stands in the end is what `backtest` finds, for any order of arrival:

* plain rules add up by group and hour;
* first seen keeps runs of sightings, rates keep counts, both functions of the records alone;
* windows of correlations are made anew for every hour that a new hit bears on: from the hits kept in memory where
  these reach back far enough, else from the lake, by spans that are written down (`open_spans`) until it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.core.clock import now
from ashiato.detect.arrived import ArrivedBatch, not_evaluated, rows_of
from ashiato.detect.changes import FindingChanges
from ashiato.detect.engine import Engine, Look
from ashiato.detect.first_seen import (
    Run,
    details_missing,
    drafts_of_hours,
    fill_details,
    peers_key,
    scope_key,
    take_scopes,
    take_sightings,
)
from ashiato.detect.gathering import HOUR, Draft, drafts_of_matches
from ashiato.detect.history import PICKED_BY, LakeHistory, at
from ashiato.detect.ledger_runs import LedgerRuns, RunsCache
from ashiato.detect.live_windows import LiveWindows
from ashiato.detect.past import PastSearch
from ashiato.detect.rate_state import RateCounts
from ashiato.detect.rule import Rule
from ashiato.detect.span_notes import READY, WAITING, leave_span, spans_left
from ashiato.lake.home import Home
from ashiato.lake.plans import PinnedLake
from ashiato.ledger import tables as t
from ashiato.ledger.detection_tables import open_spans, rule_states
from ashiato.ledger.findings import FindingChange

if TYPE_CHECKING:
    from ashiato.detect.record_view import Rows

#: The row of `rule_states` that says since when what happens is news.
WATCHING = "#watching"

#: Told of the changes of a transaction, within it: alerts.
Told = Callable[[Connection, Sequence[FindingChange]], None]


@dataclass
class EvaluationReport:
    """What was evaluated: batches, records, changes by kind; `lag`: seconds from commit to evaluation, the most."""

    batches: int = 0
    records: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    lag: float = 0.0
    learnt: int = 0

    def count(self, changes: Iterable[FindingChange]) -> None:
        """Count changes."""
        for change in changes:
            self.changes[change.change] = self.changes.get(change.change, 0) + 1


class Evaluation:
    """Evaluates a home's batches. `live`: windows are judged as records come; else when `reconcile` is called.
    `news_since`: what happened later is told; None: nothing is."""

    def __init__(
        self,
        home: Home,
        engine: Engine,
        *,
        live: bool,
        news_since: datetime | None,
        told: Told | None = None,
        on_progress: Callable[[str, float], None] | None = None,
    ) -> None:
        self.home = home
        self.engine = engine
        self.live = live
        self.news_since = news_since
        self.told = told or (lambda _connection, _changes: None)
        self.on_progress = on_progress or (lambda _step, _share: None)
        self.report = EvaluationReport()
        self._runs = RunsCache()
        self._windows = LiveWindows(engine)
        #: The last batch that `reconcile` knew of.
        self._seen = -1

    # -- batches --------------------------------------------------------------------------------------

    def pending(self, *, stop: Callable[[], bool] = lambda: False) -> EvaluationReport:
        """Evaluate every batch that is not. Raises the first failure, after the others have been evaluated."""
        batches = not_evaluated(self.home)
        if self.live and batches:
            self._prime()
        total = sum(b.rows for b in batches) or 1
        done = 0
        failed: Exception | None = None
        for batch in batches:
            if stop():
                break
            try:
                self._batch(batch)
            except sa.exc.OperationalError:
                # The control database is away or busy.
                raise
            except Exception as error:
                # The order of batches makes no difference: one that cannot be evaluated holds up no other.
                failed = failed or error
            done += batch.rows
            self.on_progress("Evaluating", done / total)
        if failed is not None:
            raise failed
        return self.report

    def _batch(self, batch: ArrivedBatch) -> None:
        self._windows.stage()
        try:
            with self.home.ledger.begin() as connection:
                changes = FindingChanges(connection, self.news_since)
                for piece in rows_of(self.home, batch):
                    self._piece(connection, changes, self.engine.look(batch.table, piece))
                    self.report.records += piece.num_rows
                self._judge(connection, changes)
                moment = now()
                found = changes.write(moment)
                self.told(connection, found)
                connection.execute(
                    sa.update(t.batches).where(t.batches.c.id == batch.id).values(evaluated_at=moment)
                )
        except BaseException:
            # Nothing was written: what is remembered must not be ahead of it.
            self._runs.clear()
            self._windows.drop()
            raise
        self._windows.keep()
        self.report.batches += 1
        self.report.count(found)
        self.report.lag = max(self.report.lag, (moment - batch.committed_at).total_seconds())

    def _piece(self, connection: Connection, changes: FindingChanges, look: Look) -> None:
        learning = self.engine.first_seen(look.view.description.name)
        for id_, spans in take_scopes(learning, look.view, LedgerRuns(connection, self._runs)).items():
            for first, last in spans:
                leave_span(connection, id_, first, last)
        for id_, rows in look.matches.items():
            rule = self.engine.rules[id_]
            counting = self.engine.correlations.counting.get(id_, ())
            if counting:
                self._count(connection, look, rule, rows)
            if rule.kind == "match" and rule.alone:
                changes.add(drafts_of_matches(rule, look.view, rows))
            elif rule.kind == "first_seen":
                self._sight(connection, changes, look, rule, rows)
            elif rule.kind == "rate":
                self._rate(connection, changes, look, rule, rows)

    def _sight(
        self, connection: Connection, changes: FindingChanges, look: Look, rule: Rule, rows: Rows
    ) -> None:
        runs = LedgerRuns(connection, self._runs)
        shift = take_sightings(rule, look.view, rows, runs)
        self._remade(changes, rule, shift.hours, runs)

    def _remade(self, changes: FindingChanges, rule: Rule, hours: Iterable[int], runs: LedgerRuns) -> None:
        """Findings of a first-seen rule in these hours, made anew."""
        wanted = sorted(set(hours))
        if not wanted:
            return
        drafts = drafts_of_hours(rule, wanted, runs)
        before = changes.uids(rule.id, [at(h * HOUR) for h in wanted])
        changes.replace(before, [d for several in drafts.values() for d in several])

    def _rate(
        self, connection: Connection, changes: FindingChanges, look: Look, rule: Rule, rows: Rows
    ) -> None:
        counts = RateCounts(connection, rule)
        changed = counts.add(look.view, rows)
        if self.live:
            for uids, drafts in counts.judged(changed, self.engine):
                changes.replace(uids, drafts)
        elif changed:
            hours = [h for hours in changed.values() for h in hours]
            leave_span(connection, rule.id, min(hours) * HOUR, (max(hours) + 1) * HOUR)

    def _count(self, connection: Connection, look: Look, rule: Rule, rows: Rows) -> None:
        """Hand hits to the windows that are kept in memory; those that reach further back are left to the lake."""
        for correlation, first, last in self._windows.take(look, rule, rows, live=self.live):
            leave_span(connection, correlation, first, last)

    def _judge(self, connection: Connection, changes: FindingChanges) -> None:
        for judged in self._windows.judge():
            changes.replace(judged.uids, judged.drafts)
            for correlation, first, last in judged.left:
                leave_span(connection, correlation, first, last)

    def _prime(self) -> None:
        if self._windows.primed:
            return
        with PinnedLake(self.home) as lake:
            self._windows.prime(LakeHistory(lake))

    # -- what is left to the lake -------------------------------------------------------------------------

    def spans_open(self) -> bool:
        """Whether something is left to the lake; what waits for later records only when some have come."""
        ready = self.home.ledger.scalar(sa.select(sa.func.min(open_spans.c.live)))
        return ready is not None and (ready == READY or self._newest_batch() != self._seen)

    def _newest_batch(self) -> int:
        return int(self.home.ledger.scalar(sa.select(sa.func.max(t.batches.c.id))) or 0)

    def reconcile(self) -> EvaluationReport:
        """Make anew from the lake what late records, or records of history, bear on."""
        left = spans_left(self.home.ledger)
        if not left:
            return self.report
        try:
            self._reconcile(left)
        finally:
            self._runs.clear()
        return self.report

    def _reconcile(self, left: dict[str, list[tuple[int, int]]]) -> None:
        known = {r: s for r, s in left.items() if r in self.engine.rules}
        seen = self._newest_batch()
        with PinnedLake(self.home) as lake:
            history = LakeHistory(lake)
            windows = {r: s for r, s in known.items() if self.engine.rules[r].correlation is not None}
            remade = self._windows_anew(history, windows)
            with self.home.ledger.begin() as connection:
                changes = FindingChanges(connection, self.news_since)
                for rule, drafts in remade.items():
                    told = self.engine.rules[rule].correlation
                    assert told is not None
                    for first, last in known[rule]:
                        low, high = first // HOUR, (last + told.span) // HOUR + 1
                        before = changes.uids_between(rule, at(low * HOUR), at(high * HOUR))
                        changes.replace(before, [d for d in drafts if low <= d.hour < high])
                for rule, spans in known.items():
                    if self.engine.rules[rule].kind == "first_seen":
                        self._learnt_late(connection, changes, history, self.engine.rules[rule], spans)
                    elif self.engine.rules[rule].rate is not None:
                        counts = RateCounts(connection, self.engine.rules[rule])
                        for uids, drafts in counts.judged_between(spans, self.engine):
                            changes.replace(uids, drafts)
                for rule, spans in left.items():
                    for first, _ in spans:
                        connection.execute(
                            sa.delete(open_spans).where(
                                open_spans.c.rule == rule, open_spans.c.start == first
                            )
                        )
                for rule, first, last in self._not_over(history, windows):
                    leave_span(connection, rule, first, last, ready=WAITING)
                found = changes.write(now())
                self.told(connection, found)
        self._seen = seen
        self.report.count(found)

    def _not_over(
        self, history: LakeHistory, spans: dict[str, list[tuple[int, int]]]
    ) -> Iterator[tuple[str, int, int]]:
        """Spans whose windows wait for what may still come: no later record says that they are over."""
        correlations = self.engine.correlations
        for id_, several in spans.items():
            rule = self.engine.rules[id_]
            newest = history.span(rule.table) if correlations.waits(rule) else None
            if newest is not None:
                for first, last in several:
                    if last + _reach(rule) > newest[1]:
                        yield id_, max(first, newest[1] - correlations.depth(rule)), last

    def _windows_anew(
        self, history: LakeHistory, spans: dict[str, list[tuple[int, int]]]
    ) -> dict[str, list[Draft]]:
        if not spans:
            return {}
        engine = self.engine.only(spans)
        first = min(s[0] for several in spans.values() for s in several)
        last = max(s[1] + _reach(engine.rules[r]) for r, several in spans.items() for s in several)
        low, high = first // HOUR * HOUR, (last // HOUR + 1) * HOUR
        search = PastSearch(
            engine, history, first=low, last=high, on_progress=lambda s: self.on_progress("Correlating", s)
        )
        past = search.run()
        return {r: list(past.drafts.get(r, {}).values()) for r in spans if engine.rules[r].alone}

    def _learnt_late(
        self,
        connection: Connection,
        changes: FindingChanges,
        history: LakeHistory,
        rule: Rule,
        spans: Sequence[tuple[int, int]],
    ) -> None:
        """Hits that were silent while the rule still learnt, as far as was known then."""
        runs = LedgerRuns(connection, self._runs)
        engine = self.engine.only([rule.id])
        for first, last in spans:
            missing = details_missing(rule, first, last, runs)
            if not missing:
                continue
            hours: set[int] = set()
            low, high = min(r.first for _, r in missing), max(r.first for _, r in missing) + 1
            for piece in history.pieces(
                rule.table, low, high, picked=engine.picked(rule.table, PICKED_BY.get(rule.table, {}))
            ):
                look = engine.look(rule.table, piece)
                rows = look.matches.get(rule.id)
                if rows is not None:
                    hours |= fill_details(rule, missing, look.view, rows, runs)
            self._remade(changes, rule, hours, runs)

    # -- rules that changed -------------------------------------------------------------------------------

    def settle_rules(self) -> int:
        """Evaluate rules that are new or have changed over what the lake holds already; how many there were."""
        states = {r.rule: r.fingerprint for r in self.home.ledger.rows(sa.select(rule_states))}
        self._forget({r for r, known in states.items() if known is not None and r not in self.engine.rules})
        new = {r.id for r in self.engine.rules.values() if states.get(r.id) != self.engine.fingerprint(r)}
        # A correlation finds something else when a rule that it counts does.
        for rule in self.engine.correlations.ordered:
            if rule.correlation is not None and new.intersection(rule.correlation.references):
                new.add(rule.id)
        changed = [r for r in self.engine.rules.values() if r.id in new]
        if not changed:
            return 0
        empty = not self.home.ledger.scalar(
            sa.select(sa.func.count()).select_from(t.batches).where(t.batches.c.state == "committed")
        )
        if empty:
            with self.home.ledger.begin() as connection:
                _note(connection, self.engine, changed)
            return 0
        whole = self.engine
        self.engine = whole.only([r.id for r in whole.rules.values() if r not in changed])
        self._windows = LiveWindows(self.engine)
        try:
            self.pending()
        finally:
            self.engine = whole
            self._windows = LiveWindows(whole)
        self._catch_up(changed)
        self.report.learnt = len(changed)
        return len(changed)

    def _forget(self, ids: set[str]) -> None:
        """Rules that are not evaluated miss what comes: when they come back, they catch up."""
        if ids:
            with self.home.ledger.begin() as connection:
                for id_ in sorted(ids):
                    connection.execute(
                        sa.update(rule_states).where(rule_states.c.rule == id_).values(fingerprint=None)
                    )

    def _catch_up(self, rules: Sequence[Rule]) -> None:
        with PinnedLake(self.home) as lake:
            engine = self.engine.only([r.id for r in rules])
            history = LakeHistory(lake)
            past = PastSearch(
                engine,
                history,
                on_progress=lambda s: self.on_progress("Evaluating rules over what is there", s),
            ).run()
            ends = {table: span[1] for table in engine.tables() if (span := history.span(table))}
        with self.home.ledger.begin() as connection:
            changes = FindingChanges(connection, self.news_since)
            runs = LedgerRuns(connection, self._runs)
            for rule in rules:
                before = changes.uids_of(rule.id)
                kept = [d for d in past.drafts.get(rule.id, {}).values() if rule.alone]
                changes.replace(before, kept)
                if rule.kind == "first_seen":
                    runs.forget(rule.id)
                    for key in (rule.id, scope_key(rule), peers_key(rule)):
                        by_term: dict[bytes, list[Run]] = {}
                        for term, run in past.runs.all(key):
                            by_term.setdefault(term, []).append(run)
                        runs.write(key, {k: tuple(v) for k, v in by_term.items()})
                elif rule.rate is not None:
                    RateCounts(connection, rule).put_all(past.counts.get(rule.id, {}))
                connection.execute(sa.delete(open_spans).where(open_spans.c.rule == rule.id))
                if (
                    rule.correlation is not None
                    and self.engine.correlations.waits(rule)
                    and rule.table in ends
                ):
                    newest = ends[rule.table]
                    first = newest - self.engine.correlations.depth(rule)
                    leave_span(connection, rule.id, first, newest, ready=WAITING)
            _note(connection, self.engine, rules)
            # Batches of before this home was watched are evaluated by that, too.
            connection.execute(
                sa.update(t.batches)
                .where(t.batches.c.evaluated_at.is_(None), t.batches.c.state == "committed")
                .values(evaluated_at=now())
            )
            found = changes.write(now())
            self.told(connection, found)
        self._runs.clear()
        self.report.count(found)


def _reach(rule: Rule) -> int:
    assert rule.correlation is not None
    return rule.correlation.span


def _note(connection: Connection, engine: Engine, rules: Sequence[Rule]) -> None:
    moment = now()
    for rule in rules:
        values = {"fingerprint": engine.fingerprint(rule), "changed_at": moment}
        changed = connection.execute(
            sa.update(rule_states).where(rule_states.c.rule == rule.id).values(values)
        )
        if not changed.rowcount:
            connection.execute(sa.insert(rule_states).values(rule=rule.id, **values))


def watching_since(home: Home, *, begin: bool) -> datetime | None:
    """Since when what happens is news; `begin`: from now on, unless it is so already."""
    known = home.ledger.scalar(sa.select(rule_states.c.changed_at).where(rule_states.c.rule == WATCHING))
    if known is not None or not begin:
        return known if isinstance(known, datetime) else None
    moment = now()
    with home.ledger.begin() as connection:
        connection.execute(sa.insert(rule_states).values(rule=WATCHING, changed_at=moment))
    return moment
