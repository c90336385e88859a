"""Flow records other than ordinary connections: NODATA, SKIPDATA, and the NAT gateway's path."""

from __future__ import annotations

from random import Random
from typing import Any

from ashiato.demo.estate import Network
from ashiato.demo.ids import HOUR


def edge_records(net: Network, start: int, rng: Random) -> list[dict[str, Any]]:
    """What else a day holds: NODATA and SKIPDATA windows, and traffic through the NAT gateway, where the
    packet's addresses differ from the interface's."""
    rows: list[dict[str, Any]] = []
    common = {
        "version": 5,
        "account_id": net.account,
        "vpc_id": net.vpc_id,
        "region": net.region,
        "log_status": "OK",
    }
    for n in range(24):
        i = net.instances[rng.randrange(len(net.instances))]
        begin = start + n * HOUR + rng.randrange(3000)
        status = "SKIPDATA" if rng.random() < 0.08 else "NODATA"
        rows.append(
            {
                **common,
                "interface_id": i.interface_id,
                "subnet_id": i.subnet_id,
                "instance_id": i.instance_id,
                "az_id": i.zone_id,
                "start": begin,
                "end": begin + 59,
                "log_status": status,
            }
        )
    inner = [i for i in net.instances if not i.public_ip]
    for n in range(12):
        if not inner:
            break
        i = inner[rng.randrange(len(inner))]
        begin, far, port = (
            start + n * 2 * HOUR + rng.randrange(7000),
            "198.51.100.80",
            rng.randrange(20000, 60000),
        )
        nat = {
            **common,
            "interface_id": net.nat_interface,
            "subnet_id": net.subnets[0][0],
            "az_id": net.subnets[0][3],
            "type": "IPv4",
            "protocol": 6,
            "action": "ACCEPT",
            "start": begin,
            "end": begin + 55,
            "packets": 12,
            "bytes": 5230,
            "tcp_flags": 3,
        }
        rows += [
            {
                **nat,
                "srcaddr": i.private_ip,
                "dstaddr": net.nat_private_ip,
                "srcport": port,
                "dstport": 443,
                "pkt_srcaddr": i.private_ip,
                "pkt_dstaddr": far,
                "flow_direction": "ingress",
            },
            {
                **nat,
                "srcaddr": net.nat_private_ip,
                "dstaddr": far,
                "srcport": port + 1,
                "dstport": 443,
                "pkt_srcaddr": net.nat_private_ip,
                "pkt_dstaddr": far,
                "flow_direction": "egress",
                "traffic_path": 8,
            },
            {
                **nat,
                "srcaddr": far,
                "dstaddr": net.nat_private_ip,
                "srcport": 443,
                "dstport": port + 1,
                "pkt_srcaddr": far,
                "pkt_dstaddr": net.nat_private_ip,
                "flow_direction": "ingress",
                "tcp_flags": 19,
            },
            {
                **nat,
                "srcaddr": net.nat_private_ip,
                "dstaddr": i.private_ip,
                "srcport": 443,
                "dstport": port,
                "pkt_srcaddr": far,
                "pkt_dstaddr": i.private_ip,
                "flow_direction": "egress",
                "traffic_path": 1,
                "tcp_flags": 19,
            },
        ]
    return rows
