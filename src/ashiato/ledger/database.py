"""Opening the control database: connection, schema version, migration."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ashiato.core.errors import AshiatoError, HomeNewer, WrongUse

#: The newest migration that this version knows; opening checks against it without loading Alembic.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")


def _engine(url: str) -> Engine:
    try:
        engine = sa.create_engine(url)
    except ModuleNotFoundError as error:
        raise WrongUse(
            f"the driver {error.name} of the control database is not installed",
            where=_shown(url),
            remedy="Install it with: pip install 'ashiato[postgres]'",
        ) from error
    except (sa.exc.ArgumentError, ValueError) as error:
        raise WrongUse(
            f"this is no address of a control database: {error}",
            where="ledger_url",
            remedy="Write postgresql+psycopg://user@host/database, or leave it out for SQLite in the home.",
        ) from error
    if engine.dialect.name == "sqlite":
        if "mode=ro" not in url:
            sa.event.listen(engine, "connect", _pragmas)
    elif engine.dialect.name == "postgresql":
        sa.event.listen(engine, "connect", _in_utc)
    else:
        raise WrongUse(
            f"the control database runs on SQLite or PostgreSQL, not on {engine.dialect.name}",
            where="ledger_url",
        )
    return engine


def _shown(url: str) -> str:
    """A database's address without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "ledger_url"


def _in_utc(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
    # FULL: a confirmed batch must survive power loss, for the source is told that it may forget.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


class Ledger:
    """The control database of a home. `url` is a SQLAlchemy URL; SQLite in the home by default."""

    def __init__(self, url: str, *, migrate: bool) -> None:
        self.url = url
        self.engine: Engine = _engine(url)
        try:
            self._open(migrate=migrate)
        except BaseException:
            self.engine.dispose()
            raise

    @classmethod
    def at(cls, folder: Path, *, migrate: bool, url: str | None = None) -> Ledger:
        """The ledger of the home in `folder`: `url`, or `ledger.db` in it."""
        if url is not None:
            return cls(url, migrate=migrate)
        path = folder / "ledger.db"
        if not migrate and not os.access(folder, os.W_OK):
            # SQLite makes two files beside a database in WAL mode even to read it. Where it may not, and no
            # writer has left one, nobody is changing it.
            immutable = "" if path.with_name("ledger.db-wal").exists() else "&immutable=1"
            return cls(f"sqlite:///file:{quote(str(path))}?mode=ro{immutable}&uri=true", migrate=False)
        return cls(f"sqlite:///{path}", migrate=migrate)

    @property
    def place(self) -> str:
        """Where it is, for people; without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    def revision(self) -> str | None:
        """The schema version of the database; None for an empty one."""
        with self.engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            value: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            return value

    def _open(self, *, migrate: bool) -> None:
        try:
            revision = self.revision()
        except sa.exc.DBAPIError as error:
            raise AshiatoError(
                f"the control database cannot be opened: {error.orig}",
                where=self.place,
                remedy="Check that it is Ashiato's, that it runs, that this user may read it, and that there is disk space.",
            ) from error
        if revision == REVISIONS[-1]:
            return
        if revision is not None and revision not in REVISIONS:
            raise HomeNewer(
                f"the home was written by a newer Ashiato (schema {revision}; this one knows {REVISIONS[-1]})",
                where=self.place,
                remedy="Install that version or a newer one.",
            )
        if not migrate:
            raise AshiatoError(
                f"the home has schema {revision or 'none'} and must be migrated to {REVISIONS[-1]} first",
                where=self.place,
                remedy="Run `ashiato maintain` (or any command that writes) once.",
            )
        self._migrate()

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        try:
            with self.engine.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except sa.exc.SQLAlchemyError as error:
            raise AshiatoError(
                f"the control database cannot be brought to schema {REVISIONS[-1]}: {error}",
                where=self.place,
                remedy="It is as it was. Check that this user may create tables there, and that there is disk space.",
            ) from error

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction."""
        with self.engine.begin() as connection:
            yield connection

    def rows(self, statement: sa.Executable) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        with self.engine.connect() as connection:
            return connection.execute(statement).all()

    def scalar(self, statement: sa.Executable) -> Any:
        with self.engine.connect() as connection:
            return connection.scalar(statement)

    def close(self) -> None:
        self.engine.dispose()


def utc(value: datetime | None) -> datetime | None:
    """SQLite gives times back without a zone: they are UTC."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
