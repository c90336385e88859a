"""AWS Config's documents → rows of `config_items`.

Files of configuration history and snapshots, change notifications (SNS, EventBridge, oversized ones in S3),
rule invocations, and answers of the API. Notifications that carry no item are skipped by name.

https://docs.aws.amazon.com/config/latest/developerguide/notifications-for-AWS-Config.html
https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_example-events.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import Raw

from ashiato.formats.config_entities import entities_of
from ashiato.formats.config_record import UNDECODABLE, NotAnItem, item_key, parse_item
from ashiato.formats.entities import hashes
from ashiato.formats.json_scan import Broken, elements
from ashiato.formats.json_text import compact
from ashiato.formats.reading import ObjectOrigin, Part, Reading, Rows, Skipped, Unreadable
from ashiato.formats.tables.config_items import CONFIG_ITEMS

__all__ = ["entities_of", "item_key", "read_document", "read_items"]

MAX_ROWS = 5_000
MAX_BYTES = 32 * 1024 * 1024
MAX_ENVELOPES = 4

#: https://docs.aws.amazon.com/config/latest/developerguide/notifications-for-AWS-Config.html
MESSAGES_WITHOUT_ITEM = frozenset(
    {
        "ComplianceChangeNotification",
        "ConfigRulesEvaluationStarted",
        "ConfigurationHistoryDeliveryCompleted",
        "ConfigurationSnapshotDeliveryStarted",
        "ConfigurationSnapshotDeliveryCompleted",
        "ConfigurationSnapshotDeliveryFailed",
        "ScheduledNotification",
        "OversizedConfigurationItemChangeNotification",
        "OversizedConfigurationItemChangeDeliveryFailed",
        "ConfigurationItemChangeNotification",
    }
)

Fields = Mapping[str, Raw]
#: What changed, as a notification says it: JSON bytes or decoded.
Diff = bytes | Mapping[str, Any] | None

_SCHEMA = pa.schema([field for field in CONFIG_ITEMS.schema if field.name != "ingested_at"])
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)


def read_document(fields: Fields, raw: bytes, offset: int, origin: ObjectOrigin) -> Reading | None:
    """Parts of a JSON object of AWS Config; None if it is none of AWS Config's.

    `fields` are the object's keys, `raw` is the whole object, `offset` its place in the delivered content.
    """
    return _document(fields, raw, offset, origin, MAX_ENVELOPES)


def read_items(
    items: Iterable[tuple[int, bytes, Diff]],
    origin: ObjectOrigin,
    *,
    file_version: str | None = None,
    snapshot_id: str | None = None,
) -> Reading:
    """(offset, JSON, diff) of items → Rows of at most 5,000 items or 32 MiB, Unreadable for the rest."""
    rows: list[dict[str, Any]] = []
    keys: list[bytes] = []
    size = 0
    for offset, raw, diff in items:
        if rows and (len(rows) >= MAX_ROWS or size + len(raw) > MAX_BYTES):
            yield _table(rows, keys, origin)
            rows, keys, size = [], [], 0
        try:
            row = parse_item(raw)
            row["configurationItemDiff"] = _diff(diff)
        except NotAnItem as error:
            yield Unreadable(str(error), offset, raw)
            continue
        row["fileVersion"] = file_version
        row["configSnapshotId"] = snapshot_id
        rows.append(row)
        keys.append(item_key(row, raw))
        size += len(raw)
    if rows:
        yield _table(rows, keys, origin)


def _diff(diff: Diff) -> str | None:
    if diff is None or diff == b"null":
        return None
    try:
        return compact(diff if isinstance(diff, bytes) else msgspec.json.encode(diff))
    except (ValueError, TypeError, RecursionError) as error:
        raise NotAnItem(f"configurationItemDiff cannot be kept: {error}") from error


def _table(rows: list[dict[str, Any]], keys: list[bytes], origin: ObjectOrigin) -> Rows:
    n = len(rows)
    filled: dict[str, pa.Array] = {
        "entities": pa.array(
            [hashes((kind, value) for kind, value, _ in entities_of(row)) for row in rows],
            _SCHEMA.field("entities").type,
        ),
        "delivered_at": pa.array([origin.delivered_at] * n, _SCHEMA.field("delivered_at").type),
        "source": pa.repeat(origin.source, n),
        "object": pa.repeat(origin.name, n),
        "variant": pa.repeat(pa.scalar(0, pa.int32()), n),
    }
    columns = [
        filled[field.name]
        if field.name in filled
        else pa.array([row.get(field.name) for row in rows], field.type)
        for field in _SCHEMA
    ]
    return Rows(
        CONFIG_ITEMS.name, pa.Table.from_arrays(columns, schema=_SCHEMA), pa.array(keys, pa.binary(16))
    )


def _document(fields: Fields, raw: bytes, offset: int, origin: ObjectOrigin, depth: int) -> Reading | None:
    names = {name.lower(): name for name in fields}

    def has(name: str) -> bool:
        return name in names

    if has("configurationitems") or has("baseconfigurationitems"):
        key = names.get("configurationitems") or names["baseconfigurationitems"]
        return _file(fields, raw, key, offset, origin)
    if has("configurationitem") and (
        "messagetype" in names or has("configurationitemdiff") or len(fields) <= 4
    ):
        return _notification(fields, names, raw, offset, origin)
    if has("configurationitemsummary"):
        return iter([_oversized(fields, names)])
    if has("invokingevent"):
        return _invocation(bytes(fields[names["invokingevent"]]), raw, offset, origin, depth)
    if has("results") and (has("queryinfo") or bytes(fields[names["results"]])[:2] in (b'["', b"[]")):
        return _query_results(fields, names, raw, offset, origin)
    if has("resourceidentifiers"):
        return iter([Skipped("a list of resources that AWS Config discovered: no configuration items")])
    if has("configurationitemcapturetime") or {"resourcetype", "configurationitemstatus"} <= names.keys():
        return read_items([(offset, raw, None)], origin)
    if has("messagetype"):
        message = _text(fields[names["messagetype"]])
        if message in MESSAGES_WITHOUT_ITEM:
            return iter([Skipped(f"a notification of AWS Config without an item: {message}")])
        return None
    if {"status_code", "data"} <= names.keys():
        return _recorded_answer(bytes(fields[names["data"]]), offset, origin, depth)
    return None


def _text(value: Raw | None) -> str | None:
    """Text, or a number as written; None for anything else."""
    content = bytes(value) if value is not None else b"null"
    try:
        if content[:1] == b'"':
            return _TEXT.decode(content)
        return content.decode() if content[:1].isdigit() and len(content) <= 40 else None
    except UNDECODABLE:
        return None


def _file(fields: Fields, raw: bytes, key: str, offset: int, origin: ObjectOrigin) -> Reading:
    """A history or snapshot file, or an answer of the API with many items."""
    if bytes(fields[key]) == b"null":
        return
    listed = bytes(fields[key])
    if listed[:1] != b"[":
        yield Unreadable(f"{key} is not a list of configuration items", offset, raw)
        return
    by_name = {name.lower(): value for name, value in fields.items()}
    broken: list[Unreadable] = []
    yield from read_items(
        _listed(listed, offset + max(raw.find(listed), 0), broken),
        origin,
        file_version=_text(by_name.get("fileversion") or by_name.get("snapshotversion")),
        snapshot_id=_text(by_name.get("configsnapshotid")),
    )
    yield from broken


def _listed(content: bytes, offset: int, broken: list[Unreadable]) -> Iterator[tuple[int, bytes, Diff]]:
    """Elements of a JSON list with their offsets; those that cannot be told apart go to `broken`."""
    try:
        listed = _LIST.decode(content)
    except UNDECODABLE:
        # The list as a whole has been decoded once, so that only depth stands against it.
        for part in elements(content, start=0):
            if isinstance(part, Broken):
                broken.append(Unreadable(part.reason, offset + part.offset, part.raw))
            else:
                yield offset + part.offset, part.raw, None
        return
    position = 0
    for item in map(bytes, listed):
        position = content.find(item, position)
        yield offset + position, item, None
        position += len(item)


def _notification(
    fields: Fields, names: Mapping[str, str], raw: bytes, offset: int, origin: ObjectOrigin
) -> Reading:
    """A change of one item; in the shape of 2014 a list of them. Also as S3 holds it when it is oversized."""
    item = bytes(fields[names["configurationitem"]])
    diff = bytes(fields[names["configurationitemdiff"]]) if "configurationitemdiff" in names else None
    if item == b"null":
        yield Skipped("a change notification of AWS Config whose item is null")
    elif item[:1] == b"[":
        broken: list[Unreadable] = []
        listed = _listed(item, offset + max(raw.find(item), 0), broken)
        yield from read_items(((place, content, diff) for place, content, _ in listed), origin)
        yield from broken
    else:
        yield from read_items([(offset + max(raw.find(item), 0), item, diff)], origin)


def _oversized(fields: Fields, names: Mapping[str, str]) -> Part:
    """The summary of an oversized item has the item's key but not its state: kept, it would stand in the
    item's place when the item comes by S3. So it only says where the item is."""
    location, error = None, None
    try:
        delivery = _OBJECT.decode(fields[names["s3deliverysummary"]])
        location, error = _text(delivery.get("s3BucketLocation")), _text(delivery.get("errorCode"))
    except (KeyError, *UNDECODABLE):
        pass
    if location:
        return Skipped(f"an oversized change notification; the item is in s3://{location}")
    return Skipped(
        f"an oversized change notification; AWS could not deliver the item: {error or 'no reason given'}"
    )


