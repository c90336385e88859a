"""What envelopes carry, taken out: JSON text inside JSON, base64, compressed payloads, times."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Raw

from ashiato.formats.inflate import Damage, inflate
from ashiato.formats.json_strings import scan_string

#: A payload of CloudWatch Logs is at most 1 MB compressed; more than this is no log.
MAX_PAYLOAD: Final = 128 << 20
_TEXT = msgspec.json.Decoder(str)
_ANY = msgspec.json.Decoder()


def string(raw: Raw | bytes) -> bytes | None:
    """The text of a JSON string as UTF-8; None for other JSON.

    Half a surrogate pair becomes the escape that it was, so that JSON inside of it stays as it is.

    >>> string(b'"{\\\\"a\\\\":1}"')
    b'{"a":1}'
    """
    if bytes(raw)[:1] != b'"':
        return None
    try:
        return _TEXT.decode(raw).encode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        text, _ = scan_string(bytes(raw).decode("utf-8", "surrogateescape"), 1)
    except ValueError:
        return None
    # Bytes that are not UTF-8 come out as they went in, halves of pairs as escapes.
    return b"".join(
        c.encode("utf-8", "surrogateescape" if "\udc80" <= c <= "\udcff" else "backslashreplace")
        for c in text
    )


def decoded(data: bytes) -> tuple[bytes, str]:
    """Base64 of gzip or of plain text → its content; and why there is no more of it, or ""."""
    try:
        packed = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        return b"", f"not base64: {error}"
    content = bytearray()
    for part in inflate(packed):
        if isinstance(part, Damage):
            return bytes(content), part.reason
        content += part
        if len(content) > MAX_PAYLOAD:
            return b"", f"a payload that is larger than {MAX_PAYLOAD >> 20} MiB"
    return bytes(content), ""


def integer(raw: Raw | None) -> int:
    """A JSON integer; 0 for anything else."""
    try:
        value = 0 if raw is None else _ANY.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return 0
    return value if isinstance(value, int) and abs(value) < 1 << 62 else 0


def lookup_time(raw: Raw | None) -> str | None:
    """EventTime of LookupEvents: seconds since 1970 on the wire, a time as the CLI or Boto3 print it."""
    try:
        value = None if raw is None else _ANY.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e11:
        return datetime.fromtimestamp(value, UTC).isoformat()
    return value if isinstance(value, str) else None
