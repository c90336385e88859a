"""With whom a host talks: its peers, the services it uses and offers, and its volumes by hour.

Out of the flow records as they are. Two flow logs of one interface tell of the same packets twice: of each hour, peer
and service the log that tells more counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.core.scope import AccountScope
from ashiato.formats.tables import ACCOUNT_REGION
from ashiato.lake.naming import files_naming
from ashiato.lake.plans import PinnedLake
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.spans import between
from ashiato.trace.connections import EPHEMERAL
from ashiato.trace.hosts import Host, hosts_of
from ashiato.trace.keys import Key, Window, condition, footprints
from ashiato.trace.reading import Asked
from ashiato.trace.subjects import Subject
from ashiato.trace.telling import Telling
from ashiato.words.ports import protocol_name

MOST_PEERS: Final = 100
MOST_SERVICES: Final = 60
#: Flow records looked at, the newest days first.
MOST_RECORDS: Final = 3_000_000
_MOST_KEYS: Final = 40


@dataclass(frozen=True)
class Peer:
    """Bytes from and to the host; records let through and refused; `ports`: of services between them, at most five."""

    address: str
    name: str | None
    sent: int
    received: int
    accepted: int
    refused: int
    first: datetime
    last: datetime
    ports: tuple[str, ...]


@dataclass(frozen=True)
class Service:
    """A port and protocol; `offered` here, or used at peers."""

    port: int | None
    protocol: str
    offered: bool
    sent: int
    received: int
    accepted: int
    refused: int
    peers: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Hour:
    """Bytes from and to the host in an hour that begins at `start`, and refused records."""

    start: datetime
    sent: int
    received: int
    refused: int


@dataclass(frozen=True)
class Traffic:
    """`peers` by bytes, the most first, of `peer_count`; `hours`: those with records, oldest first; `since`: what lies
    before was not looked at."""

    host: Host
    records: int
    first: datetime | None
    last: datetime | None
    peers: list[Peer]
    peer_count: int
    services: list[Service]
    hours: list[Hour]
    since: datetime | None


def traffic(
    lake: PinnedLake, subject: Subject, found: pa.Table, scope: AccountScope, window: Window, telling: Telling
) -> Traffic:
    """The traffic of an address, instance or interface within the window. `found`: its footprints."""
    asked = Asked(lake, subject.keys, scope, window)
    host = hosts_of(asked, subject, found, telling)
    keys, own = _own(subject, host)
    more = [k for k in keys if k not in subject.keys]
    if more:
        found = pa.concat_tables([found, footprints(lake, more, scope, window, ["vpc_flow_logs"])])
    start, end, since = _span(found, window)
    nothing = Traffic(host, 0, None, None, [], 0, [], [], None)
    if start is None or end is None:
        return nothing
    plan = lake.plan("vpc_flow_logs", between("vpc_flow_logs", start.date(), end.date()))
    files = files_naming(plan, [key.hash for key in keys])
    if not files:
        return nothing
    account = ACCOUNT_REGION["vpc_flow_logs"][0]
    named, values = condition(keys, account)
    allowed, of_scope = scope.sql(f'"{account}"')
    parameters = values | of_scope | {"own": sorted(own), "start": start, "end": end}
    source = relation(files, plan.iceberg_schema, _FLOWS + named + allowed)
    with reading() as connection:
        connection.execute(
            _FLOWS.format(source=source, named=named, allowed=allowed, ephemeral=EPHEMERAL), parameters
        )
        return _summed(connection, host, since, telling)


def _own(subject: Subject, host: Host) -> tuple[list[Key], frozenset[str]]:
    """Keys by which the host's flow records are found, and its addresses."""
    if subject.kind == "address":
        return list(subject.keys), frozenset([subject.value])
    keys = [k for k in subject.keys if k.kind in ("instance", "interface")]
    keys += [Key("instance", i) for i in host.instances] + [Key("interface", i) for i in host.interfaces]
    return list(dict.fromkeys(keys))[:_MOST_KEYS], host.addresses


def _span(found: pa.Table, window: Window) -> tuple[datetime | None, datetime | None, datetime | None]:
    """From the first to the last record to be looked at, and the first again where it is not the first of all."""
    flows = found.filter(pc.equal(found["table"], "vpc_flow_logs"))
    days: dict[Any, list[Any]] = {}
    for row in flows.select(["day", "first", "last", "count"]).to_pylist():
        if window.misses(row["first"], row["last"]):
            continue
        day = days.setdefault(row["day"], [row["first"], row["last"], 0])
        day[0], day[1], day[2] = (
            min(day[0], row["first"]),
            max(day[1], row["last"]),
            max(day[2], row["count"]),
        )
    first = last = since = None
    have = 0
    for number in sorted(days, reverse=True):
        begin, end, count = days[number]
        if have and have + count > MOST_RECORDS:
            since = first
            break
        have += count
        first, last = begin, end if last is None else last
    if first is None or last is None:
        return None, None, None
    return *window.cut(first, last), since


