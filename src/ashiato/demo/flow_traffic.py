"""A day of a VPC's connections, column by column in Arrow: customers, inner calls, AWS services, scans, IPv6.

A conversation keeps its ports over several aggregation windows and gives a record for each direction
and window. Fields: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.demo import calendar_rhythm
from ashiato.demo.estate import Instance, Network
from ashiato.demo.ids import DAY, HOUR

SCHEMA: Final = pa.schema(
    [
        ("version", pa.int32()),
        ("account_id", pa.string()),
        ("interface_id", pa.string()),
        ("srcaddr", pa.string()),
        ("dstaddr", pa.string()),
        ("srcport", pa.int32()),
        ("dstport", pa.int32()),
        ("protocol", pa.int32()),
        ("packets", pa.int64()),
        ("bytes", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("action", pa.string()),
        ("log_status", pa.string()),
        ("vpc_id", pa.string()),
        ("subnet_id", pa.string()),
        ("instance_id", pa.string()),
        ("tcp_flags", pa.int32()),
        ("type", pa.string()),
        ("pkt_srcaddr", pa.string()),
        ("pkt_dstaddr", pa.string()),
        ("region", pa.string()),
        ("az_id", pa.string()),
        ("sublocation_type", pa.string()),
        ("sublocation_id", pa.string()),
        ("pkt_src_aws_service", pa.string()),
        ("pkt_dst_aws_service", pa.string()),
        ("flow_direction", pa.string()),
        ("traffic_path", pa.int32()),
    ]
)


CUSTOMERS = 16384


SCANNERS = 96


SIXES = 4096


# RFC 2544's range stands for the public, RFC 5737's for AWS, partners and scanners, RFC 3849's for IPv6.
ADDRESSES: Final = pa.array(
    [f"198.{18 + n // 8192}.{n // 250 % 256}.{n % 250 + 2}" for n in range(CUSTOMERS)]
    + [f"192.0.2.{130 + n}" for n in range(SCANNERS)]
    + [f"2001:db8:f{n // 256:03x}::{n % 256 + 2:x}" for n in range(SIXES)]
)


SCAN_PORTS: Final = (22, 23, 80, 443, 445, 1433, 2375, 3306, 3389, 5432, 5900, 6379, 8080, 8443, 9200, 27017)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of conversation on one interface: who opens it, to which port, and what becomes of it."""

    weight: float
    interface: str
    instance: str | None
    subnet: str
    zone_id: str
    local: str
    peer: str | None  # a fixed address, or one of the pool
    pool: tuple[int, int]
    port: int
    protocol: int
    inbound: bool
    action: str
    service: str | None
    path: int
    six: bool


def _kinds(net: Network) -> list[_Kind]:
    found: list[_Kind] = []
    database = f"10.{net.number}.1.200"
    webs = [i for i in net.instances if i.name.startswith("web")]
    apps = [i for i in net.instances if not i.public_ip]
    for i in net.instances:

        def add(
            weight: float,
            peer: str | None,
            port: int,
            *,
            protocol: int = 6,
            inbound: bool = True,
            action: str = "ACCEPT",
            pool: tuple[int, int] = (0, 1),
            service: str | None = None,
            path: int = 1,
            six: bool = False,
            i: Instance = i,
        ) -> None:
            found.append(
                _Kind(
                    weight,
                    i.interface_id,
                    i.instance_id,
                    i.subnet_id,
                    i.zone_id,
                    (i.ipv6 or "") if six else i.private_ip,
                    peer,
                    pool,
                    port,
                    protocol,
                    inbound,
                    action,
                    service,
                    path,
                    six,
                )
            )

        if i.name.startswith("web"):
            add(10, None, 443, pool=(0, CUSTOMERS), path=8)
            add(1.5, None, 80, pool=(0, CUSTOMERS), path=8)
            if i.ipv6:
                add(2.5, None, 443, pool=(CUSTOMERS + SCANNERS, SIXES), path=8, six=True)
            for a in apps[:4]:
                add(1.5, a.private_ip, 8080, inbound=False)
        if i.public_ip:
            for port in SCAN_PORTS:
                # The attacked one's port 22 is the story's, whose rule opens and closes it.
                if port not in (80, 443) and not (port == 22 and i.name == "orders-legacy"):
                    add(0.12, None, port, action="REJECT", pool=(CUSTOMERS, SCANNERS), path=8)
            add(0.2, None, 0, protocol=1, action="REJECT", pool=(CUSTOMERS, SCANNERS), path=8)
        else:
            add(3, database, 5432, inbound=False)
            for w in webs[:4]:
                add(1.0, w.private_ip, 8080)
            add(2, "192.0.2.240", 443, inbound=False, service="S3", path=7)
            add(1, "192.0.2.241", 443, inbound=False, service="DYNAMODB", path=7)
        add(0.4, "192.0.2.242", 443, inbound=False, service="AMAZON", path=8)
        add(0.2, "198.51.100.99", 123, protocol=17, inbound=False, path=8)
    return found


