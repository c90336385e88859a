"""CloudWatch Logs exported to S3: a timestamp, a space, the message; it may go on in further lines.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, pairwise

from ashiato.formats.carried import begins_json
from ashiato.formats.documents import DocumentReader
from ashiato.formats.reading import Part, Unreadable

MAX_MESSAGE = 64 << 20
_STAMP = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z "
_EXPORT = re.compile(_STAMP + rb"[{\[0-9]")
_START = re.compile(rb"^" + _STAMP, re.MULTILINE)


def is_export(text: bytes) -> bool:
    """`2023-01-01T00:00:00.000Z {…}` or `… 2 123456789010 eni-…`."""
    return _EXPORT.match(text) is not None


def read_export(chunks: Iterator[bytes], base: int, documents: DocumentReader) -> Iterator[Part]:
    """Parts of an export; `base` is the offset of the first chunk."""
    rest = b""
    for chunk in chain(chunks, [None]):
        block = rest + (chunk or b"")
        starts = [m.start() for m in _START.finditer(block)]
        cut = len(block)
        if chunk is not None:
            # The last message may go on in the next chunk, and so may the stamp of the next one.
            cut = starts.pop() if starts else 0
            if len(block) - cut > MAX_MESSAGE:
                yield Unreadable("a message longer than 64 MiB", base + cut, b"")
                block, cut = block[:cut], cut
        yield from _messages(block[:cut], starts, base, documents)
        base, rest = base + cut, block[cut:]


def _messages(block: bytes, starts: list[int], base: int, documents: DocumentReader) -> Iterator[Part]:
    before = block[: starts[0]] if starts else block
    if before.strip():
        yield Unreadable("a line of an export without a time", base, before)
    lines: list[str] = []
    times: list[int] = []
    for start, end in pairwise([*starts, len(block)]):
        stamp, _, message = block[start:end].partition(b" ")
        message = message.rstrip(b"\r\n")
        if begins_json(message):
            yield from documents.message(message, base + start)
            continue
        try:
            moment = int(datetime.fromisoformat(stamp.decode()).timestamp() * 1000)
            lines.append(message.decode())
            times.append(moment)
        except ValueError as error:
            reason = f"a line of an export that cannot be read: {error}"
            yield Unreadable(reason, base + start, block[start:end])
    yield from documents.lines(lines, times)
