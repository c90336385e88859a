"""A home: lake, ledger, key table, spool and archive in one folder."""

from __future__ import annotations

import os
from pathlib import Path

from ashiato.core.errors import AshiatoError
from ashiato.core.locks import WriterLock
from ashiato.ledger import Ledger

FOLDERS = ("lake", "spool", "archive", "tmp", "readers")


class Home:
    """Paths of a home and its ledger; `writer` holds the lock where the process may write."""

    def __init__(self, folder: Path, ledger: Ledger, writer: WriterLock | None) -> None:
        self.folder = folder
        self.ledger = ledger
        self.writer = writer

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @classmethod
    def open_for_reading(cls, folder: Path) -> Home:
        """A home as it is; nothing is written but a reader's lease. Raises AshiatoError if there is none."""
        folder = folder.expanduser().absolute()
        if not (folder / "ledger.db").exists():
            raise AshiatoError(
                "there is no home yet",
                where=str(folder),
                remedy="Take something in first: `ashiato collect FOLDER` (or `ashiato demo`),"
                " or name the home with --home.",
            )
        return cls(folder, Ledger.at(folder, migrate=False), None)

    @classmethod
    def open_for_writing(cls, folder: Path, purpose: str, *, wait_seconds: float = 0.0) -> Home:
        """Take the writer's lock, make or migrate the home. Raises HomeBusy, HomeNewer, AshiatoError."""
        from ashiato.lake.catalog import make_tables, open_catalog

        folder = folder.expanduser().absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in FOLDERS:
                (folder / name).mkdir(exist_ok=True)
        except OSError as error:
            raise AshiatoError(
                f"the home cannot be made: {error.strerror}",
                where=str(folder),
                remedy="Give this user write permission there, or choose another home with --home.",
            ) from error
        lock = WriterLock(folder / "lock", purpose)
        lock.acquire(wait_seconds=wait_seconds)
        try:
            if not os.access(folder / "lake", os.W_OK):
                raise AshiatoError(
                    "the home is read-only", where=str(folder), remedy="Give this user write permission there."
                )
            ledger = Ledger.at(folder, migrate=True)
            make_tables(open_catalog(folder / "lake"))
        except BaseException:
            lock.release()
            raise
        for leftover in (folder / "tmp").iterdir():
            if leftover.is_file():
                leftover.unlink(missing_ok=True)
        return cls(folder, ledger, lock)

    def close(self) -> None:
        self.ledger.close()
        if self.writer is not None:
            self.writer.release()

    def __enter__(self) -> Home:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
