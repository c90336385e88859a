"""What a host exchanged with each other address, counted over all of its flow records, not only the newest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import pyarrow as pa

from ashiato.config.reading import as_rows
from ashiato.formats.refs import COLUMNS, FLOW_REF
from ashiato.formats.tables import ACCOUNT_REGION
from ashiato.lake.naming import files_naming
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


def exchanges(
    asked: Asked, found: pa.Table, own: Collection[str], at_hand: pa.Table | None = None
) -> Exchanges:
    """What the host with these addresses exchanged with others; those with most bytes sent first. `at_hand`: all of
    its flow records, where they are read already."""
    days = sorted({r["day"] for r in found.select(["day", "table"]).to_pylist() if r["table"] == _TABLE})
    first_day, last_day = asked.window.days()
    days = [d for d in days if (first_day is None or d >= first_day) and (last_day is None or d <= last_day)]
    chosen = days[-MOST_DAYS:]
    if not chosen or not own:
        return Exchanges()
    start, end = asked.window.cut(
        datetime.combine(chosen[0], time(), UTC),
        datetime.combine(chosen[-1] + timedelta(days=1), time(), UTC) - timedelta(microseconds=1),
    )
    values: dict[str, Any] = {"start": start, "end": end, "own": sorted(own)}
    with reading() as connection:
        if at_hand is not None:
            connection.register("at_hand", at_hand)
            source, wanted = "at_hand", "true"
        else:
            plan = asked.lake.plan(_TABLE, between(_TABLE, chosen[0], chosen[-1]))
            if not plan.files:
                return Exchanges()
            account = ACCOUNT_REGION[_TABLE][0]
            named, of_keys = condition(asked.keys, account)
            allowed, of_scope = asked.scope.sql(f'"{account}"')
            wanted = f"{named} AND {allowed}"
            source = relation(
                files_naming(plan, [key.hash for key in asked.keys]), plan.iceberg_schema, _SUMS + wanted
            )
            values |= of_keys | of_scope
        rows = as_rows(
            connection.sql(_SUMS.format(source=source, wanted=wanted), params=values).to_arrow_table()
        )
    return Exchanges(tuple(_merged(rows[:_MOST_PEERS])), len(days) > len(chosen), len(rows) > _MOST_PEERS)


#: More than the microseconds of any time, so that what comes first breaks ties; and than the bytes of a record.
_TIMES: Final = "10_000_000_000_000_000::HUGEINT"
_MOST_BYTES: Final = 10**15
#: Sums by port first: `mode` would keep a table of ports for each peer. `weight`: most of the accepted record in which
#: the host sent most, else of any; of several of the first, and of the lowest port.
_SUMS: Final = f"""
WITH ends AS (
  SELECT *, coalesce(pkt_srcaddr, srcaddr) AS src, coalesce(pkt_dstaddr, dstaddr) AS dst,
         list_contains($own::VARCHAR[], coalesce(pkt_srcaddr, srcaddr)) AS out
  FROM {{source}} WHERE start_time >= $start AND start_time <= $end AND {{wanted}}),
sides AS (
  SELECT *, CASE WHEN out THEN dst ELSE src END AS other, regexp_extract(object, 'fl-[0-9a-f]+') AS log,
         CASE WHEN out THEN dstport ELSE srcport END AS other_port,
         CASE WHEN out THEN srcport ELSE dstport END AS own_port,
         coalesce(bytes, 0) AS b, coalesce(action, '') = 'ACCEPT' AS ok
  FROM ends WHERE out <> list_contains($own::VARCHAR[], dst) AND src <> '-' AND dst <> '-'),
counted AS (
  SELECT *, CASE WHEN other_port < {EPHEMERAL} AND own_port >= least({EPHEMERAL}, other_port + 1) THEN other_port END AS port,
         (((ok AND out)::BIGINT * {_MOST_BYTES} + least(b, {_MOST_BYTES})) * {_TIMES} - epoch_us(start_time)) * 65536
           - coalesce(other_port, 0) AS weight
  FROM sides),
by_port AS (
  SELECT other, log, port, count(*) AS n, sum(b) FILTER (out AND ok) AS sent, sum(b) FILTER (NOT out AND ok) AS received,
         count(*) FILTER (ok) AS accepted, min(start_time) AS first, max(start_time) AS last,
         max(start_time) FILTER (ok) AS last_accepted,
         min(CASE WHEN out THEN pkt_dst_aws_service ELSE pkt_src_aws_service END) AS service,
         max(weight) AS weight, arg_max(struct_pack({", ".join(f'"{c}" := "{c}"' for c in COLUMNS["vpc_flow_logs"])}), weight) AS record
  FROM counted GROUP BY other, log, port),
summed AS (
  SELECT other, log, arg_max(port, (n * {_TIMES} - epoch_us(first)) * 65536 - port) AS port, sum(sent)::BIGINT AS sent,
         sum(sent) FILTER (port IS NOT NULL)::BIGINT AS opened, sum(received)::BIGINT AS received,
         sum(accepted)::BIGINT AS accepted, sum(n - accepted)::BIGINT AS refused, min(first) AS first, max(last) AS last,
         max(last_accepted) AS last_accepted, min(service) AS service, arg_max(record, weight) AS record
  FROM by_port GROUP BY other, log ORDER BY sent DESC NULLS LAST, other, log LIMIT {_MOST_PEERS + 1}),
named AS (SELECT * EXCLUDE (record), unnest(record) FROM summed)
SELECT other, log, port, sent, opened, received, accepted, refused, first, last, last_accepted, service,
       {FLOW_REF} AS ref
FROM named ORDER BY sent DESC NULLS LAST, other, log
"""
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
                best["ref"],
            )
        )
    return sorted(made, key=lambda e: (-e.opened, -e.sent, e.address))
