"""CloudTrail events → rows of the table `cloudtrail`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from itertools import chain

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.cloudtrail_columns import Columns, fitted, size_of, transposed
from ashiato.formats.cloudtrail_entities import entity_lists
from ashiato.formats.cloudtrail_record import (
    FIELDS,
    NESTED,
    Event,
    NotARecord,
    is_tight,
    read_files,
    read_record,
    record_hash_input,
    says_all,
    tight,
)
from ashiato.formats.columns import TIMESTAMP
from ashiato.formats.event_keys import event_keys
from ashiato.formats.reading import ObjectOrigin, Rows
from ashiato.formats.tables.cloudtrail import CLOUDTRAIL

#: eventTime as CloudTrail writes it, as others write a time with its zone, and as SQL engines print a
#: timestamp: without a zone, for CloudTrail's times are UTC.
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)"
    r"(?: ?(?:Z|UTC)|([+-][0-9]{2}:?[0-9]{2}))?"
)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND = timedelta(microseconds=1)
_PLAIN = len("2023-07-10T12:00:00Z")
#: The first moment that Python knows.
_FIRST = (datetime.fromisoformat("0001-01-01T00:00:00+00:00") - _EPOCH) // _MICROSECOND
_TIME_AT = FIELDS.index("eventTime")
_ID_AT = FIELDS.index("eventID")
_ACCOUNT_AT = FIELDS.index("recipientAccountId")
#: Records read one by one that wait for their turn to become columns.
_WAITING = 256


@lru_cache(maxsize=1 << 15)
def micros(text: str) -> int:
    """Microseconds since 1970 of an eventTime; finer digits are cut. Raises ValueError.

    >>> micros("2023-07-10T12:00:00Z")
    1688990400000000
    """
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(text)
    return (datetime.fromisoformat(match[1] + (match[2] or "+00:00")) - _EPOCH) // _MICROSECOND


def plain_times(texts: Sequence[str | None]) -> pa.Array | None:
    """Timestamps of eventTimes as CloudTrail writes them (`2023-07-10T12:00:00Z`); None where one is not so."""
    array = pa.array(texts, pa.string())
    length = pc.min_max(pc.binary_length(array)).as_py()
    if array.null_count or length["min"] != _PLAIN or length["max"] != _PLAIN:
        return None
    try:
        times = array.cast(TIMESTAMP)
    except pa.ArrowInvalid:
        return None
    return times if pc.min(times).cast(pa.int64()).as_py() >= _FIRST else None


class EventRows:
    """Events of one or many objects on their way into one Arrow table.

    Many small objects share one table, for building a table costs more than reading eight events.
    """

    def __init__(self, *, max_rows: int = 20_000, max_bytes: int = 192 << 20) -> None:
        self.max_rows = max_rows
        self.max_bytes = max_bytes
        #: Events taken so far, also those that came out already.
        self.added = 0
        self._clear()

    def _clear(self) -> None:
        self._columns = Columns()
        self._times: list[pa.Array] = []
        self._keys: list[pa.Array] = []
        self._extras: dict[int, str] = {}
        self._hashed: dict[int, bytes] = {}
        self._origins: list[ObjectOrigin] = []
        self._origin_of: list[int] = []
        self._waiting: list[Event] = []

    def __len__(self) -> int:
        return self._columns.rows + len(self._waiting)

    def overflow(self) -> Iterator[Rows]:
        """The rows, once there are enough of them for a table."""
        if len(self) >= self.max_rows or self._columns.bytes >= self.max_bytes:
            rows = self.take()
            if rows is not None:
                yield rows

    def add_file(self, content: bytes, origin: ObjectOrigin) -> int | None:
        """Take a whole file `{"Records": […]}`; the number of events, or None: take the patient way."""
        if not is_utf8(content):
            return None
        body = content.strip()
        if is_tight(body):
            counts = self.add_files([body], [origin])
            if counts is not None:
                return counts[0]
        shorter = tight(content)
        if shorter is None:
            return None
        counts = self.add_files([shorter], [origin]) if is_tight(shorter) else None
        return None if counts is None else counts[0]

    def add_files(self, bodies: Sequence[bytes], origins: Sequence[ObjectOrigin]) -> list[int] | None:
        """Take files that are UTF-8 and `is_tight`; the number of events of each, or None, with none taken:
        one of them must be taken the patient way."""
        files = read_files(bodies)
        if files is None:
            return None
        events = list(chain.from_iterable(files))
        if not events:
            return [0] * len(files)
        fields = transposed(events)
        if None in fields[_ID_AT] or "" in fields[_ID_AT]:
            return None
        if size_of(fields, files) != sum(map(len, bodies)) and not says_all(files, bodies):
            return None
        times = plain_times(fields[_TIME_AT])
        if times is None:
            return None
        keys = event_keys(fields[_ID_AT], fields[_ACCOUNT_AT])
        self._settle()
        try:
            self._columns.add(fields)
        except (ValueError, TypeError, RecursionError):
            return None
        self._times.append(times)
        self._keys.append(keys)
        counts = list(map(len, files))
        for origin, count in zip(origins, counts, strict=True):
            self._from(origin, count)
        return counts

    def add_record(self, raw: bytes, origin: ObjectOrigin, *, fallback_time: str | None = None) -> None:
        """Take one record. Raises NotARecord with the reason."""
        parsed = read_record(raw)
        event = parsed.event
        if event.eventTime is None:
            event.eventTime = _window_start(event) or fallback_time
        if event.eventTime is None:
            raise NotARecord("eventTime is missing")
        try:
            micros(event.eventTime)
        except ValueError as error:
            raise NotARecord(f"eventTime is not a time: {event.eventTime[:40]}") from error
        for name, first in NESTED.items():
            value = getattr(event, name)
            text = bytes(value)
            if not text:
                continue
            if not text.startswith((first, b"null")):
                raise NotARecord(f"{name} is not {'an array' if first == b'[' else 'an object'}")
            try:
                fitted(name, text.decode())
            except (ValueError, RecursionError) as error:
                raise NotARecord(f"{name} cannot be read: {error}") from error
        row = len(self)
        if not event.eventID:
            self._hashed[row] = blake2b(_canonical(raw), digest_size=16).digest()
        if parsed.extra:
            self._extras[row] = parsed.extra
        self._waiting.append(event)
        self._from(origin, 1)
        if len(self._waiting) >= _WAITING:
            self._settle()

    def _settle(self) -> None:
        if not self._waiting:
            return
        row = self._columns.rows
        fields = transposed(self._waiting)
        self._columns.add(fields)
        self._times.append(pa.array(map(micros, fields[_TIME_AT]), pa.int64()).cast(TIMESTAMP))
        keys = event_keys(fields[_ID_AT], fields[_ACCOUNT_AT])
        if self._hashed:
            own = [self._hashed.get(row + at, key) for at, key in enumerate(keys.to_pylist())]
            keys = pa.array(own, keys.type)
        self._keys.append(keys)
        self._waiting = []

    def _from(self, origin: ObjectOrigin, n: int) -> None:
        self.added += n
        if not self._origins or self._origins[-1] is not origin:
            self._origins.append(origin)
        self._origin_of.extend([len(self._origins) - 1] * n)

    def take(self) -> Rows | None:
        """The rows so far, and an empty accumulator; None where there are none."""
        self._settle()
        if not self._columns.rows:
            return None
        try:
            return Rows("cloudtrail", self._table(), pa.concat_arrays(self._keys))
        finally:
            self._clear()

    def _table(self) -> pa.Table:
        n = self._columns.rows
        columns, identities = self._columns.arrays(self._extras)
        columns["eventTime"] = pa.concat_arrays(self._times)
        columns["extra"] = _sparse(self._extras, n)
        columns["entities"] = entity_lists(columns, identities)
        index = pa.array(self._origin_of, pa.int32())
        columns["delivered_at"] = pa.array([o.delivered_at for o in self._origins], TIMESTAMP).take(index)
        columns["source"] = pa.array([o.source for o in self._origins], pa.string()).take(index)
        columns["object"] = pa.array([o.name for o in self._origins], pa.string()).take(index)
        columns["variant"] = pa.repeat(pa.scalar(0, pa.int32()), n)
        columns["record_hash"] = _sparse({row: h.hex() for row, h in self._hashed.items()}, n)
        names = [c.name for c in CLOUDTRAIL.columns if c.name != "ingested_at"]
        return pa.table({name: columns[name] for name in names})


def _sparse(values: dict[int, str], n: int) -> pa.Array:
    return pa.array([values.get(i) for i in range(n)], pa.string()) if values else pa.nulls(n, pa.string())


def is_utf8(content: bytes) -> bool:
    """Whether these bytes are UTF-8."""
    if content.isascii():
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _canonical(raw: bytes) -> bytes:
    try:
        return record_hash_input(raw)
    except ValueError as error:
        raise NotARecord(f"not JSON: {error}") from error


def _window_start(event: Event) -> str | None:
    """An aggregated event happened from its window's start on."""
    try:
        window = msgspec.json.decode(event.timeWindow)
    except (msgspec.DecodeError, RecursionError):
        return None
    start = window.get("windowStart") if isinstance(window, dict) else None
    return start if isinstance(start, str) else None
