"""Lags of arrival: event → delivered → taken → evaluated → alerted, by source and account-region.

The first two are in the lake's rows (eventTime, delivered_at, ingested_at). What comes after is counted here,
in buckets that are each √2 times as long as the one before, a row a day in the ledger's `arrival_lags`.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from ashiato.ledger import Ledger
from ashiato.ledger.source_tables import arrival_lags

#: The lag of a stage reaches from the one before it: `delivered` from the record's time to AWS's delivery,
#: `taken` to the commit, `evaluated` to the rules, `alerted` to the notifier.
STAGES = ("delivered", "taken", "evaluated", "alerted")
#: Stages whose lags are kept in the ledger.
KEPT_STAGES = ("evaluated", "alerted")
#: Days that are kept, and days that a report covers.
KEPT_DAYS = 8
REPORT_DAYS = 7
#: The end of bucket 0 in seconds; bucket n ends at _FIRST · √2ⁿ.
_FIRST = 0.01
_MOST = 60


@dataclass(frozen=True)
class Place:
    """Whose lag: the source as objects name it (`s3://bucket`), the log, account and region ("": unknown)."""

    source: str
    log: str
    account: str = ""
    region: str = ""


@dataclass
class Lags:
    """Counts of lags by bucket, and the longest."""

    buckets: dict[int, int] = field(default_factory=dict)
    longest: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    def add(self, seconds: float, count: int = 1) -> None:
        bucket = bucket_of(seconds)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.longest = max(self.longest, seconds)

    def merge(self, other: Lags) -> None:
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.longest = max(self.longest, other.longest)

    def quantile(self, share: float) -> float:
        """At most so many seconds for `share` of the records, to within a factor of √2; never more than the
        longest."""
        wanted = share * self.count
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return min(_FIRST * math.sqrt(2) ** bucket, self.longest)
        return self.longest

    def summary(self) -> dict[str, float] | None:
        """p50, p95 and max in seconds, as reports show them; None where there is none."""
        if not self.buckets:
            return None
        return {
            "p50": round(self.quantile(0.5), 2),
            "p95": round(self.quantile(0.95), 2),
            "max": round(self.longest, 2),
        }


def bucket_of(seconds: float) -> int:
    """The number of the bucket; lags below zero (clocks differ) count as none."""
    if seconds <= _FIRST:
        return 0
    return min(math.ceil(2 * math.log2(seconds / _FIRST)), _MOST)


class LagBook:
    """Lags of KEPT_STAGES as they are observed; `flush` adds them to the ledger. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lags: dict[tuple[Place, str, str], Lags] = {}

    def observe(self, place: Place, stage: str, seconds: float, at: datetime, count: int = 1) -> None:
        """`count` records of one place whose lag of `stage` was `seconds`, at `at`."""
        if stage not in KEPT_STAGES:
            raise ValueError(stage)
        key = Place(place.source[:200], place.log[:40], place.account[:20], place.region[:40])
        with self._lock:
            self._lags.setdefault((key, stage, f"{at:%Y-%m-%d}"), Lags()).add(max(seconds, 0.0), count)

    def flush(self, ledger: Ledger, now: datetime) -> None:
        """Add to the ledger what was observed since, and forget days that are too old."""
        with self._lock:
            lags, self._lags = self._lags, {}
        if not lags:
            return
        c = arrival_lags.c
        with ledger.begin() as connection:
            oldest = f"{now - timedelta(days=KEPT_DAYS):%Y-%m-%d}"
            connection.execute(sa.delete(arrival_lags).where(c.day < oldest))
            for (place, stage, day), added in lags.items():
                key = (
                    (c.source == place.source) & (c.log == place.log) & (c.account == place.account)
                    & (c.region == place.region) & (c.stage == stage) & (c.day == day)
                )  # fmt: skip
                before = connection.execute(sa.select(c.buckets, c.longest).where(key)).first()
                if before is not None:
                    added.merge(_lags(*before))
                    connection.execute(sa.delete(arrival_lags).where(key))
                connection.execute(
                    sa.insert(arrival_lags).values(
                        source=place.source, log=place.log, account=place.account, region=place.region,
                        stage=stage, day=day, count=added.count, longest=added.longest,
                        buckets=json.dumps(added.buckets),
                    )
                )  # fmt: skip


def kept_lags(ledger: Ledger, now: datetime) -> Mapping[Place, Mapping[str, dict[str, float] | None]]:
    """p50, p95 and max of each kept stage over the newest REPORT_DAYS, by place."""
    c = arrival_lags.c
    first = f"{now - timedelta(days=REPORT_DAYS):%Y-%m-%d}"
    rows = ledger.rows(
        sa.select(c.source, c.log, c.account, c.region, c.stage, c.buckets, c.longest).where(c.day >= first)
    )
    return _summaries((Place(s, g, a, r), stage, _lags(b, x)) for s, g, a, r, stage, b, x in rows)


def _summaries(
    rows: Iterable[tuple[Place, str, Lags]],
) -> dict[Place, dict[str, dict[str, float] | None]]:
    whole: dict[Place, dict[str, Lags]] = {}
    for place, stage, lags in rows:
        whole.setdefault(place, {}).setdefault(stage, Lags()).merge(lags)
    return {
        place: {stage: lags.summary() for stage, lags in stages.items()} for place, stages in whole.items()
    }


def _lags(buckets: str, longest: float) -> Lags:
    return Lags({int(b): int(n) for b, n in json.loads(buckets).items()}, longest)
