"""Generates the estate's logs day by day: flat memory, the same bytes for the same arguments."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from ashiato.demo import calendar_rhythm
from ashiato.demo import estate as e
from ashiato.demo.background import Background
from ashiato.demo.baseline import baseline
from ashiato.demo.changes import Changes
from ashiato.demo.cloudtrail_files import SLOT, CloudTrailFiles, Trail, trails
from ashiato.demo.config_files import EVERY, ConfigFiles
from ashiato.demo.delivery import Delivery
from ashiato.demo.digests import DigestBook
from ashiato.demo.estate import DEV, PROD, SECOND_REGION, Estate, company
from ashiato.demo.events import Event
from ashiato.demo.flow_days import FlowPlan, FlowWork
from ashiato.demo.ids import DAY, HOUR, midnight
from ashiato.demo.incident import tell
from ashiato.demo.published_queries import archive
from ashiato.demo.rare_events import rare_events
from ashiato.demo.sign_ins import sign_ins
from ashiato.demo.story import ISOLATED, KEY_DEACTIVATED, TRAIL_STARTED, TRAIL_STOPPED, Story, clock
from ashiato.demo.truth import Truth

DEFAULT_END: Final = date(2026, 11, 23)
PER_FILE: Final = 45  # events that a five-minute file of the background holds when there are enough
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was generated: distinct records, records as delivered, and objects."""

    events: int
    event_records: int
    items: int
    item_records: int
    flow_records: int
    flow_files: dict[str, int]
    flow_records_by_shape: dict[str, int]
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class GeneratedEstate:
    """The result: where it lies, its counts, and the truth to judge by (also `truth.json`)."""

    root: Path
    counts: Counts
    truth: dict[str, Any]


def incident_day(end: date, days: int) -> date:
    """The day of the incident: four days before the end, or as early as the days allow."""
    return end - timedelta(days=max(1, min(4, days)))


def generate(
    out: Path,
    *,
    days: int = 35,
    accounts: int = 3,
    events: int = 200_000,
    flows: int = 500_000,
    seed: int = 1,
    end: date = DEFAULT_END,
    events_per_object: int | None = None,
    duplicate_share: float = 0.02,
    processes: int = 2,
    progress: Progress | None = None,
) -> GeneratedEstate:
    """Writes the sample incident under `out`, a folder a bucket, and `out/truth.json`.

    `events` and `flows` are the least numbers of distinct CloudTrail events and of flow records in the
    `days` before `end` (UTC, exclusive); the archive of earlier years comes on top. `seed` changes the
    noise, not the story. `events_per_object` splits CloudTrail's files further than their rhythm does, and
    `duplicate_share` of them come twice. Of two `processes` the second writes large flow logs; the bytes
    are the same. `progress` gets a word on the present work and the share done (0 to 1).
    """
    if days < 1 or accounts < 1:
        raise ValueError("days and accounts must be at least 1")
    start, incident = midnight(end) - days * DAY, midnight(incident_day(end, days))
    work = FlowWork(FlowPlan(str(out), start, days, accounts, flows, seed, incident), processes)
    try:
        run = _Run(out, days, accounts, events, flows, seed, end, events_per_object, duplicate_share, work)
        for n in range(days):
            if progress:
                progress(f"day {n + 1} of {days}", 0.97 * n / days)
            run.day(n)
        if progress:
            progress("digests and flow logs", 0.98)
        result = run.finish()
    finally:
        work.stop()
    if progress:
        progress("done", 1.0)
    return result


