"""Records that come one batch after the other, and what has to stand in the end.

The ledger and everything that evaluates are real; batches and the lake are tables in memory, so that many orders of
arrival can be tried. `test_streaming_lake.py` does the same with a real lake.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import pyarrow as pa
import sqlalchemy as sa

from ashiato.detect.engine import Engine
from ashiato.detect.evaluation import Evaluation
from ashiato.detect.history import History, TablesHistory
from ashiato.detect.past import PastSearch
from ashiato.detect.rule import Rule
from ashiato.formats.tables import TABLES
from ashiato.ledger import Ledger
from ashiato.ledger import tables as t
from ashiato.ledger.detection_tables import findings, open_spans, rate_counts, rule_states, sightings
from ashiato.ledger.finding_rows import from_row
from ashiato.ledger.findings import Finding
from detect.evaluating import AROUND

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
Key = tuple[Any, ...]


def key(finding: Finding) -> Key:
    """All that is promised to be the same however records came."""
    return (
        finding.rule, finding.uid, finding.hits, finding.first, finding.last, finding.window_start,
        finding.event_ids, finding.event_times, finding.level, json.dumps(dict(finding.group), sort_keys=True),
        finding.rarity, finding.hour,
    )  # fmt: skip


def standing(ledger: Ledger) -> set[Key]:
    """Findings that stand in a ledger."""
    rows = [from_row(r) for r in ledger.rows(sa.select(findings).where(findings.c.standing == 1))]
    found = {key(f) for f in rows}
    assert len(found) == len(rows)
    return found


def backtested(rules: Mapping[str, Rule], history: History) -> set[Key]:
    """What a search of the past finds of rules that are findings of their own."""
    past = PastSearch(Engine(rules, AROUND), history).run()
    return {key(f) for f in past.findings() if rules[f.rule].alone}


class Stream:
    """A home whose batches are tables in memory."""

    def __init__(self, ledger: Ledger, rules: Mapping[str, Rule]) -> None:
        self.ledger = ledger
        self.rules = rules
        self.home = cast("Any", SimpleNamespace(ledger=ledger))
        self.batches: dict[int, list[pa.Table]] = {}
        with ledger.begin() as connection:
            for table in (findings, open_spans, rate_counts, rule_states, sightings, t.batches):
                connection.execute(sa.delete(table))
        self.evaluation = self.started()

    def started(self, *, live: bool = True, told: Any = None) -> Evaluation:
        """An evaluation as a new process has it."""
        self.evaluation = Evaluation(
            self.home, Engine(self.rules, AROUND), live=live, news_since=None, told=told
        )
        with self.in_memory():
            self.evaluation.settle_rules()
        return self.evaluation

    def commit(self, pieces: Sequence[pa.Table], table: str = "cloudtrail") -> None:
        """A batch is committed."""
        number = len(self.batches) + 1
        self.batches[number] = list(pieces)
        with self.ledger.begin() as connection:
            connection.execute(
                sa.insert(t.batches).values(
                    id=number, uid=f"b{number}", group_id="g", table_name=table, state="committed",
                    rows=sum(p.num_rows for p in pieces), days="[]", created_at=NOON, committed_at=NOON, stamp=NOON,
                )
            )  # fmt: skip

    def history(self) -> TablesHistory:
        """What the lake holds."""
        everything = [p for pieces in self.batches.values() for p in pieces]
        by_table: dict[str, list[pa.Table]] = {}
        for piece in everything:
            name = next(n for n, d in TABLES.items() if d.schema.names == piece.schema.names)
            by_table.setdefault(name, []).append(piece)
        return TablesHistory(by_table)

    @contextmanager
    def in_memory(self) -> Iterator[None]:
        """The evaluation reads batches and the lake from memory."""

        @contextmanager
        def pinned(_home: object) -> Iterator[None]:
            yield

        with patch.multiple(
            "ashiato.detect.evaluation",
            rows_of=lambda _home, batch: iter(self.batches[batch.id]),
            PinnedLake=pinned,
            LakeHistory=lambda _lake: self.history(),
        ):
            yield

    def pending(self) -> None:
        with self.in_memory():
            self.evaluation.pending()

    def reconcile(self) -> None:
        with self.in_memory():
            self.evaluation.reconcile()

    def assert_equal_to_history(self) -> None:
        """What stands is what a search of the past finds."""
        expected, found = backtested(self.rules, self.history()), standing(self.ledger)
        missing, wrong = expected - found, found - expected
        title = {r.id: r.title for r in self.rules.values()}
        assert {"missing": [(title[k[0]], *k[2:7]) for k in missing]} == {"missing": []}
        assert {"wrong": [(title[k[0]], *k[2:7]) for k in wrong]} == {"wrong": []}
