"""The lane of connections: flow records of one 5-tuple whose windows follow one another are one connection.

A record's start and end are the first and the last packet within its window of aggregation (at most ten minutes),
either up to 60 s off: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any, Final

import pyarrow as pa

from ashiato.config.reading import as_rows
from ashiato.core.spans import shifted
from ashiato.formats.refs import flow_ref
from ashiato.trace.telling import Telling
from ashiato.words.ports import protocol_name
from ashiato.words.texts import shown

#: Windows further from one another are two connections: the longest window of aggregation, and a minute.
GAP: Final = timedelta(seconds=660)
#: Ports from here on are given to clients (Linux begins at 32768).
EPHEMERAL: Final = 32768
#: Records that a connection names.
MOST_REFS: Final = 20
#: Columns of `vpc_flow_logs` that connections are made of.
COLUMNS: Final = (
    "account_id", "interface_id", "instance_id", "region", "srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "srcport",
    "dstport", "protocol", "packets", "bytes", "start", "end", "start_time", "action", "log_status", "tcp_flags",
    "flow_direction", "vpc_id", "subnet_id", "resource_id", "pkt_src_aws_service", "pkt_dst_aws_service",
    "ecs_task_arn", "tgw_id", "tgw_attachment_id", "object", "log_event_id", "delivered_at", "ingested_at",
)  # fmt: skip


@dataclass
class Connection:
    """Windows of one 5-tuple, seen at one interface, either way. Addresses are the packets' own, where known.

    `client` opened it, as far as ports and flags tell. `sent` and `received` are bytes from and to the client.
    """

    client: str
    server: str
    client_port: int | None
    port: int | None
    protocol: int | None
    action: str | None
    first: datetime
    last: datetime
    arrived: datetime | None
    #: Its first records, and the first of its twins.
    told: list[Mapping[str, Any]]
    packets: int = 0
    sent: int = 0
    received: int = 0
    records: int = 0

    @property
    def row(self) -> Mapping[str, Any]:
        return self.told[0]

    @cached_property
    def ref(self) -> str:
        return flow_ref(self.row)

    @cached_property
    def refs(self) -> list[str]:
        return [self.ref, *map(flow_ref, self.told[1:])]

    @property
    def bytes(self) -> int:
        return self.sent + self.received

    @property
    def interface(self) -> str | None:
        named: str | None = (
            self.row["interface_id"] or self.row["tgw_attachment_id"] or self.row["resource_id"]
        )
        return named

    @property
    def host(self) -> str | None:
        """Where it was recorded: the instance, else the interface."""
        instance: str | None = self.row["instance_id"]
        return instance or self.interface


def joined(rows: pa.Table) -> list[Connection]:
    """The connections of these records, the newest last packet first."""
    ordered = sorted(unordered(rows), key=_last, reverse=True)
    return [c for _, same in groupby(ordered, _last) for c in _by_reference(list(same))]


def _last(connection: Connection) -> datetime:
    return connection.last


def _by_reference(same: list[Connection]) -> list[Connection]:
    """Connections of one moment; where there is but one it needs no reference."""
    return same if len(same) == 1 else sorted(same, key=lambda c: c.ref, reverse=True)


def unordered(rows: pa.Table) -> list[Connection]:
    """The connections of these records."""
    if not rows.num_rows:
        return []
    records = [r for r in as_rows(rows.select(list(COLUMNS))) if _ends(r)]
    runs: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for record in sorted(records, key=lambda r: r["start_time"]):
        runs.setdefault((*_tuple(record), _log(record)), []).append(record)
    return _once([(key, c) for key, run in runs.items() for c in _split(run)])


def _tuple(record: Mapping[str, Any]) -> tuple[Any, ...]:
    source, target = _ends(record) or ("", "")
    ends = sorted(((source, record["srcport"] or 0), (target, record["dstport"] or 0)))
    return *ends, record["protocol"], record["interface_id"] or record["tgw_attachment_id"], record["action"]


def settled(rows: pa.Table) -> list[Connection]:
    """The newest connections out of a log's newest records, whatever the older records are that were left out: none
    of those is a part of one of these, nor of one that is newer than these."""
    if not rows.num_rows:
        return []
    # What was left out began by the time of the oldest record here, and its window ends within GAP.
    floor = newest_open = rows["start_time"][-1].as_py() + GAP
    reach: dict[tuple[Any, ...], datetime] = {}
    apart: list[int] = []
    records = as_rows(rows.select(list(COLUMNS)))
    for number in range(len(records) - 1, -1, -1):
        record = records[number]
        if _ends(record) is None:
            continue
        key = _tuple(record)
        reached = reach.get(key, floor)
        if record["start_time"] - reached > GAP:
            apart.append(number)
            continue
        reach[key] = max(reached, end_of(record))
        newest_open = max(newest_open, reach[key])
    found = joined(rows.take(apart[::-1])) if apart else []
    return [c for c in found if c.last > newest_open]


def _once(found: Sequence[tuple[tuple[Any, ...], Connection]]) -> list[Connection]:
    """Connections of which two flow logs tell, once: as the log with more packets has it, with the references of
    both."""
    by_tuple: dict[tuple[Any, ...], dict[str, list[Connection]]] = {}
    for key, connection in found:
        by_tuple.setdefault(key[:-1], {}).setdefault(key[-1], []).append(connection)
    kept: list[Connection] = []
    for logs in by_tuple.values():
        kept += _of_logs(logs) if len(logs) > 1 else next(iter(logs.values()))
    return kept


def _of_logs(logs: Mapping[str, Sequence[Connection]]) -> list[Connection]:
    """The connections of one 5-tuple out of several flow logs, each once."""
    chosen: dict[str, list[Connection]] = {log: [] for log in logs}
    every = [(log, connection) for log, of_log in logs.items() for connection in of_log]
    for log, connection in sorted(every, key=lambda pair: _telling_most(pair[1])):
        meeting = [k for other, kept in chosen.items() if other != log for k in _meeting(kept, connection)]
        twin = min(meeting, key=_telling_most, default=None)
        if twin is None:
            insort(chosen[log], connection, key=_first)
        else:
            twin.told.extend(connection.told[: max(0, MOST_REFS - len(twin.told))])
    return [connection for of_log in chosen.values() for connection in of_log]


def _telling_most(connection: Connection) -> tuple[Any, ...]:
    return -connection.packets, -connection.records, connection.first, connection.ref


def _first(connection: Connection) -> datetime:
    return connection.first


def _meeting(kept: Sequence[Connection], connection: Connection) -> Iterator[Connection]:
    """Of one log's connections, oldest first and apart from one another, those at the time of another."""
    at = bisect_right(kept, shifted(connection.last, GAP), key=_first)
    while at and shifted(kept[at - 1].last, GAP) >= connection.first:
        at -= 1
        yield kept[at]


