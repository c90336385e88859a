"""What several commands of `ashiato alerts` take: which alerts, and the control database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ashiato.cli.options import system_user

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from ashiato.alerts.acts import Desk
    from ashiato.cli.app import Common

IdsArgument = Annotated[
    list[str],
    typer.Argument(metavar="ID…", help="Alerts (A-17, or 17) and incidents (I-3: all of its alerts)."),
]


@contextmanager
def reading(told: Common) -> Iterator[Connection]:
    """A connection to the control database, for reading."""
    with told.open_ledger() as ledger, ledger.engine.connect() as connection:
        yield connection


@contextmanager
def acting(told: Common, by: str | None) -> Iterator[Desk]:
    """A transaction in which a person acts."""
    from ashiato.alerts.acts import Desk
    from ashiato.core.clock import now

    with told.open_ledger() as ledger, ledger.begin() as connection:
        yield Desk(connection, told.settings, by or system_user(), now())
