"""Bytes that cannot be fetched again (a stream, messages of queues, what is pushed), kept until they are committed.

Content-addressed files in `spool/`, synced before anyone is told that they arrived, each with a note of
where it came from. They are then a source like any other: taken in, and removed after the commit.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ashiato.intake.units import ReadingNote
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Progress

_NOTE = ".json"
SYNC_THREADS = 16


@dataclass(frozen=True)
class SpoolEntry:
    """Kept bytes: where they came from, where they lie, and what is known of them beforehand."""

    ref: ObjectRef
    path: Path
    note: ReadingNote


class Spool:
    """The folder `spool/` of a home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, ref: ObjectRef, content: bytes, told: ReadingNote | None = None) -> Path:
        """Keep `content` for good: when this returns, a power loss does not lose it. Where it lies."""
        return self.put_many([(ref, content, told)])[0]

    def put_many(self, entries: Sequence[tuple[ObjectRef, bytes, ReadingNote | None]]) -> list[Path]:
        """The same for several at once, synced together: one after the other a slow disk keeps few a second."""
        writes: dict[Path, bytes] = {}
        paths = []
        for ref, content, told in entries:
            path = self.folder / hashlib.sha256(content).hexdigest()
            note = {
                "source": ref.source,
                "name": ref.name,
                "etag": ref.etag,
                "delivered_at": ref.delivered_at.isoformat(),
                "size": len(content),
                **({k: v for k, v in asdict(told).items() if v is not None} if told else {}),
            }
            writes[path] = content
            writes[path.with_name(path.name + _NOTE)] = json.dumps(note).encode()
            paths.append(path)
        temporary = {path: path.with_name(f".{uuid.uuid4().hex}") for path in writes}
        # Requests to sync that meet at the file system are done as one.
        with ThreadPoolExecutor(min(SYNC_THREADS, len(writes))) as pool:
            list(pool.map(lambda path: _write_synced(temporary[path], writes[path]), writes))
        # A note comes after its content: a file without one is a write that did not end.
        for path in sorted(writes, key=lambda path: path.name.endswith(_NOTE)):
            temporary[path].rename(path)
        _sync_folder(self.folder)
        return paths

    def waiting(self) -> Iterator[tuple[ObjectRef, Path]]:
        """What was kept and is not yet committed, oldest delivery first."""
        for entry in self.entries():
            yield entry.ref, entry.path

    def entries(self) -> Iterator[SpoolEntry]:
        """The same, with what is known of each."""
        notes = []
        for path in self.folder.glob(f"*{_NOTE}"):
            try:
                note = json.loads(path.read_bytes())
                notes.append((datetime.fromisoformat(note["delivered_at"]), note, path.with_suffix("")))
            except (OSError, ValueError, KeyError):
                continue
        for delivered, note, content in sorted(notes, key=lambda n: (n[0], n[2].name)):
            if content.exists():
                ref = ObjectRef(note["source"], note["name"], note["etag"], note["size"], delivered)
                told = ReadingNote(note.get("flow_format"), note.get("quarantine"))
                yield SpoolEntry(ref, content, told)

    def tidy(self) -> None:
        """Remove what a killed process left half-written or half-removed: nobody was told that it was kept, or
        it is committed. Only for the holder of the writer's lock, before anything is put."""
        for path in self.folder.iterdir():
            content = path.name.removesuffix(_NOTE)
            whole = path.with_name(content).exists() and path.with_name(content + _NOTE).exists()
            if path.name.startswith(".") or not whole:
                path.unlink(missing_ok=True)

    def forget(self, content: Path) -> None:
        """Remove an entry whose records are committed; the note first, so that none is left alone."""
        content.with_name(content.name + _NOTE).unlink(missing_ok=True)
        content.unlink(missing_ok=True)


class SpoolSource:
    """The waiting entries of a spool as a source; `confirm` removes what was handed out."""

    at_once = 1

    name = "spool"

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.progress = Progress()
        self._entries: dict[ObjectRef, SpoolEntry] = {}

    def objects(self) -> Iterator[ObjectRef]:
        self.progress = Progress()
        for entry in self.spool.entries():
            self._entries[entry.ref] = entry
            yield self.progress.handed_out(entry.ref)
        self.progress.total = self.progress.objects

    def fetch(self, ref: ObjectRef) -> bytes:
        try:
            return self._entries[ref].path.read_bytes()
        except (KeyError, OSError) as error:
            raise ObjectUnavailable(
                ref.name, "gone", f"the spooled bytes cannot be read: {error}", "Check the home's disk."
            ) from error

    def confirm(self) -> None:
        for entry in self._entries.values():
            self.spool.forget(entry.path)
        self._entries.clear()

    def note(self, ref: ObjectRef) -> ReadingNote | None:
        """What is known of an entry beforehand."""
        entry = self._entries.get(ref)
        return entry.note if entry else None


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
