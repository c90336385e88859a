"""Files, folders and globs as a source."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path

from ashiato.core.errors import SourceUnavailable
from ashiato.sources.layout import day_in
from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Problem, Progress
from ashiato.sources.options import SourceOptions

_NUMBER = re.compile(r"(?:year=|month=|day=|hour=)?(\d{1,4})")
_SORTED_TOGETHER = 10_000
_READS = 3
_OPEN_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class FilesSource:
    """A file, a folder with everything below it, or a glob.

    Hidden files and folders (a name that begins with a dot) below a folder are left out and counted:
    they are what copying tools write before they rename. Links are followed, each folder once. Dated
    folders come newest first; otherwise names ascend, in blocks of 10,000 so that memory stays bounded.
    """

    at_once = 1

    def __init__(self, address: str, *, name: str, options: SourceOptions) -> None:
        self.name = name
        self.address = address
        self.progress = Progress()
        self._options = options

    def objects(self) -> Iterator[ObjectRef]:
        self.progress = Progress()
        self._walked: set[tuple[int, int]] = set()
        path = Path(self.address).expanduser()
        if path.exists() or path.is_symlink():
            yield from self._below(_resolved(path))
        elif glob.has_magic(self.address):
            yield from self._matching(str(path.absolute()))
        else:
            raise SourceUnavailable(
                f"There is no file or folder {self.address}",
                remedy="Check the path; a pattern needs *, ? or [ ], a bucket is written s3://bucket/prefix.",
            )
        self.progress.total = self.progress.objects

    def fetch(self, ref: ObjectRef) -> bytes:
        """The file's bytes; a file that changes while it is read is read again, at most three times."""
        if ref.size > self._options.max_object_bytes:
            raise _too_large(ref.name, ref.size, self._options.max_object_bytes)
        replacement: ObjectRef | None = None
        for _ in range(_READS):
            content, before, after = self._read(ref.name)
            if _etag(before) == _etag(after) and len(content) == after.st_size:
                if _etag(after) == ref.etag:
                    return content
                replacement = self._ref(ref.name, after)
                break
            replacement = self._ref(ref.name, after)
        raise ObjectUnavailable(
            ref.name,
            "changed",
            "The file changed after it was listed",
            "It is read when it stops changing; copy it to another name and rename it when complete.",
            soon=True,
            replacement=replacement,
        )

    def confirm(self) -> None:
        """Files are walked anew each time; nothing is remembered."""

    def ref_of(self, path: str) -> ObjectRef | None:
        """The reference of one regular file as it is now; None for anything else, or what is not wanted."""
        name = _resolved(Path(path))
        try:
            found = os.stat(name)  # noqa: PTH116
            name.encode()
        except (OSError, UnicodeEncodeError):
            return None
        return self._ref(name, found) if stat.S_ISREG(found.st_mode) and self._wanted(name, found) else None

    def _read(self, name: str) -> tuple[bytes, os.stat_result, os.stat_result]:
        try:
            # Without O_NONBLOCK a pipe that took the file's place would hang the run.
            descriptor = os.open(name, os.O_RDONLY | _OPEN_FLAGS)
            with os.fdopen(descriptor, "rb") as file:
                before = os.fstat(descriptor)
                if not stat.S_ISREG(before.st_mode):
                    raise ObjectUnavailable(
                        name, "not-a-file", "This is no regular file any more", "Nothing to do.", retry=False
                    )
                limit = self._options.max_object_bytes
                # Asked for no more than there is: a buffer of the limit's size would be made for each file.
                content = file.read(min(before.st_size, limit) + 1)
                if len(content) > limit:
                    raise _too_large(name, max(before.st_size, len(content)), limit)
                return content, before, os.fstat(descriptor)
        except OSError as error:
            raise _unreadable(name, error) from error

    def _matching(self, pattern: str) -> Iterator[ObjectRef]:
        matched = False
        walked: set[str] = set()
        for hit in glob.iglob(pattern, recursive=True):  # noqa: PTH207 - Path.glob sorts nothing out, needs a root
            matched = True
            # `**` also matches the folders above each file; what lies below a walked folder is done.
            if walked and any(str(parent) in walked for parent in Path(hit).parents):
                continue
            if os.path.isdir(hit):  # noqa: PTH112 - a glob can match millions of names
                walked.add(hit.rstrip("/"))
            yield from self._below(_resolved(Path(hit)))
        if not matched:
            raise SourceUnavailable(
                f"Nothing matches {self.address}", remedy="Check the pattern; ** crosses folders."
            )

    def _below(self, root: str) -> Iterator[ObjectRef]:
        found = self._stat(root)
        if found is None:
            return
        if not stat.S_ISDIR(found.st_mode):
            yield from self._one(root, found)
            return
        pending = [root.rstrip("/") or "/"]
        while pending:
            folder = pending.pop()
            if not self._enter(folder):
                continue
            below: list[str] = []
            yield from self._files_in(folder, below.append)
            pending += _newest_last(below)

    def _files_in(self, folder: str, enter: Callable[[str], None]) -> Iterator[ObjectRef]:
        try:
            with os.scandir(folder) as entries:
                while block := sorted(islice(entries, _SORTED_TOGETHER), key=lambda entry: entry.name):
                    for entry in block:
                        if entry.name.startswith("."):
                            self.progress.left_out["hidden"] += 1
                        elif _is_folder(entry):
                            enter(entry.path)
                        elif (found := self._stat(entry.path)) is not None:
                            yield from self._one(entry.path, found)
        except OSError as error:
            self._problem(folder, f"The folder cannot be listed ({error.strerror})")

    def _one(self, path: str, found: os.stat_result) -> Iterator[ObjectRef]:
        if not stat.S_ISREG(found.st_mode):
            self.progress.left_out["not a regular file"] += 1
            return
        try:
            path.encode()
        except UnicodeEncodeError:
            self._problem(os.fsencode(path).decode("utf-8", "backslashreplace"), "The name is not UTF-8")
            return
        if self._wanted(path, found):
            yield self.progress.handed_out(self._ref(path, found))
        else:
            self.progress.left_out["outside --from/--to"] += 1

    def _wanted(self, path: str, found: os.stat_result) -> bool:
        day = day_in(path)
        if day is not None or self._options.from_ is None:
            return self._options.wants(day)
        return _mtime(found) >= datetime.combine(self._options.from_, time(), UTC)

    def _enter(self, folder: str) -> bool:
        found = self._stat(folder)
        if found is None:
            return False
        identity = (found.st_dev, found.st_ino)
        if identity in self._walked:
            self.progress.left_out["folder seen under another name"] += 1
            return False
        self._walked.add(identity)
        return True

    def _stat(self, path: str) -> os.stat_result | None:
        try:
            return os.stat(path)  # noqa: PTH116 - a Path per file costs more than the call
        except OSError as error:
            self._problem(path, f"It cannot be looked at ({error.strerror})")
            return None

    def _problem(self, where: str, what: str) -> None:
        remedy = "Give the user that runs Ashiato the right to read it, or take it out of the folder."
        if what.endswith("UTF-8"):
            remedy = "Rename it; Ashiato keeps names as text."
        self.progress.problems.append(Problem(where, what, remedy))

    def _ref(self, path: str, found: os.stat_result) -> ObjectRef:
        return ObjectRef(self.name, path, _etag(found), found.st_size, _mtime(found))


