"""Which rows of CloudTrail's data files are write events that name something, and those rows.

Few events are writes, and each change asks for those of another time and other names: what a file's writes name is read
once and kept, so that only rows that are told of are read again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from cachetools import LRUCache

from ashiato.config.reading import as_rows
from ashiato.lake.facts import FileFacts
from ashiato.lake.reading import reading
from ashiato.lake.scan import relation
from ashiato.lake.table_plan import TablePlan

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

#: What is read of an event: enough to judge it, to say it in words, and to show it.
COLUMNS: Final = (
    "eventID", "eventTime", "eventSource", "eventName", "eventType", "eventCategory", "awsRegion",
    "recipientAccountId", "userIdentity", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
    "requestParameters", "responseElements", "serviceEventDetails", "additionalEventData", "resources",
    "readOnly", "sharedEventID", "requestID", "sessionCredentialFromConsole", "delivered_at", "ingested_at",
)  # fmt: skip
#: Management events only: those of data (objects of a bucket, items of a table) change no configuration.
_WRITES: Final = """"readOnly" IS DISTINCT FROM true AND variant = 0 AND "recipientAccountId" IS NOT NULL
    AND ("eventCategory" IS NULL OR "eventCategory" = 'Management') AND "eventID" IS NOT NULL"""
#: Bytes of what is kept of the files, and events that are kept whole, of some 5 KB each.
_MOST_BYTES: Final = 64 << 20
_MOST_EVENTS: Final = 4096
#: Events that are read at once.
_EVENTS_A_READ: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: A row's place: its file, and its number in it.
Place = tuple[str, int]


@dataclass(frozen=True)
class Named:
    """A write event that names an entity, by its hash."""

    place: Place
    hash: int
    account: str
    call: str
    time: datetime


@dataclass(frozen=True)
class _Writes:
    """The write events of a file: `hashes`, sorted, of what they name, and for each the event, whose number in the file,
    account, call and time (microseconds) are at its place in the other arrays."""

    hashes: NDArray[np.int64]
    events: NDArray[np.int32]
    numbers: NDArray[np.int64]
    times: NDArray[np.int64]
    accounts: Sequence[str]
    calls: Sequence[str]

    @property
    def bytes(self) -> int:
        # The names of accounts and calls are shared by their events.
        return 500 + 12 * len(self.hashes) + 32 * len(self.numbers)


def _read(source: str, count: int) -> Sequence[_Writes]:
    import pyarrow.compute as pc

    with reading() as opened:
        found = opened.sql(
            'SELECT file_index, file_row_number AS number, epoch_us("eventTime") AS time,'
            f' "recipientAccountId" AS account, coalesce("eventName", \'\') AS call, entities FROM {source}'
            f" WHERE {_WRITES}"
        ).to_arrow_table()
    found = found.sort_by([("file_index", "ascending"), ("number", "ascending")]).combine_chunks()
    ends = np.searchsorted(found["file_index"].to_numpy(), np.arange(count), side="right").tolist()
    numbers, times = found["number"].to_numpy(), found["time"].to_numpy()
    accounts, calls = (_shared(found[name].combine_chunks()) for name in ("account", "call"))
    events = pc.list_parent_indices(found["entities"]).to_numpy()
    hashes = pc.list_flatten(found["entities"]).to_numpy()
    made = []
    for start, end in zip([0, *ends], ends, strict=False):
        first, last = np.searchsorted(events, [start, end]).tolist()
        order = np.argsort(hashes[first:last], kind="stable")
        made.append(
            _Writes(
                hashes[first:last][order],
                (events[first:last][order] - start).astype(np.int32),
                numbers[start:end].copy(),
                times[start:end].copy(),
                accounts[start:end],
                calls[start:end],
            )
        )
    return made


def _shared(texts: pa.StringArray) -> list[str]:
    """The texts, each of which is there once."""
    coded = texts.dictionary_encode()
    names = coded.dictionary.to_pylist()
    return [names[code] for code in coded.indices.to_pylist()]


_facts: Final = FileFacts(_read, most=_MOST_BYTES, size=lambda writes: writes.bytes)
_events: Final[LRUCache[Place, dict[str, Any]]] = LRUCache(_MOST_EVENTS)
_lock: Final = Lock()


def look_into(plan: TablePlan) -> None:
    """Read beforehand what is kept of these files."""
    deque(_facts.of(plan), maxlen=0)


def naming(plan: TablePlan, hashes: Iterable[int], calls: Container[str] | None = None) -> Iterator[Named]:
    """The write events in a plan's files that name one of these entities, once for each that they name; `calls`: of
    these names."""
    wanted = np.array(sorted(hashes), np.int64)
    for path, writes in _facts.of(plan):
        firsts = np.searchsorted(writes.hashes, wanted, side="left")
        lasts = np.searchsorted(writes.hashes, wanted, side="right")
        for n in np.nonzero(lasts > firsts)[0].tolist():
            number = int(wanted[n])
            for event in writes.events[firsts[n] : lasts[n]].tolist():
                call = writes.calls[event]
                if calls is not None and call not in calls:
                    continue
                time = _EPOCH + timedelta(microseconds=int(writes.times[event]))
                yield Named((path, int(writes.numbers[event])), number, writes.accounts[event], call, time)


def events(plan: TablePlan, times: Mapping[Place, datetime]) -> dict[Place, dict[str, Any]]:
    """COLUMNS of the events at some places of a plan's files, whose times are known."""
    with _lock:
        found = {place: _events[place] for place in times if place in _events}
    missing = sorted(place for place in times if place not in found)
    for start in range(0, len(missing), _EVENTS_A_READ):
        read = _whole(plan, {place: times[place] for place in missing[start : start + _EVENTS_A_READ]})
        found |= read
        with _lock:
            _events.update(read)
    return found


def _whole(plan: TablePlan, times: Mapping[Place, datetime]) -> dict[Place, dict[str, Any]]:
    files = sorted({path for path, _ in times})
    columns = ", ".join(f'"{c}"' for c in COLUMNS)
    # Constants, not a subquery: parts of a file without any of these times are passed over.
    moments = sorted(set(times.values()))
    places = ", ".join(f"${n + 2}" for n in range(len(moments)))
    sql = f"""
        SELECT file_index, file_row_number, {columns} FROM {relation(files, plan.iceberg_schema)}
        WHERE "eventTime" IN ({places}) AND list_contains($1::BIGINT[], file_row_number)
    """
    with reading() as opened:
        rows = as_rows(opened.sql(sql, params=[sorted({n for _, n in times}), *moments]).to_arrow_table())
    found = {(files[row.pop("file_index")], row.pop("file_row_number")): row for row in rows}
    return {place: found[place] for place in times}
