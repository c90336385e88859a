"""A message about logs → the objects that it announces, or the records that it holds.

What comes through queues and topics, told by shape, never by where it came from: S3's event notifications,
CloudTrail's and AWS Config's own, EventBridge's events, and SNS around any of these.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html
https://docs.aws.amazon.com/config/latest/developerguide/notifications-for-AWS-Config.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard
from urllib.parse import unquote_plus

import msgspec
from msgspec import Raw

from ashiato.core.text import fitting
from ashiato.formats.carried import carried
from ashiato.formats.cloudtrail_record import looks_like_record
from ashiato.formats.envelopes import string

#: SNS in SNS in SNS …: nobody builds more than two.
MAX_ENVELOPES: Final = 4
MAX_KEY: Final = 1024
#: What CloudTrail publishes, in plain text, when a topic is set on a trail.
VALIDATION: Final = b"CloudTrail validation message."

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_ANY = msgspec.json.Decoder()
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
_CREATED = ("objectcreated:", "objectrestore:completed")
_DELIVERED = ("ConfigurationHistoryDeliveryCompleted", "ConfigurationSnapshotDeliveryCompleted")
_OVERSIZED = "OversizedConfigurationItemChangeNotification"
#: Config's messages that hold something to keep: an item, its summary, or a resource's compliance.
_HOLDING = (
    "ConfigurationItemChangeNotification",
    "ComplianceChangeNotification",
    "OversizedConfigurationItemChangeDeliveryFailed",
)


@dataclass(frozen=True, slots=True)
class NamedObject:
    """An object that a message announces. `size`, `etag` and `at` (when, UTC) are None where it does not say.

    `decoded` is the key as another reading of the message has it: EventBridge's guide does not say whether keys
    are URL-encoded, so one with `%` or `+` may be meant either way. `only_here`: nothing else delivers what it
    holds (an oversized configuration item).
    """

    bucket: str
    key: str
    size: int | None = None
    etag: str | None = None
    at: datetime | None = None
    decoded: str | None = None
    only_here: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    """What a message is: objects to fetch, or JSON documents for `LogReader`, or neither and why.

    `dropped`: it is known and says nothing (a test, a confirmation). `unknown`: nobody knows what it is.
    """

    objects: tuple[NamedObject, ...] = ()
    records: tuple[bytes, ...] = ()
    dropped: str | None = None
    unknown: str | None = None


def read_notification(body: bytes) -> Notification:
    """What the body of a message is. Never raises.

    >>> read_notification(b'{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}').dropped
    "S3's test event"
    """
    return _read(body, MAX_ENVELOPES)


def _read(body: bytes, depth: int) -> Notification:
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if text == VALIDATION:
        return Notification(dropped="CloudTrail's validation message")
    try:
        fields = _OBJECT.decode(text)
    except _UNDECODABLE as error:
        return _in_prose(text, depth) or Notification(unknown=f"no JSON object: {str(error)[:200]}")
    return _object(fields, text, depth)


def _in_prose(text: bytes, depth: int) -> Notification | None:
    """Config's message as mail has it: prose, then the JSON."""
    start = text.find(b"{")
    if start <= 0 or b'"messageType"' not in text:
        return None
    try:
        fields = _OBJECT.decode(text[start:])
    except _UNDECODABLE:
        return None
    return _object(fields, text[start:], depth)


def _object(fields: Mapping[str, Raw], raw: bytes, depth: int) -> Notification:
    if "Message" in fields and ("TopicArn" in fields or "Type" in fields):
        return _published(fields, depth)
    if _text(fields, "Event") == "s3:TestEvent":
        return Notification(dropped="S3's test event")
    if "Records" in fields:
        return _records(fields, raw)
    if "detail-type" in fields and "detail" in fields:
        return _event(fields, raw, depth)
    if "messageType" in fields:
        return _of_config(fields, raw)
    if "s3Bucket" in fields and "s3ObjectKey" in fields:
        return _of_cloudtrail(fields)
    if looks_like_record(dict(fields)) or any(carried(raw)):
        return Notification(records=(raw,))
    return Notification(unknown="JSON that announces no object and holds no record")