def _etag(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}"


def _mtime(found: os.stat_result) -> datetime:
    try:
        return datetime.fromtimestamp(found.st_mtime, UTC)
    except (OverflowError, ValueError, OSError):  # a file system may hold any number
        return datetime.fromtimestamp(0, UTC)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _newest_last(folders: list[str]) -> list[str]:
    """Order for a stack: dated folders come off it first, newest first, then the others ascending."""
    dated: list[tuple[int, str]] = []
    others: list[str] = []
    for folder in folders:
        number = _NUMBER.fullmatch(folder.rpartition("/")[2])
        if number:
            dated.append((int(number.group(1)), folder))
        else:
            others.append(folder)
    return sorted(others, reverse=True) + [folder for _, folder in sorted(dated)]


def _resolved(path: Path) -> str:
    """One name for one file, whichever link or `..` leads there; a broken link keeps its own."""
    try:
        return str(path.resolve(strict=True))
    except (OSError, RuntimeError):
        return str(path.absolute())


def _too_large(name: str, size: int, limit: int) -> ObjectUnavailable:
    return ObjectUnavailable(
        name,
        "too-large",
        f"{size:,} bytes are more than the {limit:,} that are read at once",
        "AWS delivers at most 75 MB an object; split a file of your own at line ends (`split -C 100m`).",
        retry=False,
    )


def _unreadable(name: str, error: OSError) -> ObjectUnavailable:
    if isinstance(error, PermissionError):
        return ObjectUnavailable(
            name,
            "denied",
            "The file may not be read",
            f"Give the user that runs Ashiato the right to read it (setfacl -m u:ashiato:r {_quoted(name)}).",
        )
    if isinstance(error, FileNotFoundError):
        return ObjectUnavailable(name, "gone", "The file is not there any more", "Put it back, or forget it.")
    if isinstance(error, IsADirectoryError):
        return ObjectUnavailable(name, "not-a-file", "This is a folder now", "Nothing to do.", retry=False)
    return ObjectUnavailable(
        name, "other", f"The file cannot be read ({error.strerror})", "Check the disk or mount.", soon=True
    )


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "'\\''") + "'"
