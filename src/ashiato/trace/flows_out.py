"""What a host exchanged with each other address, counted over all of its flow records, not only the newest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import pyarrow as pa

from ashiato.formats.refs import COLUMNS, flow_ref
from ashiato.formats.tables import ACCOUNT_REGION
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.spans import between
from ashiato.trace.connections import EPHEMERAL
from ashiato.trace.keys import condition
from ashiato.trace.reading import Asked

#: Days with records that are counted: the newest.
MOST_DAYS: Final = 92
#: Peers that are told apart, once for each flow log that tells of them.
_MOST_PEERS: Final = 5000


@dataclass(frozen=True)
class Exchange:
    """With one address. Bytes; `opened`: sent on connections that the host opened, as far as ports tell; `ref`: the
    accepted record in which the host sent most, else any. Times are of first and last packets."""

    address: str
    port: int | None
    sent: int
    opened: int
    received: int
    accepted: int
    refused: int
    first: datetime
    last: datetime
    last_accepted: datetime | None
    service: str | None
    ref: str


@dataclass(frozen=True)
class Exchanges:
    """`cut`: only the newest MOST_DAYS days were counted; `left_out`: there are more peers, to which less was sent."""

    peers: tuple[Exchange, ...] = ()
    cut: bool = False
    left_out: bool = False


def exchanges(asked: Asked, found: pa.Table, own: Collection[str]) -> Exchanges:
    """What the host with these addresses exchanged with others; those with most bytes sent first."""
    days = sorted({r["day"] for r in found.select(["day", "table"]).to_pylist() if r["table"] == _TABLE})
    first_day, last_day = asked.window.days()
    days = [d for d in days if (first_day is None or d >= first_day) and (last_day is None or d <= last_day)]
    chosen = days[-MOST_DAYS:]
    if not chosen or not own:
        return Exchanges()
    plan = asked.lake.plan(_TABLE, between(_TABLE, chosen[0], chosen[-1]))
    if not plan.files:
        return Exchanges()
    start, end = asked.window.cut(
        datetime.combine(chosen[0], time(), UTC),
        datetime.combine(chosen[-1] + timedelta(days=1), time(), UTC) - timedelta(microseconds=1),
    )
    account = ACCOUNT_REGION[_TABLE][0]
    named, values = condition(asked.keys, account)
    allowed, of_scope = asked.scope.sql(f'"{account}"')
    reference = ", ".join(f'"{c}" := "{c}"' for c in COLUMNS[_TABLE])
    sql = f"""
        WITH ends AS (
          SELECT *, coalesce(pkt_srcaddr, srcaddr) AS src, coalesce(pkt_dstaddr, dstaddr) AS dst,
                 regexp_extract(object, 'fl-[0-9a-f]+') AS log
          FROM {relation(plan.files, plan.iceberg_schema)}
          WHERE start_time >= $start AND start_time <= $end AND {named} AND {allowed}),
        sides AS (
          SELECT *, list_contains($own::VARCHAR[], src) AS out,
                 CASE WHEN list_contains($own::VARCHAR[], src) THEN dst ELSE src END AS other,
                 CASE WHEN list_contains($own::VARCHAR[], src) THEN dstport ELSE srcport END AS other_port,
                 CASE WHEN list_contains($own::VARCHAR[], src) THEN srcport ELSE dstport END AS own_port
          FROM ends
          WHERE list_contains($own::VARCHAR[], src) <> list_contains($own::VARCHAR[], dst)
            AND src <> '-' AND dst <> '-'),
        counted AS (
          SELECT *, coalesce(bytes, 0) AS b, coalesce(action, '') = 'ACCEPT' AS ok,
                 coalesce(other_port < {EPHEMERAL} AND own_port >= least({EPHEMERAL}, other_port + 1), false) AS by_us
          FROM sides)
        SELECT other, log, mode(other_port) FILTER (by_us) AS port,
               sum(b) FILTER (out AND ok)::BIGINT AS sent, sum(b) FILTER (out AND ok AND by_us)::BIGINT AS opened,
               sum(b) FILTER (NOT out AND ok)::BIGINT AS received,
               count(*) FILTER (ok) AS accepted, count(*) FILTER (NOT ok) AS refused,
               min(start_time) AS first, max(start_time) AS last, max(start_time) FILTER (ok) AS last_accepted,
               any_value(CASE WHEN out THEN pkt_dst_aws_service ELSE pkt_src_aws_service END) AS service,
               arg_max(struct_pack({reference}), (ok AND out)::INT * 1e15::DOUBLE + b) AS record
        FROM counted GROUP BY other, log ORDER BY sent DESC NULLS LAST, other LIMIT {_MOST_PEERS + 1}
    """
    values |= of_scope | {"start": start, "end": end, "own": sorted(own)}
    with reading() as connection:
        rows = connection.sql(sql, params=values).to_arrow_table().to_pylist()
    return Exchanges(tuple(_merged(rows[:_MOST_PEERS])), len(days) > len(chosen), len(rows) > _MOST_PEERS)


_TABLE: Final = "vpc_flow_logs"


def _merged(rows: Sequence[Mapping[str, Any]]) -> list[Exchange]:
    """Two flow logs of one interface tell of each exchange twice: the one that tells more counts."""
    by_peer: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_peer.setdefault(row["other"], []).append(row)
    made = []
    for address, parts in by_peer.items():
        best = max(parts, key=lambda p: (p["sent"] or 0) + (p["received"] or 0))
        accepted = [p["last_accepted"] for p in parts if p["last_accepted"]]
        made.append(
            Exchange(
                address,
                best["port"],
                max(p["sent"] or 0 for p in parts),
                max(p["opened"] or 0 for p in parts),
                max(p["received"] or 0 for p in parts),
                max(p["accepted"] for p in parts),
                max(p["refused"] for p in parts),
                min(p["first"] for p in parts),
                max(p["last"] for p in parts),
                max(accepted, default=None),
                next((p["service"] for p in parts if p["service"]), None),
                flow_ref(best["record"]),
            )
        )
    return sorted(made, key=lambda e: (-e.opened, -e.sent, e.address))
