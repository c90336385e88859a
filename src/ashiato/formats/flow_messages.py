"""Flow records from CloudWatch Logs and Firehose: one record a message, without a header line.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow as pa

from ashiato.formats.columns import TIMESTAMP
from ashiato.formats.flow_fields import (
    LAST_SECOND,
    UNKNOWN_FORMAT,
    Format,
    declared_format,
    header_again,
    recognised,
)
from ashiato.formats.flow_lines import Lines, columns_by_name, parsed_lines
from ashiato.formats.flow_rows import MOST_ROWS, RowBuilder
from ashiato.formats.reading import ObjectOrigin, Reading, Rows, Unreadable
from ashiato.formats.tables.vpc_flow_logs import VPC_FLOW_LOGS

_SAMPLE = 1000


def event_key(event_id: str) -> bytes:
    """16-byte key of a record from a log group: the same by whatever road the log event came."""
    return hashlib.sha256(f"log event\0{event_id}".encode("utf-8", "surrogatepass")).digest()[:16]


def read_messages(
    messages: Sequence[str],
    origin: ObjectOrigin,
    *,
    event_ids: Sequence[str] | None = None,
    timestamps: Sequence[int] | None = None,
    threads: bool = False,
) -> Reading:
    """Rows of records without a header line, one a message; the same order within one field count.

    `event_ids` (CloudWatch Logs' event ids) give the keys; `timestamps` (epoch ms) stand in where the
    format has neither start nor end. The format is `origin.flow_format`, or told from the values: the
    flow logs of one log group may differ, so it is told for each number of fields. The offset of an
    `Unreadable` is the message's place.
    """
    reader = _MessageReader(origin, event_ids, timestamps, threads=threads)
    for start in range(0, len(messages), MOST_ROWS):
        yield from reader.read(messages[start : start + MOST_ROWS], start)


class _MessageReader:
    def __init__(
        self,
        origin: ObjectOrigin,
        event_ids: Sequence[str] | None,
        timestamps: Sequence[int] | None,
        *,
        threads: bool,
    ) -> None:
        self._builder = RowBuilder(origin)
        self._declared = declared_format(origin.flow_format)
        self._event_ids = event_ids
        self._timestamps = timestamps
        self._threads = threads

    def read(self, messages: Sequence[str], start: int) -> Reading:
        """Parts of the messages whose places begin at `start`."""
        by_count: dict[int, list[tuple[int, bytes]]] = {}
        for place, message in enumerate(messages, start):
            line = message.rstrip(" \r\n").encode("utf-8", "surrogatepass")
            again = header_again(line, self._declared)
            if again is not None:
                self._declared = again
            elif line:
                by_count.setdefault(line.count(b" ") + 1, []).append((place, line))
        for count, lines in by_count.items():
            layout = self._format(count, lines)
            if layout is not None:
                yield from self._records(layout, lines)
                continue
            for place, line in lines:
                reason = UNKNOWN_FORMAT
                if self._declared is not None:
                    reason = f"{count} fields where the declared format has {len(self._declared.names)}"
                yield Unreadable(reason, place, line)

    def _format(self, count: int, lines: Sequence[tuple[int, bytes]]) -> Format | None:
        if self._declared is not None and len(self._declared.names) == count:
            return self._declared
        return recognised([line for _, line in lines[:_SAMPLE]])

    def _records(self, layout: Format, lines: Lines) -> Reading:
        for part in parsed_lines(layout, lines, threads=self._threads):
            if isinstance(part, Unreadable):
                yield part
            else:
                yield self._rows(layout, part[0], [place for place, _ in part[1]])

    def _rows(self, layout: Format, table: pa.Table, places: list[int]) -> Rows:
        fields, unknown = columns_by_name(layout, table)
        times = ids = keys = None
        if self._timestamps is not None:
            times = pa.array([_time(self._timestamps[place]) for place in places], TIMESTAMP)
        if self._event_ids is not None:
            ids = [self._event_ids[place] for place in places]
            keys = pa.array(map(event_key, ids), pa.binary(16))
        rows = self._builder.rows(fields, unknown, table.num_rows, event_ids=ids, times=times)
        return Rows(VPC_FLOW_LOGS.name, rows, keys)


def _time(milliseconds: int | None) -> int | None:
    """Microseconds, or None for a time that no timestamp names."""
    if milliseconds is None or not 0 <= milliseconds <= LAST_SECOND * 1000:
        return None
    return milliseconds * 1000
