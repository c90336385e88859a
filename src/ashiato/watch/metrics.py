"""Figures for Prometheus. `name` is a source's name in the settings; `source` what its objects are called."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import HistogramMetricFamily

from ashiato.intake.lags import Place
from ashiato.lake.writer import GroupReport
from ashiato.watch.groups import Lag

#: Seconds: from what a commit takes to a day; Config's files are hours late.
_LAG_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 21600, 86400)
_WAIT_BUCKETS = (0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 10, 30, 60, 300)
#: Accounts and regions come from records, which anybody may write: others are counted together.
_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d|global")
_MOST_PLACES = 5_000


class Metrics:
    """A registry of its own, so that two in one process do not meet."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.arrivals = Counter(
            "ashiato_arrivals", "Objects and messages offered", ["name"], registry=registry
        )
        self.arrival_bytes = Counter("ashiato_arrival_bytes", "Their bytes", ["name"], registry=registry)
        self.objects = Counter(
            "ashiato_objects", "Objects done with, by outcome", ["name", "outcome"], registry=registry
        )
        self.waiting_bytes = Gauge(
            "ashiato_waiting_bytes", "Bytes between arrival and commit", ["name"], registry=registry
        )
        self.waiting_objects = Gauge(
            "ashiato_waiting_objects", "Objects between arrival and commit", ["name"], registry=registry
        )
        self.oldest = Gauge(
            "ashiato_oldest_waiting_seconds", "Age of the oldest arrival that waits", registry=registry
        )
        self.commits = Counter("ashiato_commits", "Commits", registry=registry)
        self.commit_seconds = Histogram(
            "ashiato_commit_seconds",
            "Reading and committing one group",
            buckets=_WAIT_BUCKETS,
            registry=registry,
        )
        self.commit_errors = Counter("ashiato_commit_errors", "Commits that failed", registry=registry)
        self.last_commit = Gauge(
            "ashiato_last_commit_timestamp_seconds", "When the last commit was", registry=registry
        )
        self.records = Counter(
            "ashiato_records", "Records by log and fate: taken, duplicate, variant, quarantined",
            ["log", "fate"], registry=registry,
        )  # fmt: skip
        self.wait = Histogram(
            "ashiato_arrival_to_commit_seconds", "From the offer of an object to its commit", ["name"],
            buckets=_WAIT_BUCKETS, registry=registry,
        )  # fmt: skip
        self.lag = _LagHistogram()
        registry.register(self.lag)
        self.latest_lag = Gauge(
            "ashiato_latest_lag_seconds", "The longest lag of the newest commit of an account-region",
            ["source", "log", "account", "region", "stage"], registry=registry,
        )  # fmt: skip
        self.source_error = Gauge(
            "ashiato_source_error", "1 while the source is in error", ["name", "type"], registry=registry
        )
        self.source_errors = Gauge(
            "ashiato_source_errors",
            "Errors of the source since the start",
            ["name", "type"],
            registry=registry,
        )
        self.source_poll = Gauge(
            "ashiato_source_last_poll_timestamp_seconds", "When the source was last looked at whole",
            ["name", "type"], registry=registry,
        )  # fmt: skip
        self.source_backlog = Gauge(
            "ashiato_source_backlog",
            "What the source knows is still to come",
            ["name", "type"],
            registry=registry,
        )
        self.restarts = Counter(
            "ashiato_source_restarts",
            "Restarts of a source after a defect",
            ["name", "type"],
            registry=registry,
        )
        self.hook_errors = Counter(
            "ashiato_hook_errors", "Failures of work after a commit", ["hook"], registry=registry
        )
        self.maintenance_seconds = Counter(
            "ashiato_maintenance_seconds", "Time spent on maintenance", registry=registry
        )
        self._places: set[Place] = set()

    def arrived(self, name: str, size: int) -> None:
        self.arrivals.labels(name).inc()
        self.arrival_bytes.labels(name).inc(size)

    def finished(self, name: str, outcome: str, seconds: float) -> None:
        self.objects.labels(name, outcome).inc()
        if outcome != "failed":
            self.wait.labels(name).observe(seconds)

    def committed(self, report: GroupReport, quarantined: int, seconds: float, lags: Sequence[Lag]) -> None:
        self.commits.inc()
        self.commit_seconds.observe(seconds)
        self.last_commit.set_to_current_time()
        for log in report.tables:
            if log != "quarantine":
                tally = report.whole(log)
                for fate, count in (
                    ("taken", tally.taken), ("duplicate", tally.duplicates), ("variant", tally.variants),
                ):  # fmt: skip
                    self.records.labels(log, fate).inc(count)
        if quarantined:
            self.records.labels("quarantine", "quarantined").inc(quarantined)
        for lag in lags:
            self.lags(lag.place, "delivered", lag.delivered)
            self.lags(lag.place, "taken", lag.taken)

    def lags(self, place: Place, stage: str, seconds: np.ndarray) -> None:
        """Lags of the records of one place, one number a record."""
        if not len(seconds):
            return
        seconds = np.maximum(seconds, 0.0)
        self.lag.add(place.source, stage, seconds)
        self.latest_lag.labels(*self._labels(place), stage).set(float(seconds.max()))

    def _labels(self, place: Place) -> tuple[str, str, str, str]:
        account = place.account if _ACCOUNT.fullmatch(place.account) else "other"
        region = place.region if _REGION.fullmatch(place.region) else "other"
        made = Place(place.source, place.log, account, region)
        if made not in self._places and len(self._places) >= _MOST_PLACES:
            made = Place(place.source, place.log, "other", "other")
        self._places.add(made)
        return made.source, made.log, made.account, made.region

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


class _LagHistogram:
    """A histogram that takes thousands of numbers at once."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], np.ndarray] = {}
        self._sums: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self._edges = np.array(_LAG_BUCKETS)

    def add(self, source: str, stage: str, seconds: np.ndarray) -> None:
        # Bucket n holds what is above the edge before it and not above its own.
        places = np.searchsorted(self._edges, seconds, side="left")
        counts = np.bincount(places, minlength=len(_LAG_BUCKETS) + 1)
        with self._lock:
            key = (source, stage)
            self._counts[key] = self._counts.get(key, 0) + counts
            self._sums[key] = self._sums.get(key, 0.0) + float(seconds.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """For the registry."""
        family = HistogramMetricFamily(
            "ashiato_lag_seconds",
            "Lags of records: event to delivered, to taken, to evaluated, to alerted",
            labels=["source", "stage"],
        )
        with self._lock:
            for key, counts in self._counts.items():
                edges = [*map(str, map(float, _LAG_BUCKETS)), "+Inf"]
                cumulated = np.cumsum(counts).tolist()
                family.add_metric(list(key), list(zip(edges, cumulated, strict=True)), self._sums[key])
        yield family
