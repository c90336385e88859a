"""CloudTrail events → rows of the table `cloudtrail`."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Raw

from ashiato.formats.cloudtrail_entities import entity_lists
from ashiato.formats.cloudtrail_record import (
    FIELDS,
    FLAG_FIELDS,
    TEXT_FIELDS,
    Event,
    NotARecord,
    Parsed,
    fit,
    read_file,
    read_record,
    record_hash_input,
)
from ashiato.formats.columns import TIMESTAMP
from ashiato.formats.json_text import compact
from ashiato.formats.reading import ObjectOrigin, Rows, Unreadable
from ashiato.formats.tables.cloudtrail import CLOUDTRAIL

_STRUCTS = {c.name: c.type for c in CLOUDTRAIL.columns if c.name in
            ("userIdentity", "resources", "addendum", "tlsDetails")}
_OPEN = {c.name for c in CLOUDTRAIL.columns if c.json} - {"extra"}
_ROW = operator.attrgetter(*FIELDS)
#: White space between tokens, as JSON writers other than CloudTrail's put it: a quick look, then a sure one.
_MAYBE_LOOSE = (b'": ', b', "', b"{ ", b"[ ", b"\t")
_LOOSE = re.compile(rb'(?<!\\)"\s*[:,]\s|[{\[]\s|\t')
#: eventTime as CloudTrail writes it; anything else is looked at one by one.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)")


@dataclass
class EventRows:
    """Events of one or many objects on their way into one Arrow table.

    Many small objects share one table, for building a table costs more than reading eight events.
    """

    events: list[Event] = field(default_factory=list)
    extras: dict[int, str] = field(default_factory=dict)
    origins: list[ObjectOrigin] = field(default_factory=list)
    origin_of: list[int] = field(default_factory=list)
    hashed: dict[int, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.events)

    def add_file(self, content: bytes, origin: ObjectOrigin) -> int | None:
        """Take a whole file `{"Records": […]}`; the number of events, or None: take the patient way."""
        if not _is_utf8(content):
            return None
        events = read_file(content)
        if events is None or not all(e.eventTime and e.eventID for e in events):
            return None
        if not all(_TIME.fullmatch(e.eventTime) for e in events):  # type: ignore[arg-type]
            return None
        self._append(events, origin)
        return len(events)

    def add_record(self, raw: bytes, origin: ObjectOrigin, *, fallback_time: str | None = None) -> None:
        """Take one record. Raises NotARecord with the reason."""
        parsed = read_record(raw)
        event = parsed.event
        _compact_in_place(event)
        if event.eventTime is None:
            event.eventTime = _window_start(event) or fallback_time
        if event.eventTime is None:
            raise NotARecord("eventTime is missing")
        if not _TIME.fullmatch(event.eventTime) or not _is_time(event.eventTime):
            raise NotARecord(f"eventTime is not a time: {event.eventTime[:40]}")
        extra = _leftovers(parsed)
        if event.eventID is None:
            self.hashed[len(self.events)] = blake2b(record_hash_input(raw), digest_size=16).digest()
        if extra:
            self.extras[len(self.events)] = extra
        self._append([event], origin)

    def _append(self, events: list[Event], origin: ObjectOrigin) -> None:
        if not self.origins or self.origins[-1] is not origin:
            self.origins.append(origin)
        self.origin_of.extend([len(self.origins) - 1] * len(events))
        self.events.extend(events)

    def take(self) -> Rows | None:
        """The rows so far, and an empty accumulator; None where there are none."""
        if not self.events:
            return None
        rows = _table(self)
        keys = pa.array(_keys(self.events, self.hashed), pa.binary(16))
        self.__init__()  # type: ignore[misc]
        return Rows("cloudtrail", rows, keys)


def _keys(events: Sequence[Event], hashed: dict[int, bytes]) -> list[bytes]:
    return [
        hashed[i]
        if e.eventID is None
        else blake2b(f"{e.eventID}\0{e.recipientAccountId}".encode(), digest_size=16).digest()
        for i, e in enumerate(events)
    ]


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_time(text: str) -> bool:
    try:
        pc.cast(pa.array([text]), TIMESTAMP)
    except pa.ArrowInvalid:
        return False
    return True


def _compact_in_place(event: Event) -> None:
    for name in (*_OPEN, *_STRUCTS):
        raw = bytes(getattr(event, name))
        if raw == b"null":
            continue
        try:
            text = compact(raw).encode()
        except ValueError as error:
            raise NotARecord(f"{name} cannot be kept as JSON: {error}") from error
        if text != raw:
            setattr(event, name, Raw(text))


def _window_start(event: Event) -> str | None:
    try:
        window = msgspec.json.decode(event.timeWindow)
    except msgspec.DecodeError:
        return None
    start = window.get("windowStart") if isinstance(window, dict) else None
    return start if isinstance(start, str) else None


def _leftovers(parsed: Parsed) -> str | None:
    """Extra of the record, with what the nested columns do not hold. Raises NotARecord."""
    extra: dict[str, Any] = {}
    for name, type_ in _STRUCTS.items():
        raw = getattr(parsed.event, name)
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NotARecord(f"{name} is not JSON: {error}") from error
        try:
            _, rest = fit(value, type_)
        except NotARecord as error:
            raise NotARecord(f"{name}: {error}") from error
        if rest is not None:
            extra[name] = rest
    if not extra:
        return parsed.extra
    nested = msgspec.json.encode(extra).decode()
    return nested if not parsed.extra else f"{parsed.extra[:-1]},{nested[1:]}"


def _split(raws: Sequence[Raw]) -> pa.Array:
    """Raw JSON values as a string array, null for JSON null; one C++ pass instead of a Python one."""
    joined = b"\n".join(raws)
    lines = joined.count(b"\n") + 1
    if lines != len(raws) or (any(mark in joined for mark in _MAYBE_LOOSE) and _LOOSE.search(joined)):
        values = pa.array([compact(bytes(r)) for r in raws], pa.string())
    else:
        values = pc.split_pattern(pa.array([joined], pa.large_string()), "\n").flatten().cast(pa.string())
    return pc.replace_with_mask(values, pc.equal(values, "null"), pa.scalar(None, pa.string()))


@lru_cache(maxsize=1 << 15)
def _fitted(name: str, text: str) -> tuple[Any, Any]:
    """A session's userIdentity stands in thousands of events: it is parsed once."""
    return fit(msgspec.json.decode(text), _STRUCTS[name])


