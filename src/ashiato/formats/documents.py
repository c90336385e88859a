"""JSON documents → records: AWS's own files and every envelope that records travel in.

Shapes: CloudTrail files and bare arrays, LookupEvents, digests, CloudWatch Logs (subscription payload,
FilterLogEvents, export), EventBridge, SNS, SQS, Lambda and Firehose around any of these, Config's documents.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from ashiato.formats import config_items, flow_records
from ashiato.formats.carried import begins_json, carried, names_a_record
from ashiato.formats.cloudtrail import EventRows
from ashiato.formats.cloudtrail_record import NOTHING, NotARecord, looks_like_record
from ashiato.formats.digests import read_digest
from ashiato.formats.envelopes import decoded, integer, lookup_time, string
from ashiato.formats.json_scan import Broken, Value, array_start, elements, values
from ashiato.formats.reading import ObjectOrigin, Part, Skipped, Unreadable

MAX_ENVELOPES: Final = 8
#: Arrays of records that stand in a document of their own.
ARRAYS: Final = ("Records", "configurationItems", "Events", "events", "logEvents")
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
#: A message that is cut before its first names says less than this.
_TELLING: Final = 200
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_FILE = re.compile(rb'\s*\{\s*"Records"\s*:')
_RECORD = re.compile(rb'\s*\[?\s*\{\s*"event(?:Version|Time|ID|Id)"')

Fields = Mapping[str, Raw]


def top_array(raw: bytes, key: str) -> int | None:
    """Offset of the `[` of the array under `key` among the object's own members; None if there is none."""
    start = array_start(raw, key)
    if start is None:
        return None
    try:
        return start if key in _OBJECT.decode(raw[:start].lstrip(b"\xef\xbb\xbf") + b"[]}") else None
    except _UNDECODABLE:
        return None


