"""Records of earlier years that AWS's published sample queries name: their dates, people, addresses and ids.

Athena over CloudTrail and flow logs: https://docs.aws.amazon.com/athena/latest/ug/cloudtrail-logs.html,
https://github.com/awslabs/aws-security-analytics-bootstrap; CloudTrail Lake:
https://github.com/aws-samples/cloud-trail-lake-query-samples
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from ashiato.demo.archive_config import config_files
from ashiato.demo.archive_flows import flow_files
from ashiato.demo.archive_people import january_2023, july_2021
from ashiato.demo.archive_record import Old
from ashiato.demo.archive_services import databases_and_more, network, objects
from ashiato.demo.delivery import Delivery
from ashiato.demo.events import Event
from ashiato.demo.ids import moment, random_name

BUCKET: Final = "shop-archive-111122223333"


@dataclass(slots=True)
class Archive:
    """What the archive holds: counts, and the records named for the queries."""

    events: int = 0
    items: int = 0
    flows: int = 0
    flow_files: int = 0
    truth: dict[str, Any] = field(default_factory=dict)


def archive(delivery: Delivery) -> Archive:
    """Writes the archive's objects and returns what it holds."""
    old = Old()
    july_2021(old)
    january_2023(old)
    objects(old)
    databases_and_more(old)
    network(old)
    files: defaultdict[tuple[str, str, str], list[Event]] = defaultdict(list)
    for event in old.events:
        files[event.account, event.region, f"{moment(event.second):%Y/%m/%d}"].append(event)
    for (account, region, day), events in files.items():
        delivered = max(x.second for x in events) + 420
        when = moment(delivered // 300 * 300)
        name = f"{account}_CloudTrail_{region}_{when:%Y%m%dT%H%MZ}_{random_name(old.rng, 16)}.json.gz"
        key = f"AWSLogs/{account}/CloudTrail/{region}/{day}/{name}"
        delivery.put(
            BUCKET, key, ('{"Records":[' + ",".join(x.json for x in events) + "]}").encode(), delivered
        )
    flows, flow_count, flow_records = flow_files(delivery, BUCKET)
    items, item_records = config_files(delivery, BUCKET)
    truth = {"bucket": BUCKET, "events": old.records, "flows": flow_records, "items": item_records}
    return Archive(len(old.events), items, flows, flow_count, truth)
