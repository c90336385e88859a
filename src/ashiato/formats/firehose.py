"""A request of Amazon Data Firehose to an HTTP endpoint → what of it is to be kept, in shapes that `LogReader` reads.

https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
Inside are payloads of CloudWatch Logs subscriptions, EventBridge's events, SNS's envelopes, flow records.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from ashiato.formats.carried import begins_json
from ashiato.formats.inflate import GZIP, Damage, inflate

#: A request is at most so large before compression, by AWS's page.
MAX_BODY: Final = 64 << 20
MAX_RECORDS: Final = 10_000
#: Contents are handed over in pieces of about this size: a reader takes JSON whole up to 32 MiB.
PIECE: Final = 8 << 20
#: More text than this in one record is no flow log.
MAX_TEXT: Final = 64 << 20
#: A control message has about 300 bytes.
_HEAD: Final = 64 << 10
T = TypeVar("T", str, bytes)
_ENVELOPES: Final = frozenset({"Type", "TopicArn", "detail", "detail-type", "eventVersion", "logEvents"})


class NotARequest(ValueError):  # noqa: N818 - named like formats.cloudtrail_record.NotARecord
    """The body is not one of Firehose's; the text says why."""


class _Record(msgspec.Struct):
    data: str


class _Request(msgspec.Struct):
    requestId: str
    records: list[_Record]
    timestamp: int | float | None = None


@dataclass(frozen=True)
class Delivery:
    """A request taken apart. `contents` are to be kept, in the same pieces whenever the request comes again.

    `records` counts those kept; `dropped` control messages of CloudWatch Logs and empty records.
    """

    request_id: str
    contents: tuple[bytes, ...]
    records: int
    dropped: int


def unpacked(body: bytes) -> bytes:
    """The body of a request with `Content-Encoding: gzip`. Raises NotARequest for damage or too many bytes."""
    engine = zlib.decompressobj(wbits=31)
    try:
        text = engine.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise NotARequest(f"the body is not gzip: {error}") from error
    if len(text) > MAX_BODY:
        raise NotARequest(f"the body is larger than {MAX_BODY >> 20} MiB")
    if not engine.eof:
        raise NotARequest("the body is cut off")
    return text


def read_request(body: bytes) -> Delivery:
    """What a request holds. Raises NotARequest; records that cannot be read are kept as they are."""
    try:
        request = msgspec.json.decode(body, type=_Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotARequest(f"the body is no request of Firehose: {str(error)[:200]}") from error
    if len(request.records) > MAX_RECORDS:
        raise NotARequest(f"{len(request.records):,} records are more than the {MAX_RECORDS:,} of a request")
    documents: list[str] = []
    lines: list[bytes] = []
    dropped = 0
    for record in request.records:
        try:
            data = base64.b64decode(record.data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise NotARequest(f"a record is not base64: {error}") from error
        kind, text = _sorted(data)
        if kind == "nothing":
            dropped += 1
        elif kind == "lines":
            lines += [line for line in text.splitlines() if line.strip()]
        else:
            documents.append(record.data)
    kept = len(request.records) - dropped
    contents = (*_requests(documents), *_texts(lines))
    return Delivery(request.requestId, contents, kept, dropped)


def _sorted(data: bytes) -> tuple[str, bytes]:
    """Whether a record says "nothing", holds "lines" of flow records, or is for the reader of JSON, as it is."""
    if not data.strip():
        return "nothing", b""
    if data[:2] != GZIP:
        return _text(data)
    head = _head(data)
    if begins_json(head[:4096]) or not head:
        return ("nothing" if len(head) < _HEAD and _is_control(head) else "document"), b""
    text = bytearray()
    for part in inflate(data):
        if isinstance(part, Damage):
            return "document", b""
        text += part
        if len(text) > MAX_TEXT:
            return "document", b""
    return "lines", bytes(text)


def _text(data: bytes) -> tuple[str, bytes]:
    if not begins_json(data.lstrip()[:4096]):
        try:
            data.decode()
        except UnicodeDecodeError:
            return "document", b""
        return "lines", data
    if len(data) < _HEAD:
        if _is_control(data):
            return "nothing", b""
        message = _bare_message(data)
        if message is not None:
            return "lines", message
    return "document", b""


def _head(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, _HEAD)
    except zlib.error:
        return b""


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_control(text: bytes) -> bool:
    return b"CONTROL_MESSAGE" in text and _object(text).get("messageType") == "CONTROL_MESSAGE"


def _bare_message(text: bytes) -> bytes | None:
    """Some deliveries wrap a flow record as `{"message": "2 1234 eni-…"}`."""
    fields = _object(text)
    message = fields.get("message")
    if not isinstance(message, str) or fields.keys() & _ENVELOPES:
        return None
    line = message.encode("utf-8", "replace")
    return None if begins_json(line) or b"\n" in line.strip() else line


def _requests(documents: list[str]) -> Iterator[bytes]:
    """Requests of their own, without an id: the same records are the same content whatever brings them."""
    for piece in _pieces(documents):
        yield json.dumps({"requestId": "", "records": [{"data": data} for data in piece]}).encode()


def _texts(lines: list[bytes]) -> Iterator[bytes]:
    for piece in _pieces(lines):
        yield b"\n".join(piece) + b"\n"


def _pieces(parts: list[T]) -> Iterator[list[T]]:
    piece: list[T] = []
    size = 0
    for part in parts:
        piece.append(part)
        size += len(part)
        if size >= PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
