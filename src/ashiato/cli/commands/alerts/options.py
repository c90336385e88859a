"""What several commands of `ashiato alerts` take: who acts, times, accounts; and the control database."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from ashiato.alerts.acts import Desk
    from ashiato.cli.app import Common
    from ashiato.core.settings import Settings

IdsArgument = Annotated[
    list[str],
    typer.Argument(metavar="ID…", help="Alerts (A-17, or 17) and incidents (I-3: all of its alerts)."),
]
ByOption = Annotated[
    str | None,
    typer.Option("--by", help="Who does it; default: the user of this system.", show_default=False),
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


def system_user() -> str:
    """The name of whoever runs the command, for the audit log."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def moment(text: str, option: str, *, ahead: bool) -> datetime:
    """A time: 2026-12-31, 2026-12-31T09:00+09:00 (UTC without a zone), or a span from now such as "7 days"."""
    from ashiato.core.clock import now
    from ashiato.core.errors import WrongUse
    from ashiato.core.spans import parse_span

    try:
        time = datetime.fromisoformat(text.strip())
        return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        span = parse_span(text)
        if span is not None:
            return now() + span if ahead else now() - span
    except (ValueError, OverflowError):
        pass
    raise WrongUse(
        f"{option} is no time: {text}",
        where=option,
        remedy='Write 2026-12-31, 2026-12-31T09:00+09:00 (UTC without a zone), or a span such as "7 days".',
    )


def accounts_by_name(settings: Settings, given: Sequence[str]) -> list[str]:
    """Ids of accounts that were given by id or name. Raises WrongUse for a name that the settings do not have."""
    from ashiato.core.errors import WrongUse

    ids = {a.name: a.id for a in settings.accounts}
    for name in given:
        if name not in ids and not (name.isdigit() and len(name) == 12):
            raise WrongUse(
                f"there is no account {name}",
                where="--account",
                remedy="Give twelve digits, or a name of the settings: "
                + (", ".join(sorted(ids)) or "there are none")
                + ".",
            )
    return [ids.get(name, name) for name in given]