def _published(fields: Mapping[str, Raw], depth: int) -> Notification:
    kind = _text(fields, "Type")
    if kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return Notification(dropped=f"SNS's {kind}")
    if depth <= 1:
        return Notification(unknown="too many envelopes around one another")
    message = string(fields["Message"])
    # On the wire it is text; people who rebuild messages by hand write the object itself.
    return _read(bytes(fields["Message"]) if message is None else message, depth - 1)


def _records(fields: Mapping[str, Raw], raw: bytes) -> Notification:
    try:
        held = _LIST.decode(fields["Records"])
    except _UNDECODABLE:
        return Notification(unknown="Records is not an array")
    objects: list[NamedObject] = []
    others: list[str] = []
    for record in held:
        found = _s3_record(record)
        if isinstance(found, NamedObject):
            objects.append(found)
        elif found is None:
            # CloudTrail's own file, or something else: one record that is none of S3's settles it.
            if any(carried(raw)):
                return Notification(records=(raw,))
            return Notification(unknown="Records that are neither S3's nor CloudTrail's")
        else:
            others.append(found)
    if objects:
        return Notification(objects=tuple(objects))
    return Notification(dropped=others[0] if others else "no record in it")


def _s3_record(raw: Raw) -> NamedObject | str | None:
    """The object of one of S3's records; why it is left alone; None for what is no record of S3."""
    try:
        record = _ANY.decode(raw)
    except _UNDECODABLE:
        return None
    s3 = record.get("s3") if isinstance(record, dict) else None
    if not isinstance(s3, dict):
        return None
    # Form encoding: a space is `+`. Some senders leave slashes, some write %2F.
    bucket, key = _at(s3, "bucket", "name"), _decoded(_at(s3, "object", "key"))
    if not _is_name(bucket) or not _is_name(key):
        return None
    event = str(record.get("eventName", "")).removeprefix("s3:")
    if not event.lower().startswith(_CREATED):
        return f"S3's {event[:60]}, which creates nothing"
    return NamedObject(
        bucket,
        key,
        _size(_at(s3, "object", "size")),
        _etag(_at(s3, "object", "eTag") or _at(s3, "object", "etag")),
        _time(record.get("eventTime")),
    )


def _event(fields: Mapping[str, Raw], raw: bytes, depth: int) -> Notification:
    kind = _text(fields, "detail-type") or ""
    detail = bytes(fields["detail"])
    source = _text(fields, "source") or ""
    if source == "aws.s3" and "via cloudtrail" not in kind.lower():
        return _created_object(fields, kind)
    try:
        inner = _OBJECT.decode(detail)
    except _UNDECODABLE:
        return Notification(unknown=f"EventBridge's {kind[:80]!r} whose detail is not an object")
    # Both spellings of the sign-in's detail-type are in use; the record itself tells what it is.
    if looks_like_record(dict(inner)):
        return Notification(records=(raw,))
    if "messageType" in inner:
        found = _of_config(inner, detail)
        return Notification(records=(raw,)) if found.records else found
    if kind.lower().endswith("via cloudtrail"):
        return Notification(unknown=f"EventBridge's {kind[:80]!r} without a CloudTrail record")
    if depth > 1 and "Message" in inner:
        return _object(inner, detail, depth - 1)
    return Notification(unknown=f"EventBridge's {kind[:80]!r} of {source[:60]!r}, which is no log")