def _nested(values: pa.Array, type_: pa.DataType, name: str, extras: dict[int, str]) -> pa.Array:
    """JSON text as a nested column: each distinct text is parsed once."""
    encoded = values.dictionary_encode()
    held, rests = [], {}
    for i, text in enumerate(encoded.dictionary.to_pylist()):
        value, rest = _fitted(name, text)
        held.append(value)
        if rest is not None:
            rests[i] = msgspec.json.encode({name: rest}).decode()
    if rests:
        for row, index in enumerate(encoded.indices.to_pylist()):
            if index in rests and row not in extras:
                extras[row] = rests[index]
            elif index in rests and f'"{name}":' not in extras[row]:
                extras[row] = f"{extras[row][:-1]},{rests[index][1:]}"
    return pa.array(held, type_).take(encoded.indices)


def _table(gathered: EventRows) -> pa.Table:
    events, extras, origins = gathered.events, gathered.extras, gathered.origins
    by_field = dict(zip(FIELDS, zip(*map(_ROW, events), strict=True), strict=True))
    n = len(events)
    columns: dict[str, pa.Array] = {}
    for name, values in by_field.items():
        type_ = CLOUDTRAIL.by_name[name].type
        if name == "eventTime":
            columns[name] = pc.cast(pa.array(values, pa.string()), TIMESTAMP)
        elif name in TEXT_FIELDS or name in FLAG_FIELDS:
            columns[name] = pa.array(values, type_)
        elif name in _STRUCTS:
            columns[name] = _nested(_split(values), type_, name, extras)
        else:
            columns[name] = _split(values)
    columns["extra"] = (
        pa.array([extras.get(i) for i in range(n)], pa.string()) if extras else pa.nulls(n, pa.string())
    )
    columns["entities"] = entity_lists(columns)
    index = pa.array(gathered.origin_of, pa.int32())
    columns["delivered_at"] = pa.array([o.delivered_at for o in origins], TIMESTAMP).take(index)
    columns["source"] = pa.array([o.source for o in origins], pa.string()).take(index)
    columns["object"] = pa.array([o.name for o in origins], pa.string()).take(index)
    columns["variant"] = pa.repeat(pa.scalar(0, pa.int32()), n)
    columns["record_hash"] = (
        pa.array([gathered.hashed[i].hex() if i in gathered.hashed else None for i in range(n)], pa.string())
        if gathered.hashed
        else pa.nulls(n, pa.string())
    )
    names = [c.name for c in CLOUDTRAIL.columns if c.name != "ingested_at"]
    return pa.table({name: columns[name] for name in names})


def read_records(
    records: Iterator[tuple[int, bytes]],
    origin: ObjectOrigin,
    rows: EventRows,
    *,
    fallback_time: str | None = None,
) -> Iterator[Unreadable]:
    """Take (offset, JSON text) one by one into `rows`; what cannot be read comes out with its reason."""
    for offset, raw in records:
        try:
            rows.add_record(raw, origin, fallback_time=fallback_time)
        except NotARecord as error:
            yield Unreadable(str(error), offset, raw)
