"""Opening the control database: connection, schema version, migration."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ashiato.core.errors import AshiatoError, HomeNewer

#: The newest migration that this version knows; opening checks against it without loading Alembic.
REVISIONS = ("0001", "0002")


def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
    # FULL: a confirmed batch must survive power loss, for the source is told that it may forget.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


class Ledger:
    """The control database of a home. `url` is a SQLAlchemy URL; SQLite in the home by default."""

    def __init__(self, url: str, *, migrate: bool) -> None:
        self.url = url
        self.engine: Engine = sa.create_engine(url)
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _pragmas)
        self._open(migrate=migrate)

    @classmethod
    def at(cls, folder: Path, *, migrate: bool) -> Ledger:
        return cls(f"sqlite:///{folder / 'ledger.db'}", migrate=migrate)

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
                where=str(self.engine.url.render_as_string(hide_password=True)),
                remedy="Check that it is Ashiato's and that this user may read it.",
            ) from error
        if revision == REVISIONS[-1]:
            return
        if revision is not None and revision not in REVISIONS:
            raise HomeNewer(
                f"the home was written by a newer Ashiato (schema {revision}; this one knows {REVISIONS[-1]})",
                where=str(self.engine.url.render_as_string(hide_password=True)),
                remedy="Install that version or a newer one.",
            )
        if not migrate:
            raise AshiatoError(
                f"the home has schema {revision or 'none'} and must be migrated to {REVISIONS[-1]} first",
                where=str(self.engine.url.render_as_string(hide_password=True)),
                remedy="Run `ashiato maintain` (or any command that writes) once.",
            )
        self._migrate()

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        with self.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction."""
        with self.engine.begin() as connection:
            yield connection

    def rows(self, statement: sa.Executable) -> Sequence[sa.Row[Any]]:
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