class _Run:
    """The state of one generation."""

    def __init__(
        self,
        out: Path,
        days: int,
        accounts: int,
        events: int,
        flows: int,
        seed: int,
        end: date,
        events_per_object: int | None,
        duplicate_share: float,
        flow_work: FlowWork,
    ) -> None:
        self.arguments = {
            "days": days,
            "accounts": accounts,
            "events": events,
            "flows": flows,
            "seed": seed,
            "end": end.isoformat(),
        }
        self.root = out
        self.flow_work = flow_work
        self.days = days
        self.start = midnight(end) - days * DAY
        self.incident = midnight(incident_day(end, days))
        self.estate: Estate = company(accounts)
        self.delivery = Delivery(out)
        stopped = (self.incident + TRAIL_STOPPED, self.incident + TRAIL_STARTED)
        self.book = DigestBook(self.incident - DAY, self.incident + 2 * DAY)
        self.trails: list[Trail] = trails(self.estate, stopped)
        self.lost_stream = (DEV, SECOND_REGION) if DEV in self.estate.accounts else self.estate.streams[-1]
        self.cloudtrail = CloudTrailFiles(
            self.delivery,
            self.trails,
            self.book,
            seed,
            duplicate_share=duplicate_share,
            events_per_object=events_per_object,
            lose=self._is_lost,
        )
        self.config = ConfigFiles(self.delivery, seed)
        self.inventory = baseline(self.estate, self.start)
        self.config.known(self.inventory)
        self.config.snapshot(self.inventory, self.start)
        self.changes = Changes(self.estate, self.inventory, seed)
        ends = {"deploy-bot": self.incident + KEY_DEACTIVATED, "orders-legacy": self.incident + ISOLATED}
        self.background = Background(self.estate, seed, ends)
        self.rng = Random(f"run/{seed}")
        self.truth = Truth(self.estate, self.start, midnight(end))
        self.story: Story | None = None
        self._plan_background(events)
        for account in self.estate.accounts:
            self.config.writability_check(account, self.start - 300 * DAY)
        self.archive = archive(self.delivery)

    def _is_lost(self, trail: Trail, account: str, region: str, delivered: float) -> bool:
        since = delivered - self.incident
        return (
            trail.name == e.ORGANISATION_TRAIL
            and (account, region) == self.lost_stream
            and since > clock(9, 0)
        )

    def _plan_background(self, events: int) -> None:
        hours = range(self.start, self.start + self.days * DAY, HOUR)
        weights = {s: [self.background.weight(h, *s) for h in hours] for s in self.estate.streams}
        self._portions = calendar_rhythm.Portions(events, sum(map(sum, weights.values())))
        self._weights = weights

    def day(self, n: int) -> None:
        """One day of all three logs."""
        start = self.start + n * DAY
        changed = self.changes.day(start)
        scripted: list[Event] = [*changed.events, *rare_events(self.estate, start, self.incident)]
        if start == self.incident:
            self.story = tell(self.estate, self.inventory, start)
            scripted += self.story.events
            changed.items += self.story.items
            changed.changes += self.story.changes
        self.truth.changes += changed.changes
        for h in range(24):
            scripted += sign_ins(self.estate, self.rng, start + h * HOUR)
        by_hour: dict[int, list[Event]] = {}
        for event in scripted:
            by_hour.setdefault((event.second - start) // HOUR, []).append(event)
        for h in range(24):
            self._hour(
                n * 24 + h,
                start + h * HOUR,
                [x for k in ((h, -1) if h == 0 else (h,)) for x in by_hour.get(k, [])],
            )
        self.config.take(changed.items)
        for quarter in range(1, 5):
            self.config.release(start + quarter * EVERY)
        self.config.snapshot(self.inventory, start + DAY)

    def _hour(self, number: int, start: int, scripted: list[Event]) -> None:
        self.cloudtrail.take(scripted)
        fixed: dict[tuple[str, str], int] = {}
        for event in scripted:
            fixed[event.account, event.region] = fixed.get((event.account, event.region), 0) + 1
        for stream in self.estate.streams:
            count = max(0, self._portions.next(self._weights[stream][number]) - fixed.get(stream, 0))
            releases = max(1, min(12, round(count / PER_FILE)))
            if self.incident <= start < self.incident + DAY and count:
                releases = 12
            if not count and not fixed.get(stream):
                continue
            for r in range(releases):
                slot = start + (r * 12 // releases + self.rng.randrange(max(1, 12 // releases))) * SLOT
                share = count * (r + 1) // releases - count * r // releases
                if share:
                    self.cloudtrail.take(self.background.draw(*stream, slot, SLOT, share))
                self.cloudtrail.release(slot + SLOT, *stream)
        self.cloudtrail.release(start + HOUR - 2 * HOUR)

    def finish(self) -> GeneratedEstate:
        """The last files, the digests and the truth."""
        end = self.start + self.days * DAY
        self.cloudtrail.release(end + DAY)
        self.config.release(end + EVERY)
        self._digests()
        flow = self.flow_work.result()
        lost = self.cloudtrail.counts.lost
        for change in self.truth.changes:
            if change.cause in lost:
                change.cause, change.why = None, f"{change.why}, in the file that never came"
        counted = self.cloudtrail.counts
        counts = Counts(
            events=counted.distinct + self.archive.events,
            event_records=counted.delivered + self.archive.events,
            items=self.config.distinct + self.archive.items,
            item_records=self.config.delivered + self.archive.items,
            flow_records=sum(flow.records.values()) + self.archive.flows,
            flow_files={**dict(sorted(flow.files.items())), "archive": self.archive.flow_files},
            flow_records_by_shape={**dict(sorted(flow.records.items())), "archive": self.archive.flows},
            objects=self.delivery.objects + flow.objects,
            bytes=self.delivery.bytes + flow.bytes,
        )
        truth = self.truth.as_json(
            self.arguments,
            asdict(counts),
            self.story,
            self.archive.truth,
            lost_file=self.book.lost,
            lost_events=sorted(lost),
            missing_digest=self.book.missing_hour,
            late_files=counted.late_files,
            second_copies=counted.second_copies,
        )
        (self.root / "truth.json").write_text(
            json.dumps(truth, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        return GeneratedEstate(self.root, counts, truth)

    def _digests(self) -> None:
        organisation = self.trails[0]
        skipped = self.estate.streams[-1]
        for account, region in self.estate.streams:
            skip = self.incident + clock(16, 30) if (account, region) == skipped else None
            self.book.write(
                self.delivery,
                organisation.name,
                organisation.bucket,
                organisation.prefix,
                account,
                region,
                skip=skip,
            )
        for trail in self.trails[1:]:
            for region in self.estate.regions:
                self.book.write(
                    self.delivery, trail.name, trail.bucket, trail.prefix, PROD, region, silent=trail.stopped
                )
