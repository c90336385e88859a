"""The incident in the flow logs: SSH before and after the opening, beacon, scan, isolation."""

from __future__ import annotations

from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.demo.estate import Instance, Network
from ashiato.demo.ids import DAY
from ashiato.demo.story import (
    BEACON_FIRST,
    BRUTE_FORCE,
    COMMAND_AND_CONTROL,
    ISOLATED,
    PORT_CLOSED,
    PORT_OPENED,
    SCAN_FIRST,
    SCAN_LAST,
    SSH_SUCCESS,
    clock,
)

WINDOW = 60
SCANNED_PORTS = (22, 445, 3306, 5432, 6379)


def knocking(net: Network, start: int, incident: int) -> list[dict[str, Any]]:
    """On other days the same addresses at port 22, always rejected. `start`: midnight of the day."""
    target = net.instance("orders-legacy")
    rng = Random(f"knocking/{start - incident}")
    rows = []
    for _ in range(rng.randrange(6, 14)):
        begin = start + rng.randrange(DAY - 120)
        rows.append(
            _inbound(
                net,
                target,
                rng.choice(BRUTE_FORCE),
                rng.randrange(30000, 60000),
                begin,
                begin + 4,
                1,
                60,
                "REJECT",
                2,
            )
        )
    return rows


def incident_records(net: Network, day: int) -> list[dict[str, Any]]:
    """All records of the incident on its day, as the attacked VPC's flow logs have them."""
    target = net.instance("orders-legacy")
    rng = Random("incident flows")
    return [
        *_brute_force(net, target, day, rng),
        *_session(net, target, day, rng),
        *_beacon(net, target, day, rng),
        *_scan(net, target, day, rng),
    ]


def without_isolated(table: pa.Table, interface: str, incident: int) -> pa.Table:
    """Leaves out what the isolated interface could no longer let through."""
    through = pc.and_(pc.equal(table["interface_id"], interface), pc.equal(table["action"], "ACCEPT"))
    late = pc.greater_equal(table["end"], incident + ISOLATED)
    return table.filter(pc.invert(pc.and_(through, late)))


def _base(net: Network, i: Instance) -> dict[str, Any]:
    return {
        "version": 5,
        "account_id": net.account,
        "interface_id": i.interface_id,
        "protocol": 6,
        "log_status": "OK",
        "vpc_id": net.vpc_id,
        "subnet_id": i.subnet_id,
        "instance_id": i.instance_id,
        "type": "IPv4",
        "region": net.region,
        "az_id": i.zone_id,
    }


def _inbound(
    net: Network,
    i: Instance,
    peer: str,
    port: int,
    begin: int,
    end: int,
    packets: int,
    size: int,
    action: str,
    flags: int,
    service_port: int = 22,
) -> dict[str, Any]:
    return {
        **_base(net, i),
        "srcaddr": peer,
        "dstaddr": i.private_ip,
        "pkt_srcaddr": peer,
        "pkt_dstaddr": i.private_ip,
        "srcport": port,
        "dstport": service_port,
        "packets": packets,
        "bytes": size,
        "start": begin,
        "end": end,
        "action": action,
        "tcp_flags": flags,
        "flow_direction": "ingress",
    }


def _outbound(
    net: Network,
    i: Instance,
    peer: str,
    port: int,
    peer_port: int,
    begin: int,
    end: int,
    packets: int,
    size: int,
    action: str,
    flags: int,
    path: int = 8,
) -> dict[str, Any]:
    return {
        **_base(net, i),
        "srcaddr": i.private_ip,
        "dstaddr": peer,
        "pkt_srcaddr": i.private_ip,
        "pkt_dstaddr": peer,
        "srcport": port,
        "dstport": peer_port,
        "packets": packets,
        "bytes": size,
        "start": begin,
        "end": end,
        "action": action,
        "tcp_flags": flags,
        "flow_direction": "egress",
        "traffic_path": path,
    }


