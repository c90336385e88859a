"""A CloudTrail record as JSON, read by the fields that AWS documents.

Three ways, from fast to patient, give the same result: a whole file at once; record by record; and
field by field, where a record has a field that this version does not know or a type AWS does not send.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Raw

from ashiato.formats.json_text import canonical, compact

NOTHING = Raw(b"null")
Text = str | None


class Event(msgspec.Struct, gc=False, forbid_unknown_fields=True):
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


class _Records(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    Records: list[Event]


_FILE = msgspec.json.Decoder(_Records)
_EVENT = msgspec.json.Decoder(Event)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


class Parsed(NamedTuple):
    """An event, and what of it no column holds (JSON text of an object) or None."""

    event: Event
    extra: str | None


class NotARecord(ValueError):
    """Why a JSON value is not a CloudTrail record; `foreign` where it is a record of something else."""

    def __init__(self, reason: str, *, foreign: bool = False) -> None:
        super().__init__(reason)
        self.foreign = foreign


def read_file(content: bytes) -> list[Event] | None:
    """All events of `{"Records": […]}`, or None where the patient way must be taken."""
    try:
        return _FILE.decode(content).Records
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def looks_like_record(fields: dict[str, Raw]) -> bool:
    """Whether an object's keys are those of a CloudTrail record of any category."""
    if "eventVersion" in fields and ("eventSource" in fields or "eventCategory" in fields):
        return not ("s3" in fields and "eventID" not in fields)
    return ("eventID" in fields or "eventId" in fields) and (
        "eventName" in fields or "eventCategory" in fields or "eventSource" in fields
    )


def read_record(raw: bytes) -> Parsed:
    """One record from its JSON text. Raises NotARecord with the field and the reason.

    >>> read_record(b'{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"x"}').event.eventName
    'x'
    """
    try:
        event = _EVENT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_fields(raw)
    if event.eventName is None and event.eventID is None and event.eventVersion is None:
        return _read_fields(raw)
    return Parsed(event, None)


def _read_fields(raw: bytes) -> Parsed:
    try:
        fields = _OBJECT.decode(raw)
    except msgspec.ValidationError as error:
        raise NotARecord("not a JSON object") from error
    except UnicodeDecodeError as error:
        raise NotARecord("invalid UTF-8") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotARecord(f"not JSON: {error}") from error
    if not looks_like_record(fields):
        raise NotARecord("no CloudTrail record: it has neither eventVersion nor eventID", foreign=True)
    values: dict[str, Any] = {}
    extra: dict[str, str] = {}
    for name, value in fields.items():
        target = name
        if name == "eventId" and "eventID" not in fields:
            target = "eventID"
        elif name == "accountId" and "recipientAccountId" not in fields:
            target = "recipientAccountId"
        if target in TEXT_FIELDS:
            values[target] = _text(name, value)
        elif target in FLAG_FIELDS:
            values[target] = _flag(name, value)
        elif target in FIELDS:
            values[target] = value
        else:
            extra[name] = _json(name, value)
    for name in ("userIdentity", "addendum", "tlsDetails"):
        kept = values.get(name)
        if kept is not None and bytes(kept)[:1] not in (b"{", b"n"):
            raise NotARecord(f"{name} is not an object")
    return Parsed(Event(**values), _object_text(extra) if extra else None)


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


def _object_text(fields: dict[str, str]) -> str:
    quote = msgspec.json.encode
    return "{" + ",".join(f"{quote(k).decode()}:{v}" for k, v in fields.items()) + "}"


def fit(value: Any, type_: pa.DataType) -> tuple[Any, Any]:
    """Split decoded JSON into what a column of `type_` holds and what is left over (None: nothing).

    Raises NotARecord where the shapes contradict each other.

    >>> fit({"type": "Root", "new": 1}, pa.struct([("type", pa.string())]))
    ({'type': 'Root'}, {'new': 1})
    """
    if value is None:
        return None, None
    if pa.types.is_struct(type_):
        if not isinstance(value, dict):
            raise NotARecord(f"an object was expected, not {str(value)[:40]}")
        held, left = {}, {}
        known = {f.name: f.type for f in type_}
        for name, inner in value.items():
            if name not in known:
                left[name] = inner
                continue
            try:
                held[name], rest = fit(inner, known[name])
            except NotARecord as error:
                raise NotARecord(f"{name}: {error}") from error
            if rest is not None:
                left[name] = rest
        return held, left or None
    if pa.types.is_list(type_):
        if not isinstance(value, list):
            raise NotARecord(f"an array was expected, not {str(value)[:40]}")
        pairs = [fit(v, type_.value_type) for v in value]
        left_over = [rest for _, rest in pairs]
        return [v for v, _ in pairs], (left_over if any(r is not None for r in left_over) else None)
    if isinstance(value, str):
        return value, None
    return msgspec.json.encode(value).decode(), None


def record_hash_input(raw: bytes) -> bytes:
    """What the hash of a record without an id is taken over: its canonical form."""
    return canonical(raw)
