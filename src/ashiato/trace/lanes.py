"""The lane of connections as a page shows it: few groups, the newest first, out of thousands of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ashiato.trace.connections import MOST_REFS, Connection, joined

#: Records that are joined at first for each group that is shown.
_JOINED_FOR_EACH: Final = 20
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: The first second that no datetime has.
_LATEST: Final = 253_402_300_800
_APART: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Lane:
    """Groups of connections, the newest last packet first, each to be made one by `together`; `more`: some follow."""

    groups: list[list[Connection]]
    more: bool


def lane(rows: pa.Table, limit: int, *, fold: bool, after: tuple[datetime, str] | None = None) -> Lane:
    """The first `limit` groups of the connections of these records. `after`: only connections that come after this
    last packet and reference.

    Records are joined as far back as it takes: of thousands a page shows fifty.
    """
    least = _JOINED_FOR_EACH * limit
    while True:
        part, since = _newest(rows, least)
        found = [c for c in joined(part) if c.last >= since and (after is None or (c.last, c.ref) < after)]
        groups = folded(found, limit, fold=fold)
        more = sum(map(len, groups)) < len(found)
        if more or part is rows:
            return Lane(groups, more)
        least *= 4


def _newest(rows: pa.Table, least: int) -> tuple[pa.Table, datetime]:
    """Of some records those that all connections are made of whose last packet is since this time; at least so many
    of the records are no older."""
    if rows.num_rows <= least:
        return rows, datetime.min.replace(tzinfo=UTC)
    start = rows["start_time"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    seconds = rows["end"].fill_null(0).to_numpy()
    # The same as `end_of` says.
    last = np.maximum(start, np.where((seconds > 0) & (seconds < _LATEST), seconds, 0) * 1_000_000)
    since = np.partition(last, -least)[-least]
    # Either way the two ports are the same; what else has these comes along.
    one, other = (rows[name].fill_null(0).to_numpy().astype(np.int64) for name in ("srcport", "dstport"))
    ports = (np.maximum(one, other) << 32) + np.minimum(one, other)
    return rows.filter(pa.array(np.isin(ports, ports[last >= since]))), _EPOCH + timedelta(
        microseconds=int(since)
    )


def folded(found: Sequence[Connection], limit: int | None, *, fold: bool) -> list[list[Connection]]:
    """At most `limit` groups that hold the first n connections without one left out: with `fold`, those of one pair
    of addresses, port and action while less than an hour lies between; else each by itself."""
    if not fold:
        return [[c] for c in found[:limit]]
    groups: list[list[Connection]] = []
    joined_by: dict[tuple[Any, ...], int] = {}
    for connection in found:
        key = (
            connection.client, connection.server, connection.port, connection.protocol, connection.action,
            connection.interface,
        )  # fmt: skip
        at = joined_by.get(key)
        if at is not None and groups[at][-1].first - connection.last < _APART:
            groups[at].append(connection)
            continue
        if limit is not None and len(groups) >= limit:
            break
        joined_by[key] = len(groups)
        groups.append([connection])
    return groups


def together(group: Sequence[Connection]) -> Connection:
    """One connection that stands for a group."""
    if len(group) == 1:
        return group[0]
    made = replace(group[0], told=[row for c in group for row in c.told][:MOST_REFS])
    made.first, made.last = min(c.first for c in group), max(c.last for c in group)
    made.packets = sum(c.packets for c in group)
    made.sent, made.received = sum(c.sent for c in group), sum(c.received for c in group)
    made.records = sum(c.records for c in group)
    return made