_FLOWS: Final = """
CREATE TEMP TABLE flows AS
WITH read AS (
    SELECT start_time AS t, coalesce("end", "start") AS ended, action, bytes, srcport, dstport, protocol,
           coalesce(interface_id, tgw_attachment_id, resource_id) AS place, regexp_extract(object, 'fl-[0-9a-f]+') AS log,
           nullif(coalesce(pkt_srcaddr, srcaddr), '-') AS src, nullif(coalesce(pkt_dstaddr, dstaddr), '-') AS dst,
           CASE WHEN list_contains($own::VARCHAR[], coalesce(pkt_srcaddr, srcaddr))
                     OR list_contains($own::VARCHAR[], srcaddr) THEN true
                WHEN list_contains($own::VARCHAR[], coalesce(pkt_dstaddr, dstaddr))
                     OR list_contains($own::VARCHAR[], dstaddr) THEN false
                ELSE flow_direction = 'egress' END AS outward
    FROM {source} WHERE start_time >= $start AND start_time <= $end AND {named} AND {allowed}
), turned AS (
    SELECT t, ended, action, place, log, protocol, CASE WHEN outward THEN dst ELSE src END AS peer,
           CASE WHEN outward THEN bytes ELSE 0 END AS sent, CASE WHEN outward THEN 0 ELSE bytes END AS received,
           srcport < least(dstport, {ephemeral}) AS from_server,
           CASE WHEN srcport < least(dstport, {ephemeral}) THEN srcport ELSE dstport END AS port, outward
    FROM read WHERE src IS NOT NULL AND dst IS NOT NULL AND outward IS NOT NULL
), of_log AS (
    SELECT date_trunc('hour', t) AS hour, place, log, peer, protocol, port, coalesce(outward = from_server, false) AS offered,
           action, sum(sent)::BIGINT AS sent, sum(received)::BIGINT AS received, count(*) AS n, min(t) AS first,
           max(greatest(t, to_timestamp(ended))) AS last
    FROM turned GROUP BY ALL
)
SELECT hour, place, peer, protocol, port, offered, action, max(sent) AS sent, max(received) AS received, max(n) AS n,
       min(first) AS first, max(last) AS last
FROM of_log GROUP BY ALL
"""
_SUMS: Final = """sum(sent)::BIGINT, sum(received)::BIGINT, (sum(n) FILTER (action = 'ACCEPT'))::BIGINT,
    (sum(n) FILTER (action = 'REJECT'))::BIGINT, min(first), max(last)"""


def _summed(connection: Any, host: Host, since: datetime | None, telling: Telling) -> Traffic:
    records, first, last, peers = connection.execute(
        "SELECT sum(n)::BIGINT, min(first), max(last), count(DISTINCT peer) FROM flows"
    ).fetchone()
    if not records:
        return Traffic(host, 0, None, None, [], 0, [], [], None)
    by_peer = connection.execute(
        f"SELECT peer, {_SUMS}, list(DISTINCT struct_pack(port := port, protocol := protocol)) FROM flows GROUP BY 1"
        f" ORDER BY sum(sent) + sum(received) DESC, 1 LIMIT {MOST_PEERS}"
    ).fetchall()
    by_service = connection.execute(
        f"SELECT port, protocol, offered, {_SUMS}, count(DISTINCT peer) FROM flows GROUP BY 1, 2, 3"
        f" ORDER BY sum(sent) + sum(received) DESC, 1 LIMIT {MOST_SERVICES}"
    ).fetchall()
    by_hour = connection.execute(
        "SELECT hour, sum(sent)::BIGINT, sum(received)::BIGINT, (sum(n) FILTER (action = 'REJECT'))::BIGINT FROM flows"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return Traffic(
        host,
        records,
        first,
        last,
        [
            Peer(p, telling.networks.name_of(p), s, r, a or 0, x or 0, f, z, _ports(ports))
            for p, s, r, a, x, f, z, ports in by_peer
        ],
        peers,
        [
            Service(port, _protocol(protocol), offered, s, r, a or 0, x or 0, n, f, z)
            for port, protocol, offered, s, r, a, x, f, z, n in by_service
        ],
        [Hour(h, s, r, x or 0) for h, s, r, x in by_hour],
        since,
    )


def _protocol(number: int | None) -> str:
    return "" if number is None else protocol_name(str(number))


def _ports(found: list[dict[str, Any]]) -> tuple[str, ...]:
    ordered = sorted(found, key=lambda f: (f["port"] is None, f["port"]))
    told = [
        f"{f['port']}/{_protocol(f['protocol']).lower()}" if f["port"] else _protocol(f["protocol"])
        for f in ordered
    ]
    return tuple(dict.fromkeys(told))[:5]
