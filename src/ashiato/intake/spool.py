"""Bytes that cannot be fetched again (a stream, messages of queues, what is pushed), kept until they are committed.

What arrives together is one file of `spool/` (an Arrow IPC file: an entry a batch, with its bytes, their SHA-256 and where
they came from), synced before anyone is told that it arrived. Entries are then a source like any other: taken in, and the
file is removed when all of its entries are committed. A file an entry would cost the file system more than all else that
becomes of a small object: docs/decisions/0005-spool-files.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.intake.units import ReadingNote
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Progress

_SUFFIX: Final = ".arrow"
_CONTENT: Final = pa.large_binary()
#: `note`: where it came from and what is known of it, as JSON.
_SCHEMA: Final = pa.schema([("note", pa.string()), ("content", _CONTENT)])


@dataclass(frozen=True)
class SpoolEntry:
    """Kept bytes: where they came from, what is known of them beforehand, and where they lie."""

    ref: ObjectRef
    note: ReadingNote
    sha256: str
    file: Path
    number: int


class Spool:
    """The folder `spool/` of a home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Entries of each file that are not forgotten.
        self._left: dict[Path, set[int]] = {}

    def put(self, ref: ObjectRef, content: bytes, told: ReadingNote | None = None) -> SpoolEntry:
        """Keep `content` for good: when this returns, a power loss does not lose it."""
        return self.put_many([(ref, content, told)])[0]

    def put_many(self, kept: Sequence[tuple[ObjectRef, bytes, ReadingNote | None]]) -> list[SpoolEntry]:
        """The same for several at once, synced together: one after the other a slow disk keeps few a second.

        Raises OSError; then nothing of it is kept."""
        if not kept:
            return []
        path = self.folder / f"{uuid.uuid4().hex}{_SUFFIX}"
        entries = [
            SpoolEntry(
                replace(ref, size=len(content)),
                told or ReadingNote(),
                hashlib.sha256(content).hexdigest(),
                path,
                number,
            )
            for number, (ref, content, told) in enumerate(kept)
        ]
        temporary = path.with_name(f".{path.name}")
        try:
            with temporary.open("wb") as file:
                with pa.ipc.new_file(file, _SCHEMA) as writer:
                    for entry, (_, content, _) in zip(entries, kept, strict=True):
                        writer.write_batch(_batch(entry, content))
                file.flush()
                os.fsync(file.fileno())
            self._left[path] = set(range(len(entries)))
            temporary.rename(path)
            _sync_folder(self.folder)
        except OSError:
            self._left.pop(path, None)
            for each in (temporary, path):
                each.unlink(missing_ok=True)
            raise
        return entries

    def entries(self, damaged: Callable[[Path, str], None] = lambda _path, _why: None) -> list[SpoolEntry]:
        """What was kept and is not yet committed, oldest delivery first. `damaged` is told of a file that cannot be
        read, or is of another version; it stays where it is."""
        found: list[SpoolEntry] = []
        for path in sorted(self.folder.glob("[!.]*")):
            try:
                held = list(_held(path))
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError, TypeError) as error:
                damaged(path, str(error))
                continue
            left = self._left.setdefault(path, {entry.number for entry in held})
            found += [entry for entry in held if entry.number in left]
        return sorted(found, key=lambda entry: entry.ref.delivered_at)

    def content(self, entry: SpoolEntry) -> bytes:
        """The bytes of an entry. Raises OSError."""
        try:
            with pa.memory_map(str(entry.file)) as source:
                content = pa.ipc.open_file(source).get_batch(entry.number)["content"][0].as_py()
        except (ValueError, IndexError) as error:
            raise OSError(f"{entry.file.name} is damaged: {error}") from error
        if not isinstance(content, bytes) or hashlib.sha256(content).hexdigest() != entry.sha256:
            raise OSError(f"{entry.file.name} is damaged: an entry is not what was written")
        return content

    def tidy(self) -> None:
        """Remove what a killed process left half-written: nobody was told that it was kept. Only for the holder of the
        writer's lock, before anything is put."""
        for path in self.folder.glob(".*"):
            path.unlink(missing_ok=True)

    def forget(self, entry: SpoolEntry) -> None:
        """An entry's records are committed; a file goes with its last one. Raises OSError."""
        left = self._left.get(entry.file)
        if left is None:
            left = self._left[entry.file] = {each.number for each in _held(entry.file)}
        left.discard(entry.number)
        if not left:
            entry.file.unlink(missing_ok=True)
            del self._left[entry.file]


class SpoolSource:
    """The waiting entries of a spool as a source; `confirm` removes what was handed out."""

    at_once = 1

    name = "spool"

    def __init__(self, spool: Spool, entries: Sequence[SpoolEntry]) -> None:
        self.spool = spool
        self.progress = Progress()
        self._waiting = list(entries)
        self._entries = {entry.ref: entry for entry in entries}
        self._handed_out: list[SpoolEntry] = []
        self._unread: set[ObjectRef] = set()

    def objects(self) -> Iterator[ObjectRef]:
        self.progress = Progress()
        for entry in self._waiting:
            self._handed_out.append(entry)
            yield self.progress.handed_out(entry.ref)
        self.progress.total = self.progress.objects

    def fetch(self, ref: ObjectRef) -> bytes:
        try:
            return self.spool.content(self._entries[ref])
        except (KeyError, OSError) as error:
            self._unread.add(ref)
            raise ObjectUnavailable(
                ref.name, "gone", f"the spooled bytes cannot be read: {error}", "Check the home's disk."
            ) from error

    def confirm(self) -> None:
        for entry in self._handed_out:
            # What could not be read is nowhere else.
            if entry.ref not in self._unread:
                self.spool.forget(entry)
        self._handed_out.clear()

    def note(self, ref: ObjectRef) -> ReadingNote | None:
        """What is known of an entry beforehand."""
        entry = self._entries.get(ref)
        return entry.note if entry else None


def _batch(entry: SpoolEntry, content: bytes) -> pa.RecordBatch:
    ref = entry.ref
    note = {
        "source": ref.source,
        "name": ref.name,
        "etag": ref.etag,
        "delivered_at": ref.delivered_at.isoformat(),
        "sha256": entry.sha256,
        **{k: v for k, v in asdict(entry.note).items() if v is not None},
    }
    # Not copied: a stream may be large.
    buffers = [None, pa.py_buffer(struct.pack("=2q", 0, len(content))), pa.py_buffer(content)]
    return pa.record_batch(
        [pa.array([json.dumps(note)], pa.string()), pa.Array.from_buffers(_CONTENT, 1, buffers)],
        schema=_SCHEMA,
    )


def _held(path: Path) -> Iterator[SpoolEntry]:
    """The entries of a file, their bytes left where they are. Raises OSError, ValueError, KeyError of one that is damaged."""
    with pa.memory_map(str(path)) as source:
        file = pa.ipc.open_file(source)
        for number in range(file.num_record_batches):
            batch = file.get_batch(number)
            note = json.loads(batch["note"][0].as_py())
            delivered = datetime.fromisoformat(note["delivered_at"])
            size = pc.binary_length(batch["content"])[0].as_py()
            ref = ObjectRef(note["source"], note["name"], note["etag"], size, delivered)
            told = ReadingNote(note.get("flow_format"), note.get("quarantine"))
            yield SpoolEntry(ref, told, note["sha256"], path, number)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