def _log(record: Mapping[str, Any]) -> str:
    """Which flow log a record is of: two flow logs of one interface tell of each connection twice."""
    name = (record["object"] or "").rpartition("/")[2]
    at = name.find("fl-")
    return name[at : at + 20] if at >= 0 else ""


def _ends(record: Mapping[str, Any]) -> tuple[str, str] | None:
    source = record["pkt_srcaddr"] or record["srcaddr"]
    target = record["pkt_dstaddr"] or record["dstaddr"]
    if not source or not target or source == "-" or target == "-":
        return None
    return source, target


def end_of(record: Mapping[str, Any]) -> datetime:
    """The last packet of a record."""
    start: datetime = record["start_time"]
    end = record["end"]
    if end is None:
        return start
    try:
        return max(start, datetime.fromtimestamp(end, UTC))
    except (ValueError, OverflowError, OSError):
        return start


def _split(run: Sequence[Mapping[str, Any]]) -> Iterable[Connection]:
    part: list[Mapping[str, Any]] = []
    last: datetime | None = None
    for record in run:
        if last is not None and record["start_time"] - last > GAP:
            yield _connection(part)
            part, last = [], None
        part.append(record)
        end = end_of(record)
        last = end if last is None else max(last, end)
    if part:
        yield _connection(part)


