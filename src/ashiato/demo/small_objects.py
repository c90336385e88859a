"""A bucket of very many very small objects: a load for tests and benchmarks, without a story.

Real buckets look like this: one had 3,872 objects of about eight events each, over 17 regions, and
21 % of its records came a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Final

from ashiato.demo.background import Background
from ashiato.demo.cloudtrail_files import SLOT, Trail, object_key
from ashiato.demo.delivery import Delivery
from ashiato.demo.estate import company
from ashiato.demo.events import Event
from ashiato.demo.ids import DAY, midnight

BUCKET: Final = "shop-small-objects"
ALL_REGIONS: Final = (
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
)


@dataclass(frozen=True, slots=True)
class SmallObjects:
    """What lies in the bucket: distinct events, records over all objects, objects."""

    root: Path
    events: int
    records: int
    objects: int


def generate_small_objects(
    out: Path,
    *,
    events: int = 32_000,
    events_per_object: int = 8,
    duplicate_share: float = 1 / 3,
    regions: int = 17,
    days: int = 5,
    seed: int = 1,
    end: date = date(2026, 11, 23),
) -> SmallObjects:
    """Writes `events` distinct events of one account into objects of `events_per_object` under `out/BUCKET`.

    The events depend on `seed`, `days`, `regions` and `end` alone: another `events_per_object` packs the
    same ones otherwise. Of the objects a share of `duplicate_share / (1 - duplicate_share)` comes a second
    time under another name, so that this share of all records are second copies.
    """
    if not 0 <= duplicate_share < 0.5:
        raise ValueError("duplicate_share must be at least 0 and less than one half")
    places = ALL_REGIONS[:regions]
    estate = company(1, places)
    background = Background(estate, seed)
    streams = estate.streams
    trail = Trail("shop-prod-trail", BUCKET, "AWSLogs/", None, frozenset({"Management", "Data"}))
    delivery = Delivery(out)
    names = Random(f"small objects/{seed}/{events_per_object}")
    start = midnight(end) - days * DAY
    waiting: dict[tuple[str, str], list[Event]] = {}
    again = duplicate_share / (1 - duplicate_share)
    due = 0.0
    records = 0

    def put(account: str, region: str, batch: list[Event]) -> None:
        nonlocal due, records
        content = ('{"Records":[' + ",".join(x.json for x in batch) + "]}").encode()
        delivered = max(x.second for x in batch) + 120 + names.random() * 400
        due += again * len(batch)
        copies = 1
        if due >= len(batch) / 2:
            due -= len(batch)
            copies = 2
        for _ in range(copies):
            delivery.put(
                BUCKET, object_key(trail, account, region, "CloudTrail", delivered, names), content, delivered
            )
            records += len(batch)
            delivered += 300 + names.random() * 3600

    # Rounds of slots over the window; each round gives every stream a few events.
    share = 24
    rounds = max(1, -(-events // (share * len(streams))))
    left = events
    for n in range(rounds):
        slot = start + (n * days * DAY // rounds) // SLOT * SLOT
        for account, region in streams:
            count = min(share, left)
            left -= count
            for event in background.draw(account, region, slot, SLOT, count) if count else ():
                batch = waiting.setdefault((event.account, event.region), [])
                batch.append(event)
                if len(batch) == events_per_object:
                    put(event.account, event.region, batch)
                    waiting[event.account, event.region] = []
    for (account, region), batch in waiting.items():
        if batch:
            put(account, region, batch)
    return SmallObjects(out, events, records, delivery.objects)