def _created_object(fields: Mapping[str, Raw], kind: str) -> Notification:
    if kind not in ("Object Created", "Object Restore Completed"):
        return Notification(dropped=f"S3's {kind[:60]!r}, which creates nothing")
    try:
        detail = _ANY.decode(fields["detail"])
    except _UNDECODABLE:
        detail = None
    if not isinstance(detail, dict):
        return Notification(unknown="S3's event without a detail")
    bucket, key = _at(detail, "bucket", "name"), _at(detail, "object", "key")
    if not _is_name(bucket) or not _is_name(key):
        return Notification(unknown="S3's event without bucket or key")
    decoded = _decoded(key)
    found = NamedObject(
        bucket,
        key,
        _size(_at(detail, "object", "size")),
        _etag(_at(detail, "object", "etag") or _at(detail, "object", "eTag")),
        _time(_text(fields, "time")),
        decoded=decoded if decoded != key and _is_name(decoded) else None,
    )
    return Notification(objects=(found,))


def _of_cloudtrail(fields: Mapping[str, Raw]) -> Notification:
    """CloudTrail names one or more files, AWS Config one."""
    bucket = _text(fields, "s3Bucket")
    try:
        named = _ANY.decode(fields["s3ObjectKey"])
    except _UNDECODABLE:
        named = None
    keys = named if isinstance(named, list) else [named]
    if not _is_name(bucket) or not all(map(_is_name, keys)):
        return Notification(unknown="s3Bucket and s3ObjectKey that name no object")
    at = _time(_text(fields, "notificationCreationTime"))
    objects = tuple(NamedObject(bucket, key, at=at) for key in keys)
    return Notification(objects=objects, dropped=None if objects else "no object in it")


def _of_config(fields: Mapping[str, Raw], raw: bytes) -> Notification:
    kind = _text(fields, "messageType") or ""
    if kind in _DELIVERED:
        if "s3Bucket" in fields and "s3ObjectKey" in fields:
            return _of_cloudtrail(fields)
        return Notification(unknown=f"{kind} that names no object")
    if kind == _OVERSIZED:
        return _oversized(fields) or Notification(records=(raw,))
    if kind in _HOLDING or (kind == "DATA_MESSAGE" and "logEvents" in fields):
        return Notification(records=(raw,))
    if kind == "CONTROL_MESSAGE":
        return Notification(dropped="a control message of CloudWatch Logs")
    if kind.startswith("Config") or kind == "ScheduledNotification":
        return Notification(dropped=f"AWS Config's {kind[:60]}, which holds no item")
    return Notification(unknown=f"a message of type {kind[:60]!r}")


def _oversized(fields: Mapping[str, Raw]) -> Notification | None:
    """The object with the whole notification; None where its delivery failed and only the summary is left."""
    try:
        summary = _ANY.decode(fields["s3DeliverySummary"])
    except (*_UNDECODABLE, KeyError):
        return None
    location = summary.get("s3BucketLocation") if isinstance(summary, dict) else None
    if not isinstance(location, str):
        return None
    bucket, _, key = location.removeprefix("s3://").partition("/")
    if not bucket or not key:
        return None
    at = _time(_text(fields, "notificationCreationTime"))
    return Notification(objects=(NamedObject(bucket, key, at=at, only_here=True),))


def documents(notifications: Iterator[Notification]) -> bytes:
    """The records of several messages as one content: documents in lines of their own."""
    return b"\n".join(record for found in notifications for record in found.records)


def _text(fields: Mapping[str, Raw], name: str) -> str | None:
    raw = fields.get(name)
    value = None if raw is None else string(raw)
    return None if value is None else value.decode("utf-8", "replace")


def _at(value: Mapping[str, Any], *names: str) -> Any:
    found: Any = value
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _is_name(value: object) -> TypeGuard[str]:
    """A bucket's or object's name that a column of the ledger can hold; S3's keys have at most 1,024 bytes."""
    return isinstance(value, str) and bool(value) and fitting(value, MAX_KEY) is not None


def _decoded(key: object) -> object:
    return unquote_plus(key) if isinstance(key, str) else key


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 else None


def _etag(value: object) -> str | None:
    text = value.strip('"') if isinstance(value, str) else ""
    return text if 0 < len(text) <= 190 else None


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
