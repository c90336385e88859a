"""Windows of correlations as records come: hits of the last while, kept in memory, by correlation and group.

The hits in memory are all there are from `zone` on, so that an hour whose windows lie after it is judged from them.
What reaches further back is left to the lake. So are correlations that wait for what does not come, and those that
count them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ashiato.detect.correlating import (
    Counted,
    GroupHits,
    Key,
    count_rows,
    count_windows,
    drafts_of_windows,
    window_prefix,
)
from ashiato.detect.engine import Engine, Look
from ashiato.detect.gathering import HOUR, Draft
from ashiato.detect.history import PICKED_BY, History, at
from ashiato.detect.record_view import Rows
from ashiato.detect.rule import Rule
from ashiato.detect.windows import CountedHit, matched_windows
from ashiato.ledger.finding_rows import finding_uid

#: How far back hits are kept beyond what windows need: AWS delivers minutes late, mostly.
LATE = 2 * HOUR
#: Hits of one correlation that are kept in memory; beyond, its windows are left to the lake.
MOST_HITS = 2_000_000


@dataclass
class Judged:
    """Findings of one group: uids that stand as told by `drafts`, and spans left to the lake."""

    uids: list[str]
    drafts: list[Draft]
    left: list[tuple[str, int, int]] = field(default_factory=list)


class LiveWindows:
    """Hits in memory. `stage` … `keep` or `drop` go with a transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.primed = False
        self._counted: Counted = {}
        #: Correlation → time from which on all its hits are here.
        self._zone: dict[str, int] = {}
        #: Correlation → group → times of hits that came with this transaction.
        self._new: dict[str, dict[Key, list[int]]] = {}
        self._newest: dict[str, int] = {}

    def prime(self, history: History) -> None:
        """Fill memory from the lake: as far back as windows of what comes next may reach."""
        correlations = self.engine.correlations
        for table in self.engine.tables():
            rules = [r for r in correlations.ordered if r.table == table]
            known = history.span(table)
            if not rules:
                continue
            newest = known[1] if known is not None else 0
            self._newest[table] = newest
            for rule in rules:
                self._zone[rule.id] = newest - self._kept(rule) if known is not None else 0
            if known is None:
                continue
            engine = self.engine.only([r.id for r in rules])
            # Windows that are counted at the beginning of a zone reach back themselves.
            first = min(self._zone[r.id] - correlations.depth(r) for r in rules)
            for piece in history.pieces(table, first, picked=engine.picked(table, PICKED_BY.get(table, {}))):
                look = engine.look(table, piece)
                for id_, rows in look.matches.items():
                    for rule, slot in correlations.counting.get(id_, ()):
                        self._absorb(rule, count_rows(correlations, rule, slot, id_, look.view, rows))
            for rule in rules:
                self._hand_up(rule, newest)
        self.primed = True
        self._new.clear()

    def _hand_up(self, rule: Rule, newest: int) -> None:
        """Hand all windows of a correlation to those that count it."""
        assert rule.correlation is not None
        for outer, slot in self.engine.correlations.counting.get(rule.id, ()):
            zone = self._zone[outer.id]
            if self.engine.correlations.waits(outer):
                continue
            for group in self._counted.get(rule.id, {}).values():
                windows = matched_windows(
                    rule.correlation, group.sorted(), first=zone, last=newest, now=newest
                )
                self._absorb(
                    outer, count_windows(self.engine.correlations, outer, slot, rule, group, windows)
                )

    def _kept(self, rule: Rule) -> int:
        assert rule.correlation is not None
        return 2 * self.engine.correlations.depth(rule) + LATE

    # -- transactions -----------------------------------------------------------------------------------

    def stage(self) -> None:
        """A transaction begins."""
        self._new.clear()

    def drop(self) -> None:
        """It did not come through: what is here may be ahead of it, and is read anew."""
        self._counted.clear()
        self._zone.clear()
        self._new.clear()
        self.primed = False

    def keep(self) -> None:
        """It did: let go of hits that no window of what comes reaches."""
        for rule in self.engine.correlations.ordered:
            if rule.id not in self._new:
                continue
            zone = self._newest.get(rule.table, 0) - self._kept(rule)
            groups = self._counted.get(rule.id, {})
            if zone > self._zone.get(rule.id, 0) + LATE // 4:
                self._zone[rule.id] = zone
                for key, group in list(groups.items()):
                    group.forget_before(zone)
                    if not group.hits:
                        del groups[key]
            if sum(len(g.hits) for g in groups.values()) > MOST_HITS:
                self._counted.pop(rule.id, None)
                self._zone[rule.id] = self._newest.get(rule.table, 0) + 1
        self._new.clear()

    # -- records ----------------------------------------------------------------------------------------

    def take(self, look: Look, rule: Rule, rows: Rows, *, live: bool) -> Iterator[tuple[str, int, int]]:
        """Count records that a plain rule matched. Yields spans (correlation, first, last) left to the lake."""
        correlations = self.engine.correlations
        for correlation, slot in correlations.counting.get(rule.id, ()):
            times = look.view.times[rows]
            if not live or not self.primed or correlations.waits(correlation):
                yield from self._left(correlation, int(times.min()), int(times.max()))
                continue
            self._newest[look.view.description.name] = max(
                self._newest.get(look.view.description.name, 0), int(times.max())
            )
            found = count_rows(correlations, correlation, slot, rule.id, look.view, rows)
            for key, group in found.items():
                zone = self._zone.get(correlation.id, 0)
                early = [h.time for h in group.hits if h.time - correlations.depth(correlation) - HOUR < zone]
                if early:
                    yield from self._left(correlation, min(early), max(early))
                kept = {h for h in group.hits if h.time >= zone}
                if kept:
                    # Those of a batch that was in the lake when memory was filled are here already.
                    counted = GroupHits(group.spelt, kept, group.looked_at)
                    self._absorb(correlation, {key: counted})
                    self._note(correlation, key, kept)

    def _left(self, rule: Rule, first: int, last: int) -> Iterator[tuple[str, int, int]]:
        """A correlation, and those above it, have to be made anew for hits between these times. Those above do not
        learn of its windows there: what they keep is no longer all."""
        yield rule.id, first, last
        assert rule.correlation is not None
        last += rule.correlation.span
        for outer, _ in self.engine.correlations.counting.get(rule.id, ()):
            if outer.id in self._zone:
                self._zone[outer.id] = max(self._zone[outer.id], last + 1)
            yield from self._left(outer, first, last)

    def _note(self, rule: Rule, key: Key, hits: set[CountedHit]) -> None:
        """Hits bear on windows that are to be judged."""
        if hits:
            self._new.setdefault(rule.id, {}).setdefault(key, []).extend(h.time for h in hits)

    def _absorb(self, rule: Rule, found: dict[Key, GroupHits]) -> None:
        into = self._counted.setdefault(rule.id, {})
        for key, group in found.items():
            known = into.get(key)
            if known is None:
                into[key] = group
            else:
                known.take(group)

    def judge(self) -> Iterator[Judged]:
        """Findings that the hits of this transaction bear on, innermost correlations first."""
        for rule in self.engine.correlations.ordered:
            assert rule.correlation is not None
            for key, times in list(self._new.get(rule.id, {}).items()):
                group = self._counted[rule.id][key]
                yield self._judged(rule, key, group, times)

    def _judged(self, rule: Rule, key: Key, group: GroupHits, times: list[int]) -> Judged:
        told = rule.correlation
        assert told is not None
        span = told.span
        first, last = min(times), max(times) + span
        hours = range(first // HOUR, last // HOUR + 1)
        low, high = hours[0] * HOUR, (hours[-1] + 1) * HOUR - 1
        newest = self._newest.get(rule.table, 0)
        zone = self._zone.get(rule.id, 0)
        if low - self.engine.correlations.depth(rule) < zone:
            return Judged([], [], list(self._left(rule, min(times), max(times))))
        drafts = drafts_of_windows(rule, group, hours, first=low, last=high, now=newest) if rule.alone else {}
        named = dict(zip(told.group_by, key, strict=True))
        uids = [finding_uid(rule.id, named, at(h * HOUR)) for h in hours] if rule.alone else []
        judged = Judged(uids, list(drafts.values()))
        self._above(rule, group, first, last, newest, judged)
        return judged

    def _above(
        self, rule: Rule, group: GroupHits, first: int, last: int, newest: int, judged: Judged
    ) -> None:
        """Hand the windows to the correlations that count them. Where one that was counted is gone, they are made
        anew from the lake."""
        told = rule.correlation
        assert told is not None
        for outer, slot in self.engine.correlations.counting.get(rule.id, ()):
            if self.engine.correlations.waits(outer):
                judged.left.extend(self._left(outer, first, last))
                continue
            windows = matched_windows(told, group.sorted(), first=first, last=last, now=newest)
            counted = count_windows(self.engine.correlations, outer, slot, rule, group, windows)
            known = self._counted.get(outer.id, {})
            mine = window_prefix(rule, group)
            before = {
                h
                for g in known.values()
                for h in g.hits
                if h.slot == slot and first <= h.time <= last and h.event.startswith(mine)
            }
            after: set[CountedHit] = {h for g in counted.values() for h in g.hits}
            gone = before - after
            if gone:
                for g in known.values():
                    g.remove(gone)
                judged.left.extend(self._left(outer, min(h.time for h in gone), max(h.time for h in gone)))
            for key, found in counted.items():
                # Known ones too: memory may have been filled with what this transaction brought.
                self._absorb(outer, {key: found})
                self._note(outer, key, found.hits)