class DocumentReader:
    """Reads the JSON of one object. `half` is set when the last record was cut off and told so."""

    def __init__(self, events: EventRows, origin: ObjectOrigin) -> None:
        self.events = events
        self.origin = origin
        self.half = False
        #: EventBridge's own time, for a `detail` that does not say when.
        self._time: str | None = None

    def whole(self, content: bytes, base: int = 0, *, truncated: bool = False) -> Iterator[Part]:
        """All of an object's JSON; `base` is the offset of its first byte."""
        if not truncated and self.fast(content):
            yield from self.events.overflow()
            return
        skipped: Skipped | None = None
        found = False
        before = len(self.events)
        for value in values(content):
            for part in self.top(value, base, base + len(content)):
                if isinstance(part, Skipped):
                    skipped = skipped or part
                else:
                    found = True
                    yield part
        if skipped is not None and not found and len(self.events) == before:
            yield skipped

    def fast(self, content: bytes) -> bool:
        """Take a file, a list, or records one after another, in which nothing is unusual; or nothing."""
        if _FILE.match(content):
            return self.events.add_file(content, self.origin) is not None
        if not _RECORD.match(content):
            return False
        body = content.strip()
        if body[:1] == b"[":
            file = b'{"Records":' + body + b"}"
        else:
            lines = body.replace(b"\r\n", b"\n").split(b"\n")
            if not all(line[:1] == b"{" and line[-1:] == b"}" for line in lines):
                return False
            # These bytes can be nothing else: inside a string the quotation mark would be escaped.
            records = b",".join(lines).replace(b'}{"event', b'},{"event')
            file = b'{"Records":[' + records + b"]}"
        return self.events.add_file(file, self.origin) is not None

    def top(self, part: Value | Broken, base: int, end: int) -> Iterator[Part]:
        """A value at top level; `end` is the offset behind the content that it stands in."""
        offset = base + part.offset
        if isinstance(part, Value):
            yield from self._value(part.raw, offset, MAX_ENVELOPES)
        else:
            for found in self._damaged(part.raw, offset, part.reason):
                self.half = isinstance(found, Unreadable) and offset + len(part.raw) >= end
                yield found
        yield from self.events.overflow()

    def message(self, message: bytes, offset: int) -> Iterator[Part]:
        """JSON that a log event holds."""
        yield from self._inner(message, offset, MAX_ENVELOPES)

    def lines(
        self, lines: Sequence[str], times: Sequence[int] | None, ids: Sequence[str] | None = None
    ) -> Iterator[Part]:
        """Flow records, one a message; `times` in milliseconds since 1970, `ids` of CloudWatch Logs."""
        if not lines:
            return
        sample = "\n".join(lines[:20])[:4096].encode("utf-8", "replace")
        if self.origin.flow_format or flow_records.resembles_flow_text(sample):
            yield from flow_records.read_messages(lines, self.origin, event_ids=ids, timestamps=times)
        else:
            yield Skipped("log events that are no records of CloudTrail, Config or flow logs")

    def element(self, key: str, part: Value | Broken, base: int) -> Iterator[Part]:
        """An element of the array under `key`; "" is a bare array."""
        offset = base + part.offset
        if isinstance(part, Broken):
            yield Unreadable(part.reason, offset, part.raw)
        elif key == "Records":
            yield from self._record(part.raw, offset, MAX_ENVELOPES)
        elif key == "":
            yield from self._value(part.raw, offset, MAX_ENVELOPES)
        else:
            yield from self.rebuilt(key, [part], base)
        yield from self.events.overflow()

    def rebuilt(self, key: str, parts: Sequence[Value], base: int) -> Iterator[Part]:
        """Elements of the array under `key`, as a document of their own."""
        sound = []
        for part in parts:
            try:
                _OBJECT.decode(part.raw)
            except _UNDECODABLE as error:
                yield Unreadable(f"not valid JSON: {error}", base + part.offset, part.raw)
            else:
                sound.append(part)
        if not sound:
            return
        head = f'{{"{key}":['.encode()
        document = head + b",".join(part.raw for part in sound) + b"]}"
        for found in self._value(document, base + sound[0].offset - len(head), MAX_ENVELOPES):
            if not isinstance(found, Skipped):
                yield found
        yield from self.events.overflow()

    def _damaged(self, raw: bytes, offset: int, reason: str) -> Iterator[Part]:
        """A document that is damaged somewhere: the records of its array that stand whole are taken."""
        for key in ("",) if raw[:1] == b"[" else ARRAYS:
            start = 0 if key == "" else top_array(raw, key)
            if start is None:
                continue
            end = yield from self._elements(key, raw, start, offset)
            rest = raw[end:].strip(b" \t\r\n\0}")
            if rest:
                yield Unreadable(reason, offset + end, raw[end:])
            return
        yield Unreadable(reason, offset, raw)

    def _elements(self, key: str, raw: bytes, start: int, base: int) -> Generator[Part, None, int]:
        """Elements of the array at `start`; returns the offset behind it."""
        parts = elements(raw, start=start)
        while True:
            try:
                part = next(parts)
            except StopIteration as stop:
                return int(stop.value)
            yield from self.element(key, part, base)

    def _value(self, raw: bytes, offset: int, depth: int) -> Iterator[Part]:
        first = raw[:1]
        if depth == 0:
            yield Unreadable("too many envelopes around one another", offset, raw)
        elif first == b"[":
            for part in elements(raw, start=0):
                if isinstance(part, Broken):
                    yield Unreadable(part.reason, offset + part.offset, part.raw)
                else:
                    yield from self._value(part.raw, offset + part.offset, depth - 1)
                    yield from self.events.overflow()
        elif first == b'"':
            yield from self._inner(string(raw) or b"", offset, depth)
        elif first != b"{":
            yield Unreadable("a bare value where a record was expected", offset, raw)
        else:
            try:
                fields = _OBJECT.decode(raw)
            except _UNDECODABLE as error:
                if _RECORD.match(raw):
                    yield from self._record(raw, offset, depth)
                else:
                    yield from self._damaged(raw, offset, f"not valid JSON: {error}")
                return
            yield from self._object(fields, raw, offset, depth)

    def _object(self, fields: Fields, raw: bytes, offset: int, depth: int) -> Iterator[Part]:
        if looks_like_record(dict(fields)):
            yield from self._record(raw, offset, depth)
        elif "Records" in fields:
            yield from self._records(raw, offset)
        elif "digestStartTime" in fields:
            yield read_digest(raw, offset)
        elif "Events" in fields:
            yield from self._each(raw, "Events", offset, depth)
        elif "CloudTrailEvent" in fields:
            yield from self._looked_up(fields, raw, offset)
        elif "logEvents" in fields or "events" in fields:
            yield from self._log_events(fields, raw, offset, depth)
        elif "awslogs" in fields:
            yield from self._value(bytes(fields["awslogs"]), offset, depth - 1)
        elif "detail-type" in fields and "detail" in fields:
            before, self._time = self._time, text_of(fields.get("time"))
            yield from self._value(bytes(fields["detail"]), offset, depth - 1)
            self._time = before
        elif "Message" in fields and ("TopicArn" in fields or "Type" in fields):
            yield from self._value(bytes(fields["Message"]), offset, depth - 1)
        elif "Messages" in fields or ("records" in fields and fields.keys() & {"requestId", "invocationId"}):
            yield from self._each(raw, "Messages" if "Messages" in fields else "records", offset, depth)
        elif "Body" in fields or "body" in fields:
            yield from self._value(bytes(fields.get("Body") or fields["body"]), offset, depth - 1)
        elif "Sns" in fields or "kinesis" in fields:
            yield from self._value(bytes(fields.get("Sns") or fields["kinesis"]), offset, depth - 1)
        elif "Data" in fields and "PartitionKey" in fields:
            yield from self._encoded(fields["Data"], raw, offset, depth)
        elif "data" in fields and len(fields) <= 6 and bytes(fields["data"])[:1] in b'"{':
            yield from self._encoded(fields["data"], raw, offset, depth)
        else:
            config = config_items.read_document(fields, raw, offset, self.origin)
            if config is not None:
                yield from config
            else:
                yield from self._carried(raw, offset, depth)

    def _carried(self, raw: bytes, offset: int, depth: int) -> Iterator[Part]:
        """Records inside JSON of a kind that is not known."""
        found = carried(raw)
        if not any(found):
            yield Skipped("JSON that is no log of CloudTrail, Config or flow records")
        for record in found.records:
            yield from self._value(record, offset, depth - 1)
            yield from self.events.overflow()
        for text in found.texts:
            yield from self._inner(text, offset, depth - 1)
            yield from self.events.overflow()
        yield from self.lines(found.lines, None)

    def _records(self, raw: bytes, offset: int) -> Iterator[Part]:
        """A file of CloudTrail. A key that comes twice is read twice."""
        found = False
        while (start := top_array(raw, "Records")) is not None:
            found = True
            end = yield from self._elements("Records", raw, start, offset)
            if b'"Records"' not in raw[end:]:
                return
            rest = raw[end:].lstrip(b" \t\r\n,")
            offset += len(raw) - len(rest) - 1
            raw = b"{" + rest
        if not found:
            yield Unreadable("Records is not an array", offset, raw)

    def _record(self, raw: bytes, offset: int, depth: int) -> Iterator[Part]:
        try:
            self.events.add_record(raw, self.origin, fallback_time=self._time)
            return
        except NotARecord as error:
            if not error.foreign:
                yield Unreadable(str(error), offset, raw)
                return
            reason = str(error)
        fields = _OBJECT.decode(raw)
        if "s3" in fields:
            yield Skipped("a notification of S3, not a log")
        elif fields.keys() & {"Sns", "kinesis", "body", "PartitionKey"}:
            yield from self._object(fields, raw, offset, depth)
        elif bytes(fields.get("eventSource", NOTHING)).startswith(b'"aws:'):
            yield Skipped("an event of another service, as Lambda gets it, not a log")
        else:
            yield Unreadable(reason, offset, raw)

    def _each(self, raw: bytes, key: str, offset: int, depth: int) -> Iterator[Part]:
        """Elements of an envelope's array, each by itself."""
        start = top_array(raw, key)
        if start is None:
            yield Unreadable(f"{key} is not an array", offset, raw)
            return
        for part in elements(raw, start=start):
            if isinstance(part, Broken):
                yield Unreadable(part.reason, offset + part.offset, part.raw)
            else:
                yield from self._value(part.raw, offset + part.offset, depth - 1)
                yield from self.events.overflow()

    def _looked_up(self, fields: Fields, raw: bytes, offset: int) -> Iterator[Part]:
        """An element of LookupEvents: the record is JSON text inside."""
        inner = bytes(fields["CloudTrailEvent"])
        record = string(inner) if inner[:1] == b'"' else inner
        before, self._time = self._time, lookup_time(fields.get("EventTime"))
        if record is None:
            yield Unreadable("CloudTrailEvent is not text", offset, raw)
        else:
            yield from self._record(record, offset, MAX_ENVELOPES)
        self._time = before

    def _log_events(self, fields: Fields, raw: bytes, offset: int, depth: int) -> Iterator[Part]:
        """A subscription payload or FilterLogEvents output."""
        if text_of(fields.get("messageType")) == "CONTROL_MESSAGE":
            yield Skipped("a control message of CloudWatch Logs")
            return
        key = "logEvents" if "logEvents" in fields else "events"
        start = top_array(raw, key)
        if start is None:
            yield Unreadable(f"{key} is not an array", offset, raw)
            return
        lines: list[str] = []
        ids: list[str] = []
        times: list[int] = []
        silent: list[Unreadable] = []
        said = False
        for part in elements(raw, start=start):
            try:
                event = _OBJECT.decode(part.raw) if isinstance(part, Value) else {}
            except _UNDECODABLE:
                event = {}
            message = string(event["message"]) if "message" in event else None
            said = said or message is not None
            if isinstance(part, Broken):
                yield Unreadable(part.reason, offset + part.offset, part.raw)
            elif message is None and event and names_a_record(part.raw):
                said = True
                yield from self._value(part.raw, offset + part.offset, depth - 1)
                yield from self.events.overflow()
            elif message is None:
                silent.append(Unreadable("a log event without a message", offset + part.offset, part.raw))
            elif begins_json(message):
                yield from self._inner(message, offset + part.offset, depth)
                yield from self.events.overflow()
            else:
                lines.append(message.decode("utf-8", "replace"))
                ids.append(text_of(event.get("id")) or text_of(event.get("eventId")) or "")
                times.append(integer(event.get("timestamp")))
        if key == "events" and silent and not said:
            # Many kinds of JSON have a member of this name.
            yield Skipped("JSON that is no log of CloudTrail, Config or flow records")
        else:
            yield from silent
        yield from self.lines(lines, times, ids if all(ids) else None)

    def _inner(self, content: bytes, offset: int, depth: int) -> Iterator[Part]:
        """What an envelope carries as text. Its parts have the envelope's offset."""
        stripped = content.strip()
        if begins_json(stripped):
            for value in values(stripped):
                if isinstance(value, Broken) and len(value.raw) > _TELLING and not names_a_record(value.raw):
                    yield Skipped("a message that is no record")
                elif isinstance(value, Broken):
                    yield from self._damaged(value.raw, offset, value.reason)
                else:
                    yield from self._value(value.raw, offset, depth - 1)
        elif stripped and flow_records.resembles_flow_text(stripped[:4096]):
            yield from self.lines(stripped.decode("utf-8", "replace").splitlines(), None)
        else:
            yield Skipped("a message that is no record")

    def _encoded(self, data: Raw, raw: bytes, offset: int, depth: int) -> Iterator[Part]:
        """Base64 of gzip or text, as Firehose, Kinesis and Lambda subscriptions carry it."""
        if bytes(data)[:1] == b"{":
            yield from self._value(bytes(data), offset, depth - 1)
            return
        content, reason = decoded(string(data) or b"")
        if reason:
            yield Unreadable(reason, offset, raw)
        yield from self._inner(content, offset, depth)


def text_of(raw: Raw | None) -> str | None:
    """A JSON text, or None for anything else."""
    value = None if raw is None else string(raw)
    return None if value is None else value.decode("utf-8", "replace")
