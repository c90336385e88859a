"""Runs of first-seen rules in the control database, the lately used ones in memory too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.core.text import printable
from ashiato.detect.first_seen import Run
from ashiato.ledger.detection_tables import sightings as t
from ashiato.ledger.inserting import insert_many

_SLICE = 400


class RunsCache:
    """What was read or written lately; emptied when a transaction did not come through."""

    def __init__(self, most: int = 200_000) -> None:
        self.most = most
        self.runs: dict[tuple[str, bytes], tuple[Run, ...]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self.runs.clear()

    def put(self, rule: str, term: bytes, runs: tuple[Run, ...]) -> None:
        """Remember; the oldest half goes when there are too many."""
        if len(self.runs) >= self.most:
            for key in list(self.runs)[: self.most // 2]:
                del self.runs[key]
        self.runs[rule, term] = runs


class LedgerRuns:
    """Runs within one transaction."""

    def __init__(self, connection: Connection, cache: RunsCache) -> None:
        self.connection = connection
        self.cache = cache

    def read(self, rule: str, terms: Iterable[bytes]) -> dict[bytes, tuple[Run, ...]]:
        found: dict[bytes, tuple[Run, ...]] = {}
        missing: list[bytes] = []
        for term in dict.fromkeys(terms):
            known = self.cache.runs.get((rule, term))
            if known is None:
                missing.append(term)
            elif known:
                found[term] = known
        read: dict[bytes, list[Run]] = {term: [] for term in missing}
        for start in range(0, len(missing), _SLICE):
            part = missing[start : start + _SLICE]
            rows = self.connection.execute(
                sa.select(t.c.term, t.c.first, t.c.first_event, t.c.last_day, t.c.scope, t.c.detail)
                .where(t.c.rule == rule, t.c.term.in_(part))
                .order_by(t.c.first)
            )
            for term, first, event, last, scope, detail in rows:
                read[bytes(term)].append(Run(first, event, last, bytes(scope), detail))
        for term, runs in read.items():
            self.cache.put(rule, term, tuple(runs))
            if runs:
                found[term] = tuple(runs)
        return found

    def write(self, rule: str, changed: Mapping[bytes, tuple[Run, ...]]) -> None:
        terms = list(changed)
        for start in range(0, len(terms), _SLICE):
            self.connection.execute(
                sa.delete(t).where(t.c.rule == rule, t.c.term.in_(terms[start : start + _SLICE]))
            )
        rows = [
            {
                "rule": rule,
                "term": term,
                "first": run.first,
                "first_event": printable(run.first_event, 100),
                "last_day": run.last_day,
                "scope": run.scope,
                "detail": run.detail,
            }
            for term, runs in changed.items()
            for run in runs
        ]
        insert_many(self.connection, t, rows)
        for term, runs in changed.items():
            self.cache.put(rule, term, tuple(runs))

    def between(self, rule: str, first: int, last: int) -> list[tuple[bytes, Run]]:
        rows = self.connection.execute(
            sa.select(t.c.term, t.c.first, t.c.first_event, t.c.last_day, t.c.scope, t.c.detail).where(
                t.c.rule == rule, t.c.first >= first, t.c.first < last
            )
        )
        return [(bytes(term), Run(f, e, d, bytes(s), detail)) for term, f, e, d, s, detail in rows]

    def forget(self, rule: str) -> None:
        """Remove everything that a rule remembers."""
        for key in (rule, f"{rule}#peers"):
            self.connection.execute(sa.delete(t).where(t.c.rule == key))
        self.cache.clear()
