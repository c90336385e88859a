"""AWS Config's objects: history every six hours a type, a snapshot a day. Dates without zeros.

https://docs.aws.amazon.com/config/latest/developerguide/deliver-snapshot-cli.html
"""

from __future__ import annotations

from random import Random

from ashiato.demo.delivery import Delivery
from ashiato.demo.estate import CONFIG_BUCKET
from ashiato.demo.ids import HOUR, moment, random_uuid
from ashiato.demo.resources import Inventory, Item

EVERY = 6 * HOUR
COPY_SHARE = 0.02


class ConfigFiles:
    """Writes history and snapshot files and counts items."""

    def __init__(self, delivery: Delivery, seed: int) -> None:
        self.delivery = delivery
        self.rng = Random(f"config files/{seed}")
        self.distinct = 0
        self.delivered = 0
        self.history_files = 0
        self.snapshots = 0
        self._waiting: list[Item] = []

    def known(self, inventory: Inventory) -> None:
        """Counts the items from before the first day, which only snapshots hold."""
        self.distinct += sum(len(r) for r in inventory.by_stream.values())

    def take(self, items: list[Item]) -> None:
        """Items that wait for the next history file."""
        self._waiting += items
        self.distinct += len(items)

    def release(self, second: int) -> None:
        """Writes the history files of the six hours that end at `second`."""
        due: dict[tuple[str, str, str], list[Item]] = {}
        rest = []
        for item in self._waiting:
            if item.captured < second * 1000:
                due.setdefault((item.account, item.region, item.resource_type), []).append(item)
            else:
                rest.append(item)
        self._waiting = rest
        for (account, region, kind), items in sorted(due.items()):
            items.sort(key=lambda i: (i.captured, i.resource_id))
            first, last = (
                moment(i.captured // 1000).strftime("%Y%m%dT%H%M%SZ") for i in (items[0], items[-1])
            )
            delivered = second + 120 + self.rng.random() * 1500
            when = moment(second)
            name = f"{account}_Config_{region}_ConfigHistory_{kind}_{first}_{last}"
            folder = f"AWSLogs/{account}/Config/{region}/{when.year}/{when.month}/{when.day}/ConfigHistory/"
            content = (
                f'{{"fileVersion":"1.0","configurationItems":[{",".join([i.json for i in items])}]}}'.encode()
            )
            self.delivery.put(CONFIG_BUCKET, f"{folder}{name}_1.json.gz", content, delivered)
            self.history_files += 1
            self.delivered += len(items)
            if self.rng.random() < COPY_SHARE:
                self.delivery.put(CONFIG_BUCKET, f"{folder}{name}_2.json.gz", content, delivered + 900)
                self.delivered += len(items)

    def snapshot(self, inventory: Inventory, second: int) -> None:
        """Writes the day's snapshot of every living resource of each account and region, as last recorded."""
        for (account, region), resources in inventory.by_stream.items():
            held = [r for r in resources if r.alive and r.captured < second * 1000]
            if not held:
                continue
            when = moment(second)
            identifier = random_uuid(self.rng)
            key = (
                f"AWSLogs/{account}/Config/{region}/{when.year}/{when.month}/{when.day}/ConfigSnapshot/"
                f"{account}_Config_{region}_ConfigSnapshot_{when:%Y%m%dT%H%M%SZ}_{identifier}.json.gz"
            )
            items = ",".join([r.json for r in held])
            content = (
                f'{{"fileVersion":"1.0","configSnapshotId":"{identifier}","configurationItems":[{items}]}}'
            )
            self.delivery.put(CONFIG_BUCKET, key, content.encode(), second + 90 + self.rng.random() * 200)
            self.snapshots += 1
            self.delivered += len(held)

    def writability_check(self, account: str, second: int) -> None:
        """The empty file, without `.gz`, that AWS Config puts when a delivery channel is made."""
        self.delivery.put(
            CONFIG_BUCKET, f"AWSLogs/{account}/Config/ConfigWritabilityCheckFile", b"", second, packed=True
        )