def _brute_force(net: Network, i: Instance, day: int, rng: Random) -> list[dict[str, Any]]:
    rows = []
    now = clock(13, 12, 0)
    while now < PORT_OPENED - 5:
        rows.append(
            _inbound(
                net,
                i,
                BRUTE_FORCE[0],
                rng.randrange(30000, 60000),
                day + now,
                day + now + 3,
                1,
                60,
                "REJECT",
                2,
            )
        )
        now += 15 + rng.randrange(60)
    now = PORT_OPENED + 48
    while now < SSH_SUCCESS - 6:
        peer = BRUTE_FORCE[rng.randrange(2)]
        port = rng.randrange(30000, 60000)
        begin, end = day + now, day + now + 2 + rng.randrange(4)
        rows.append(
            _inbound(
                net, i, peer, port, begin, end, 18 + rng.randrange(6), 2900 + rng.randrange(400), "ACCEPT", 3
            )
        )
        rows.append(
            _outbound(
                net,
                i,
                peer,
                22,
                port,
                begin,
                end,
                16 + rng.randrange(6),
                3300 + rng.randrange(300),
                "ACCEPT",
                19,
            )
        )
        now += 2 + rng.randrange(6)
    now = PORT_CLOSED + 20
    while now < clock(23, 50):
        rows.append(
            _inbound(
                net,
                i,
                BRUTE_FORCE[1],
                rng.randrange(30000, 60000),
                day + now,
                day + now + 3,
                1,
                60,
                "REJECT",
                2,
            )
        )
        now += 60 + rng.randrange(240)
    return rows


def _session(net: Network, i: Instance, day: int, rng: Random) -> list[dict[str, Any]]:
    """The connection that stays, window by window, and what it brings in."""
    rows = []
    port = 48322
    now = SSH_SUCCESS
    last = clock(16, 5, 0)
    while now < last:
        flags = (2, 18) if now == SSH_SUCCESS else (1, 1) if now + WINDOW >= last else (0, 0)
        begin, end = day + now, day + now + WINDOW - 1
        rows.append(
            _inbound(
                net,
                i,
                BRUTE_FORCE[0],
                port,
                begin,
                end,
                40 + rng.randrange(160),
                4000 + rng.randrange(90000),
                "ACCEPT",
                flags[0],
            )
        )
        rows.append(
            _outbound(
                net,
                i,
                BRUTE_FORCE[0],
                22,
                port,
                begin,
                end,
                40 + rng.randrange(160),
                6000 + rng.randrange(60000),
                "ACCEPT",
                flags[1],
            )
        )
        now += WINDOW
    return rows


def _beacon(net: Network, i: Instance, day: int, rng: Random) -> list[dict[str, Any]]:
    rows = []
    now = float(BEACON_FIRST)
    while now < clock(23, 45):
        port = rng.randrange(32768, 60999)
        begin = day + int(now)
        if now < ISOLATED:
            rows.append(
                _outbound(
                    net,
                    i,
                    COMMAND_AND_CONTROL,
                    port,
                    8443,
                    begin,
                    begin + 2,
                    9,
                    1180 + rng.randrange(60),
                    "ACCEPT",
                    3,
                )
            )
            rows.append(
                _inbound_reply(
                    net, i, COMMAND_AND_CONTROL, port, 8443, begin, begin + 2, 8, 2410 + rng.randrange(90)
                )
            )
        else:
            rows.append(
                _outbound(net, i, COMMAND_AND_CONTROL, port, 8443, begin, begin + 3, 2, 120, "REJECT", 2)
            )
        now += 60 * (1 + rng.uniform(-0.2, 0.2))
    return rows


def _inbound_reply(
    net: Network,
    i: Instance,
    peer: str,
    port: int,
    peer_port: int,
    begin: int,
    end: int,
    packets: int,
    size: int,
) -> dict[str, Any]:
    return {**_inbound(net, i, peer, peer_port, begin, end, packets, size, "ACCEPT", 19, service_port=port)}


def _scan(net: Network, i: Instance, day: int, rng: Random) -> list[dict[str, Any]]:
    """Every address of the subnet on five ports; hosts that exist recorded the rejected attempt too."""
    rows = []
    prefix = i.private_ip[: i.private_ip.rindex(".")]
    hosts = {x.private_ip: x for x in net.instances}
    step = (SCAN_LAST - SCAN_FIRST) / (254 * len(SCANNED_PORTS))
    n = 0
    for host in range(1, 255):
        peer = f"{prefix}.{host}"
        for service_port in SCANNED_PORTS:
            begin = day + SCAN_FIRST + int(n * step)
            n += 1
            if peer == i.private_ip:
                continue
            port = rng.randrange(32768, 60999)
            rows.append(
                _outbound(net, i, peer, port, service_port, begin, begin + 1, 1, 44, "ACCEPT", 2, path=1)
            )
            if peer in hosts:
                rows.append(
                    _inbound(
                        net,
                        hosts[peer],
                        i.private_ip,
                        port,
                        begin,
                        begin + 1,
                        1,
                        44,
                        "REJECT",
                        2,
                        service_port,
                    )
                )
    return rows
