"""JSON documents → records: AWS's own files and every envelope that records travel in.

Shapes: CloudTrail files and bare arrays, LookupEvents, digests, CloudWatch Logs (subscription payload,
FilterLogEvents, export), EventBridge, SNS, SQS and Firehose around any of these, Config's documents.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Raw

from ashiato.formats import config_items, flow_records
from ashiato.formats.cloudtrail import EventRows
from ashiato.formats.cloudtrail_record import NotARecord, looks_like_record
from ashiato.formats.digests import read_digest
from ashiato.formats.inflate import Damage, inflate
from ashiato.formats.json_scan import Broken, array_start, elements, values
from ashiato.formats.reading import ObjectOrigin, Part, Skipped, Unreadable

MAX_ENVELOPES = 8
#: Arrays of records that a window may be cut inside of, where a document is too large to hold.
_ARRAYS = ("Records", "configurationItems", "Events", "events", "logEvents")
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_ANY = msgspec.json.Decoder()

Fields = Mapping[str, Raw]


class DocumentReader:
    """Reads the JSON of one object. `half` is set when the last record was cut off."""

    def __init__(self, events: EventRows, origin: ObjectOrigin) -> None:
        self.events = events
        self.origin = origin
        self.half = False
        #: EventBridge's own time, for a `detail` that does not say when.
        self.fallback_time: str | None = None
        self._array: str | None = None

    def whole(self, content: bytes, *, truncated: bool = False) -> Iterator[Part]:
        """All of an object's JSON."""
        if not truncated and content.startswith(b'{"Records"') and self.events.add_file(content, self.origin):
            return
        skipped: list[Skipped] = []
        others = 0
        before = len(self.events)
        for value in values(content):
            parts = (
                self._broken(content, value)
                if isinstance(value, Broken)
                else self._value(value.raw, value.offset, MAX_ENVELOPES)
            )
            for part in parts:
                if isinstance(part, Skipped):
                    skipped.append(part)
                else:
                    others += 1
                    yield part
        if skipped and not others and len(self.events) == before:
            yield skipped[0]

    def open(self, head: bytes) -> None:
        """Learn from the beginning of a large document which array its records stand in."""
        for key in _ARRAYS:
            if head.lstrip()[:1] == b"{" and array_start(head[: 1 << 20], key) is not None:
                self._array = key
                return
        self._array = "" if head.lstrip()[:1] == b"[" else None

    def window(self, content: bytes, base: int, *, last: bool) -> Iterator[Any]:
        """Records that stand whole in this window; returns how many bytes are done with."""
        if self._array is None:
            parts = values(content)
        else:
            start = 0
            if base == 0:
                start = content.index(b"[") if self._array == "" else array_start(content, self._array) or 0
            elif content[:1] != b"[":
                content = b"[" + content.lstrip(b" \t\r\n,")
            parts = elements(content, start=start)
        held = None
        done = 0
        for part in parts:
            if held is not None:
                yield from self._element(held, base)
                done = held.offset + len(held.raw)
            held = part
        if held is not None and last:
            yield from self._element(held, base)
            done = len(content)
        elif held is not None:
            done = held.offset
        return done

    def _element(self, part: Any, base: int) -> Iterator[Part]:
        if isinstance(part, Broken):
            if part.raw:
                yield Unreadable(part.reason, base + part.offset, part.raw)
            return
        found = self._value(part.raw, base + part.offset, MAX_ENVELOPES)
        if self._array == "configurationItems":
            found = config_items.read_items([(base + part.offset, part.raw, None)], self.origin)
        elif self._array in ("Events", "events", "logEvents"):
            document = f'{{"{self._array}":['.encode() + part.raw + b"]}"
            found = self._value(document, base + part.offset, MAX_ENVELOPES)
        yield from (p for p in found if not isinstance(p, Skipped))

    def _broken(self, content: bytes, broken: Broken) -> Iterator[Part]:
        """A document that is damaged somewhere: the records of its array that stand whole are taken."""
        raw = broken.raw
        if raw[:1] == b"{":
            keys: Sequence[str] = _ARRAYS
        elif raw[:1] == b"[":
            keys = ("",)
        else:
            yield Unreadable(broken.reason, broken.offset, raw)
            return
        for key in keys:
            start = 0 if key == "" else array_start(raw, key)
            if start is None:
                continue
            self._array = key
            for part in elements(raw, start=start):
                if isinstance(part, Broken):
                    self.half = self.half or broken.offset + part.offset + len(part.raw) >= len(content)
                yield from self._element(part, broken.offset)
            return
        self.half = broken.offset + len(raw) >= len(content)
        yield Unreadable(broken.reason, broken.offset, raw)

    def _value(self, raw: bytes, offset: int, depth: int) -> Iterator[Part]:
        if depth == 0:
            yield Unreadable("too many envelopes around one another", offset, raw)
            return
        first = raw[:1]
        if first == b"[":
            for part in elements(raw, start=0):
                if isinstance(part, Broken):
                    if part.raw:
                        yield Unreadable(part.reason, offset + part.offset, part.raw)
                else:
                    yield from self._value(part.raw, offset + part.offset, depth - 1)
            return
        if first == b'"':
            yield from self._inner_text(_ANY.decode(raw), offset, depth)
            return
        if first != b"{":
            yield Unreadable("a bare value where a record was expected", offset, raw)
            return
        try:
            fields = _OBJECT.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield Unreadable(f"not valid JSON: {error}", offset, raw)
            return
        try:
            yield from self._object(fields, raw, offset, depth)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield Unreadable(f"not the shape that its keys promise: {error}", offset, raw)

    def _object(self, fields: Fields, raw: bytes, offset: int, depth: int) -> Iterator[Part]:
        if looks_like_record(fields):
            yield from self._event(raw, offset)
        elif "Records" in fields:
            yield from self._records(raw, offset, depth)
        elif "digestStartTime" in fields:
            yield read_digest(raw, offset)
        elif "Events" in fields:
            yield from self._lookup_events(fields, offset)
        elif "CloudTrailEvent" in fields:
            yield from self._lookup_event(raw, offset)
        elif "logEvents" in fields or "events" in fields:
            yield from self._log_events(fields, offset, depth)
        elif "awslogs" in fields:
            yield from self._encoded(_text(_OBJECT.decode(fields["awslogs"]).get("data")), offset, depth)
        elif "detail-type" in fields and "detail" in fields:
            self.fallback_time = _text(fields.get("time"))
            yield from self._value(bytes(fields["detail"]), offset, depth - 1)
            self.fallback_time = None
        elif "Message" in fields and ("TopicArn" in fields or "Type" in fields):
            yield from self._inner_text(_text(fields["Message"]), offset, depth)
        elif "Messages" in fields:
            for message in _LIST.decode(fields["Messages"]):
                yield from self._inner_text(_text(_OBJECT.decode(message).get("Body")), offset, depth)
        elif "requestId" in fields and "records" in fields:
            for record in _LIST.decode(fields["records"]):
                yield from self._encoded(_text(_OBJECT.decode(record).get("data")), offset, depth)
        else:
            config = config_items.read_document(fields, raw, offset, self.origin)
            if config is not None:
                yield from config
            elif "message" in fields and len(fields) <= 4:
                yield from self._inner_text(_text(fields["message"]), offset, depth)
            else:
                yield Skipped("JSON that is no log of CloudTrail, Config or flow records")

    def _records(self, raw: bytes, offset: int, depth: int) -> Iterator[Part]:
        start = array_start(raw, "Records")
        if start is None:
            yield Unreadable("Records is not an array", offset, raw)
            return
        foreign = 0
        for part in elements(raw, start=start):
            if isinstance(part, Broken):
                if part.raw:
                    yield Unreadable(part.reason, offset + part.offset, part.raw)
                continue
            try:
                self.events.add_record(part.raw, self.origin)
            except NotARecord as error:
                if error.foreign and _is_notification(part.raw):
                    foreign += 1
                else:
                    yield Unreadable(str(error), offset + part.offset, part.raw)
        if foreign:
            yield Skipped("a notification of S3, not a log")

    def _event(self, raw: bytes, offset: int, fallback_time: str | None = None) -> Iterator[Part]:
        try:
            self.events.add_record(raw, self.origin, fallback_time=fallback_time or self.fallback_time)
        except NotARecord as error:
            yield Unreadable(str(error), offset, raw)

    def _lookup_events(self, fields: Fields, offset: int) -> Iterator[Part]:
        for raw in _LIST.decode(fields["Events"]):
            yield from self._lookup_event(bytes(raw), offset)

    def _lookup_event(self, raw: bytes, offset: int) -> Iterator[Part]:
        """An element of LookupEvents: the record is JSON text inside."""
        event = _OBJECT.decode(raw)
        inner = event.get("CloudTrailEvent")
        if inner is None:
            yield from self._event(raw, offset)
            return
        yield from self._event(
            _ANY.decode(inner).encode() if bytes(inner)[:1] == b'"' else bytes(inner),
            offset,
            fallback_time=_lookup_time(event.get("EventTime")),
        )

    def _log_events(self, fields: Fields, offset: int, depth: int) -> Iterator[Part]:
        """A subscription payload or FilterLogEvents output."""
        if _text(fields.get("messageType")) == "CONTROL_MESSAGE":
            yield Skipped("a control message of CloudWatch Logs")
            return
        lines: list[str] = []
        ids: list[str] = []
        times: list[int] = []
        for raw in _LIST.decode(fields.get("logEvents") or fields["events"]):
            event = _OBJECT.decode(raw)
            message = _text(event.get("message"))
            if message is None:
                yield Unreadable("a log event without a message", offset, bytes(raw))
            elif message.lstrip()[:1] in ("{", "["):
                yield from self._inner_text(message, offset, depth)
            else:
                lines.append(message)
                ids.append(_text(event.get("id") or event.get("eventId")) or "")
                stamp = _ANY.decode(event.get("timestamp") or Raw(b"0"))
                times.append(stamp if isinstance(stamp, int) else 0)
        if lines:
            known = ids if all(ids) else None
            yield from flow_records.read_messages(lines, self.origin, event_ids=known, timestamps=times)

    def export_lines(self, block: bytes, base: int) -> Iterator[Part]:
        """Lines of a CloudWatch Logs export to S3."""
        lines: list[str] = []
        times: list[int] = []
        position = base
        for line in block.split(b"\n"):
            stamp, _, message = line.strip(b"\r").partition(b" ")
            if message.startswith(b"{"):
                yield from self._value(message, position, MAX_ENVELOPES)
            elif message:
                try:
                    lines.append(message.decode())
                    times.append(int(datetime.fromisoformat(stamp.decode()).timestamp() * 1000))
                except ValueError as error:
                    lines = lines[: len(times)]
                    yield Unreadable(f"a line of an export that cannot be read: {error}", position, line)
            elif line.strip():
                yield Unreadable("a line of an export without a message", position, line)
            position += len(line) + 1
        if lines:
            yield from flow_records.read_messages(lines, self.origin, event_ids=None, timestamps=times)

    def _inner_text(self, text: str | None, offset: int, depth: int) -> Iterator[Part]:
        """What an envelope carries as text."""
        stripped = (text or "").strip()
        if stripped[:1] in ("{", "["):
            for value in values(stripped.encode("utf-8", "surrogatepass")):
                if isinstance(value, Broken):
                    yield Unreadable(value.reason, offset, value.raw)
                else:
                    yield from self._value(value.raw, offset, depth - 1)
        elif stripped and flow_records.looks_like_flow_text(stripped[:4096].encode("utf-8", "replace")):
            yield from flow_records.read_messages(
                stripped.splitlines(), self.origin, event_ids=None, timestamps=None
            )
        else:
            yield Skipped("a message that is no record")

    def _encoded(self, data: str | None, offset: int, depth: int) -> Iterator[Part]:
        """Base64 of gzip or text, as Firehose and Lambda subscriptions carry it."""
        try:
            content = base64.b64decode(data or "", validate=True)
        except (binascii.Error, ValueError) as error:
            yield Unreadable(f"not base64: {error}", offset, (data or "").encode("utf-8", "replace"))
            return
        text = bytearray()
        for part in inflate(content):
            if isinstance(part, Damage):
                yield Unreadable(part.reason, offset, content)
                return
            text += part
        yield from self._inner_text(bytes(text).decode("utf-8", "replace"), offset, depth)


def _text(raw: Raw | None) -> str | None:
    if raw is None:
        return None
    value = _ANY.decode(raw)
    return value if isinstance(value, str) else None


def _lookup_time(raw: Raw | None) -> str | None:
    value = None if raw is None else _ANY.decode(raw)
    if isinstance(value, int | float) and 0 < value < 1e11:
        return datetime.fromtimestamp(value, UTC).isoformat()
    return value if isinstance(value, str) else None


def _is_notification(raw: bytes) -> bool:
    try:
        fields = _OBJECT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return "s3" in fields or "Sns" in fields or "eventSourceARN" in fields
