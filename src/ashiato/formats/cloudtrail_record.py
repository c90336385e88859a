"""A CloudTrail record as JSON, read by the fields that AWS documents.

Three ways, from fast to patient, give the same result: a whole file at once; record by record; and
field by field, where a record has a field that this version does not know, a key twice, or a type that
AWS does not send. A record that goes one of the fast ways is proven to be whole: written again, its
fields have the length of the text they came from, so that no second `eventName` was passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw

from ashiato.formats.json_strings import scan_string
from ashiato.formats.json_text import canonical, compact

#: A field that the record does not have; one that is null has Raw(b"null").
NOTHING = Raw(b"")
Text = str | None


class Event(msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """The fields of a record, in the order of the columns; open shapes stay as they are written."""

    eventVersion: Text = None
    userIdentity: Raw = NOTHING
    eventTime: Text = None
    eventSource: Text = None
    eventName: Text = None
    awsRegion: Text = None
    sourceIPAddress: Text = None
    userAgent: Text = None
    errorCode: Text = None
    errorMessage: Text = None
    requestParameters: Raw = NOTHING
    responseElements: Raw = NOTHING
    additionalEventData: Raw = NOTHING
    requestID: Text = None
    eventID: Text = None
    readOnly: bool | None = None
    resources: Raw = NOTHING
    eventType: Text = None
    apiVersion: Text = None
    managementEvent: bool | None = None
    recipientAccountId: Text = None
    sharedEventID: Text = None
    vpcEndpointId: Text = None
    vpcEndpointAccountId: Text = None
    serviceEventDetails: Raw = NOTHING
    eventCategory: Text = None
    insightDetails: Raw = NOTHING
    addendum: Raw = NOTHING
    sessionCredentialFromConsole: Text = None
    edgeDeviceDetails: Raw = NOTHING
    tlsDetails: Raw = NOTHING
    eventContext: Raw = NOTHING
    timeWindow: Raw = NOTHING
    summary: Raw = NOTHING


FIELDS = tuple(f.name for f in msgspec.structs.fields(Event))
TEXT_FIELDS = frozenset(f.name for f in msgspec.structs.fields(Event) if f.type == Text)
FLAG_FIELDS = frozenset({"readOnly", "managementEvent"})
RAW_FIELDS = tuple(f for f in FIELDS if f not in TEXT_FIELDS and f not in FLAG_FIELDS)
#: Columns of nested type, and the byte that their JSON begins with.
NESTED = {"userIdentity": b"{", "resources": b"[", "addendum": b"{", "tlsDetails": b"{"}
#: Aggregated events spell these differently.
#: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aggregated-events.html
_ALIASES = {"eventId": "eventID", "accountId": "recipientAccountId"}
#: Where Logstash and Beats move an event's time to.
_MOVED_TIME = "@timestamp"


_FILES = msgspec.json.Decoder(list[list[Event]])
_EVENT = msgspec.json.Decoder(Event)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ENCODER = msgspec.json.Encoder()
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
#: Each escape of a string; the group is half of a surrogate pair without its other half.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


class Parsed(NamedTuple):
    """An event, and what of it no column holds (JSON text of an object) or None."""

    event: Event
    extra: str | None


class NotARecord(ValueError):  # noqa: N818 (a fact about the input, not a fault)
    """Why a JSON value is not a CloudTrail record; `foreign` where it is a record of something else."""

    def __init__(self, reason: str, *, foreign: bool = False) -> None:
        super().__init__(reason)
        self.foreign = foreign


def _written_size(value: Event | list[list[Event]]) -> int:
    return len(_ENCODER.encode(value))


#: How a file without white space begins and ends.
_HEAD, _TAIL = b'{"Records":[', b"]}"


def is_tight(body: bytes) -> bool:
    """Whether this is a file of records that may go the fast way: no white space where it is not text."""
    # Three passes of memchr are ten times as fast as one of a regular expression.
    broken = b"\n" in body or b"\t" in body or b"\r" in body
    return not broken and body.startswith(_HEAD) and body.endswith(_TAIL)


def read_files(bodies: Sequence[bytes]) -> list[list[Event]] | None:
    """The events of files that are `is_tight`, or None where the patient way must be taken.

    Whether that is all that the files say, `says_all` tells.
    """
    start = len(_HEAD) - 1
    try:
        files = _FILES.decode(b"[" + b",".join([body[start:-1] for body in bodies]) + b"]")
    except _UNDECODABLE:
        return None
    # Brackets of one file may not make two of it, nor those of two files one.
    return files if len(files) == len(bodies) else None


def says_all(files: list[list[Event]], bodies: Sequence[bytes]) -> bool:
    """Whether files without white space say no more than these events."""
    around = len(_HEAD) + len(_TAIL) - len(b"[]")
    # The brackets around all of them, and a comma fewer than there are files.
    return _written_size(files) - 2 - (len(files) - 1) + around * len(files) == sum(map(len, bodies))


def tight(content: bytes) -> bytes | None:
    """JSON without white space, or None where it is not JSON or was so before."""
    try:
        shorter = msgspec.json.format(content, indent=-1)
    except _UNDECODABLE:
        return None
    return shorter if len(shorter) < len(content) else None


def looks_like_record(fields: dict[str, Raw]) -> bool:
    """Whether an object's keys are those of a CloudTrail record of any category."""
    if bytes(fields.get("eventSource", NOTHING)).startswith(b'"aws:'):
        # Notifications of S3, queues and streams, as Lambda gets them, look much alike.
        return False
    if "eventVersion" in fields and ("eventSource" in fields or "eventCategory" in fields):
        return True
    if "eventID" in fields or "eventId" in fields:
        return "eventName" in fields or "eventCategory" in fields or "eventSource" in fields
    return "eventTime" in fields and "eventName" in fields and "eventSource" in fields


