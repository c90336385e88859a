"""Flow records of 2020 and 2021 with the addresses, ports and the instance that AWS's samples name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ashiato.demo.delivery import Delivery
from ashiato.demo.ids import ec2_id

ACCOUNT = "111122223333"
FIELDS = (
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "flow-direction",
)
NAMED_INSTANCE = "i-000000000000000"
PAIRS = (
    ("192.0.2.1", 443, "203.0.113.2", 51515, "egress", "ACCEPT"),
    ("203.0.113.2", 51515, "192.0.2.1", 443, "ingress", "ACCEPT"),
    ("192.0.2.1", 40000, "192.0.2.254", 443, "egress", "ACCEPT"),
    ("192.0.2.254", 443, "192.0.2.1", 40000, "ingress", "ACCEPT"),
    ("172.16.0.10", 41000, "172.16.1.20", 5432, "egress", "ACCEPT"),
    ("10.0.1.14", 42000, "10.0.2.9", 8080, "egress", "ACCEPT"),
    ("203.0.113.9", 43000, "10.0.1.14", 22, "ingress", "REJECT"),
)
MORE = (
    (
        "2020-05-04",
        "us-east-1",
        (
            ("10.0.1.14", 50000, "192.0.2.10", 443, "egress", "ACCEPT"),
            ("198.51.100.7", 50001, "10.0.1.14", 3389, "ingress", "REJECT"),
        ),
    ),
    ("2021-01-15", "us-east-1", (("10.0.2.9", 50002, "10.0.1.14", 8080, "ingress", "ACCEPT"),)),
    (
        "2021-02-10",
        "us-east-1",
        (
            ("10.117.1.22", 50003, "192.0.2.10", 443, "egress", "ACCEPT"),
            ("198.51.100.8", 50004, "10.117.1.22", 23, "ingress", "REJECT"),
        ),
    ),
    (
        "2021-03-10",
        "us-east-1",
        (
            ("10.117.1.22", 50005, "192.0.2.10", 443, "egress", "ACCEPT"),
            ("10.0.1.14", 50006, "192.0.2.11", 443, "egress", "ACCEPT"),
        ),
    ),
    ("2021-04-10", "us-east-1", (("10.0.1.14", 50007, "192.0.2.11", 443, "egress", "ACCEPT"),)),
)
Plan = tuple[tuple[str, int, str, int, str, str], ...]


def _days() -> Iterator[tuple[str, str, Plan]]:
    for day in ("2020-07-01", "2020-07-14", "2020-07-31"):
        for region in ("us-east-1", "us-east-2", "us-west-2"):
            yield day, region, PAIRS
    yield from MORE


def flow_files(delivery: Delivery, bucket: str) -> tuple[int, int, list[dict[str, Any]]]:
    """Writes the files; returns records, files, and what each file holds."""
    records = 0
    truth: list[dict[str, Any]] = []
    for day, region, plan in _days():
        begin = int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) + 3600
        lines = [" ".join(FIELDS)]
        interface, vpc, subnet = (ec2_id(p, "archive", region) for p in ("eni", "vpc", "subnet"))
        for n, (source, port, target, target_port, direction, action) in enumerate(plan):
            size = 1000 * (n + 1) + len(region)
            start = begin + 10 * n
            lines.append(
                f"5 {ACCOUNT} {interface} {source} {target} {port} {target_port} 6 {n + 4} {size} {start} "
                f"{start + 55} {action} OK {vpc} {subnet} {NAMED_INSTANCE} 3 IPv4 {source} {target} {region} "
                f"{region[:2]}e1-az1 {direction}"
            )
        lines.append(
            f"5 {ACCOUNT} {interface} - - - - - - - {begin + 100} {begin + 159} - NODATA" + " -" * 10
        )
        folder = f"AWSLogs/{ACCOUNT}/vpcflowlogs/{region}/{day.replace('-', '/')}/"
        log = ec2_id("fl", "archive", region)
        name = f"{ACCOUNT}_vpcflowlogs_{region}_{log}_{day.replace('-', '')}T0100Z_{len(truth):08x}.log.gz"
        delivery.put(bucket, folder + name, ("\n".join(lines) + "\n").encode(), begin + 900)
        records += len(lines) - 1
        truth.append({"day": day, "region": region, "records": len(lines) - 1})
    return records, len(truth), truth
