"""Where a backup lies: a folder, or one tar file. Its last written part, `backup.json`, makes it valid."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol, Self

from ashiato.core.errors import AshiatoError, WrongUse

MANIFEST = "backup.json"
#: Marks a folder as a backup's from its first file on.
MARK = ".ashiato-backup"


@dataclass(frozen=True)
class BackupFile:
    """A file of a backup: path in it, bytes, SHA-256 as hex."""

    path: str
    size: int
    sha256: str


class Store(Protocol):
    """Takes the files of a backup; `finish` makes it the valid one."""

    copied_files: int
    copied_bytes: int
    #: A folder beside the backup for files that are being made.
    scratch: Path

    def add(self, source: Path, path: str) -> BackupFile:
        """Keep a copy of `source` as `path`. A path always has the same content. Raises OSError."""

    def finish(self, manifest: bytes, keep: Collection[str]) -> None:
        """Write the manifest; files that are not in `keep` may go."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


def open_store(target: Path, home: Path, *, link: bool) -> Store:
    """The store for a backup of `home`. Raises WrongUse where the target holds something else."""
    if target.suffix == ".tar":
        if target.exists():
            raise WrongUse(
                "there is a file of that name", where=str(target), remedy="Name another, or remove it."
            )
        return TarStore(target)
    return FolderStore(target, home, link=link)


class FolderStore:
    """A folder; files of an earlier backup in it are kept and not copied again."""

    def __init__(self, folder: Path, home: Path, *, link: bool) -> None:
        if folder.exists() and not folder.is_dir():
            raise WrongUse(
                "the target is a file", where=str(folder), remedy="Name a folder, or a new .tar file."
            )
        if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).exists():
            raise WrongUse(
                "the folder is not empty and holds no backup",
                where=str(folder),
                remedy="Name a new or empty folder, or that of an earlier backup.",
            )
        self.folder = self.scratch = folder
        self.link = link
        self.copied_files = 0
        self.copied_bytes = 0
        self._earlier: dict[str, BackupFile] = {}
        if (folder / MANIFEST).exists():
            document = json.loads((folder / MANIFEST).read_bytes())
            if document["home"] != str(home):
                raise WrongUse(
                    f"the folder holds a backup of another home, {document['home']}",
                    where=str(folder),
                    remedy="Name a folder of its own for each home.",
                )
            self._earlier = {f.path: f for f in files_of(document)}

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / MARK).touch()
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def add(self, source: Path, path: str) -> BackupFile:
        target = self.folder / path
        earlier = self._earlier.get(path)
        if earlier is not None and target.exists() and target.stat().st_size == earlier.size:
            return earlier
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{uuid.uuid4().hex}")
        try:
            if not (self.link and _linked(source, temporary)):
                shutil.copyfile(source, temporary)
                _sync(temporary)
            kept = BackupFile(path, temporary.stat().st_size, _hash(temporary))
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self.copied_files += 1
        self.copied_bytes += kept.size
        return kept

    def finish(self, manifest: bytes, keep: Collection[str]) -> None:
        temporary = self.folder / f".{uuid.uuid4().hex}"
        temporary.write_bytes(manifest)
        _sync(temporary)
        temporary.replace(self.folder / MANIFEST)
        # From here on the folder is the new backup; what only the earlier one needed goes.
        stay = set(keep) | {MANIFEST, MARK}
        for path in self.folder.rglob("*"):
            if path.is_file() and str(path.relative_to(self.folder)) not in stay:
                path.unlink()