def _connection(records: Sequence[Mapping[str, Any]]) -> Connection:
    head = records[0]
    source, target = _ends(head) or ("", "")
    forward = _is_forward(records)
    client, server = (source, target) if forward else (target, source)
    ports = (head["srcport"], head["dstport"]) if forward else (head["dstport"], head["srcport"])
    made = Connection(
        client, server, ports[0], ports[1], head["protocol"], head["action"], head["start_time"], end_of(head),
        head["delivered_at"] or head["ingested_at"], list(records[:MOST_REFS]),
    )  # fmt: skip
    for record in records:
        made.first = min(made.first, record["start_time"])
        made.last = max(made.last, end_of(record))
        made.packets += record["packets"] or 0
        if (_ends(record), record["srcport"]) == ((client, server), made.client_port):
            made.sent += record["bytes"] or 0
        else:
            made.received += record["bytes"] or 0
        made.records += 1
    return made


def _is_forward(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the first record's source opened the connection: by SYN without ACK, else by the ports, else by time."""
    head = records[0]
    for record in records:
        flags = record["tcp_flags"]
        if record["protocol"] == 6 and flags is not None and flags & 2:
            same = (_ends(record), record["srcport"]) == (_ends(head), head["srcport"])
            return same if not flags & 16 else not same
    source, target = head["srcport"], head["dstport"]
    if source is None or target is None or source == target:
        return True
    # The service has the lower port, unless both are of the range that clients take theirs from.
    return not (source < min(target, EPHEMERAL))


def connection_document(made: Connection, telling: Telling, repeats: int = 1) -> dict[str, Any]:
    """The JSON of a connection. `source` opened it; `direction` is seen from the interface that recorded it."""
    row = made.row
    own = _own_address(row)
    direction = None
    if own is not None:
        direction = "egress" if own == made.client else "ingress"
    return {
        "first": made.first,
        "last": made.last,
        "arrived": made.arrived,
        "source": made.client,
        "destination": made.server,
        "source_name": telling.networks.name_of(made.client),
        "destination_name": telling.networks.name_of(made.server),
        "port": made.port,
        "source_port": made.client_port,
        "protocol": None if made.protocol is None else protocol_name(str(made.protocol)),
        "action": made.action,
        "bytes": made.bytes,
        "sent": made.sent,
        "received": made.received,
        "packets": made.packets,
        "direction": direction,
        "host": made.host,
        "host_name": telling.resources.get(made.host or ""),
        "interface": made.interface,
        "account": row["account_id"],
        "account_name": telling.account(row["account_id"]),
        "region": row["region"],
        "records": made.records,
        "repeats": repeats,
        "let_by": None,
        "ref": made.ref,
        "refs": list(made.refs),
        "text": _text(made, telling),
        "names": _pivots(made),
    }


def _own_address(row: Mapping[str, Any]) -> str | None:
    """The address of the interface that recorded it; None where the record has no direction."""
    ends = _ends(row)
    if ends is None or row["flow_direction"] not in ("ingress", "egress"):
        return None
    return ends[0] if row["flow_direction"] == "egress" else ends[1]


def _text(made: Connection, telling: Telling) -> str:
    from ashiato.trace.texts import CONNECTION, PORT, said_amount

    key = "refused" if made.action == "REJECT" else "reached"
    protocol = "" if made.protocol is None else protocol_name(str(made.protocol))
    values = {
        "source": telling.names.address(made.client, telling.language),
        "target": telling.names.address(made.server, telling.language),
        "port": PORT.said(telling.language, {"port": str(made.port), "protocol": protocol.lower()})
        if made.port
        else shown(protocol or "IP"),
        "sent": said_amount(made.sent),
        "received": said_amount(made.received),
    }
    return CONNECTION[key].said(telling.language, values)


def _pivots(made: Connection) -> list[dict[str, str]]:
    row = made.row
    things = [("address", made.client, "origin"), ("address", made.server, "peer")]
    things += [(kind, row[column], "target") for kind, column in _PIVOTS if row[column]]
    return [{"kind": k, "value": shown(v, 1100), "role": r} for k, v, r in things]


_PIVOTS: Final = (
    ("instance", "instance_id"), ("interface", "interface_id"), ("arn", "ecs_task_arn"), ("resource", "subnet_id"),
    ("resource", "vpc_id"), ("resource", "resource_id"), ("resource", "tgw_id"),
)  # fmt: skip