def read_record(raw: bytes) -> Parsed:
    """One record from its JSON text. Raises NotARecord with the field and the reason.

    >>> read_record(b'{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject"}').extra
    """
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            raise NotARecord(f"invalid UTF-8 at byte {error.start}") from error
    try:
        if b" " in raw or b"\n" in raw or b"\r" in raw or b"\t" in raw:
            raw = msgspec.json.format(raw, indent=-1)
        event = _EVENT.decode(raw)
    except _UNDECODABLE:
        return _read_fields(raw)
    if (event.eventID is None and event.eventVersion is None) or _written_size(event) != len(raw):
        return _read_fields(raw)
    return Parsed(event, None)


def _read_fields(raw: bytes) -> Parsed:
    members, mended = _members(raw)
    fields = dict(members)
    if not looks_like_record(fields):
        raise NotARecord(
            "no CloudTrail record: it has neither eventVersion, eventID nor eventTime", foreign=True
        )
    values: dict[str, object] = {}
    extra: list[tuple[str, str]] = list(mended)
    for place, (name, value) in enumerate(members):
        target = name
        if name in _ALIASES and _ALIASES[name] not in fields:
            target = _ALIASES[name]
        if target not in FIELDS:
            extra.append((name, _json(name, value)))
        elif bytes(fields[name]) != bytes(value):
            # A key that comes twice: the last one stands, as for any reader; the other stays in `extra`.
            extra.append((name, _json(name, value)))
        elif any(name == later for later, _ in members[place + 1 :]):
            continue
        elif target in TEXT_FIELDS:
            values[target] = _text(name, value)
        elif target in FLAG_FIELDS:
            values[target] = _flag(name, value)
        else:
            values[target] = Raw(_json(name, value).encode())
    if values.get("eventTime") is None and _MOVED_TIME in fields:
        values["eventTime"] = _text(_MOVED_TIME, fields[_MOVED_TIME])
    return Parsed(Event(**values), object_text(extra) if extra else None)  # type: ignore[arg-type]


def _members(raw: bytes) -> tuple[list[tuple[str, Raw]], list[tuple[str, str]]]:
    """All members of an object, in order; and (name, JSON of the text) of those that had to be mended.

    Half a surrogate pair (`\\ud800`) is valid JSON and no text. It becomes U+FFFD, and the member as it was
    written goes to `extra` as a string.
    """
    try:
        fields = _OBJECT.decode(raw)
    except msgspec.ValidationError as error:
        raise NotARecord("not a JSON object") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise NotARecord(f"not JSON: {error}") from error
    except msgspec.DecodeError as error:
        mended = _ESCAPE.sub(lambda m: b"\\ufffd" if m[1] else m[0], raw)
        if mended == raw:
            raise NotARecord(f"not JSON: {error}") from error
        members, _ = _members(mended)
        before = dict(_all_members(raw))
        as_written = [
            (name, json.dumps(before[name]))
            for name, value in members
            if name in before and before[name].encode() != bytes(value)
        ]
        return members, as_written
    size = 1 + sum(len(name) + len(value) + 4 for name, value in fields.items())
    if size == len(raw) or (not fields and size + 1 == len(raw)):
        return list(fields.items()), []
    return [(name, Raw(text.encode())) for name, text in _all_members(raw)], []


#: Numbers stay as they are written, and may be of any size.
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)
_SPACE = re.compile(r"[ \t\r\n]*")


def _all_members(raw: bytes) -> list[tuple[str, str]]:
    """(key, JSON text) of each member of the object that this valid JSON is, also of keys that come twice."""
    text = raw.decode()
    members: list[tuple[str, str]] = []

    def past_space(position: int) -> int:
        match = _SPACE.match(text, position)
        return match.end() if match else position

    position = past_space(past_space(0) + 1)
    try:
        while text[position] == '"':
            key, position = scan_string(text, position + 1)
            start = past_space(past_space(position) + 1)
            _, end = _SCANNER.raw_decode(text, start)
            members.append((key.encode("utf-8", "replace").decode(), text[start:end]))
            position = past_space(end)
            position = past_space(position + 1) if text[position] == "," else position
    except (ValueError, RecursionError) as error:
        raise NotARecord(f"not JSON: {error}") from error
    return members


def _text(name: str, value: Raw) -> str | None:
    raw = bytes(value)
    if raw == b"null":
        return None
    if raw[:1] == b'"':
        try:
            text: str = msgspec.json.decode(raw, type=str)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotARecord(f"{name} is not valid text: {error}") from error
        return text
    if raw[:1] in b"{[" or name in ("eventTime", "eventID", "eventId"):
        raise NotARecord(f"{name} is not text but {raw[:40].decode('utf-8', 'replace')}")
    return raw.decode("ascii", "replace")


def _flag(name: str, value: Raw) -> bool | None:
    raw = bytes(value).strip(b'"').lower()
    if raw in (b"null", b""):
        return None
    if raw not in (b"true", b"false"):
        raise NotARecord(f"{name} is neither true nor false but {raw[:40].decode('utf-8', 'replace')}")
    return raw == b"true"


def _json(name: str, value: Raw) -> str:
    try:
        return compact(bytes(value))
    except ValueError as error:
        raise NotARecord(f"{name} cannot be kept as JSON: {error}") from error


def object_text(members: list[tuple[str, str]]) -> str:
    """The compact JSON text of an object of these members, whose values are JSON text."""
    quote = msgspec.json.encode
    return "{" + ",".join(f"{quote(k).decode()}:{v}" for k, v in members) + "}"


def record_hash_input(raw: bytes) -> bytes:
    """What the hash of a record without an id is taken over: its canonical form."""
    return canonical(raw)