class Chance:
    """Random numbers as Arrow columns, from Python's generator so that they are the same everywhere."""

    def __init__(self, seed: str) -> None:
        self.rng = Random(seed)

    def below(self, count: int, limit: int) -> pa.Array:
        """`count` whole numbers in `[0, limit)`, limit under 2**31."""
        buffer = pa.py_buffer(self.rng.randbytes(4 * count))
        raw = pa.Array.from_buffers(pa.uint32(), count, [None, buffer]).cast(pa.int64())
        return pc.shift_right(pc.multiply(pc.shift_right(raw, 1), limit), 31)


def _table(weights: Sequence[float], size: int = 8192) -> pa.Array:
    total = sum(weights)
    out: list[int] = []
    seen = 0.0
    for n, w in enumerate(weights):
        seen += w
        out += [n] * (round(size * seen / total) - len(out))
    return pa.array(out, pa.int32())


class Traffic:
    """Draws days of one VPC's connections."""

    def __init__(self, net: Network, seed: int, interval: int) -> None:
        self.net = net
        self.interval = interval
        self.chance = Chance(f"flows/{seed}/{net.account}/{net.region}")
        kinds = _kinds(net)
        self._pick = _table([k.weight for k in kinds])
        strings = {
            "interface_id": [k.interface for k in kinds],
            "instance_id": [k.instance for k in kinds],
            "subnet_id": [k.subnet for k in kinds],
            "az_id": [k.zone_id for k in kinds],
            "local": [k.local for k in kinds],
            "peer": [k.peer for k in kinds],
            "action": [k.action for k in kinds],
            "service": [k.service for k in kinds],
            "type": ["IPv6" if k.six else "IPv4" for k in kinds],
        }
        self._strings = {n: pa.array(v, pa.string()) for n, v in strings.items()}
        self._ints = {
            "port": pa.array([k.port for k in kinds], pa.int32()),
            "protocol": pa.array([k.protocol for k in kinds], pa.int32()),
            "path": pa.array([k.path for k in kinds], pa.int32()),
            "pool": pa.array([k.pool[0] for k in kinds], pa.int64()),
            "pool_size": pa.array([k.pool[1] for k in kinds], pa.int64()),
        }
        self._inbound = pa.array([k.inbound for k in kinds])
        self._rejected = [k.action == "REJECT" for k in kinds]

    def day(self, start: int, rows: int) -> pa.Table:
        """About `rows` records of the day that starts at `start`, by no order."""
        if rows <= 0:
            return SCHEMA.empty_table()
        minutes = _table([calendar_rhythm.customers(start + h * HOUR) for h in range(24)], 24 * 512)
        chance = self.chance
        conversations = max(1, int(rows / 3.55))
        kind = self._pick.take(chance.below(conversations, len(self._pick)))
        hour = minutes.take(chance.below(conversations, len(minutes))).cast(pa.int64())
        begin = pc.add(pc.add(pc.multiply(hour, HOUR), chance.below(conversations, HOUR)), start)
        source_port = pc.add(chance.below(conversations, 64000), 1025).cast(pa.int32())
        draws = chance.rng.randbytes(conversations)
        index: list[int] = []
        window: list[int] = []
        reply: list[bool] = []
        last: list[bool] = []
        for c, (k, draw) in enumerate(zip(kind.to_pylist(), draws, strict=True)):
            if self._rejected[k]:
                index.append(c)
                window.append(0)
                reply.append(False)
                last.append(True)
                continue
            n = 1 if draw < 150 else 2 if draw < 205 else 3 + (draw - 205) // 12
            for w in range(n):
                index += (c, c)
                window += (w, w)
                reply += (False, True)
                last += (w == n - 1, w == n - 1)
        return self._records(
            start,
            rows,
            kind,
            begin,
            source_port,
            pa.array(index, pa.int32()),
            pa.array(window, pa.int64()),
            pa.array(reply),
            pa.array(last),
        )

    def _records(
        self,
        day: int,
        rows: int,
        kind: pa.Array,
        begin: pa.Array,
        source_port: pa.Array,
        index: pa.Array,
        window: pa.Array,
        reply: pa.Array,
        last: pa.Array,
    ) -> pa.Table:
        chance = self.chance
        net = self.net
        count = len(index)
        of = kind.take(index)
        pool = pc.add(
            self._ints["pool"].take(kind),
            pc.shift_right(
                pc.multiply(chance.below(len(kind), 1 << 20), self._ints["pool_size"].take(kind)), 20
            ),
        )
        peer = pc.coalesce(self._strings["peer"].take(kind), ADDRESSES.take(pool)).take(index)
        local = self._strings["local"].take(of)
        inbound = self._inbound.take(of)
        # The record's source is the opener unless the record is the reply.
        from_peer = pc.xor(inbound, reply)
        port = self._ints["port"].take(of)
        opener_port = pc.if_else(pc.equal(port, 0), pa.scalar(0, pa.int32()), source_port.take(index))
        protocol = self._ints["protocol"].take(of)
        rejected = pc.equal(self._strings["action"].take(of), "REJECT")
        packets = pc.if_else(rejected, pc.add(chance.below(count, 2), 1), pc.add(chance.below(count, 60), 3))
        size = pc.if_else(
            rejected, pc.add(chance.below(count, 16), 40), pc.add(chance.below(count, 1300), 52)
        )
        first_second = pc.add(begin.take(index), pc.multiply(window, self.interval))
        length = pc.add(chance.below(count, self.interval // 3), self.interval - self.interval // 3 - 1)
        first = pc.equal(window, 0)
        syn = pc.if_else(first, pc.if_else(reply, 18, 2), 0)
        flags = pc.add(syn, pc.if_else(pc.and_(last, pc.invert(rejected)), 1, 0)).cast(pa.int32())
        tcp = pc.equal(protocol, 6)
        service = self._strings["service"].take(of)
        none = pa.nulls(count, pa.string())
        columns: dict[str, Any] = {
            "version": _same(5, count, pa.int32()),
            "account_id": _same(net.account, count),
            "interface_id": self._strings["interface_id"].take(of),
            "srcaddr": pc.if_else(from_peer, peer, local),
            "dstaddr": pc.if_else(from_peer, local, peer),
            "srcport": pc.if_else(reply, port, opener_port),
            "dstport": pc.if_else(reply, opener_port, port),
            "protocol": protocol,
            "packets": packets,
            "bytes": pc.multiply(packets, size),
            "start": first_second,
            "end": pc.add(first_second, length),
            "action": self._strings["action"].take(of),
            "log_status": _same("OK", count),
            "vpc_id": _same(net.vpc_id, count),
            "subnet_id": self._strings["subnet_id"].take(of),
            "instance_id": self._strings["instance_id"].take(of),
            "tcp_flags": pc.if_else(tcp, flags, pa.scalar(0, pa.int32())),
            "type": self._strings["type"].take(of),
            "pkt_srcaddr": pc.if_else(from_peer, peer, local),
            "pkt_dstaddr": pc.if_else(from_peer, local, peer),
            "region": _same(net.region, count),
            "az_id": self._strings["az_id"].take(of),
            "sublocation_type": none,
            "sublocation_id": none,
            "pkt_src_aws_service": pc.if_else(from_peer, service, none),
            "pkt_dst_aws_service": pc.if_else(from_peer, none, service),
            "flow_direction": pc.if_else(from_peer, "ingress", "egress"),
            "traffic_path": pc.if_else(from_peer, pa.scalar(None, pa.int32()), self._ints["path"].take(of)),
        }
        table = pa.table(columns, schema=SCHEMA)
        return table.filter(pc.less(table["end"], day + DAY)).slice(0, rows)


def _same(value: Any, count: int, kind: pa.DataType | None = None) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), count)
