"""One configuration item as JSON → a row of `config_items`, whichever road it came by.

AWS Config writes the same item in three spellings, and the row is the same for all of them:

* S3 files, SNS, EventBridge, rules: `awsAccountId`, `ARN`, `configurationItemVersion`; `configuration` and
  the values of `supplementaryConfiguration` are JSON; ISO times; `configurationStateId` a number.
* the API (`GetResourceConfigHistory`): `accountId`, `arn`, `version`; `configuration` and every value of
  `supplementaryConfiguration` is JSON as *text*; epoch or ISO times; `configurationStateId` text. One level
  is decoded, no more: what is text in the S3 spelling (`AccessControlList`, policies) stays text.
* samples of AWS's guide, which mix both, with `availibilityZone` and `configurationStateID`.

https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html
https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigurationItem.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import Raw

from ashiato.formats.json_text import canonical, compact

#: Field names in lower case → column.
COLUMN_OF = {
    name.lower(): column
    for column, names in {
        "configurationItemVersion": ("configurationItemVersion", "version"),
        "configurationItemCaptureTime": ("configurationItemCaptureTime",),
        "configurationStateId": ("configurationStateId",),
        "awsAccountId": ("awsAccountId", "accountId"),
        "configurationItemStatus": ("configurationItemStatus",),
        "resourceType": ("resourceType",),
        "resourceId": ("resourceId",),
        "resourceName": ("resourceName",),
        "ARN": ("arn",),
        "awsRegion": ("awsRegion",),
        "availabilityZone": ("availabilityZone", "availibilityZone"),
        "resourceCreationTime": ("resourceCreationTime",),
        "tags": ("tags",),
        "relatedEvents": ("relatedEvents",),
        "relationships": ("relationships",),
        "configuration": ("configuration",),
        "supplementaryConfiguration": ("supplementaryConfiguration",),
        "configurationStateMd5Hash": ("configurationStateMd5Hash", "configurationItemMD5Hash"),
        "configurationItemDeliveryTime": ("configurationItemDeliveryTime",),
        "recordingFrequency": ("recordingFrequency",),
    }.items()
    for name in names
}
_API_NAMES = frozenset({"version", "accountid", "configurationitemmd5hash"})
_RELATIONSHIP = {
    "resourcetype": "resourceType",
    "resourceid": "resourceId",
    "resourcename": "resourceName",
    "name": "name",
    "relationshipname": "name",
}
#: What an item is known by; the state id may be missing beside these, they may not.
_IDENTITY = ("awsAccountId", "awsRegion", "resourceType", "resourceId", "configurationItemCaptureTime")
#: Times that do not say what state this is of: the item is kept where they cannot be read, and so are they.
_MINOR_TIMES = frozenset({"resourceCreationTime", "configurationItemDeliveryTime"})
#: How Python shows a time of Boto3's answers, and so samples that were printed with it.
_SHOWN_BY_PYTHON = re.compile(
    r"datetime\.datetime\(([0-9]+(?:, [0-9]+){2,6})(?:, tzinfo=tz(?:local|utc)\(\))?\)"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEAR_10000 = 253_402_300_800_000_000
_MAX_NUMBER = 40
_MAX_ENCODED = 3
#: The ways in which msgspec says that bytes cannot be decoded.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_ANY_RAW = msgspec.json.Decoder(Raw)


class NotAnItem(ValueError):  # noqa: N818 - a finding about the data, not a failure of the program
    """Why a record cannot be taken; the text names the field and what was expected."""


def parse_item(raw: bytes) -> dict[str, Any]:
    """The columns of an item that the item itself fills; times as µs since 1970 UTC, JSON as compact text.

    Raises NotAnItem.
    """
    try:
        fields = _OBJECT.decode(raw)
    except UNDECODABLE as error:
        raise NotAnItem(_why(error)) from error
    row: dict[str, Any] = {}
    extra: dict[str, str] = {}
    as_text = _values_are_text(fields)
    for name, value in fields.items():
        column = COLUMN_OF.get(name.lower())
        content = bytes(value)
        try:
            if column is None or row.get(column) is not None:
                # Unknown, or the other spelling of a field that is there already.
                if content != b"null":
                    extra[name] = compact(content)
            elif column == "supplementaryConfiguration":
                row[column] = _supplementary(content, as_text)
            elif column == "relatedEvents":
                row[column] = _related_events(content, extra)
            elif column == "relationships":
                row[column] = _relationships(content, extra)
            else:
                row[column] = _READ.get(column, _text)(content)
        except NotAnItem as error:
            if column in _MINOR_TIMES:
                extra[name] = compact(content)
                continue
            raise NotAnItem(f"{name} {error}") from error
        except UnicodeDecodeError as error:
            raise NotAnItem(f"{name} is not UTF-8 at its byte {error.start}") from error
        except (*UNDECODABLE, ValueError, ArithmeticError) as error:
            raise NotAnItem(f"{name} cannot be decoded: {_why(error)}") from error
    if row.get("configurationItemCaptureTime") is None:
        raise NotAnItem("configurationItemCaptureTime is missing; expected the time of the state")
    if row.get("relationships") is None and "relatedEvents" in extra:
        with suppress(NotAnItem):
            row["relationships"] = _relationships(extra["relatedEvents"].encode(), {})
    row["extra"] = object_text(extra) if extra else None
    return row


def item_key(row: Mapping[str, Any], raw: bytes) -> bytes:
    """16 bytes that are equal for copies of one item: account, region, type, id, capture time, state id.

    `row` is from `parse_item`, so the same for all spellings. Where a part but the state id is missing,
    the canonical record `raw` stands in.
    """
    parts = [row.get(column) for column in _IDENTITY]
    if all(part not in (None, "") for part in parts):
        identity = msgspec.json.encode([*parts, row.get("configurationStateId")])
    else:
        try:
            identity = canonical(raw)
        except ValueError:
            identity = raw
    return hashlib.sha256(identity).digest()[:16]


def object_text(members: Mapping[str, str]) -> str:
    """A JSON object of keys and JSON texts."""
    return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{v}" for k, v in members.items()) + "}"


def _why(error: BaseException) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


def _kind(content: bytes) -> str:
    first = content[:1]
    names = {b'"': "text", b"{": "an object", b"[": "a list", b"t": "a boolean", b"f": "a boolean"}
    return names.get(first, "a number")


def _wrong(content: bytes, expected: str) -> NotAnItem:
    return NotAnItem(f"is {_kind(content)}; expected {expected}")


def _values_are_text(fields: Mapping[str, Raw]) -> bool:
    """Whether the item has the API's spelling, in which values of the supplementary map are JSON as text."""
    lower = {name.lower(): bytes(value) for name, value in fields.items()}
    configuration = lower.get("configuration", b"null")
    if configuration == b"null":
        return not _API_NAMES.isdisjoint(lower)
    return configuration[:1] == b'"'


