"""Standard input, or a named pipe, as a source of one object."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ashiato.core.errors import SourceUnavailable, WrongUse
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Progress, utc_now
from ashiato.sources.options import SourceOptions


class StreamSource:
    """Reads a stream once, to its end. The object's name is `stdin:<sha256>`, its etag the same hash.

    The same bytes piped twice are therefore one object. The stream is held in memory, so it is bounded
    by `options.max_object_bytes`; beyond that nothing is taken.
    """

    at_once = 1

    def __init__(
        self, path: str | None, *, name: str, options: SourceOptions, stream: BinaryIO | None = None
    ) -> None:
        self.name = name
        self.progress = Progress()
        self._path = path
        self._stream = stream
        self._limit = options.max_object_bytes
        self._content: dict[str, bytes] | None = None

    def objects(self) -> Iterator[ObjectRef]:
        self.progress = Progress()
        if self._content is None:
            content = self._read()
            self._content = {hashlib.sha256(content).hexdigest(): content}
        for digest, content in self._content.items():
            ref = ObjectRef(self.name, f"stdin:{digest}", digest, len(content), utc_now())
            yield self.progress.handed_out(ref)
        self.progress.total = self.progress.objects

    def fetch(self, ref: ObjectRef) -> bytes:
        content = (self._content or {}).get(ref.etag)
        if content is None:
            raise ObjectUnavailable(
                ref.name,
                "gone",
                "A stream can be read once and this one is over",
                "Pipe it again.",
                retry=False,
            )
        return content

    def confirm(self) -> None:
        """A stream is over when it was read."""

    def _read(self) -> bytes:
        try:
            if self._stream is not None:
                content = self._stream.read(self._limit + 1)
            elif self._path is not None:
                with Path(self._path).open("rb") as file:
                    content = file.read(self._limit + 1)
            elif sys.stdin is None or sys.stdin.isatty():
                raise WrongUse(
                    "'-' reads standard input, and nothing is piped into it",
                    remedy="For example: zcat trail.json.gz | ashiato collect -",
                )
            else:
                content = sys.stdin.buffer.read(self._limit + 1)
        except OSError as error:
            what = f"{self._path or 'Standard input'} cannot be read ({error.strerror})"
            raise SourceUnavailable(what, remedy="Check what feeds it.") from error
        if len(content) > self._limit:
            raise SourceUnavailable(
                f"The stream is longer than {self._limit:,} bytes",
                remedy="Write it to files of at most that size and collect those.",
            )
        return content
