"""CloudTrail's objects: which events lie in which file of which trail, when delivered, late, twice or never.

Layouts: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from ashiato.demo import estate as e
from ashiato.demo.delivery import Delivery
from ashiato.demo.digests import DigestBook, LogFile
from ashiato.demo.estate import Estate
from ashiato.demo.events import CATEGORY_FOLDER, Event
from ashiato.demo.ids import DAY, HOUR, iso, moment, random_name

SLOT = 300
LATE_SHARE = 0.02
DAY_LATE_SHARE = 0.003


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail: its bucket, which accounts and categories it delivers, and when it was stopped."""

    name: str
    bucket: str
    prefix: str  # between the bucket and the account
    accounts: frozenset[str] | None
    categories: frozenset[str]
    stopped: tuple[float, float] | None = None

    def takes(self, event: Event) -> bool:
        """Whether the trail delivers an event."""
        if self.accounts is not None and event.account not in self.accounts:
            return False
        if event.category not in self.categories:
            return False
        return not (self.stopped and self.stopped[0] < event.second < self.stopped[1])


EVERYTHING = frozenset({"Management", "Data", "Insight", "NetworkActivity", "Aggregated"})


def trails(estate: Estate, stopped: tuple[float, float] | None) -> list[Trail]:
    """The organisation's trail (with data events) and production's own (management events only)."""
    found = [
        Trail(e.ORGANISATION_TRAIL, e.ORGANISATION_BUCKET, f"AWSLogs/{e.ORGANISATION}/", None, EVERYTHING)
    ]
    if e.PROD in estate.accounts:
        found.append(
            Trail(
                e.OWN_TRAIL,
                e.OWN_TRAIL_BUCKET,
                "AWSLogs/",
                frozenset({e.PROD}),
                frozenset({"Management"}),
                stopped,
            )
        )
    return found


@dataclass(slots=True)
class CloudTrailCounts:
    """Records as generated, as delivered, and those that no file holds."""

    distinct: int = 0
    delivered: int = 0
    late_files: int = 0
    second_copies: int = 0
    lost: set[str] = field(default_factory=set)


class CloudTrailFiles:
    """Packs events into objects the way trails deliver them.

    `duplicate_share` of the files come a second time under another name; `events_per_object` splits
    further than the five-minute rhythm does. `lose` picks the one file that a digest names and that never
    comes.
    """

    def __init__(
        self,
        delivery: Delivery,
        trails: list[Trail],
        book: DigestBook,
        seed: int,
        *,
        duplicate_share: float = 0.02,
        events_per_object: int | None = None,
        lose: Callable[[Trail, str, str, float], bool] | None = None,
    ) -> None:
        self.delivery = delivery
        self.trails = trails
        self.book = book
        self.rng = Random(f"files/{seed}")
        self.duplicate_share = duplicate_share
        self.per_object = events_per_object or 5000
        self.lose = lose
        self.counts = CloudTrailCounts()
        self._waiting: dict[tuple[str, str, str], list[Event]] = {}

    def take(self, events: Iterable[Event]) -> None:
        """Events that wait for their file."""
        for event in events:
            self._waiting.setdefault(
                (event.account, event.region, CATEGORY_FOLDER[event.category]), []
            ).append(event)
            self.counts.distinct += 1

    def release(self, second: int, account: str | None = None, region: str | None = None) -> None:
        """Delivers what happened before `second` (all streams, or one)."""
        for (owner, place, folder), waiting in self._waiting.items():
            if not waiting or (account and owner != account) or (region and place != region):
                continue
            due = [x for x in waiting if x.second < second]
            if not due:
                continue
            self._waiting[owner, place, folder] = [x for x in waiting if x.second >= second]
            for trail in self.trails:
                mine = [x for x in due if trail.takes(x)]
                for n in range(0, len(mine), self.per_object):
                    self._deliver(trail, owner, place, folder, mine[n : n + self.per_object], second)

    def _deliver(
        self, trail: Trail, account: str, region: str, folder: str, events: list[Event], released: int
    ) -> None:
        rng = self.rng
        bundle = rng.random()
        delivered = released + 60 + rng.random() * 240
        if folder == "CloudTrail-Insight":
            delivered += 900
        lost = (
            self.lose is not None and folder == "CloudTrail" and self.lose(trail, account, region, delivered)
        )
        if not lost and bundle < LATE_SHARE + DAY_LATE_SHARE:
            delivered += (
                DAY + rng.random() * 6 * HOUR if bundle < DAY_LATE_SHARE else HOUR * (1 + rng.random() * 5)
            )
            self.counts.late_files += 1
        key = object_key(trail, account, region, folder, delivered, rng)
        records = ",".join([x.json for x in events])
        # Readers have met aggregated files whose top level is a list; some here are such.
        as_list = folder == "CloudTrail-Aggregated" and bundle < 0.5
        content = (f"[{records}]" if as_list else f'{{"Records":[{records}]}}').encode()
        if self.book.wants(delivered):
            self.book.add(
                trail.name,
                LogFile(
                    account,
                    region,
                    trail.bucket,
                    key,
                    hashlib.sha256(content).hexdigest(),
                    iso(max(x.second for x in events)),
                    iso(min(x.second for x in events)),
                    delivered,
                ),
            )
        if lost:
            self.book.lost = key
            others = [t for t in self.trails if t is not trail]
            gone = [x for x in events if not any(t.takes(x) for t in others)]
            self.counts.lost = {x.event_id for x in gone}
            self.counts.distinct -= len(gone)
            self.lose = None
            return
        self.delivery.put(trail.bucket, key, content, delivered)
        self.counts.delivered += len(events)
        if rng.random() < self.duplicate_share:
            again = delivered + 60 + rng.random() * (1800 if rng.random() < 0.9 else 20 * HOUR)
            self.delivery.put(
                trail.bucket, object_key(trail, account, region, folder, again, rng), content, again
            )
            self.counts.delivered += len(events)
            self.counts.second_copies += 1


def object_key(trail: Trail, account: str, region: str, folder: str, delivered: float, rng: Random) -> str:
    """`AWSLogs/[o-…/]<account>/<folder>/<region>/YYYY/MM/DD/<account>_<folder>_<region>_<time>_<16>.json.gz`."""
    when = moment(int(delivered) // SLOT * SLOT)
    return (
        f"{trail.prefix}{account}/{folder}/{region}/{when:%Y/%m/%d}/"
        f"{account}_{folder}_{region}_{when:%Y%m%dT%H%MZ}_{random_name(rng, 16)}.json.gz"
    )
