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
from ashiato.detect.rates import HOURS_A_WEEK, Counts, Group, GroupCounts, counts_of, dependents
from ashiato.detect.record_view import RecordView, Rows
from ashiato.detect.rule import Rule
from ashiato.ledger.detection_tables import rate_counts as t
from ashiato.ledger.finding_rows import finding_uid
from ashiato.ledger.inserting import insert_many

_SLICE = 400


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
        changed = {key: set(counts.hours) for key, counts in found.items()}
        self._read(found)
        self._write({key: (counts, changed[key]) for key, counts in found.items()})
        return changed

    def put_all(self, counts: Counts) -> None:
        """Replace everything that is known."""
        self.connection.execute(sa.delete(t).where(t.c.rule == self.rule.id))
        insert_many(self.connection, t, [row for k, c in counts.items() for row in self._rows(k, c, c.hours)])

    def _rows(self, key: Group, counts: GroupCounts, hours: Iterable[int]) -> Iterator[dict[str, object]]:
        for hour in hours:
            yield {
                "rule": self.rule.id, "group_key": digest(key), "hour": hour, "count": counts.hours[hour],
                "group_json": json.dumps(counts.spelt[hour]),
            }  # fmt: skip

    def _read(self, found: Counts) -> None:
        """Add what is known of the same groups and hours."""
        hours = [h for counts in found.values() for h in counts.hours]
        if not hours:
            return
        keys = {digest(k): k for k in found}
        terms = list(keys)
        for start in range(0, len(terms), _SLICE):
            rows = self.connection.execute(
                sa.select(t.c.group_key, t.c.hour, t.c.count, t.c.group_json).where(
                    t.c.rule == self.rule.id,
                    t.c.group_key.in_(terms[start : start + _SLICE]),
                    t.c.hour >= min(hours),
                    t.c.hour <= max(hours),
                )
            )
            for term, hour, count, spelt in rows:
                counts = found[keys[bytes(term)]]
                if hour in counts.hours:
                    counts.add(hour, count, tuple(json.loads(spelt)))

    def _write(self, changed: Mapping[Group, tuple[GroupCounts, Iterable[int]]]) -> None:
        rows: list[dict[str, object]] = []
        for key, (counts, several) in changed.items():
            hours = list(several)
            for start in range(0, len(hours), _SLICE):
                self.connection.execute(
                    sa.delete(t).where(
                        t.c.rule == self.rule.id,
                        t.c.group_key == digest(key),
                        t.c.hour.in_(hours[start : start + _SLICE]),
                    )
                )
            rows += self._rows(key, counts, hours)
        insert_many(self.connection, t, rows)

    def judged(
        self, changed: Mapping[Group, Iterable[int]], engine: Engine
    ) -> Iterator[tuple[list[str], list[Draft]]]:
        """For each group, the uids of hours that may judge otherwise now, and the findings that they are."""
        for key, several in changed.items():
            hours = set(several)
            counts = self._counts(key, min(hours))
            wanted = dependents(self.rate, hours, counts.hours)
            drafts = [
                d for h in sorted(wanted) if (d := rate_draft(self.rule, h, counts, engine)) is not None
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
                key: Group = tuple(v and v.lower() for v in json.loads(group))
                changed.setdefault(key, set()).add(hour)
        yield from self.judged(changed, engine)

    def _counts(self, key: Group, first: int) -> GroupCounts:
        """A group's counts that bear on hours from `first` on."""
        mine = sa.and_(t.c.rule == self.rule.id, t.c.group_key == digest(key))
        asked = sa.select(t.c.hour, t.c.count, t.c.group_json)
        counts = GroupCounts()
        since = first - (self.rate.weeks + 1) * HOURS_A_WEEK
        rows = list(self.connection.execute(asked.where(mine, t.c.hour >= since)))
        # How long the group is known decides whether it is judged at all.
        rows += self.connection.execute(asked.where(mine, t.c.hour < since).order_by(t.c.hour).limit(1)).all()
        for hour, count, spelt in rows:
            counts.add(hour, count, tuple(json.loads(spelt)))
        return counts

    def _uid(self, key: Group, hour: int) -> str:
        group = {f: v for f, v in zip(self.rate.group_by, key, strict=True) if v is not None}
        return finding_uid(self.rule.id, group, at(hour * HOUR))