class TarStore:
    """One tar file, which gets its name when it is complete."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.scratch = target.parent
        self.copied_files = 0
        self.copied_bytes = 0
        self._partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")

    def __enter__(self) -> Self:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._tar = tarfile.open(self._partial, "w")
        return self

    def __exit__(self, *exc: object) -> None:
        # Where the disk is full, closing fails too.
        try:
            self._tar.close()
        except OSError:
            if exc[0] is None:
                raise
        finally:
            self._partial.unlink(missing_ok=True)

    def add(self, source: Path, path: str) -> BackupFile:
        size = source.stat().st_size
        header = tarfile.TarInfo(path)
        header.size = size
        header.mtime = int(source.stat().st_mtime)
        with source.open("rb") as file:
            hashing = _Hashing(file)
            self._tar.addfile(header, hashing)
        self.copied_files += 1
        self.copied_bytes += size
        return BackupFile(path, size, hashing.digest.hexdigest())

    def finish(self, manifest: bytes, keep: Collection[str]) -> None:
        del keep
        header = tarfile.TarInfo(MANIFEST)
        header.size = len(manifest)
        self._tar.addfile(header, io.BytesIO(manifest))
        self._tar.close()
        _sync(self._partial)
        self._partial.replace(self.target)


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self.file.read(size)
        self.digest.update(part)
        return part


class BackupReader:
    """A finished backup: its manifest, and its files one by one."""

    def __init__(self, place: Path, document: dict[str, Any], tar: tarfile.TarFile | None) -> None:
        self.place = place
        self.document = document
        self.files = files_of(document)
        self._tar = tar

    def open(self, path: str) -> IO[bytes]:
        """The bytes of a file. Raises AshiatoError where it is missing."""
        try:
            if self._tar is None:
                return (self.place / path).open("rb")
            found = self._tar.extractfile(path)
        except (OSError, KeyError) as error:
            raise _damaged(self.place, f"{path} is missing") from error
        if found is None:
            raise _damaged(self.place, f"{path} is no file")
        return found

    def copy(self, file: BackupFile, target: Path) -> None:
        """Write a file to `target` and check it. Raises AshiatoError where it is not what was backed up."""
        digest = hashlib.sha256()
        with self.open(file.path) as source, target.open("wb") as written:
            while part := source.read(1 << 20):
                digest.update(part)
                written.write(part)
            written.flush()
            os.fsync(written.fileno())
        if digest.hexdigest() != file.sha256:
            raise _damaged(self.place, f"{file.path} is not what was written")

    def damaged(self) -> Iterator[str]:
        """What is missing or changed, in words."""
        for file in self.files:
            digest = hashlib.sha256()
            try:
                with self.open(file.path) as source:
                    while part := source.read(1 << 20):
                        digest.update(part)
            except AshiatoError:
                yield f"{file.path} is missing"
                continue
            if digest.hexdigest() != file.sha256:
                yield f"{file.path} is not what was written"


@contextmanager
def read_backup(place: Path) -> Iterator[BackupReader]:
    """Open a finished backup. Raises WrongUse where there is none."""
    place = place.expanduser().absolute()
    none = WrongUse(
        "there is no finished backup", where=str(place), remedy="Name the folder or .tar file of one."
    )
    if place.is_dir():
        try:
            document = json.loads((place / MANIFEST).read_bytes())
        except OSError as error:
            raise none from error
        yield BackupReader(place, document, None)
        return
    try:
        with tarfile.open(place) as tar:
            member = tar.extractfile(MANIFEST)
            if member is None:
                raise none
            yield BackupReader(place, json.loads(member.read()), tar)
    except (OSError, KeyError, tarfile.TarError) as error:
        raise none from error


def verify(place: Path) -> list[str]:
    """Read a whole backup and compare it with its checksums; what is wrong, in words."""
    with read_backup(place) as found:
        return list(found.damaged())


def files_of(document: dict[str, Any]) -> list[BackupFile]:
    """The files that a manifest names. Raises AshiatoError for a path that leads out of the backup."""
    files = [BackupFile(**f) for f in document["files"]]
    for file in files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts:
            raise AshiatoError(f"the backup names a path outside itself: {file.path}")
    return files


def _damaged(place: Path, what: str) -> AshiatoError:
    return AshiatoError(
        f"the backup is damaged: {what}",
        where=str(place),
        remedy="Use another backup, or another copy of this one.",
    )


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        # Another file system: a copy, then.
        return False
    return True


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
