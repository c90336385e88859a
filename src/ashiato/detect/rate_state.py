"""Counts of rates in the control database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ashiato.detect.engine import Engine
from ashiato.detect.first_seen import digest
from ashiato.detect.gathering import HOUR, Draft
from ashiato.detect.history import at
from ashiato.detect.past import rate_draft
from ashiato.detect.rates import HOURS_A_WEEK, Counts, counts_of, dependents
from ashiato.detect.record_view import RecordView, Rows
from ashiato.detect.rule import Rule
from ashiato.ledger.detection_tables import rate_counts as t
from ashiato.ledger.finding_rows import finding_uid
from ashiato.ledger.inserting import insert_many

_SLICE = 400
Group = tuple[str | None, ...]


class RateCounts:
    """Counts of one rule within a transaction."""

    def __init__(self, connection: Connection, rule: Rule) -> None:
        assert rule.rate is not None
        self.connection = connection
        self.rule = rule
        self.rate = rule.rate

    def add(self, view: RecordView, rows: Rows) -> dict[Group, set[int]]:
        """Count records; the hours of each group that changed."""
        found = counts_of(self.rule, view, rows)
        known = self._read([digest(k) for k in found], found)
        changed: list[dict[str, object]] = []
        for key, hours in found.items():
            term = digest(key)
            for hour, n in hours.items():
                changed.append(self._row(key, term, hour, n + known.get((term, hour), 0)))
        self._write(changed)
        return {k: set(h) for k, h in found.items()}

    def put_all(self, counts: Counts) -> None:
        """Replace everything that is known."""
        self.connection.execute(sa.delete(t).where(t.c.rule == self.rule.id))
        rows = [
            self._row(key, digest(key), hour, n) for key, hours in counts.items() for hour, n in hours.items()
        ]
        insert_many(self.connection, t, rows)

    def _row(self, key: Group, term: bytes, hour: int, count: int) -> dict[str, object]:
        return {
            "rule": self.rule.id, "group_key": term, "hour": hour, "count": count, "group_json": json.dumps(key),
        }  # fmt: skip

    def _read(self, terms: Sequence[bytes], found: Counts) -> dict[tuple[bytes, int], int]:
        hours = [h for by_hour in found.values() for h in by_hour]
        if not hours:
            return {}
        known: dict[tuple[bytes, int], int] = {}
        for start in range(0, len(terms), _SLICE):
            rows = self.connection.execute(
                sa.select(t.c.group_key, t.c.hour, t.c.count).where(
                    t.c.rule == self.rule.id,
                    t.c.group_key.in_(terms[start : start + _SLICE]),
                    t.c.hour >= min(hours),
                    t.c.hour <= max(hours),
                )
            )
            known.update({(bytes(term), hour): n for term, hour, n in rows})
        return known

    def _write(self, rows: list[dict[str, object]]) -> None:
        by_term: dict[object, list[object]] = {}
        for row in rows:
            by_term.setdefault(row["group_key"], []).append(row["hour"])
        for term, hours in by_term.items():
            for start in range(0, len(hours), _SLICE):
                self.connection.execute(
                    sa.delete(t).where(
                        t.c.rule == self.rule.id,
                        t.c.group_key == term,
                        t.c.hour.in_(hours[start : start + _SLICE]),
                    )
                )
        insert_many(self.connection, t, rows)

    def judged(
        self, changed: Mapping[Group, Iterable[int]], engine: Engine
    ) -> Iterator[tuple[list[str], list[Draft]]]:
        """For each group, the uids of hours that may judge otherwise now, and the findings that they are."""
        for key, hours in changed.items():
            counts = self._counts(key, min(hours))
            # A few events never are a hit, and the hours after them have not come yet.
            wanted = dependents(self.rate, hours, counts)
            drafts = [
                d for h in sorted(wanted) if (d := rate_draft(self.rule, key, h, counts, engine)) is not None
            ]
            yield [self._uid(key, h) for h in wanted], drafts

    def judged_between(
        self, spans: Sequence[tuple[int, int]], engine: Engine
    ) -> Iterator[tuple[list[str], list[Draft]]]:
        """The same for every group that has counts in these spans of time."""
        changed: dict[Group, set[int]] = {}
        for first, last in spans:
            rows = self.connection.execute(
                sa.select(t.c.group_json, t.c.hour).where(
                    t.c.rule == self.rule.id, t.c.hour >= first // HOUR, t.c.hour <= last // HOUR
                )
            )
            for group, hour in rows:
                changed.setdefault(tuple(json.loads(group)), set()).add(hour)
        yield from self.judged(changed, engine)

    def _counts(self, key: Group, first: int) -> dict[int, int]:
        rows = self.connection.execute(
            sa.select(t.c.hour, t.c.count).where(
                t.c.rule == self.rule.id,
                t.c.group_key == digest(key),
                t.c.hour >= first - (self.rate.weeks + 1) * HOURS_A_WEEK,
            )
        )
        counts: dict[int, int] = dict(rows.tuples().all())
        # How long the group is known decides whether it is judged at all.
        oldest = self.connection.execute(
            sa.select(t.c.hour, t.c.count)
            .where(t.c.rule == self.rule.id, t.c.group_key == digest(key))
            .order_by(t.c.hour)
            .limit(1)
        ).first()
        if oldest is not None:
            counts[oldest[0]] = oldest[1]
        return counts

    def _uid(self, key: Group, hour: int) -> str:
        group = {f: v.lower() for f, v in zip(self.rate.group_by, key, strict=True) if v is not None}
        return finding_uid(self.rule.id, group, at(hour * HOUR))