def _text(content: bytes) -> str | None:
    if content == b"null":
        return None
    if content[:1] != b'"':
        raise _wrong(content, "text")
    return _TEXT.decode(content)


def _number_or_text(content: bytes) -> str | None:
    """A number as plain digits where it is whole, so that `1.5E3`, `1500` and `"1500"` agree."""
    if content == b"null" or content[:1] == b'"':
        return _text(content) or None
    if _kind(content) != "a number":
        raise _wrong(content, "text or a number")
    text = content.decode()
    if text.isdigit() or len(text) > _MAX_NUMBER:
        return text
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if number == number.to_integral_value() and abs(number.adjusted()) < _MAX_NUMBER:
        return str(int(number))
    return text


def _account(content: bytes) -> str | None:
    """Twelve digits; a number has lost its leading zeros."""
    text = _number_or_text(content)
    return text.zfill(12) if text and content[:1] != b'"' else text


def _time(content: bytes) -> int | None:
    """µs since 1970 UTC, from ISO-8601 text, epoch seconds, ms or µs, or a datetime of Boto3's recordings."""
    if content == b"null":
        return None
    expected = "a time: ISO-8601 text or seconds since 1970"
    if content[:1] == b'"':
        text = _TEXT.decode(content).strip()
        if not text:
            return None
        # From Python 3.11 on, fromisoformat would take ten digits for a date and an hour.
        if len(text) > 8 and text.replace(".", "", 1).isdecimal():
            return _epoch(text, f"is {text[:60]!r}; expected {expected}")
        shown = _SHOWN_BY_PYTHON.fullmatch(text)
        try:
            moment = _of_numbers(shown[1].split(", ")) if shown else datetime.fromisoformat(text)
        except ValueError as error:
            raise NotAnItem(f"is {text[:60]!r}; expected {expected}") from error
    elif content[:1] == b"{":
        moment = _recorded_datetime(content, expected)
    elif _kind(content) == "a number":
        return _epoch(content.decode(), f"is the number {content[:60].decode()}; expected {expected}")
    else:
        raise _wrong(content, expected)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def _epoch(text: str, complaint: str) -> int:
    try:
        number = Decimal(text) if len(text) <= _MAX_NUMBER else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or number < 0 or number.adjusted() > 17:
        raise NotAnItem(complaint)
    # Seconds reach 1e11 in the year 5138, milliseconds 1e14 likewise.
    scale = 1_000_000 if number < 10**11 else 1_000 if number < 10**14 else 1
    micros = int((number * scale).to_integral_value())
    if micros >= _YEAR_10000:
        raise NotAnItem(complaint)
    return micros


