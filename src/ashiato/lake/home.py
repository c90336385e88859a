"""A home: lake, ledger, key table, spool and archive in one folder."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from ashiato.core.errors import AshiatoError
from ashiato.core.locks import WriterLock
from ashiato.ledger import Ledger
from ashiato.ledger.tables import homes, objects

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
    def open_for_reading(cls, folder: Path, *, ledger_url: str | None = None) -> Home:
        """A home as it is; nothing is written but a reader's lease. Raises AshiatoError if there is none."""
        folder = folder.expanduser().absolute()
        made = folder / ("lake" if ledger_url else "ledger.db")
        try:
            made.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise AshiatoError(
                "there is no home yet",
                where=str(folder),
                remedy="Take something in first: `ashiato collect FOLDER` (or `ashiato demo`),"
                " or name the home with --home.",
            ) from error
        except OSError as error:
            raise AshiatoError(
                f"the home cannot be read: {error.strerror}",
                where=str(folder),
                remedy="Give this user the right to read it, or name another home with --home.",
            ) from error
        return cls(folder, Ledger.at(folder, migrate=False, url=ledger_url), None)

    @classmethod
    def open_for_writing(
        cls, folder: Path, purpose: str, *, wait_seconds: float = 0.0, ledger_url: str | None = None
    ) -> Home:
        """Take the writer's lock, make or migrate the home. Raises HomeBusy, HomeNewer, AshiatoError.

        `ledger_url` names the control database where it is not SQLite in the home.
        """
        from ashiato.lake.catalog import check_place, make_tables, open_catalog

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
                    "the home is read-only",
                    where=str(folder),
                    remedy="Give this user write permission there.",
                )
            ledger = Ledger.at(folder, migrate=True, url=ledger_url)
            _belong_together(folder, ledger, apart=ledger_url is not None)
            catalog = open_catalog(folder / "lake")
            make_tables(catalog)
            check_place(folder)
        except SQLAlchemyError as error:
            lock.release()
            raise AshiatoError(
                f"the home's catalogue cannot be opened: {error}",
                where=str(folder / "lake"),
                remedy="Check disk space and the folder's permissions.",
            ) from error
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _belong_together(folder: Path, ledger: Ledger, *, apart: bool) -> None:
    """Folder and control database carry one id. Raises AshiatoError where they are of different homes.

    A database of another home would call objects taken that this lake never saw, an empty one would take
    objects again that it holds. `apart`: the database does not lie in the folder.
    """
    path = folder / "id"
    own = path.read_text().strip() if path.exists() else None
    theirs = ledger.scalar(sa.select(homes.c.id))
    if theirs is None and own is None:
        theirs = uuid.uuid4().hex
        with ledger.begin() as connection:
            connection.execute(sa.insert(homes).values(id=theirs))
    elif theirs is None:
        raise AshiatoError(
            "the control database is empty, but the home is not",
            where=ledger.place,
            remedy="Give the home its own control database back (`ashiato restore`), or begin a new home.",
        )
    if own is None and not (apart and _used(ledger)):
        path.write_text(theirs + "\n")
    elif own != theirs:
        raise AshiatoError(
            "the control database belongs to another home",
            where=ledger.place,
            remedy="Name a database of its own for each home (ledger_url), or the home that this one belongs to.",
        )


def _used(ledger: Ledger) -> bool:
    return bool(ledger.scalar(sa.select(sa.exists().where(objects.c.id > 0))))
