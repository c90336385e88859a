"""Records inside JSON that is no envelope known here: exports of search engines, shippers, test collections.

Splunk's `{"result": {"_raw": "…"}}`, Elasticsearch's `_source`, Beats' `message` and `event.original`, the rows
of CloudWatch Logs Insights, `{"name": …, "event": {…}}`. What is looked for is the record, not the wrapping.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from ashiato.formats.cloudtrail_record import NOTHING, looks_like_record
from ashiato.formats.envelopes import string
from ashiato.formats.flow_text import resembles_flow_text

#: Wrapping deeper than this is not looked through.
MAX_LEVELS: Final = 16
#: Names that only records have; inside JSON text their quotation marks are escaped.
_NAMES = re.compile(rb'event(?:Version|ID|Id|Time|Source)\\*"|onfigurationItem|CloudTrailEvent')
_FLOW = re.compile(rb"ACCEPT|REJECT|NODATA|SKIPDATA|eni-[0-9a-f]{8}")
_JSON = re.compile(rb'\s*(?:\{\s*(?:["}]|\Z)|\[\s*(?:[\[{"\]]|\Z))')
_MEMBER = re.compile(rb'"[^"\n]{1,64}"\s*:')
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
#: Shorter than any flow record.
_LEAST_TEXT: Final = 24


class Carried(NamedTuple):
    """What was found, each once: JSON of records, JSON texts that hold some, flow records."""

    records: list[bytes]
    texts: list[bytes]
    lines: list[str]


def begins_json(text: bytes) -> bool:
    """Whether text that begins with a bracket is JSON, whole or damaged, rather than `[INFO] …`.

    >>> begins_json(b'{"a":1'), begins_json(b"[ERROR] no such key")
    (True, False)
    """
    first = text.lstrip()[:1]
    if first not in (b"{", b"["):
        return False
    if _JSON.match(text) or names_a_record(text):
        return True
    return first == b"{" and _MEMBER.search(text, 0, 4096) is not None


def names_a_record(text: bytes) -> bool:
    """Whether text has a name that records of CloudTrail and AWS Config have."""
    return _NAMES.search(text) is not None


def carried(raw: bytes) -> Carried:
    """What a JSON value that is no record itself holds of records, at any place."""
    found: tuple[dict[bytes, None], dict[bytes, None], dict[str, None]] = ({}, {}, {})
    if names_a_record(raw) or _FLOW.search(raw):
        _look(raw, found, MAX_LEVELS)
    records, texts, lines = found
    return Carried(list(records), list(texts), list(lines))


def _look(
    raw: bytes, found: tuple[dict[bytes, None], dict[bytes, None], dict[str, None]], levels: int
) -> None:
    records, texts, lines = found
    for value in map(bytes, _values(raw)):
        first = value[:1]
        if first in (b"{", b"["):
            if first == b"{" and _is_record(value):
                records[value] = None
            elif levels:
                _look(value, found, levels - 1)
        elif first == b'"' and len(value) >= _LEAST_TEXT:
            text = (string(value) or b"").strip()
            if text[:1] in (b"{", b"["):
                if names_a_record(text) or _FLOW.search(text):
                    texts[text] = None
            elif _FLOW.search(text) and resembles_flow_text(text[:4096]):
                lines.update(dict.fromkeys(text.decode("utf-8", "replace").splitlines()))


def _values(raw: bytes) -> list[Raw]:
    try:
        return list(_OBJECT.decode(raw).values()) if raw[:1] == b"{" else _LIST.decode(raw)
    except _UNDECODABLE:
        return []


def _is_record(raw: bytes) -> bool:
    try:
        fields = _OBJECT.decode(raw)
    except _UNDECODABLE:
        return False
    if "configurationItemCaptureTime" in fields and "resourceType" in fields:
        return bytes(fields["resourceType"])[:1] == b'"'
    # In schemas and event patterns the same names have objects and lists as values; a note that speaks of
    # an event names its id and time, but only the record says which service was called, or in what form.
    names = [bytes(fields.get(name, NOTHING))[:1] for name in ("eventName", "eventSource", "eventCategory")]
    if not looks_like_record(fields) or {b"{", b"["} & set(names):
        return False
    return (names[0] == b'"' and names[1] == b'"') or (b'"' in names and "eventVersion" in fields)