def _recorded_datetime(content: bytes, expected: str) -> datetime:
    parts = _OBJECT.decode(content)
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    try:
        numbers = [int(bytes(parts[name])) for name in names[:3]]
        numbers += [int(bytes(parts[name])) if name in parts else 0 for name in names[3:]]
        return _of_numbers(numbers)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise _wrong(content, expected) from error


def _of_numbers(numbers: Sequence[int | str]) -> datetime:
    """Of year, month, day and so on. Raises ValueError."""
    return datetime(*map(int, numbers), tzinfo=UTC)  # type: ignore[arg-type,misc]


def _json_object(content: bytes) -> str | None:
    """JSON text of an object (or list); text that holds JSON, also encoded several times over, is decoded."""
    for _ in range(_MAX_ENCODED):
        if content == b"null":
            return None
        if content[:1] in (b"{", b"["):
            return compact(content)
        if content[:1] != b'"':
            break
        text = _TEXT.decode(content).strip()
        if not text:
            return None
        try:
            content = bytes(_ANY_RAW.decode(text))
        except msgspec.DecodeError as error:
            raise NotAnItem(f"is text that is not JSON: {error}") from error
    raise _wrong(content, "an object, or its JSON as text")


def _supplementary(content: bytes, values_are_text: bool) -> str | None:
    if not values_are_text or content[:1] != b"{":
        return _json_object(content)
    return object_text({name: _once_decoded(bytes(v)) for name, v in _OBJECT.decode(content).items()})


def _once_decoded(content: bytes) -> str:
    """JSON that is text holding JSON → the JSON it holds; anything else as it is."""
    if content[:1] == b'"':
        try:
            return compact(bytes(_ANY_RAW.decode(_TEXT.decode(content))))
        except msgspec.DecodeError:
            pass
    return compact(content)


def _tags(content: bytes) -> str | None:
    """An object of key and value, also from a list of {key, value} in any case."""
    if content[:1] != b"[":
        return _json_object(content)
    members: dict[str, str] = {}
    for element in _LIST.decode(content):
        tag = bytes(element)
        if tag[:1] != b"{":
            raise _wrong(content, "an object, or a list of objects with key and value")
        parts = {name.lower(): bytes(value) for name, value in _OBJECT.decode(tag).items()}
        key = _text(parts.get("key", parts.get("tagkey", b"null")))
        if key is None:
            raise _wrong(content, "an object, or a list of objects with key and value")
        members[key] = compact(parts.get("value", parts.get("tagvalue", b"null")))
    return object_text(members)


def _related_events(content: bytes, extra: dict[str, str]) -> list[str] | None:
    """The ids of events. Some items hold relationships here: those go to `extra` as they are written."""
    if content == b"null":
        return None
    if content[:1] != b"[":
        raise _wrong(content, "a list of event ids")
    found = []
    for element in map(bytes, _LIST.decode(content)):
        if element[:1] == b"{":
            extra["relatedEvents"] = compact(content)
        elif event := _text(element):
            found.append(event)
    return found


def _relationships(content: bytes, extra: dict[str, str]) -> list[dict[str, str | None]] | None:
    """The relationships; where one has a field nobody knows, all of them as written go to `extra` too."""
    if content == b"null":
        return None
    if content[:1] != b"[":
        raise _wrong(content, "a list of relationships")
    found = []
    for element in _LIST.decode(content):
        if bytes(element)[:1] != b"{":
            raise NotAnItem(f"holds {_kind(bytes(element))}; expected objects")
        relationship: dict[str, str | None] = dict.fromkeys(_RELATIONSHIP.values())
        for name, value in _OBJECT.decode(element).items():
            known = _RELATIONSHIP.get(name.lower())
            if known is None:
                extra["relationships"] = compact(content)
            elif relationship[known] is None:
                relationship[known] = _text(bytes(value))
        found.append(relationship)
    return found


_READ: dict[str, Callable[[bytes], Any]] = {
    "configurationItemVersion": _number_or_text,
    "configurationStateId": _number_or_text,
    "awsAccountId": _account,
    "configurationItemCaptureTime": _time,
    "resourceCreationTime": _time,
    "configurationItemDeliveryTime": _time,
    "tags": _tags,
    "configuration": _json_object,
}