def _invocation(event: bytes, raw: bytes, offset: int, origin: ObjectOrigin, depth: int) -> Reading:
    """A rule's invocation: the notification is JSON text in `invokingEvent`."""
    try:
        inner = _TEXT.decode(event).encode() if event[:1] == b'"' else event
        fields = _OBJECT.decode(inner)
    except UNDECODABLE as error:
        yield Unreadable(f"invokingEvent is not the JSON of a notification: {error}", offset, raw)
        return
    found = _document(fields, inner, offset, origin, depth - 1) if depth else None
    yield from found or (Skipped("an invocation of a rule without an item"),)


def _query_results(
    fields: Fields, names: Mapping[str, str], raw: bytes, offset: int, origin: ObjectOrigin
) -> Reading:
    """SelectResourceConfig: each result is JSON text of the fields that the query selected.

    A result is an item where it has the capture time. Others are excerpts that name no state.
    """
    items: list[tuple[int, bytes, Diff]] = []
    excerpts = 0
    try:
        for result in _LIST.decode(fields[names["results"]]):
            content = bytes(result)
            text = _TEXT.decode(content).encode() if content[:1] == b'"' else content
            if b"configurationItemCaptureTime" in text:
                items.append((offset, text, None))
            else:
                excerpts += 1
    except UNDECODABLE as error:
        yield Unreadable(f"Results is not a list of JSON text: {error}", offset, raw)
        return
    yield from read_items(items, origin)
    if excerpts or not items:
        yield Skipped(f"{excerpts} results of an advanced query that are no configuration items")


def _recorded_answer(data: bytes, offset: int, origin: ObjectOrigin, depth: int) -> Reading | None:
    """An answer of the API as Boto3's tests record it: {"status_code": 200, "data": {…}}."""
    try:
        fields = _OBJECT.decode(data)
    except UNDECODABLE:
        return None
    return _document(fields, data, offset, origin, depth - 1) if depth else None
