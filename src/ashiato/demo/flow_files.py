"""Flow log objects in S3: text in the default format, text in a custom format (hive folders), hourly Parquet.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ashiato.demo import estate as e
from ashiato.demo.delivery import Delivery
from ashiato.demo.flow_traffic import SCHEMA
from ashiato.demo.ids import DAY, HOUR, moment

DEFAULT_FORMAT: Final = (
    "version",
    "account_id",
    "interface_id",
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
    "log_status",
)
CUSTOM_FORMAT: Final = (
    "version",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "start",
    "end",
    "type",
    "packets",
    "bytes",
    "account_id",
    "vpc_id",
    "subnet_id",
    "instance_id",
    "interface_id",
    "region",
    "az_id",
    "sublocation_type",
    "sublocation_id",
    "action",
    "tcp_flags",
    "pkt_srcaddr",
    "pkt_dstaddr",
    "pkt_src_aws_service",
    "pkt_dst_aws_service",
    "traffic_path",
    "flow_direction",
    "log_status",
)
PARQUET_FORMAT: Final = (
    *DEFAULT_FORMAT,
    "vpc_id",
    "subnet_id",
    "instance_id",
    "tcp_flags",
    "type",
    "pkt_srcaddr",
    "pkt_dstaddr",
    "flow_direction",
    "traffic_path",
)
SLOTS: Final = (300, 600, 900, 1800, 3600)
ENOUGH = 100  # records a file should hold before files are written more often


@dataclass(frozen=True, slots=True)
class FlowLog:
    """A flow log: its id, where its objects go, in which shape, and when it did not exist."""

    identifier: str
    bucket: str
    account: str
    region: str
    shape: str  # default, custom, parquet
    born: float = 0.0
    died: float = float("inf")


def flow_logs(deleted: tuple[float, float] | None) -> list[FlowLog]:
    """The estate's flow logs; `deleted` is when the default one was deleted and when one was made anew."""
    gone, again = deleted or (float("inf"), float("inf"))
    return [
        FlowLog(e.FLOW_DEFAULT, e.PROD_FLOW_BUCKET, e.PROD, e.HOME_REGION, "default", died=gone),
        FlowLog(e.FLOW_DEFAULT_AGAIN, e.PROD_FLOW_BUCKET, e.PROD, e.HOME_REGION, "default", born=again),
        FlowLog(e.FLOW_CUSTOM, e.PROD_FLOW_BUCKET, e.PROD, e.HOME_REGION, "custom"),
        FlowLog(e.FLOW_SECOND_REGION, e.PROD_FLOW_BUCKET, e.PROD, e.SECOND_REGION, "parquet"),
        FlowLog(e.FLOW_DEV, e.DEV_FLOW_BUCKET, e.DEV, e.HOME_REGION, "parquet"),
    ]


def slot_for(records_a_day: float) -> int:
    """Seconds of records in a file: five minutes for a busy log, up to an hour for a quiet one."""
    return next((s for s in SLOTS if records_a_day * s / DAY >= ENOUGH), HOUR)


@dataclass(slots=True)
class FlowCounts:
    """Records and files by shape."""

    records: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)


class FlowFiles:
    """Cuts days of records into objects."""

    def __init__(self, delivery: Delivery, seed: int) -> None:
        self.delivery = delivery
        self.rng = Random(f"flow files/{seed}")
        self.counts = FlowCounts()

    def write(self, log: FlowLog, records: pa.Table, slot: int) -> None:
        """Writes the records of a day, cut by the time at which they end."""
        if log.born > 0 or log.died < float("inf"):
            end = records["end"]
            # A window that was open when the log died is still published; one before its birth is not.
            records = records.filter(
                pc.and_(pc.greater(end, log.born), pc.less(records["start"], min(log.died, 1 << 40)))
            )
        if not records.num_rows:
            return
        slots = pc.divide(records["end"], slot)
        order = pc.sort_indices(
            pa.table({"slot": slots, "end": records["end"]}),
            sort_keys=[("slot", "ascending"), ("end", "ascending")],
        )
        records = records.take(order)
        numbers = slots.take(order).to_pylist()
        lines = (
            _lines(records, DEFAULT_FORMAT if log.shape == "default" else CUSTOM_FORMAT)
            if log.shape != "parquet"
            else None
        )
        begin = 0
        for at in range(1, len(numbers) + 1):
            if at < len(numbers) and numbers[at] == numbers[begin]:
                continue
            finish = (numbers[begin] + 1) * slot
            if lines is not None:
                header = " ".join(
                    n.replace("_", "-") for n in (DEFAULT_FORMAT if log.shape == "default" else CUSTOM_FORMAT)
                )
                content = "\n".join([header, *lines[begin:at], ""]).encode()
            else:
                content = parquet(records.slice(begin, at - begin).select(list(PARQUET_FORMAT)))
            self._put(log, finish, slot, content)
            self.counts.records[log.shape] += at - begin
            self.counts.files[log.shape] += 1
            begin = at

    def _put(self, log: FlowLog, finish: int, slot: int, content: bytes) -> None:
        delivered = finish + 240 + self.rng.random() * 420
        if self.rng.random() < 0.01:
            delivered += HOUR * (1 + self.rng.random() * 8)
        self.delivery.put(
            log.bucket,
            object_key(log, finish - slot, self.rng),
            content,
            delivered,
            packed=log.shape == "parquet",
        )


def object_key(log: FlowLog, begin: int, rng: Random) -> str:
    """The key of the object whose records begin at `begin`."""
    when = moment(begin)
    folders = {
        "default": f"AWSLogs/{log.account}/vpcflowlogs/{log.region}/{when:%Y/%m/%d}/",
        "parquet": f"AWSLogs/{log.account}/vpcflowlogs/{log.region}/{when:%Y/%m/%d/%H}/",
        "custom": f"AWSLogs/aws-account-id={log.account}/aws-service=vpcflowlogs/aws-region={log.region}/"
        f"year={when:%Y}/month={when:%m}/day={when:%d}/",
    }
    suffix = "log.parquet" if log.shape == "parquet" else "log.gz"
    name = f"{log.account}_vpcflowlogs_{log.region}_{log.identifier}_{when:%Y%m%dT%H%MZ}"
    return f"{folders[log.shape]}{name}_{rng.getrandbits(32):08x}.{suffix}"


def _lines(records: pa.Table, fields: tuple[str, ...]) -> list[str]:
    version = 2 if fields == DEFAULT_FORMAT else 5
    columns: list[Any] = []
    for name in fields:
        if name == "version":
            columns.append(pa.repeat(str(version), records.num_rows))
            continue
        column = records[name].combine_chunks()
        text = column if pa.types.is_string(column.type) else column.cast(pa.string())
        columns.append(text.fill_null("-") if text.null_count else text)
    joined: list[str] = pc.binary_join_element_wise(*columns, " ").to_pylist()
    return joined


def parquet(records: pa.Table) -> bytes:
    """A Parquet file as AWS delivers it: gzip pages, AWS's types and underscored names."""
    sink = io.BytesIO()
    pq.write_table(
        records, sink, compression="gzip", compression_level=1, use_dictionary=True, write_statistics=True
    )
    return sink.getvalue()


def as_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of the story as a table; fields left out are null."""
    return pa.Table.from_pylist(rows, schema=SCHEMA)
