"""Which records of a view meet a condition, and which of many rules they meet: one pass per batch.

Rules are indexed by what they need a field to be; a batch asks the index once per distinct value, so that its cost
grows with what may match and not with the number of rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ashiato.detect.conditions import (
    Condition,
    Every,
    FieldPresence,
    FieldsCompared,
    FieldTest,
    Keyword,
    Some,
    Without,
    text_of,
)
from ashiato.detect.json_paths import segments
from ashiato.detect.literals import LiteralIndex, Needed, needed
from ashiato.detect.record_view import RecordView, Rows

_NONE: Rows = np.empty(0, np.int64)
_DERIVED_COST = 3

#: Fields that rules are indexed by, the most telling first.
INDEXED = {
    "cloudtrail": ("eventName", "errorCode", "eventSource", "userIdentity.type", "eventType", "userAgent"),
    "config_items": ("resourceType", "configurationItemStatus"),
    "vpc_flow_logs": ("dstport", "action"),
}


class Matcher:
    """Evaluates conditions over one view; what several rules test is tested once."""

    def __init__(self, view: RecordView) -> None:
        self.view = view
        #: (field, test) → for each distinct value 0 unknown, 1 fails, 2 passes.
        self._truth: dict[Any, np.ndarray[Any, np.dtype[np.int8]]] = {}

    def rows(self, condition: Condition, among: Rows) -> Rows:
        """Those of the records `among` (ascending) that meet the condition."""
        if not len(among):
            return among
        match condition:
            case FieldTest():
                return self._tested(condition, among)
            case FieldPresence(name=name, present=present):
                there = self._present(name, among)
                kept_rows: Rows = among[there] if present else among[~there]
                return kept_rows
            case FieldsCompared():
                return self._compared(condition, among)
            case Keyword(test=test):
                kept = [r for r in among.tolist() if any(test(v) for v in self.view.texts(r))]
                return np.array(kept, np.int64)
            case Without(part=part):
                return _apart(among, self.rows(part, among))
            case Every(parts=parts):
                for part in sorted(parts, key=self._cost):
                    among = self.rows(part, among)
                    if not len(among):
                        break
                return among
            case Some(parts=parts):
                found, left = [], among
                for part in sorted(parts, key=self._cost):
                    met = self.rows(part, left)
                    if len(met):
                        found.append(met)
                        left = _apart(left, met)
                    if not len(left):
                        break
                return np.sort(np.concatenate(found)) if found else _NONE

    def _cost(self, condition: Condition) -> int:
        match condition:
            case FieldTest(name=name) | FieldPresence(name=name):
                if name in self.view.derived:
                    return _DERIVED_COST
                return 1 if self.view.coded(name) is not None else 10
            case FieldsCompared():
                return 8
            case Keyword():
                return 100
            case Without(part=part):
                return self._cost(part) + 1
            case Every(parts=parts):
                return min((self._cost(p) for p in parts), default=0) + 1
            case Some(parts=parts):
                return max((self._cost(p) for p in parts), default=0) + 1

    def _tested(self, condition: FieldTest, among: Rows) -> Rows:
        view = self.view
        coded = view.coded(condition.name)
        if coded is None:
            return self._each(condition, among)
        codes = coded.codes[among]
        truth = self._truth.get(condition)
        if truth is None:
            truth = np.zeros(len(coded.distinct) + 1, np.int8)
            truth[-1] = 1
            self._truth[condition] = truth
        unknown = codes[truth[codes] == 0]
        if len(unknown):
            test = condition.test
            for place in np.unique(unknown).tolist():
                truth[place] = 2 if test(coded.distinct[place]) else 1
        passed = truth[codes] == 2
        if view.any_extra and condition.name not in view.derived:
            missing = np.flatnonzero(codes < 0)
            for place in missing.tolist():
                if any(condition.test(v) for v in view.values_of(condition.name, int(among[place]))):
                    passed[place] = True
        kept: Rows = among[passed]
        return kept

    def _each(self, condition: FieldTest, among: Rows) -> Rows:
        """A field inside JSON: record by record."""
        view, name, test = self.view, condition.name, condition.test
        path = segments(name)
        if path and path[0] in view.description.by_name:
            view.prepare(path[0], among)
        elif not view.any_extra:
            return _NONE
        kept = [r for r in among.tolist() if any(test(v) for v in view.values_of(name, r))]
        return np.array(kept, np.int64)

    def _present(self, name: str, among: Rows) -> np.ndarray[Any, np.dtype[np.bool_]]:
        view = self.view
        coded = view.coded(name)
        if coded is None:
            path = segments(name)
            if path and path[0] in view.description.by_name:
                view.prepare(path[0], among)
            return np.array([bool(view.values_of(name, r)) for r in among.tolist()], np.bool_)
        there = coded.codes[among] >= 0
        if view.any_extra and name not in view.derived:
            for place in np.flatnonzero(~there).tolist():
                there[place] = bool(view.values_of(name, int(among[place])))
        return there

    def _compared(self, condition: FieldsCompared, among: Rows) -> Rows:
        view = self.view
        kept = [
            r
            for r in among.tolist()
            if any(
                condition(a, b)
                for a in view.values_of(condition.name, r)
                for b in view.values_of(condition.other, r)
            )
        ]
        return np.array(kept, np.int64)


def _apart(rows: Rows, gone: Rows) -> Rows:
    """Ascending rows without some of them."""
    if not len(gone):
        return rows
    left: Rows = rows[~np.isin(rows, gone, assume_unique=True)]
    return left


class RuleIndex:
    """The conditions of many rules over one table."""

    def __init__(self, table: str, conditions: Sequence[Condition]) -> None:
        self.table = table
        self.conditions = conditions
        by_field: dict[str, list[tuple[int, Needed]]] = {}
        self._unindexed: list[int] = []
        for number, condition in enumerate(conditions):
            chosen = choose(table, condition)
            if chosen is None:
                self._unindexed.append(number)
            else:
                by_field.setdefault(chosen[0], []).append((number, chosen[1]))
        self._indexes = {field: LiteralIndex(wanted) for field, wanted in by_field.items()}

    def matches(self, view: RecordView) -> dict[int, Rows]:
        """Rule number → records that meet it (ascending); rules without any are left out."""
        matcher = Matcher(view)
        found: dict[int, Rows] = {}
        everything = np.arange(len(view), dtype=np.int64)
        for field, index in self._indexes.items():
            for number, rows in self._candidates(view, field, index, everything).items():
                met = matcher.rows(self.conditions[number], rows)
                if len(met):
                    found[number] = met
        for number in self._unindexed:
            met = matcher.rows(self.conditions[number], everything)
            if len(met):
                found[number] = met
        return found

    @staticmethod
    def _candidates(view: RecordView, field: str, index: LiteralIndex, everything: Rows) -> dict[int, Rows]:
        """Rule → records whose value of the field it may match."""
        coded = view.coded(field)
        if coded is None or not len(everything):
            return {}
        order = np.argsort(coded.codes, kind="stable")
        ends = np.cumsum(np.bincount(coded.codes + 1, minlength=len(coded.distinct) + 1))
        pieces: dict[int, list[Rows]] = {}
        for place, value in enumerate(coded.distinct):
            rules = index.rules(text_of(value))
            if rules:
                rows = order[ends[place] : ends[place + 1]]
                for number in rules:
                    pieces.setdefault(number, []).append(rows)
        if view.any_extra and ends[0]:
            # A record without the column may have the field in another spelling, in `extra`.
            for number in index.numbers:
                pieces.setdefault(number, []).append(order[: ends[0]])
        return {n: p[0] if len(p) == 1 else np.sort(np.concatenate(p)) for n, p in pieces.items()}


def choose(table: str, condition: Condition) -> tuple[str, Needed] | None:
    """The field by which a rule is best indexed, and what it needs it to be."""
    best: tuple[str, Needed] | None = None
    for field in INDEXED.get(table, ()):
        need = needed(condition, field)
        if need is not None and (best is None or need.cost < best[1].cost - 50):
            best = field, need
    return best
